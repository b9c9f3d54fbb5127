"""rasterio, with the system's GDAL, reads and writes .npy files like any other raster."""

import io
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from conftest import block_lines_of, make_photo, make_uint16, write_geotiff
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

# An array without georeferencing is no reason to warn here.
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

TRANSFORM = from_origin(500000, 5200000, 30, 20)
WINDOWS = [Window(0, 0, 1, 1), Window(5, 7, 100, 50), Window(299, 0, 1, 200),
           Window(0, 199, 300, 1), Window(0, 0, 300, 200)]

# The same numbers, laid out differently in the file.
LAYOUTS = {
    "little-endian": lambda array: array.astype("<u2"),
    "big-endian": lambda array: array.astype(">u2"),
    "Fortran order": lambda array: np.asfortranarray(array.astype("<u2")),
    "big-endian in Fortran order": lambda array: np.asfortranarray(array.astype(">u2")),
}

# What NumPy, GDAL 3.6 and rasterio 1.3 have in common. Not int64 and uint64: rasterio 1.3.5 takes
# one for the other, in a GeoTIFF as well.
DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64",
          "complex64", "complex128"]


def write_profile(**changes):
    profile = {"driver": "NPY", "width": 40, "height": 30, "count": 1, "dtype": "float32"}
    profile.update(changes)
    return profile


# --- reading --------------------------------------------------------------------------------


def test_rasterio_uses_the_gdal_that_has_the_plugin():
    with rasterio.Env() as env:
        assert "NPY" in env.drivers()


def test_profile_of_a_plain_array(save, uint16_image):
    with rasterio.open(save(uint16_image)) as dataset:
        assert dataset.driver == "NPY"
        assert dataset.shape == uint16_image.shape
        assert dataset.dtypes == ("uint16",)
        assert dataset.crs is None
        assert dataset.transform.is_identity
        assert dataset.nodata is None


def test_profile_of_a_georeferenced_array(egm96):
    with rasterio.open(egm96.path) as dataset:
        profile = dataset.profile
        assert (profile["driver"], profile["dtype"], profile["count"]) == ("NPY", "float32", 1)
        assert (profile["height"], profile["width"]) == egm96.values.shape
        assert profile["crs"].to_epsg() == egm96.epsg
        assert profile["transform"].to_gdal() == egm96.geotransform
        assert profile["nodata"] == pytest.approx(egm96.nodata)
        np.testing.assert_array_equal(dataset.read(1), egm96.values)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_common_type_reads_as_numpy_does(save, uint16_image, dtype):
    array = uint16_image.astype(dtype)
    if array.dtype.kind == "c":
        array = array + array[::-1] * array.dtype.type(1j)
    with rasterio.open(save(array)) as dataset:
        assert dataset.dtypes == (dtype,)
        np.testing.assert_array_equal(dataset.read(1), array)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_window_equals_the_slice_of_numpy(save, uint16_image, layout, window):
    path = save(LAYOUTS[layout](uint16_image))
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1, window=window),
                                      np.load(path)[window.toslices()])


@pytest.mark.parametrize("window", WINDOWS)
def test_window_of_a_compressed_array_equals_the_slice_of_numpy(save_compressed, uint16_image,
                                                                window):
    path = save_compressed(uint16_image, proj_code="EPSG:32633",
                           spatial_transform=list(TRANSFORM)[:6])
    rows, columns = window.toslices()
    with rasterio.open(path) as dataset:
        assert (dataset.driver, dataset.crs.to_epsg()) == ("B2ND", 32633)
        assert dataset.transform == TRANSFORM
        np.testing.assert_array_equal(dataset.read(1, window=window),
                                      uint16_image[rows, columns])


def test_colours_of_an_image_are_bands_in_any_order(save, photo):
    with rasterio.open(save(photo)) as dataset:
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


def test_masked_read_hides_nodata(save, uint16_image):
    uint16_image[20:30, 40:60] = 7
    path = save(uint16_image)
    with rasterio.open(path, "r+") as dataset:
        dataset.nodata = 7
    hidden = uint16_image == 7
    with rasterio.open(path) as dataset:
        image = dataset.read(1, masked=True)
        np.testing.assert_array_equal(image.mask, hidden)
        np.testing.assert_array_equal(image.data, uint16_image)
        np.testing.assert_array_equal(dataset.read_masks(1), np.where(hidden, 0, 255))
    np.testing.assert_array_equal(np.load(path), uint16_image)  # nodata is beside the file


def test_smaller_output_is_resampled_as_from_a_geotiff(tmp_path, save, photo):
    path = save(photo)
    geotiff = write_geotiff(tmp_path / "same.tif", photo, block_lines_of(path))
    for method in (rasterio.enums.Resampling.nearest, rasterio.enums.Resampling.average,
                   rasterio.enums.Resampling.cubic):
        with rasterio.open(path) as npy, rasterio.open(geotiff) as tiff:
            shape = (3, 77, 91)
            np.testing.assert_array_equal(npy.read(out_shape=shape, resampling=method),
                                          tiff.read(out_shape=shape, resampling=method))


