"""Nodata values that the type of the pixels rounds, or cannot hold."""

import os

import numpy as np
import pytest
from osgeo import gdal, gdal_array
from support import FORMATS, HAS_FLOAT16, HAS_INT8
from support.either import driver, path  # noqa: F401, fixtures

LOWEST = float(np.finfo("f4").min)


def assert_same_number(got, expected):
    assert got == expected or (got != got and expected != expected), (got, expected)


def set_nodata(band, value):
    """As C programs do, rasterio among them, for every type: not by way of Python's own choice."""
    gdal_module = __import__("osgeo._gdal")._gdal
    return gdal_module.Band_SetNoDataValue(band, value)


def check(dataset, expected, pixels):
    band = dataset.GetRasterBand(1)
    assert_same_number(band.GetNoDataValue(), expected)
    assert band.GetMaskFlags() == gdal.GMF_NODATA
    with np.errstate(invalid="ignore"):
        same = np.isnan(pixels) if expected != expected else pixels == np.asarray(expected,
                                                                                   pixels.dtype)
    assert same.any()
    np.testing.assert_array_equal(band.GetMaskBand().ReadAsArray(), np.where(same, 0, 255))


ROUNDED = [
    (gdal.GDT_Float32, -3.4028235e+38, LOWEST), (gdal.GDT_Float32, 3.4028235e+38, -LOWEST),
    (gdal.GDT_Float32, -3.40282346638529e+38, LOWEST), (gdal.GDT_Float32, LOWEST, LOWEST),
    (gdal.GDT_Float32, -3.402823e+38, float(np.float32(-3.402823e+38))),
    (gdal.GDT_Float32, 0.1, float(np.float32(0.1))), (gdal.GDT_Float32, -1e39, -np.inf),
    (gdal.GDT_Float32, np.inf, np.inf), (gdal.GDT_Float32, np.nan, np.nan),
    (gdal.GDT_CFloat32, -3.4028235e+38, LOWEST), (gdal.GDT_CFloat32, 0.1, float(np.float32(0.1))),
    (gdal.GDT_Float64, 0.1, 0.1), (gdal.GDT_Float64, -3.4028235e+38, -3.4028235e+38),
    (gdal.GDT_Byte, 254.7, 255), (gdal.GDT_Int16, -9999.6, -10000), (gdal.GDT_UInt32, 7.2, 7),
    (gdal.GDT_Int64, -5.0, -5), (gdal.GDT_UInt64, 5.4, 5)]


@pytest.mark.parametrize("gdal_type, value, expected", ROUNDED)
def test_nodata_is_what_pixels_have(driver, path, gdal_type, value, expected):
    dataset = driver.Create(path, 40, 30, 1, gdal_type)
    band = dataset.GetRasterBand(1)
    assert band.GetMaskFlags() == gdal.GMF_ALL_VALID  # asked before there is one
    set_nodata(band, value)
    dtype = gdal_array.GDALTypeCodeToNumericTypeCode(gdal_type)
    band.WriteArray(np.ones((10, 20), dtype))
    band.WriteArray(np.full((1, 20), expected, dtype), 0, 10)
    expected_pixels = np.full((30, 40), expected if driver.ShortName == "B2ND" else 0, dtype)
    expected_pixels[:10, :20] = 1
    expected_pixels[10, :20] = expected
    if driver.ShortName == "B2ND":  # the rest of a chunk that was written is filled, too
        np.testing.assert_array_equal(band.ReadAsArray(), expected_pixels)
    check(dataset, expected, band.ReadAsArray())
    band = dataset = None
    dataset = gdal.Open(path)
    np.testing.assert_array_equal(dataset.ReadAsArray(), expected_pixels)
    check(dataset, expected, expected_pixels)


@pytest.mark.parametrize("gdal_type, value, expected", ROUNDED)
def test_copies_round_nodata(driver, path, gdal_type, value, expected):
    source = gdal.GetDriverByName("MEM").Create("", 40, 30, 1, gdal_type)
    dtype = gdal_array.GDALTypeCodeToNumericTypeCode(gdal_type)
    pixels = np.ones((30, 40), dtype)
    pixels[:, 5] = np.asarray(expected, dtype)
    source.WriteArray(pixels)
    if gdal_type in (gdal.GDT_Int64, gdal.GDT_UInt64):
        value = expected
    source.GetRasterBand(1).SetNoDataValue(value)
    driver.CreateCopy(path, source)
    check(gdal.Open(path), expected, pixels)


@pytest.mark.parametrize("dtype, text, expected", [
    ("<f4", "-3.4028235e+38", LOWEST), (">f4", "-3.4028235e+38", LOWEST), ("<f2", "-65500", -65504),
    ("<f2", "-65519", -65504), ("<f2", "0.1", float(np.float16(0.1))), ("<f2", "1e9", np.inf),
    ("<f4", "0.1", float(np.float32(0.1))), ("<u2", "7.4", 7), ("|i1", "-7", -7),
    ("|i1", "-6.8", -7), ("|i1", "7", 7), ("<i2", "-9999", -9999)])
def test_sidecars_of_others(npy, dtype, text, expected):
    array = np.zeros((6, 7), dtype)
    array[2] = expected
    path = npy(array)
    with open(path + ".aux.xml", "w") as sidecar:
        sidecar.write(f'<PAMDataset><PAMRasterBand band="1"><NoDataValue>{text}</NoDataValue>'
                      "</PAMRasterBand></PAMDataset>")
    for mode in (gdal.GA_ReadOnly, gdal.GA_Update):
        check(gdal.Open(path, mode), expected, array.astype("f8"))


