"""Images written to .b2z, as python-blosc2 and zipfile see them; levels against NumPy's means."""

import os
import subprocess
import zipfile

import numpy as np
import pytest
from osgeo import gdal, osr
from support import memory_dataset
from support.b2nd import blosc2
from support.b2z import halved, levels_of
from support.tool import error, tool


@pytest.fixture
def driver():
    return gdal.GetDriverByName("B2ND")


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "scene.b2z")


def assert_pyramid(path, image, method="average", nodata=None, masked=None, axes=(-2, -1)):
    """All levels of the image, each made of the one before, down to 256 pixels."""
    levels, attributes, group = levels_of(path)
    np.testing.assert_array_equal(levels[0], image)
    assert max(levels[-1].shape[axis] for axis in axes) <= 256
    assert len(levels) == 1 or max(levels[-2].shape[axis] for axis in axes) > 256
    expected = image
    for number, level in enumerate(levels[1:], 1):
        valid = np.ones(expected.shape, bool) if nodata is None else expected != nodata
        if masked is not None:
            valid = valid & masked
        expected, _ = halved(expected, valid, method, axes)
        np.testing.assert_array_equal(level, expected, err_msg=f"level {number}")
        if masked is not None:
            _, masked = halved(masked, masked, "average", axes)
            mask = blosc2.ndarray_from_cframe(attributes[number]["gdal:mask"])[:]
            np.testing.assert_array_equal(mask != 0, masked)
        assert group["multiscales"]["layout"][number] == {
            "asset": str(number), "derived_from": str(number - 1),
            "transform": {"scale": [2.0, 2.0], "translation": [0.0, 0.0]}}
    return levels, attributes, group


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_levels_are_means_of_odd_sizes(driver, path, rng, dtype):
    image = rng.integers(-3000 if dtype[0] != "u" else 0, 256 if dtype == "u1" else 30000, (777, 1021))
    image = image.astype(dtype)
    assert driver.CreateCopy(path, memory_dataset(image)) is not None
    levels, _, group = assert_pyramid(path, image)
    assert [level.shape for level in levels] == [(777, 1021), (389, 511), (195, 256)]
    assert group["multiscales"]["resampling_method"] == "average"
    assert [entry["name"] for entry in group["zarr_conventions"]] == ["multiscales"]


@pytest.mark.parametrize("shape", [(1, 3000), (3000, 1), (513, 257), (256, 256), (257, 1)])
def test_narrow_and_small_images(driver, path, rng, shape):
    image = rng.integers(0, 4000, shape).astype("u2")
    driver.CreateCopy(path, memory_dataset(image))
    assert_pyramid(path, image)


def test_nodata_of_integers_and_nan_are_left_out(driver, tmp_path, rng):
    image = rng.integers(-100, 100, (601, 700)).astype("i2")
    image[rng.random(image.shape) < 0.4] = -9999
    image[:64, :64] = -9999
    source = memory_dataset(image)
    source.GetRasterBand(1).SetNoDataValue(-9999)
    driver.CreateCopy(str(tmp_path / "i2.b2z"), source)
    levels, attributes, _ = assert_pyramid(str(tmp_path / "i2.b2z"), image, nodata=-9999)
    assert (levels[1][:32, :32] == -9999).all() and levels[1].min() == -9999
    assert "<NoDataValue>" in attributes[1]["gdal"]["pam"]
    floats = rng.normal(size=(601, 700)).astype("f4")
    floats[rng.random(floats.shape) < 0.4] = np.nan
    floats[:64, :64] = np.nan
    driver.CreateCopy(str(tmp_path / "f4.b2z"), memory_dataset(floats))
    levels, _, _ = assert_pyramid(str(tmp_path / "f4.b2z"), floats)
    assert np.isnan(levels[1][:32, :32]).all() and not np.isnan(levels[1]).all()