def test_warped_vrt_equals_that_of_a_geotiff(tmp_path, egm96):
    geotiff = write_geotiff(tmp_path / "same.tif", egm96.values, block_lines_of(egm96.path),
                            egm96.geotransform, egm96.epsg, egm96.nodata)
    images = []
    for path in (egm96.path, geotiff):
        with rasterio.open(path) as source:
            with WarpedVRT(source, crs="EPSG:3035", resampling=rasterio.enums.Resampling.bilinear,
                           transform=from_origin(2500000, 5500000, 20000, 20000),
                           width=250, height=200) as warped:
                images.append(warped.read(1))
    assert len(np.unique(images[0])) > 1000
    np.testing.assert_array_equal(images[0], images[1])


def test_subdatasets_of_a_4d_array_open_by_their_names(save):
    stack = np.stack([make_uint16()[np.newaxis, :60, :80] + plane for plane in range(3)])
    path = save(stack)
    with rasterio.open(path) as dataset:
        names = dataset.subdatasets
    # rasterio takes the quotes out of the names that the driver lists; either way must open.
    assert names == [f"NPY:{path}:[{index}]" for index in range(3)]
    for index, plane in enumerate(stack):
        for name in (names[index], f'NPY:"{path}":[{index}]'):
            with rasterio.open(name) as dataset:
                np.testing.assert_array_equal(dataset.read(), plane)


def test_open_option_chooses_the_axes(save, photo):
    with rasterio.open(save(photo), AXES="BYX") as dataset:
        assert (dataset.count, *dataset.shape) == photo.shape
        np.testing.assert_array_equal(dataset.read(5), photo[4])


def test_memory_file_is_read(photo):
    stream = io.BytesIO()
    np.save(stream, photo)
    with MemoryFile(stream.getvalue()) as memory, memory.open() as dataset:
        assert dataset.driver == "NPY"
        np.testing.assert_array_equal(dataset.read(), np.moveaxis(photo, -1, 0))


def test_other_files_that_end_in_npy_are_refused(tmp_path):
    path = tmp_path / "text.npy"
    path.write_text("not an array\n")
    with pytest.raises(rasterio.errors.RasterioIOError):
        rasterio.open(path)


def test_truncated_array_is_refused_with_the_drivers_message(save, uint16_image):
    path = save(uint16_image)
    os.truncate(path, os.path.getsize(path) - 1)
    with pytest.raises(rasterio.errors.RasterioIOError, match="array.npy"):
        rasterio.open(path)


# --- threads --------------------------------------------------------------------------------


def test_threads_with_datasets_of_their_own_read_different_windows(save):
    image = make_photo(1024, 768)
    path = save(image)
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


# --- writing --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_written_array_loads_equal_in_numpy(tmp_path, dtype):
    path = tmp_path / "new.npy"
    array = make_uint16(30, 40).astype(dtype)
    with rasterio.open(path, "w", **write_profile(dtype=dtype)) as dataset:
        dataset.write(array, 1)
    loaded = np.load(path)
    assert loaded.dtype == array.dtype
    np.testing.assert_array_equal(loaded, array)


def test_written_georeferencing_and_tags_are_read_back(tmp_path):
    path = tmp_path / "new.npy"
    profile = write_profile(crs="EPSG:32632", transform=TRANSFORM, nodata=-9999.0)
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(np.full((30, 40), -9999, np.float32), 1)
        dataset.update_tags(sensor="test")
        dataset.set_band_description(1, "height")
    with rasterio.open(path) as dataset:
        assert dataset.crs.to_epsg() == 32632
        assert dataset.transform == TRANSFORM
        assert dataset.nodata == -9999
        assert dataset.tags()["sensor"] == "test"
        assert dataset.descriptions == ("height",)
        assert dataset.read(1, masked=True).mask.all()


# The order of the array's axes, the creation option that asks for it, what the file then says.
ORDERS = {
    "BYX": ({"interleave": "band"}, "band", lambda array: array),
    "YXB": ({"interleave": "pixel"}, "pixel", lambda array: np.moveaxis(array, -1, 0)),
    "YBX": ({"axes": "YBX"}, "line", lambda array: np.moveaxis(array, 1, 0)),
}


