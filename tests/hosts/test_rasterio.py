"""rasterio, with the system's GDAL, reads our files like any other raster."""

import os
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio
from conftest import RASTERIO_DTYPES, block_size_of, make_photo, make_uint16, write_geotiff
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

# An array without georeferencing is no reason to warn here.
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

TRANSFORM = from_origin(500000, 5200000, 30, 20)
WINDOWS = [Window(0, 0, 1, 1), Window(5, 7, 100, 50), Window(299, 0, 1, 200),
           Window(0, 199, 300, 1), Window(0, 0, 300, 200)]


# --- reading --------------------------------------------------------------------------------


def test_rasterio_uses_the_gdal_that_has_the_plugin(files):
    with rasterio.Env() as env:
        assert files.driver in env.drivers()


def test_profile_of_a_plain_array(files, uint16_image):
    with rasterio.open(files.save(uint16_image)) as dataset:
        assert dataset.driver == files.driver
        assert dataset.shape == uint16_image.shape
        assert dataset.dtypes == ("uint16",)
        assert dataset.crs is None
        assert dataset.transform.is_identity
        assert dataset.nodata is None


def test_profile_of_a_georeferenced_array(files, egm96):
    with rasterio.open(egm96.path) as dataset:
        profile = dataset.profile
        assert profile["driver"] == files.driver
        assert (profile["dtype"], profile["count"]) == ("float32", 1)
        assert (profile["height"], profile["width"]) == egm96.values.shape
        assert profile["crs"].to_epsg() == egm96.epsg
        assert profile["transform"].to_gdal() == egm96.geotransform
        assert profile["nodata"] == pytest.approx(egm96.nodata)
        np.testing.assert_array_equal(dataset.read(1), egm96.values)


@pytest.mark.parametrize("dtype", RASTERIO_DTYPES)
def test_every_common_type_reads_as_numpy_does(files, uint16_image, dtype):
    array = uint16_image.astype(dtype)
    if array.dtype.kind == "c":
        array = array + array[::-1] * array.dtype.type(1j)
    with rasterio.open(files.save(array)) as dataset:
        assert dataset.dtypes == (dtype,)
        np.testing.assert_array_equal(dataset.read(1), array)


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_window_equals_the_slice_of_numpy(files_laid_out, uint16_image, window):
    with rasterio.open(files_laid_out.save(uint16_image)) as dataset:
        np.testing.assert_array_equal(dataset.read(1, window=window),
                                      uint16_image[window.toslices()])


def test_attributes_of_an_array_are_its_georeferencing(blosc2_files, uint16_image):
    path = blosc2_files.save(uint16_image, proj_code="EPSG:32633",
                             spatial_transform=list(TRANSFORM)[:6])
    with rasterio.open(path) as dataset:
        assert (dataset.driver, dataset.crs.to_epsg()) == ("B2ND", 32633)
        assert dataset.transform == TRANSFORM
        np.testing.assert_array_equal(dataset.read(1), uint16_image)


def test_colours_of_an_image_are_bands_in_any_order(files, photo):
    with rasterio.open(files.save(photo)) as dataset:
        assert dataset.count == 3
        assert [colour.name for colour in dataset.colorinterp] == ["red", "green", "blue"]
        np.testing.assert_array_equal(dataset.read(), np.moveaxis(photo, -1, 0))
        window = Window(10, 20, 30, 40)
        np.testing.assert_array_equal(dataset.read([3, 1], window=window),
                                      np.moveaxis(photo[20:60, 10:40, [2, 0]], -1, 0))


def test_block_windows_cover_the_image_once(egm96):
    with rasterio.open(egm96.path) as dataset:
        covered = np.zeros(dataset.shape, int)
        copy = np.zeros(dataset.shape, dataset.dtypes[0])
        windows = [window for _, window in dataset.block_windows(1)]
        for window in windows:
            covered[window.toslices()] += 1
            copy[window.toslices()] = dataset.read(1, window=window)
    assert len(windows) > 1
    assert (covered == 1).all()
    np.testing.assert_array_equal(copy, egm96.values)


