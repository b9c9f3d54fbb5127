"""Datasets that GDAL shares by name and flags: OpenShared, and what is built on it."""

import numpy as np
import pytest
from osgeo import gdal
from support import FORMATS, memory_dataset
from support.thread import in_threads

THREAD_SAFE = getattr(gdal, "OF_THREAD_SAFE", 0)
needs_thread_safe = pytest.mark.skipif(not THREAD_SAFE, reason="GDAL 3.10 or newer")


@pytest.fixture(params=FORMATS)
def image(request, tmp_path, rng):
    array = rng.integers(0, 60000, (300, 400), dtype="u2")
    path = tmp_path / f"image.{request.param.lower()}"
    source = memory_dataset(array)
    source.SetGeoTransform([0, 1, 0, 300, 0, -1])
    gdal.GetDriverByName(request.param).CreateCopy(str(path), source)
    return str(path), array


def test_opening_again_shares_the_dataset(image, errors):
    path, array = image
    first = gdal.OpenShared(path)
    second = gdal.OpenShared(path)
    assert errors == []
    assert int(first.this) == int(second.this)
    del first
    np.testing.assert_array_equal(second.ReadAsArray(), array)


def test_thread_safety_is_only_where_it_was_asked_for(image):
    path, _ = image
    if THREAD_SAFE:
        assert not gdal.Open(path).IsThreadSafe(gdal.OF_RASTER)
        assert gdal.OpenEx(path, gdal.OF_RASTER | THREAD_SAFE).IsThreadSafe(gdal.OF_RASTER)
        assert gdal.Open(path).GetThreadSafeDataset(gdal.OF_RASTER).IsThreadSafe(gdal.OF_RASTER)


@needs_thread_safe
@pytest.mark.parametrize("shared", [0, gdal.OF_SHARED])
def test_overviews_built_through_a_dataset_of_many_threads(image, shared):
    path, array = image
    other = gdal.Open(path)
    flags = gdal.OF_RASTER | shared | THREAD_SAFE
    first = gdal.OpenEx(path, flags)
    assert first.BuildOverviews("NEAREST", [2]) == gdal.CE_None
    assert first.IsThreadSafe(gdal.OF_RASTER)
    expected = first.ReadAsArray(buf_xsize=200, buf_ysize=150)
    in_threads(4, lambda _: np.testing.assert_array_equal(
        first.ReadAsArray(buf_xsize=200, buf_ysize=150), expected))
    first = None
    second = gdal.OpenEx(path, flags)
    assert (second.RasterXSize, second.GetRasterBand(1).GetOverviewCount()) == (400, 1)
    np.testing.assert_array_equal(second.ReadAsArray(), array)
    np.testing.assert_array_equal(other.ReadAsArray(), array)


@needs_thread_safe
def test_mask_is_not_made_through_a_dataset_of_many_threads(image, errors):
    dataset = gdal.OpenEx(image[0], gdal.OF_RASTER | THREAD_SAFE)
    assert dataset.CreateMaskBand(gdal.GMF_PER_DATASET) != gdal.CE_None
    assert "found a dataset opened with GDAL_OF_THREAD_SAFE" in errors[-1]
    assert dataset.IsThreadSafe(gdal.OF_RASTER)


def test_overview_of_a_warped_vrt(image, tmp_path):
    path, _ = image
    vrt = str(tmp_path / "warped.vrt")
    gdal.Warp(vrt, path, format="VRT", width=200, height=150, dstSRS="EPSG:4326",
              srcSRS="EPSG:4326", outputBounds=(0, 0, 400, 300))
    gdal.Open(path).BuildOverviews("NEAREST", [2])
    first, second = gdal.Open(vrt), gdal.Open(vrt)
    np.testing.assert_array_equal(first.ReadAsArray(), second.ReadAsArray())
    assert first.GetRasterBand(1).GetOverviewCount() == 1
    np.testing.assert_array_equal(first.GetRasterBand(1).GetOverview(0).ReadAsArray(),
                                  second.GetRasterBand(1).GetOverview(0).ReadAsArray())


def test_warp_by_arrays_of_coordinates(image, tmp_path):
    """Longitudes and latitudes as two bands of one file, which GDAL opens twice, shared."""
    path, array = image
    longitude, latitude = np.meshgrid(np.linspace(10, 14, 400), np.linspace(53, 50, 300))
    form = gdal.Open(path).GetDriver().ShortName
    coordinates = str(tmp_path / f"coordinates.{form.lower()}")
    gdal.GetDriverByName(form).CreateCopy(coordinates, memory_dataset(
        np.stack([longitude, latitude])))
    source = memory_dataset(array)
    source.SetMetadata({"X_DATASET": coordinates, "X_BAND": "1", "Y_DATASET": coordinates,
                        "Y_BAND": "2", "PIXEL_OFFSET": "0", "LINE_OFFSET": "0", "PIXEL_STEP": "1",
                        "LINE_STEP": "1", "SRS": "EPSG:4326"}, "GEOLOCATION")
    warped = gdal.Warp("", source, format="MEM", geoloc=True)
    assert np.count_nonzero(warped.ReadAsArray()) > array.size // 2
