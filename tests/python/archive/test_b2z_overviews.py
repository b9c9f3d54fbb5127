"""gdaladdo on a .b2z: the archive is written anew, with other levels of the same image."""

import os
import subprocess

import numpy as np
import pytest
from osgeo import gdal
from support import memory_dataset
from support.b2nd import blosc2
from support.b2z import halved, levels_of


@pytest.fixture
def image(rng):
    return rng.integers(0, 4000, (701, 901)).astype("u2")


@pytest.fixture
def path(tmp_path, image):
    path = str(tmp_path / "scene.b2z")
    source = memory_dataset(image)
    source.GetRasterBand(1).SetNoDataValue(5)
    gdal.GetDriverByName("B2ND").CreateCopy(path, source, options=["OVERVIEWS=NONE", "COMPRESS=LZ4"])
    return path


def gdaladdo(*arguments):
    subprocess.run(["gdaladdo", "-q", *map(str, arguments)], check=True, capture_output=True)


def test_gdaladdo_adds_levels_and_removes_them(path, image):
    gdaladdo("-r", "average", path, 2, 4)
    levels, _, group = levels_of(path)
    half, _ = halved(image, image != 5)
    np.testing.assert_array_equal(levels[0], image)
    np.testing.assert_array_equal(levels[1], half)
    np.testing.assert_array_equal(levels[2], halved(half, half != 5)[0])
    assert group["multiscales"]["resampling_method"] == "average"
    dataset = gdal.Open(path)
    assert dataset.GetRasterBand(1).GetOverviewCount() == 2
    np.testing.assert_array_equal(dataset.GetRasterBand(1).GetOverview(0).ReadAsArray(), half)
    store = blosc2.open(path, mode="r")
    assert store["/1"].schunk.cparams.codec == blosc2.Codec.LZ4
    gdaladdo("-clean", path)
    levels, _, _ = levels_of(path)
    assert len(levels) == 1 and os.listdir(os.path.dirname(path)) == ["scene.b2z"]
    np.testing.assert_array_equal(levels[0], image)


def test_levels_that_are_left_out(path, image):
    gdal.Open(path).BuildOverviews("NEAREST", [8])
    levels, _, group = levels_of(path)
    assert group["multiscales"]["layout"][1] == {
        "asset": "3", "derived_from": "0", "transform": {"scale": [8.0, 8.0], "translation": [0.0, 0.0]}}
    np.testing.assert_array_equal(levels[1], image[::8, ::8])


@pytest.mark.parametrize("arguments", [("-clean", "/2"), ("-clean", "/1"), ("/1", 2)])
def test_the_pyramid_of_another_array_stays(path, image, arguments):
    gdaladdo(path, 2, 4)
    before = open(path, "rb").read()
    names = [f'B2ND:"{path}":{word}' if str(word).startswith("/") else word for word in arguments]
    with pytest.raises(subprocess.CalledProcessError) as failed:
        gdaladdo(*names)
    assert b"wanted /0, whose overviews its group describes" in failed.value.stderr
    assert open(path, "rb").read() == before


def test_masks_are_respected(tmp_path, rng, image):
    path = str(tmp_path / "masked.b2z")
    mask = rng.random(image.shape) < 0.5
    source = memory_dataset(image)
    source.CreateMaskBand(gdal.GMF_PER_DATASET)
    source.GetRasterBand(1).GetMaskBand().WriteArray(mask.astype("u1") * 255)
    gdal.GetDriverByName("B2ND").CreateCopy(path, source, options=["OVERVIEWS=NONE"])
    gdal.Open(path).BuildOverviews("AVERAGE", [2])
    levels, attributes, _ = levels_of(path)
    half, valid = halved(image, mask)
    np.testing.assert_array_equal(levels[1], half)
    assert (blosc2.ndarray_from_cframe(attributes[1]["gdal:mask"])[:] == valid * 255).all()


def test_what_others_have_put_in_stays(path, image):
    with blosc2.open(path, mode="a") as store:
        store["/more/values"] = np.arange(5)
        store.vlmeta["author"] = "somebody"
    gdal.Open(f'B2ND:"{path}":/0').BuildOverviews("AVERAGE", [2])
    store = blosc2.open(path, mode="r")
    assert sorted(store.keys()) == ["/0", "/1", "/more", "/more/values"]
    assert (store["/more/values"][:] == np.arange(5)).all() and store.vlmeta["author"] == "somebody"


def test_pyramid_of_an_archive_of_python_blosc2(tmp_path, image):
    path = str(tmp_path / "theirs.b2z")
    with blosc2.TreeStore(path, mode="w") as store:
        store["/group/values"] = blosc2.asarray(image, chunks=(99, 55), blocks=(33, 11))
    gdal.Open(path).BuildOverviews("AVERAGE", [2])
    store = blosc2.open(path, mode="r")
    np.testing.assert_array_equal(store["/group/values_1"][:], halved(image)[0])
    assert gdal.Open(path).GetRasterBand(1).GetOverviewCount() == 1


@pytest.mark.parametrize("method, factors, text", [
    ("AVERAGE", [3], "overview level: found 3, wanted 2, 4, 8 or another power of two"),
    ("CUBIC", [2], "RESAMPLING: found CUBIC, wanted AVERAGE, NEAREST or MODE"),
])
def test_refusals_keep_the_file(path, errors, method, factors, text):
    with open(path, "rb") as file:
        before = file.read()
    assert gdal.Open(path).BuildOverviews(method, factors) != gdal.CE_None
    assert len(errors) == 1 and text in errors[0], errors
    with open(path, "rb") as file:
        assert file.read() == before
    assert os.listdir(os.path.dirname(path)) == ["scene.b2z"]


def test_cancelled(path, errors):
    with open(path, "rb") as file:
        before = file.read()
    assert gdal.Open(path).BuildOverviews("AVERAGE", [2], callback=lambda *_: 0) != gdal.CE_None
    with open(path, "rb") as file:
        assert file.read() == before
    assert os.listdir(os.path.dirname(path)) == ["scene.b2z"]


def test_asks_for_free_space_first(small_disk, rng, errors):
    if small_disk is None:
        pytest.skip("no file system to fill")
    noise = rng.integers(0, 65536, (1700, 1700)).astype("u2")
    path = str(small_disk / "scene.b2z")
    gdal.GetDriverByName("B2ND").CreateCopy(path, memory_dataset(noise), options=["OVERVIEWS=NONE"])
    assert gdal.Open(path).BuildOverviews("AVERAGE", [2]) != gdal.CE_None
    assert len(errors) == 1 and "no space left for" in errors[0], errors
    assert os.listdir(small_disk) == ["scene.b2z"]
    np.testing.assert_array_equal(levels_of(path)[0][0], noise)
