"""Writing to what CreateCopy of B2ND returns."""

import os

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal, osr
from support import memory_dataset

IMAGE = np.arange(2 * 300 * 400, dtype="u2").reshape(2, 300, 400)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "copy.b2nd")


def make_copy(path):
    return gdal.GetDriverByName("B2ND").CreateCopy(path, memory_dataset(IMAGE))


def test_band_can_be_written(path):
    copy = make_copy(path)
    ones = np.ones((300, 400), "u2")
    assert copy.GetRasterBand(2).WriteArray(ones) == 0
    np.testing.assert_array_equal(copy.ReadAsArray(), [IMAGE[0], ones])
    del copy
    np.testing.assert_array_equal(blosc2.open(path)[:], [IMAGE[0], ones])


def test_metadata_can_be_set(path):
    copy = make_copy(path)
    copy.SetMetadataItem("author", "me")
    for band in (1, 2):
        copy.GetRasterBand(band).SetNoDataValue(7)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32632)
    copy.SetSpatialRef(crs)
    copy.SetGeoTransform([10, 2, 0, 20, 0, -2])
    del copy
    array = blosc2.open(path)
    assert array.schunk.vlmeta["proj:code"] == "EPSG:32632"
    assert list(array.schunk.vlmeta["spatial:transform"]) == [2, 0, 10, 0, -2, 20]
    dataset = gdal.Open(path)
    assert dataset.GetMetadataItem("author") == "me"
    assert dataset.GetRasterBand(2).GetNoDataValue() == 7
    np.testing.assert_array_equal(blosc2.open(path)[:], IMAGE)
    assert os.listdir(os.path.dirname(path)) == ["copy.b2nd"]


def test_what_is_not_written_to_stays_and_keeps_nobody_out(path):
    copy = make_copy(path)
    before = open(path, "rb").read()
    np.testing.assert_array_equal(copy.ReadAsArray(), IMAGE)
    copy.GetRasterBand(1).Checksum()
    other = gdal.Open(path, gdal.GA_Update)
    assert other is not None
    del other
    copy.FlushCache()
    del copy
    assert open(path, "rb").read() == before
    assert os.listdir(os.path.dirname(path)) == ["copy.b2nd"]


def test_what_others_have_changed_meanwhile_stays(path):
    copy = make_copy(path)
    other = gdal.Open(path, gdal.GA_Update)
    other.GetRasterBand(2).WriteArray(IMAGE[0])
    other.SetMetadataItem("author", "other")
    del other
    assert copy.GetRasterBand(1).WriteArray(IMAGE[1]) == 0
    del copy
    dataset = gdal.Open(path)
    np.testing.assert_array_equal(dataset.ReadAsArray(), [IMAGE[1], IMAGE[0]])
    assert dataset.GetMetadataItem("author") == "other"


def test_file_that_took_the_name_meanwhile_stays(path, errors):
    copy = make_copy(path)
    gdal.GetDriverByName("B2ND").CreateCopy(path, memory_dataset(IMAGE[:, ::-1].copy()))
    assert copy.GetRasterBand(1).WriteArray(IMAGE[1]) != 0
    assert "has replaced or removed this file since it was opened" in errors[0]
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), IMAGE[:, ::-1])


def test_virtual_copy_can_be_written():
    path = "/vsimem/copy.b2nd"
    copy = make_copy(path)
    assert copy.GetRasterBand(1).WriteArray(IMAGE[1]) == 0
    del copy
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), [IMAGE[1], IMAGE[1]])
    gdal.Unlink(path)


def test_copy_over_a_file_that_may_only_be_read_is_read(path):
    make_copy(path)
    os.chmod(path, 0o444)
    np.testing.assert_array_equal(make_copy(path).ReadAsArray(), IMAGE)


def test_gdal_translate_leaves_what_it_wrote(tmp_path, path):
    make_copy(path)
    before = open(path, "rb").read()
    gdal.Translate(path, memory_dataset(IMAGE), format="B2ND")
    assert open(path, "rb").read() == before
    assert os.listdir(tmp_path) == ["copy.b2nd"]