@pytest.mark.parametrize("interleave, axes", [("PIXEL", (0, 1)), ("BAND", (1, 2)), ("LINE", (0, 2))])
def test_bands_in_any_order(driver, path, rng, interleave, axes):
    bands = rng.integers(0, 256, (3, 600, 1025)).astype("u1")
    driver.CreateCopy(path, memory_dataset(bands), options=[f"INTERLEAVE={interleave}"])
    image = {"PIXEL": bands.transpose(1, 2, 0), "BAND": bands, "LINE": bands.transpose(1, 0, 2)}[interleave]
    assert_pyramid(path, image, axes=axes)


def test_columns_first(driver, path, rng):
    image = rng.integers(0, 4000, (700, 1500)).astype("u2")
    driver.CreateCopy(path, memory_dataset(image), options=["AXES=XY"])
    assert_pyramid(path, image.T)


@pytest.mark.parametrize("method", ["nearest", "mode"])
def test_other_ways_of_resampling(driver, path, rng, method):
    image = rng.integers(0, 4, (601, 703)).astype("u1")
    driver.CreateCopy(path, memory_dataset(image), options=[f"RESAMPLING={method.upper()}"])
    _, _, group = assert_pyramid(path, image, method)
    assert group["multiscales"]["resampling_method"] == method


def test_palettes_have_no_averages(driver, path, rng):
    image = rng.integers(0, 4, (300, 300)).astype("u1")
    source = memory_dataset(image)
    table = gdal.ColorTable()
    table.SetColorEntry(1, (255, 0, 0, 255))
    source.GetRasterBand(1).SetRasterColorTable(table)
    driver.CreateCopy(path, source)
    _, attributes, _ = assert_pyramid(path, image, "nearest")
    assert "<ColorTable>" in attributes[1]["gdal"]["pam"]


def with_mask(image, mask):
    source = memory_dataset(image)
    source.CreateMaskBand(gdal.GMF_PER_DATASET)
    source.GetRasterBand(1).GetMaskBand().WriteArray(mask.astype("u1") * 255)
    return source


@pytest.mark.parametrize("method", ["average", "mode"])
def test_masks_are_respected_and_have_levels(driver, path, rng, method):
    image = rng.integers(0, 6, (1101, 900)).astype("u2")
    mask = rng.random(image.shape) < 0.5
    mask[100:300, 200:500] = False
    driver.CreateCopy(path, with_mask(image, mask), options=[f"RESAMPLING={method.upper()}"])
    _, attributes, _ = assert_pyramid(path, image, method, masked=mask)
    assert (blosc2.ndarray_from_cframe(attributes[0]["gdal:mask"])[:] == mask * 255).all()
    assert os.listdir(os.path.dirname(path)) == ["scene.b2z"]


def test_levels_have_georeferencing_of_their_own(driver, path, rng):
    image = rng.integers(0, 4000, (600, 800)).astype("u2")
    source = memory_dataset(image)
    source.SetGeoTransform((500000, 10, 0, 4600000, 0, -10))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32633)
    source.SetSpatialRef(crs)
    source.SetMetadataItem("title", "only of the image")
    source.GetRasterBand(1).SetStatistics(0, 4000, 2000, 5)
    source.GetRasterBand(1).SetUnitType("m")
    driver.CreateCopy(path, source)
    _, attributes, _ = levels_of(path)
    for number, level in enumerate(attributes):
        scale = 10 * 2 ** number
        assert level["spatial:transform"] == [scale, 0, 500000, 0, -scale, 4600000]
        assert level["proj:code"] == "EPSG:32633" and level["spatial:dimensions"] == ["y", "x"]
        assert ("title" in level["gdal"]["pam"]) == (number == 0)
        assert ("STATISTICS_MEAN" in level["gdal"]["pam"]) == (number == 0)
        assert "<UnitType>m</UnitType>" in level["gdal"]["pam"]