@pytest.mark.parametrize("order", ORDERS)
def test_bands_written_in_windows_come_back_whole(tmp_path, order):
    option, interleave, to_bands_first = ORDERS[order]
    path = tmp_path / "new.npy"
    bands = np.moveaxis(make_photo(30, 40), -1, 0)
    profile = write_profile(count=3, dtype="uint8", **option)
    with rasterio.open(path, "w", **profile) as dataset:
        for row in range(0, 30, 7):
            for column in range(0, 40, 11):
                window = Window(column, row, min(11, 40 - column), min(7, 30 - row))
                dataset.write(bands[(slice(None), *window.toslices())], window=window)
    np.testing.assert_array_equal(to_bands_first(np.load(path)), bands)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), bands)
        assert dataset.interleaving.name == interleave


@pytest.mark.parametrize("order", ORDERS)
def test_profile_of_a_file_serves_to_write_another(tmp_path, order):
    # rasterio's idiom: open(new, "w", **old.profile), in which "interleave" is what the old says.
    first, second = tmp_path / "first.npy", tmp_path / "second.npy"
    bands = np.moveaxis(make_photo(30, 40), -1, 0)
    profile = write_profile(count=3, dtype="uint8", crs="EPSG:32632", transform=TRANSFORM,
                            **ORDERS[order][0])
    with rasterio.open(first, "w", **profile) as dataset:
        dataset.write(bands)
    with rasterio.open(first) as old, rasterio.open(second, "w", **old.profile) as new:
        new.write(old.read())
    with rasterio.open(first) as old, rasterio.open(second) as new:
        assert new.profile == old.profile
    assert np.load(second).shape == np.load(first).shape
    np.testing.assert_array_equal(np.load(second), np.load(first))


def test_unwritten_pixels_are_zero(tmp_path):
    path = tmp_path / "new.npy"
    with rasterio.open(path, "w", **write_profile()) as dataset:
        dataset.write(np.ones((1, 1), np.float32), 1, window=Window(3, 2, 1, 1))
    expected = np.zeros((30, 40), np.float32)
    expected[2, 3] = 1
    np.testing.assert_array_equal(np.load(path), expected)


def test_update_changes_only_its_window(save, uint16_image):
    path = save(LAYOUTS["big-endian in Fortran order"](uint16_image))
    with rasterio.open(path, "r+") as dataset:
        dataset.write(np.full((10, 20), 513, np.uint16), 1, window=Window(30, 40, 20, 10))
    uint16_image[40:50, 30:50] = 513
    np.testing.assert_array_equal(np.load(path), uint16_image)
    assert np.load(path).dtype == np.dtype(">u2")


def test_writing_over_an_old_file_replaces_it_and_its_sidecar(egm96):
    with rasterio.open(egm96.path, "w", **write_profile(dtype="uint8")) as dataset:
        dataset.write(np.full((30, 40), 9, np.uint8), 1)
    assert (np.load(egm96.path) == np.full((30, 40), 9, np.uint8)).all()
    with rasterio.open(egm96.path) as dataset:
        assert dataset.crs is None
        assert dataset.nodata is None


def test_memory_file_is_written():
    array = make_uint16(30, 40)
    with MemoryFile(ext="npy") as memory:
        with memory.open(**write_profile(dtype="uint16")) as dataset:
            dataset.write(array, 1)
        # Through the handle that rasterio has had open since before the dataset was created.
        assert memory.read() == bytes(memory.getbuffer())
        np.testing.assert_array_equal(np.load(io.BytesIO(memory.getbuffer())), array)


# --- files ----------------------------------------------------------------------------------


def test_copy_to_npy_and_back_keeps_pixels_and_georeferencing(tmp_path, egm96):
    geotiff, npy = tmp_path / "copy.tif", tmp_path / "copy.npy"
    rasterio.shutil.copy(egm96.path, geotiff, driver="GTiff")
    rasterio.shutil.copy(geotiff, npy, driver="NPY")
    np.testing.assert_array_equal(np.load(npy), egm96.values)
    with rasterio.open(npy) as copy, rasterio.open(egm96.path) as original:
        assert copy.crs == original.crs
        assert copy.transform == original.transform
        assert copy.nodata == original.nodata


def test_copyfiles_takes_the_sidecar_along(tmp_path, egm96):
    moved = tmp_path / "moved" / "elsewhere.npy"
    moved.parent.mkdir()
    rasterio.shutil.copyfiles(egm96.path, moved)
    with rasterio.open(moved) as dataset:
        assert dataset.crs.to_epsg() == egm96.epsg
        np.testing.assert_array_equal(dataset.read(1), egm96.values)


def test_delete_removes_the_file_and_its_sidecar(tmp_path, egm96):
    assert sorted(os.listdir(tmp_path)) == ["egm96.npy", "egm96.npy.aux.xml"]
    rasterio.shutil.delete(egm96.path)
    assert os.listdir(tmp_path) == []


def test_exists_tells_arrays_from_missing_files(tmp_path, egm96):
    assert rasterio.shutil.exists(egm96.path)
    assert not rasterio.shutil.exists(str(tmp_path / "missing.npy"))
