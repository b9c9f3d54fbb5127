"""Overviews of a mask in a .b2nd are those of the same mask in a .msk."""

import os
import shutil

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal
from support import memory_dataset

assert blosc2


@pytest.fixture
def masked(rng):
    """Pixels with a mask of ragged shapes, in sizes that no factor divides."""
    source = memory_dataset(rng.integers(100, 200, (2, 283, 317), dtype="u1"))
    source.CreateMaskBand(gdal.GMF_PER_DATASET)
    y, x = np.mgrid[:283, :317]
    valid = (x * x + 3 * y * y < 80000 + 4000 * np.sin(x / 3)) & (rng.random((283, 317)) > 0.1)
    source.GetRasterBand(1).GetMaskBand().WriteArray(valid * np.uint8(255))
    return source


def both(tmp_path, source):
    """The same image with its mask in the file, and beside it."""
    inside = str(tmp_path / "inside.b2nd")
    gdal.Translate(inside, source, format="B2ND")
    beside = str(tmp_path / "beside.b2nd")
    gdal.Translate(beside, source, format="B2ND", maskBand="none")
    dataset = gdal.Open(beside)
    dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
    dataset.GetRasterBand(1).GetMaskBand().WriteArray(
        source.GetRasterBand(1).GetMaskBand().ReadAsArray())
    dataset = None
    assert sorted(name for name in os.listdir(tmp_path) if "side" in name) == [
        "beside.b2nd", "beside.b2nd.msk", "inside.b2nd"]
    return inside, beside


def blacked(source):
    """The same, black where it is not valid."""
    valid = source.GetRasterBand(1).GetMaskBand().ReadAsArray() > 0
    for number in (1, 2):
        band = source.GetRasterBand(number)
        band.WriteArray(np.where(valid, band.ReadAsArray(), 0))
    return source


def overview_masks(path):
    """Of the mask's own overviews, then of the raster's overviews."""
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(2)
    mask = band.GetMaskBand()
    assert mask.GetOverviewCount() == band.GetOverviewCount()
    return ([mask.GetOverview(level).ReadAsArray() for level in range(mask.GetOverviewCount())],
            [band.GetOverview(level).GetMaskBand().ReadAsArray()
             for level in range(band.GetOverviewCount())])


@pytest.mark.parametrize("mode", [gdal.GA_ReadOnly, gdal.GA_Update])
@pytest.mark.parametrize("resampling", ["NEAREST", "AVERAGE", "BILINEAR", "MODE"])
def test_overviews_are_those_of_a_mask_beside_the_file(tmp_path, masked, resampling, mode):
    inside, beside = both(tmp_path, blacked(masked))
    for path in (inside, beside):
        gdal.Open(path, mode).BuildOverviews(resampling, [2, 4, 8])
    expected, _ = overview_masks(beside)
    assert len(expected) == 3 and expected[2].shape == (36, 40)
    for got in overview_masks(inside):
        for level in range(3):
            np.testing.assert_array_equal(got[level], expected[level], err_msg=f"level {level}")
    for level in range(3):  # made with the mask
        np.testing.assert_array_equal(*[
            gdal.OpenEx(path, open_options=[f"OVERVIEW_LEVEL={level}"]).ReadAsArray()
            for path in (inside, beside)])
    assert inside + ".msk.ovr" in gdal.Open(inside).GetFileList()
    reduced = gdal.OpenEx(inside, open_options=["OVERVIEW_LEVEL=1"])
    np.testing.assert_array_equal(reduced.GetRasterBand(1).GetMaskBand().ReadAsArray(), expected[1])


def test_nearest_neighbours_without_built_ones(tmp_path, masked):
    """As of files whose overviews are older, or come from elsewhere."""
    inside, beside = both(tmp_path, masked)
    for path in (inside, beside):
        gdal.Open(path).BuildOverviews("NEAREST", [2, 3, 8])
    os.remove(inside + ".msk.ovr")
    for got, expected in zip(overview_masks(inside)[0], overview_masks(beside)[0]):
        np.testing.assert_array_equal(got, expected)


def test_no_dark_fringe(tmp_path, masked):
    """What is valid in an overview has a colour of the image, where the invalid is black."""
    inside, _ = both(tmp_path, blacked(masked))
    gdal.Open(inside).BuildOverviews("NEAREST", [2, 4, 8])
    dataset = gdal.Open(inside)
    for level in range(3):
        overview = dataset.GetRasterBand(1).GetOverview(level)
        shown = overview.GetMaskBand().ReadAsArray() > 0
        assert shown.any() and overview.ReadAsArray()[shown].min() >= 100, f"level {level}"


def test_cleaning_takes_them_away(tmp_path, masked):
    inside, _ = both(tmp_path, masked)
    dataset = gdal.Open(inside, gdal.GA_Update)
    told = []
    dataset.BuildOverviews("AVERAGE", [2], callback=lambda done, *_: told.append(done) or 1)
    assert told == sorted(told) and told[-1] == 1
    dataset.BuildOverviews("NONE", [])
    del dataset
    assert not [name for name in os.listdir(tmp_path) if name.startswith("inside.b2nd.")]


def test_masks_of_each_band(tmp_path, rng):
    source = memory_dataset(rng.integers(100, 200, (2, 100, 120), dtype="u1"))
    for number in (1, 2):
        source.GetRasterBand(number).CreateMaskBand(0)
        source.GetRasterBand(number).GetMaskBand().WriteArray(
            (rng.random((100, 120)) > 0.5) * np.uint8(255))
    path = str(tmp_path / "image.b2nd")
    gdal.Translate(path, source, format="B2ND")
    gdal.Open(path).BuildOverviews("NEAREST", [2])
    dataset = gdal.Open(path)
    for number in (1, 2):
        mask = dataset.GetRasterBand(number).GetMaskBand()
        np.testing.assert_array_equal(mask.GetOverview(0).ReadAsArray(),
                                      mask.ReadAsArray()[::2, ::2])


def test_a_new_mask_beside_the_file_does_not_inherit_them(tmp_path, masked):
    inside, _ = both(tmp_path, masked)
    gdal.Open(inside).BuildOverviews("NEAREST", [2])
    dataset = gdal.Open(inside)
    dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
    del dataset
    assert not os.path.exists(inside + ".msk.ovr")
    dataset = gdal.Open(inside)
    assert dataset.GetRasterBand(1).GetMaskBand().GetOverviewCount() == 0


def test_a_new_file_of_that_name_loses_them(tmp_path, masked):
    inside, beside = both(tmp_path, masked)
    gdal.Open(inside).BuildOverviews("NEAREST", [2])
    gdal.Translate(inside, beside, format="B2ND")
    assert not os.path.exists(inside + ".msk.ovr")
    gdal.Open(inside).BuildOverviews("NEAREST", [2])
    gdal.GetDriverByName("B2ND").Delete(inside)
    assert not [name for name in os.listdir(tmp_path) if name.startswith("inside")]


def test_lossy_overviews_do_not_blur_masks(tmp_path, masked):
    inside, _ = both(tmp_path, masked)
    with_jpeg = str(tmp_path / "jpeg.b2nd")
    shutil.copy(inside, with_jpeg)
    gdal.Open(inside).BuildOverviews("NEAREST", [2])
    gdal.SetConfigOption("COMPRESS_OVERVIEW", "JPEG")
    try:
        gdal.Open(with_jpeg).BuildOverviews("NEAREST", [2])
    finally:
        gdal.SetConfigOption("COMPRESS_OVERVIEW", None)
    np.testing.assert_array_equal(overview_masks(with_jpeg)[0][0], overview_masks(inside)[0][0])