def test_without_overviews(driver, path, rng):
    image = rng.integers(0, 4000, (600, 800)).astype("u2")
    driver.CreateCopy(path, memory_dataset(image), options=["OVERVIEWS=NONE"])
    levels, _, group = levels_of(path)
    assert len(levels) == 1 and "resampling_method" not in group["multiscales"]
    np.testing.assert_array_equal(levels[0], image)


def test_levels_have_the_codec_and_blocks_of_the_image(driver, path, rng):
    image = rng.integers(0, 4000, (1500, 1500)).astype("u2")
    driver.CreateCopy(path, memory_dataset(image), options=["COMPRESS=LZ4", "BLOCKSIZE=64"])
    store = blosc2.open(path, mode="r")
    for key in store:
        array = store[key]
        assert array.schunk.cparams.codec == blosc2.Codec.LZ4 and array.blocks == (64, 64)


def test_python_blosc2_adds_to_it(driver, path, rng):
    image = rng.integers(0, 4000, (600, 800)).astype("u2")
    driver.CreateCopy(path, memory_dataset(image))
    with blosc2.open(path, mode="a") as store:
        store["/more/values"] = np.arange(5)
        store.vlmeta["author"] = "somebody"
    store = blosc2.open(path, mode="r")
    assert (store["/more/values"][:] == np.arange(5)).all() and store.vlmeta["author"] == "somebody"
    np.testing.assert_array_equal(store["/0"][:], image)


def test_the_same_image_gives_the_same_file_with_any_number_of_threads(driver, tmp_path, rng):
    source = memory_dataset(rng.integers(0, 4000, (2500, 2600)).astype("u2"))
    for threads in (1, 2, 5):
        driver.CreateCopy(str(tmp_path / f"{threads}.b2z"), source, options=[f"NUM_THREADS={threads}"])
    contents = {path.read_bytes() for path in tmp_path.iterdir()}
    assert len(contents) == 1


def test_in_memory_files(driver, rng):
    image = rng.integers(0, 4000, (600, 800)).astype("u2")
    assert driver.CreateCopy("/vsimem/b2z/scene.b2z", memory_dataset(image)) is not None
    assert gdal.ReadDir("/vsimem/b2z") == ["scene.b2z"]
    level = gdal.Open("/vsizip/{/vsimem/b2z/scene.b2z}/1.b2nd").ReadAsArray()
    np.testing.assert_array_equal(level, halved(image)[0])
    gdal.Unlink("/vsimem/b2z/scene.b2z")


@pytest.mark.parametrize("name, options, text", [
    ("scene.b2z", ["OVERVIEWS=2"], "OVERVIEWS: found 2, wanted AUTO or NONE"),
    ("scene.b2z", ["RESAMPLING=CUBIC"], "RESAMPLING: found CUBIC, wanted AVERAGE, NEAREST or MODE"),
    ("scene.b2z", ["CHUNKXSIZE=99", "BLOCKXSIZE=33"], "CHUNKXSIZE: found 99, wanted an even number"),
    ("scene.b2nd", ["OVERVIEWS=AUTO"], "OVERVIEWS: found AUTO, wanted NONE, or a name that ends in .b2z"),
])
def test_refusals_touch_nothing(driver, tmp_path, errors, name, options, text):
    source = memory_dataset(np.zeros((300, 400), "u2"))
    assert driver.CreateCopy(str(tmp_path / name), source, options=options) is None
    assert text in errors[-1] and str(tmp_path / name) in errors[-1], errors
    assert os.listdir(tmp_path) == []


def test_create_says_what_to_do_instead(driver, path, errors):
    assert driver.Create(path, 10, 10) is None
    other = path.replace(".b2z", ".b2nd")
    assert len(errors) == 1 and f"then gdal_translate -of B2ND {other} {path}" in errors[0], errors
    assert not os.path.exists(path)


