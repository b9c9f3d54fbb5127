"""rasterio writes, updates, copies and deletes our files, which are then read without GDAL."""

import os

import numpy as np
import pytest
import rasterio
import rasterio.control
import rasterio.shutil
from conftest import KINDS, RASTERIO_DTYPES, make_photo, make_uint16
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

# An array without georeferencing is no reason to warn here.
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

TRANSFORM = from_origin(500000, 5200000, 30, 20)


def profile_of_new(files, **changes):
    profile = {"driver": files.driver, "width": 40, "height": 30, "count": 1, "dtype": "float32"}
    profile.update(changes)
    return profile


# --- writing --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", RASTERIO_DTYPES)
def test_written_array_loads_equal_without_gdal(files, dtype):
    path = files.path("new")
    array = make_uint16(30, 40).astype(dtype)
    with rasterio.open(path, "w", **profile_of_new(files, dtype=dtype)) as dataset:
        dataset.write(array, 1)
    loaded = files.load(path)
    assert loaded.dtype == array.dtype
    np.testing.assert_array_equal(loaded, array)


def test_written_georeferencing_and_tags_are_read_back(files):
    path = files.path("new")
    profile = profile_of_new(files, crs="EPSG:32632", transform=TRANSFORM, nodata=-9999.0)
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
def test_bands_written_in_windows_come_back_whole(files, order):
    option, interleave, to_bands_first = ORDERS[order]
    path = files.path("new")
    bands = np.moveaxis(make_photo(300, 400), -1, 0)
    chunks = dict(blockxsize=64, blockysize=32, chunkxsize=128, chunkysize=96)
    profile = profile_of_new(files, height=300, width=400, count=3, dtype="uint8", **option,
                             **(chunks if files.driver == "B2ND" else {}))
    with rasterio.open(path, "w", **profile) as dataset:
        for row in range(0, 300, 70):
            for column in range(0, 400, 110):
                window = Window(column, row, min(110, 400 - column), min(70, 300 - row))
                dataset.write(bands[(slice(None), *window.toslices())], window=window)
    np.testing.assert_array_equal(to_bands_first(files.load(path)), bands)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), bands)
        assert dataset.interleaving.name == interleave


@pytest.mark.parametrize("order", ORDERS)
def test_profile_of_a_file_serves_to_write_another(files, order):
    # rasterio's idiom: open(new, "w", **old.profile), in which "interleave" is what the old says.
    first, second = files.path("first"), files.path("second")
    bands = np.moveaxis(make_photo(30, 40), -1, 0)
    profile = profile_of_new(files, count=3, dtype="uint8", crs="EPSG:32632", transform=TRANSFORM,
                             **ORDERS[order][0])
    with rasterio.open(first, "w", **profile) as dataset:
        dataset.write(bands)
    with rasterio.open(first) as old, rasterio.open(second, "w", **old.profile) as new:
        new.write(old.read())
    with rasterio.open(first) as old, rasterio.open(second) as new:
        assert new.profile == old.profile
    assert files.load(second).shape == files.load(first).shape
    np.testing.assert_array_equal(files.load(second), files.load(first))


@pytest.mark.parametrize("options", [
    {}, {"blockxsize": 32, "blockysize": 16}, {"blocksize": 128}, {"compress": "lz4"},
    {"compress": "none"}, {"compress": "deflate"}, {"compress": "blosclz"}], ids=str)
def test_profile_of_a_file_cuts_another_alike(blosc2_files, uint16_image, options):
    first, second = blosc2_files.path("first"), blosc2_files.path("second")
    profile = profile_of_new(blosc2_files, height=200, width=300, dtype="uint16", **options)
    with rasterio.open(first, "w", **profile) as dataset:
        dataset.write(uint16_image, 1)
    with rasterio.open(first) as old, rasterio.open(second, "w", **old.profile) as new:
        assert old.profile["blockxsize"] == options.get(
            "blockxsize", options.get("blocksize", 128))
        if options.get("compress") == "none":
            assert old.profile["compress"] == "none"
        new.write(old.read())
    arrays = [blosc2_files.blosc2.open(path, mode="r") for path in (first, second)]
    assert arrays[0].chunks == arrays[1].chunks
    assert arrays[0].blocks == arrays[1].blocks
    np.testing.assert_array_equal(arrays[1][:], uint16_image)