@pytest.mark.skipif(HAS_INT8, reason="GDAL before 3.7")
@pytest.mark.parametrize("value", [-7, 7, -128, 0])
def test_signed_bytes_of_old_gdal(driver, path, value):
    dataset = driver.Create(path, 40, 30, 1, gdal.GDT_Byte, ["PIXELTYPE=SIGNEDBYTE"])
    band = dataset.GetRasterBand(1)
    band.SetNoDataValue(value)
    band.WriteArray(np.full((3, 40), value, "i1").view("u1"), 0, 20)
    pixels = band.ReadAsArray().view("i1").astype("f8")
    if driver.ShortName == "B2ND":
        assert (pixels == value).all()
    check(dataset, value, pixels)
    band = dataset = None
    check(gdal.Open(path), value, pixels)


@pytest.mark.skipif(HAS_INT8, reason="GDAL before 3.7")
def test_signed_bytes_have_no_nodata_beyond_their_range(driver, path):
    dataset = driver.Create(path, 40, 30, 1, gdal.GDT_Byte, ["PIXELTYPE=SIGNEDBYTE"])
    band = dataset.GetRasterBand(1)
    band.Fill(200)  # -56
    band.SetNoDataValue(200)
    assert band.GetMaskFlags() == gdal.GMF_ALL_VALID
    assert band.GetMaskBand().ReadAsArray().min() == 255


@pytest.mark.skipif(not HAS_FLOAT16, reason="GDAL 3.11 or newer")
@pytest.mark.parametrize("value, expected", [(-65500, -65504), (-65519, -65504), (-65520, -np.inf),
                                             (0.1, float(np.float16(0.1)))])
def test_half_precision(driver, path, value, expected):
    dataset = driver.Create(path, 40, 30, 1, gdal.GDT_Float16)
    dataset.GetRasterBand(1).SetNoDataValue(value)
    dataset.GetRasterBand(1).WriteArray(np.full((1, 40), expected, "f2"))
    check(dataset, expected, dataset.ReadAsArray())
    del dataset
    check(gdal.Open(path), expected, gdal.Open(path).ReadAsArray())


@pytest.mark.parametrize("gdal_type, value", [
    (gdal.GDT_Byte, -9999), (gdal.GDT_UInt16, 65536), (gdal.GDT_Byte, np.nan),
    (gdal.GDT_Int32, np.inf)])
def test_nodata_that_no_pixel_can_have_marks_none(driver, path, gdal_type, value):
    dataset = driver.Create(path, 40, 30, 1, gdal_type)
    band = dataset.GetRasterBand(1)
    band.SetNoDataValue(value)
    band = dataset = None
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(1)
    assert_same_number(band.GetNoDataValue(), value)
    assert not band.ReadAsArray().any()
    assert band.GetMaskBand().ReadAsArray().min() == 255


@pytest.mark.parametrize("gdal_type, value", [(gdal.GDT_UInt64, -5.0), (gdal.GDT_Int64, 9.3e18),
                                              (gdal.GDT_Int64, np.nan)])
def test_64_bit_integers_refuse_what_they_cannot_hold(driver, path, gdal_type, value):
    dataset = driver.Create(path, 40, 30, 1, gdal_type)
    with pytest.raises(RuntimeError, match="nodata: found .*, wanted a value of U?Int64"):
        set_nodata(dataset.GetRasterBand(1), value)
    del dataset
    dataset = gdal.Open(path)
    assert dataset.GetRasterBand(1).GetNoDataValue() is None
    assert len(os.listdir(os.path.dirname(path))) == 1


@pytest.mark.skipif("B2ND" not in FORMATS, reason="built without B2ND")
@pytest.mark.parametrize("interleave", ["BAND", "PIXEL"])
def test_nodata_of_a_new_file_reaches_blocks_that_were_read(tmp_path, interleave):
    path = str(tmp_path / "new.b2nd")
    dataset = gdal.GetDriverByName("B2ND").Create(path, 300, 200, 2, gdal.GDT_Int16, [
        f"INTERLEAVE={interleave}", "CHUNKXSIZE=128", "CHUNKYSIZE=128"])
    first = dataset.GetRasterBand(1)
    first.WriteRaster(0, 0, 128, 128, np.full((8, 8), 3, "i2").tobytes(), 8, 8)  # by blocks

    def shown():
        return [(band.ReadAsArray(buf_xsize=3, buf_ysize=2)[1, 2], band.ReadAsArray()[-1, -1])
                for band in (first, dataset.GetRasterBand(2))]

    assert shown() == [(0, 0)] * 2
    for nodata in (-5, -6):
        first.SetNoDataValue(nodata)
        dataset.GetRasterBand(2).SetNoDataValue(nodata)
        assert shown() == [(nodata, nodata)] * 2
        assert (first.ReadAsArray(0, 0, 128, 128) == 3).all()
    first.DeleteNoDataValue()
    dataset.GetRasterBand(2).DeleteNoDataValue()
    assert shown() == [(0, 0)] * 2
    assert (first.ReadAsArray(0, 0, 128, 128) == 3).all()


@pytest.mark.skipif("B2ND" not in FORMATS, reason="built without B2ND")
def test_nodata_of_bands_that_share_chunks_waits_for_the_last(tmp_path):
    path = str(tmp_path / "new.b2nd")
    dataset = gdal.GetDriverByName("B2ND").Create(path, 30, 20, 3, gdal.GDT_Int16,
                                                  ["INTERLEAVE=PIXEL"])
    for number, value in [(1, 7), (2, 7), (2, 8), (3, 7), (1, 7)]:
        dataset.GetRasterBand(number).SetNoDataValue(value)
        assert not dataset.ReadAsArray().any()
    dataset.GetRasterBand(2).SetNoDataValue(7)
    assert (dataset.ReadAsArray() == 7).all()