def test_masked_read_hides_nodata(files, uint16_image):
    uint16_image[20:30, 40:60] = 7
    path = files.save(uint16_image)
    with rasterio.open(path, "r+") as dataset:
        dataset.nodata = 7
    hidden = uint16_image == 7
    with rasterio.open(path) as dataset:
        image = dataset.read(1, masked=True)
        np.testing.assert_array_equal(image.mask, hidden)
        np.testing.assert_array_equal(image.data, uint16_image)
        np.testing.assert_array_equal(dataset.read_masks(1), np.where(hidden, 0, 255))
    np.testing.assert_array_equal(files.load(path), uint16_image)  # nodata is beside the file


def test_smaller_output_is_resampled_as_from_a_geotiff(tmp_path, files, photo):
    path = files.save(photo)
    geotiff = write_geotiff(tmp_path / "same.tif", photo, block_size_of(path))
    for method in (rasterio.enums.Resampling.nearest, rasterio.enums.Resampling.average,
                   rasterio.enums.Resampling.cubic):
        with rasterio.open(path) as ours, rasterio.open(geotiff) as tiff:
            shape = (3, 77, 91)
            np.testing.assert_array_equal(ours.read(out_shape=shape, resampling=method),
                                          tiff.read(out_shape=shape, resampling=method))


def test_warped_vrt_equals_that_of_a_geotiff(tmp_path, egm96):
    # A nodata value that float32 does not have would make the pixels float64.
    nodata = float(np.float32(egm96.nodata))
    geotiff = write_geotiff(tmp_path / "same.tif", egm96.values, block_size_of(egm96.path),
                            egm96.geotransform, egm96.epsg, nodata)
    images = []
    for path in (egm96.path, geotiff):
        with rasterio.open(path) as source:
            with WarpedVRT(source, crs="EPSG:3035", resampling=rasterio.enums.Resampling.bilinear,
                           transform=from_origin(2500000, 5500000, 20000, 20000),
                           width=250, height=200) as warped:
                images.append(warped.read(1))
    assert len(np.unique(images[0])) > 1000
    np.testing.assert_array_equal(images[0], images[1])


def test_subdatasets_of_a_4d_array_open_by_their_names(files):
    stack = np.stack([make_uint16()[np.newaxis, :60, :80] + plane for plane in range(3)])
    path = files.save(stack)
    with rasterio.open(path) as dataset:
        names = dataset.subdatasets
    # rasterio takes the quotes out of the names that the driver lists; either way must open.
    assert names == [f"{files.driver}:{path}:{index}" for index in range(3)]
    for index, plane in enumerate(stack):
        for name in (names[index], f'{files.driver}:"{path}":[{index}]'):
            with rasterio.open(name) as dataset:
                np.testing.assert_array_equal(dataset.read(), plane)


def test_open_option_chooses_the_axes(files, photo):
    with rasterio.open(files.save(photo), AXES="BYX") as dataset:
        assert (dataset.count, *dataset.shape) == photo.shape
        np.testing.assert_array_equal(dataset.read(5), photo[4])


def test_memory_file_is_read(files, photo):
    with open(files.save(photo), "rb") as file:
        content = file.read()
    with MemoryFile(content) as memory, memory.open() as dataset:
        assert dataset.driver == files.driver
        np.testing.assert_array_equal(dataset.read(), np.moveaxis(photo, -1, 0))


def test_other_files_with_the_same_ending_are_refused(files):
    with open(files.path("text"), "w", encoding="utf-8") as file:
        file.write("not an array\n")
    with pytest.raises(rasterio.errors.RasterioIOError):
        rasterio.open(files.path("text"))


def test_truncated_array_is_refused_with_the_drivers_message(files, uint16_image):
    path = files.save(uint16_image)
    os.truncate(path, os.path.getsize(path) - 1)
    with pytest.raises(rasterio.errors.RasterioIOError, match=re.escape(path)):
        rasterio.open(path)


# --- threads --------------------------------------------------------------------------------


def test_threads_with_datasets_of_their_own_read_different_windows(files):
    image = make_photo(1024, 768)
    path = files.save(image)
    windows = [Window(column, row, 128, 128)
               for row in range(0, 1024, 128) for column in range(0, 768, 128)]

    def read(window):
        with rasterio.open(path) as dataset:
            return [dataset.read(window=window) for _ in range(5)]

    with ThreadPoolExecutor(8) as pool:
        for window, reads in zip(windows, pool.map(read, windows)):
            expected = np.moveaxis(image[window.toslices()], -1, 0)
            for pixels in reads:
                np.testing.assert_array_equal(pixels, expected)