def test_block_windows_decode_each_block_once(blosc2_files, uint16_image):
    path = blosc2_files.path("new")
    with rasterio.open(path, "w", **profile_of_new(blosc2_files, height=200, width=300,
                                                   dtype="uint16", blocksize=32)) as dataset:
        dataset.write(uint16_image, 1)
    with rasterio.open(path) as dataset:
        windows = [window for _, window in dataset.block_windows(1)]
        for window in windows:
            np.testing.assert_array_equal(dataset.read(1, window=window),
                                          uint16_image[window.toslices()])
        assert int(dataset.tags(ns="B2ND")["DECODED_BLOCKS"]) == len(windows) == 7 * 10


def test_unwritten_pixels_are_zero(files):
    path = files.path("new")
    with rasterio.open(path, "w", **profile_of_new(files)) as dataset:
        dataset.write(np.ones((1, 1), np.float32), 1, window=Window(3, 2, 1, 1))
    expected = np.zeros((30, 40), np.float32)
    expected[2, 3] = 1
    np.testing.assert_array_equal(files.load(path), expected)


def test_update_changes_only_its_window(files_laid_out, uint16_image):
    path = files_laid_out.save(uint16_image)
    dtype = files_laid_out.load(path).dtype
    with rasterio.open(path, "r+") as dataset:
        # Over the edges of chunks.
        dataset.write(np.full((30, 50), 513, np.uint16), 1, window=Window(90, 105, 50, 30))
    uint16_image[105:135, 90:140] = 513
    updated = files_laid_out.load(path)
    assert updated.dtype == dtype
    np.testing.assert_array_equal(updated, uint16_image)


def test_writing_over_an_old_file_replaces_it_and_its_georeferencing(files, egm96):
    with rasterio.open(egm96.path, "w", **profile_of_new(files, dtype="uint8")) as dataset:
        dataset.write(np.full((30, 40), 9, np.uint8), 1)
    np.testing.assert_array_equal(files.load(egm96.path), np.full((30, 40), 9, np.uint8))
    with rasterio.open(egm96.path) as dataset:
        assert dataset.crs is None
        assert dataset.nodata is None


def test_memory_file_is_written(files):
    array = make_uint16(30, 40)
    with MemoryFile(ext=files.suffix[1:]) as memory:
        with memory.open(**profile_of_new(files, dtype="uint16")) as dataset:
            dataset.write(array, 1)
        # Through the handle that rasterio has had open since before the dataset was created.
        assert memory.read() == bytes(memory.getbuffer())
        np.testing.assert_array_equal(files.parse(bytes(memory.getbuffer())), array)


@pytest.mark.parametrize("codec", ["zstd", "lz4", "lz4hc", "zlib", "blosclz"])
def test_creation_options_are_keyword_arguments(blosc2_files, uint16_image, codec):
    path = blosc2_files.path("new")
    profile = profile_of_new(blosc2_files, height=200, width=300, dtype="uint16", compress=codec,
                             level=4, filter="bitshuffle", blockxsize=32, blockysize=16,
                             chunkxsize=96, chunkysize=64, num_threads=2)
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(uint16_image, 1)
    array = blosc2_files.blosc2.open(path, mode="r")
    assert (array.chunks, array.blocks) == ((64, 96), (16, 32))
    assert array.cparams.codec.name == codec.upper()
    np.testing.assert_array_equal(array[:], uint16_image)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1), uint16_image)
        structure = dataset.tags(ns="IMAGE_STRUCTURE")
        assert structure.get("CODEC", structure.get("COMPRESSION")) == codec.upper()


def test_impossible_creation_option_raises_and_leaves_nothing(blosc2_files):
    with pytest.raises(rasterio.errors.RasterioIOError, match="CHUNKXSIZE: found 33"):
        rasterio.open(blosc2_files.path("new"), "w",
                      **profile_of_new(blosc2_files, blockxsize=32, chunkxsize=33))
    assert os.listdir(blosc2_files.folder) == []