def test_gdalwarp_says_so_in_one_error(tmp_path):
    source = memory_dataset(np.zeros((30, 40), "u2"))
    source.SetGeoTransform((0, 1, 0, 0, 0, -1))
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "in.tif"), source)
    done = subprocess.run(["gdalwarp", "-q", "-of", "B2ND", tmp_path / "in.tif", tmp_path / "x.b2z"],
                          capture_output=True, text=True)
    assert done.returncode != 0 and done.stderr.count("ERROR") == 1, done.stderr
    assert f"Write {tmp_path}/x.b2nd (-of B2ND), then gdal_translate" in done.stderr


# Also while the levels are copied behind the image.
@pytest.mark.parametrize("share", [0.4, 0.92])
def test_cancelled_copies_keep_the_old_file(driver, path, rng, errors, share):
    source = memory_dataset(rng.integers(0, 4000, (2500, 2600)).astype("u2"))
    with open(path, "wb") as file:
        file.write(b"old")
    told = []
    assert driver.CreateCopy(path, source, callback=lambda done, *_: told.append(done) or done < share) is None
    assert told == sorted(told) and told[-1] >= share and len(errors) == 1, (told, errors)
    assert os.listdir(os.path.dirname(path)) == ["scene.b2z"]
    with open(path, "rb") as file:
        assert file.read() == b"old"


# The image fits on the disk, but not its levels twice; and nothing fits.
@pytest.mark.parametrize("side", [1650, 2100])
def test_full_disk(driver, small_disk, rng, errors, side):
    if small_disk is None:
        pytest.skip("no file system to fill")
    noise = rng.integers(0, 65536, (side, side)).astype("u2")
    path = small_disk / "scene.b2z"
    path.write_bytes(b"old")
    assert driver.CreateCopy(str(path), memory_dataset(noise)) is None
    assert len(errors) == 1 and "No space left on device" in errors[0], errors
    assert os.listdir(small_disk) == ["scene.b2z"] and path.read_bytes() == b"old"
    assert driver.CreateCopy(str(path), memory_dataset(noise[:900, :900])) is not None
    assert_pyramid(str(path), noise[:900, :900])


def test_convert_writes_one(tmp_path, rng):
    image = rng.integers(0, 4000, (600, 800)).astype("u2")
    np.save(tmp_path / "scene.npy", image)
    tool("convert", "-q", tmp_path / "scene.npy", tmp_path / "scene.b2z")
    assert_pyramid(str(tmp_path / "scene.b2z"), image)
    tool("convert", "-q", "--overviews", "-co", "RESAMPLING=NEAREST", tmp_path / "scene.npy",
         tmp_path / "nearest.b2z")
    assert_pyramid(str(tmp_path / "nearest.b2z"), image, "nearest")
    assert sorted(os.listdir(tmp_path)) == ["nearest.b2z", "scene.b2z", "scene.npy"]
    assert "OVERVIEWS" in error("convert", "-co", "OVERVIEWS=AUTO", tmp_path / "scene.npy",
                                tmp_path / "no.b2nd", code=2)


def test_convert_of_many_axes_has_no_levels(tmp_path, rng):
    stack = rng.integers(0, 4000, (2, 3, 300, 400)).astype("u2")
    np.save(tmp_path / "stack.npy", stack)
    tool("convert", "-q", tmp_path / "stack.npy", tmp_path / "stack.b2z")
    levels, _, _ = levels_of(tmp_path / "stack.b2z")
    assert len(levels) == 1
    np.testing.assert_array_equal(levels[0], stack)


def test_gdal_reads_members_through_vsizip(driver, path, rng):
    image = rng.integers(0, 4000, (600, 800)).astype("u2")
    driver.CreateCopy(path, memory_dataset(image))
    np.testing.assert_array_equal(gdal.Open(f"/vsizip/{{{path}}}/0.b2nd").ReadAsArray(), image)
    with zipfile.ZipFile(path) as archive:
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