# --- what belongs to the pixels -------------------------------------------------------------


def test_tags_colours_and_scales_are_read_back(files):
    path = files.path("new")
    colours = {0: (0, 0, 0, 255), 1: (255, 128, 0, 255), 200: (1, 2, 3, 255)}
    with rasterio.open(path, "w", **profile_of_new(files, count=2, dtype="uint8")) as dataset:
        dataset.write(make_photo(30, 40)[..., 0], 1)
        dataset.write_colormap(1, colours)
        dataset.descriptions = ("classes", "height")
        dataset.update_tags(2, source="lidar")
        dataset.update_tags(ns="SURVEY", year="2024")
        dataset.scales, dataset.offsets, dataset.units = (1, 0.5), (0, 100), ("", "metre")
    assert os.path.exists(path + ".aux.xml") == (files.driver == "NPY")
    with rasterio.open(path) as dataset:
        assert {key: dataset.colormap(1)[key] for key in colours} == colours
        assert dataset.colorinterp[0].name == "palette"
        assert dataset.descriptions == ("classes", "height")
        assert dataset.tags(2)["source"] == "lidar"
        assert dataset.tags(ns="SURVEY") == {"year": "2024"}
        assert (dataset.scales, dataset.offsets) == ((1, 0.5), (0, 100))
        assert dataset.units[1] == "metre"
    np.testing.assert_array_equal(files.load(path)[0], make_photo(30, 40)[..., 0])


def test_ground_control_points_are_read_back(files):
    path = files.path("new")
    points = [rasterio.control.GroundControlPoint(row, column, 500000 + 30 * column,
                                                  5200000 - 20 * row)
              for row, column in ((0, 0), (0, 40), (30, 0))]
    with rasterio.open(path, "w", gcps=points, crs="EPSG:32632", **profile_of_new(files)):
        pass
    with rasterio.open(path) as dataset:
        found, crs = dataset.gcps
        assert [(point.row, point.col, point.x, point.y) for point in found] == [
            (point.row, point.col, point.x, point.y) for point in points]
        assert crs.to_epsg() == 32632


def test_metadata_changed_in_an_update_leaves_the_pixels_alone(files_laid_out, uint16_image):
    path = files_laid_out.save(uint16_image)
    with rasterio.open(path, "r+") as dataset:
        dataset.crs, dataset.transform, dataset.nodata = "EPSG:32632", TRANSFORM, 513
        dataset.update_tags(sensor="test")
    with rasterio.open(path) as dataset:
        assert (dataset.crs.to_epsg(), dataset.transform) == (32632, TRANSFORM)
        assert (dataset.nodata, dataset.tags()["sensor"]) == (513, "test")
    np.testing.assert_array_equal(files_laid_out.load(path), uint16_image)


def test_attributes_written_by_rasterio_are_plain_python(blosc2_files):
    path = blosc2_files.path("new")
    with rasterio.open(path, "w", **profile_of_new(blosc2_files, crs="EPSG:32632",
                                                   transform=TRANSFORM)):
        pass
    array = blosc2_files.blosc2.open(path, mode="r")
    attributes = dict(array.schunk.vlmeta[:])
    assert attributes["spatial:transform"] == [30, 0, 500000, 0, -20, 5200000]
    assert attributes["spatial:dimensions"] == attributes["dimension_names"] == ["y", "x"]
    assert rasterio.crs.CRS.from_wkt(attributes["proj:wkt2"]).to_epsg() == 32632


def test_written_mask_hides_pixels(files, uint16_image):
    path = files.save(uint16_image)
    mask = uint16_image > 20000
    with rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)
    assert os.path.exists(path + ".msk") == (files.driver == "NPY")
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.dataset_mask(), np.where(mask, 255, 0))
        image = dataset.read(1, masked=True)
    np.testing.assert_array_equal(image.mask, ~mask)
    np.testing.assert_array_equal(files.load(path), uint16_image)


def test_overviews_are_built_and_read(files):
    image = make_uint16(512, 768)
    path = files.save(image)
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4], rasterio.enums.Resampling.nearest)
    with rasterio.open(path) as dataset:
        assert dataset.overviews(1) == [2, 4]
        reduced = dataset.read(1, out_shape=(128, 192))
    with rasterio.open(path, overview_level=1) as dataset:
        np.testing.assert_array_equal(dataset.read(1), reduced)
    np.testing.assert_array_equal(reduced, image[::4, ::4])
    np.testing.assert_array_equal(files.load(path), image)


# --- files ----------------------------------------------------------------------------------


def test_copy_from_geotiff_keeps_pixels_and_georeferencing(files, tmp_path, egm96):
    geotiff, path = tmp_path / "copy.tif", files.path("copy")
    rasterio.shutil.copy(egm96.path, geotiff, driver="GTiff")
    rasterio.shutil.copy(geotiff, path, driver=files.driver)
    np.testing.assert_array_equal(files.load(path), egm96.values)
    with rasterio.open(path) as copy, rasterio.open(egm96.path) as original:
        assert copy.crs == original.crs
        assert copy.transform == original.transform
        assert copy.nodata == original.nodata == pytest.approx(egm96.nodata)


def test_copy_to_the_other_format_keeps_pixels_and_georeferencing(files, tmp_path, egm96):
    other, = (kind(tmp_path) for name, kind in KINDS.items() if name != files.driver)
    path = other.path("other")
    rasterio.shutil.copy(egm96.path, path, driver=other.driver)
    np.testing.assert_array_equal(other.load(path), egm96.values)
    with rasterio.open(path) as copy, rasterio.open(egm96.path) as original:
        assert (copy.driver, original.driver) == (other.driver, files.driver)
        assert (copy.crs, copy.transform) == (original.crs, original.transform)
        assert copy.nodata == original.nodata == pytest.approx(egm96.nodata)


def test_copy_takes_creation_options(blosc2_files, photo):
    path = blosc2_files.path("copy")
    rasterio.shutil.copy(blosc2_files.save(photo), path, driver="B2ND", interleave="band",
                         compress="lz4", blockxsize=64, blockysize=64)
    array = blosc2_files.blosc2.open(path, mode="r")
    assert (array.cparams.codec.name, array.blocks) == ("LZ4", (1, 64, 64))
    np.testing.assert_array_equal(array[:], np.moveaxis(photo, -1, 0))


def test_warped_image_is_copied_to_a_file(files, egm96):
    path = files.path("warped")
    with rasterio.open(egm96.path) as source:
        with WarpedVRT(source, crs="EPSG:3035", width=250, height=200,
                       transform=from_origin(2500000, 5500000, 20000, 20000)) as warped:
            expected = warped.read(1)
            rasterio.shutil.copy(warped, path, driver=files.driver)
    assert len(np.unique(expected)) > 1000
    np.testing.assert_array_equal(files.load(path), expected)
    with rasterio.open(path) as copy:
        assert copy.crs.to_epsg() == 3035


def test_copyfiles_takes_georeferencing_along(files, tmp_path, egm96):
    moved = tmp_path / "moved" / f"elsewhere{files.suffix}"
    moved.parent.mkdir()
    rasterio.shutil.copyfiles(egm96.path, moved)
    assert len(os.listdir(moved.parent)) == 1 + len(files.sidecars)
    with rasterio.open(moved) as dataset:
        assert dataset.crs.to_epsg() == egm96.epsg
        np.testing.assert_array_equal(dataset.read(1), egm96.values)


def test_delete_removes_the_file_and_its_sidecar(files, tmp_path, egm96):
    name = f"egm96{files.suffix}"
    assert sorted(os.listdir(tmp_path)) == [name, *(name + each for each in files.sidecars)]
    rasterio.shutil.delete(egm96.path)
    assert os.listdir(tmp_path) == []


def test_exists_tells_arrays_from_missing_files(files, egm96):
    assert rasterio.shutil.exists(egm96.path)
    assert not rasterio.shutil.exists(files.path("missing"))
