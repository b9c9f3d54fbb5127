"""Red, green, blue and alpha: what the file, its shape or somebody says, on every path into a file."""

import os
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal
from support import HAS_INT8, memory_dataset
from support.either import driver, path  # noqa: F401, fixtures

INTERLEAVES = ["BAND", "PIXEL", "LINE"]


def letters(dataset):
    """"RGBA" for red, green, blue and alpha; G is for gray, too, which no test has beside green."""
    return "".join(gdal.GetColorInterpretationName(
        dataset.GetRasterBand(number + 1).GetColorInterpretation())[0]
        for number in range(dataset.RasterCount))


def reopened(path):
    return letters(gdal.Open(path))


def photo(colours=(gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand), dtype="u1"):
    """A source with these colours."""
    source = memory_dataset(np.zeros((len(colours), 20, 30), dtype))
    for number, colour in enumerate(colours):
        source.GetRasterBand(number + 1).SetColorInterpretation(colour)
    return source


@pytest.mark.parametrize("interleave", INTERLEAVES)
@pytest.mark.parametrize("colours", [
    (gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand),
    (gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand, gdal.GCI_AlphaBand),
    (gdal.GCI_BlueBand, gdal.GCI_GreenBand, gdal.GCI_RedBand),
    (gdal.GCI_Undefined,) * 3, (gdal.GCI_Undefined,) * 4,
    (gdal.GCI_GrayIndex, gdal.GCI_Undefined, gdal.GCI_Undefined),
    (gdal.GCI_RedBand, gdal.GCI_Undefined, gdal.GCI_BlueBand)])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_a_copy_has_the_colours_of_its_source(driver, path, interleave, colours, dtype):
    source = photo(colours, dtype)
    copy = driver.CreateCopy(path, source, options=[f"INTERLEAVE={interleave}"])
    assert letters(copy) == letters(source)
    del copy
    assert reopened(path) == letters(source)
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.SetMetadataItem("A", "b")
    del dataset
    assert reopened(path) == letters(source)
    copy_of_copy = path.replace("image.", "copy.")
    driver.CreateCopy(copy_of_copy, gdal.Open(path))
    assert reopened(copy_of_copy) == letters(source)


@pytest.mark.parametrize("interleave", INTERLEAVES)
@pytest.mark.parametrize("gdal_type", [gdal.GDT_Byte, gdal.GDT_UInt16, gdal.GDT_Float32])
@pytest.mark.parametrize("bands", [1, 2, 3, 4, 5])
def test_bands_of_a_new_file_are_what_geotiff_makes_them(driver, path, tmp_path, interleave,
                                                         gdal_type, bands):
    tiff = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "a.tif"), 30, 20, bands, gdal_type)
    expected = letters(tiff) if letters(tiff)[0] == "R" else "U" * bands  # one is gray there
    dataset = driver.Create(path, 30, 20, bands, gdal_type, [f"INTERLEAVE={interleave}"])
    assert letters(dataset) == expected
    dataset.WriteArray(np.ones((bands, 20, 30), "u1"))
    del dataset
    assert reopened(path) == expected


def test_signed_bytes_of_a_new_file_are_no_colours(driver, path):
    if HAS_INT8:
        driver.Create(path, 30, 20, 3, gdal.GDT_Int8)
    else:
        driver.Create(path, 30, 20, 3, gdal.GDT_Byte, ["PIXELTYPE=SIGNEDBYTE"])
    assert reopened(path) == "UUU"


@pytest.mark.parametrize("interleave", INTERLEAVES)
@pytest.mark.parametrize("mode", [gdal.GA_ReadOnly, gdal.GA_Update])
def test_what_somebody_sets_is_remembered(driver, path, interleave, mode):
    driver.Create(path, 30, 20, 4, gdal.GDT_Byte, [f"INTERLEAVE={interleave}"])
    assert reopened(path) == "RGBA"
    for colours in ["UUUU", "BGRU", "RGBA", "RUBU", "RGBA"]:
        dataset = gdal.Open(path, mode)
        for number, letter in enumerate(colours):
            dataset.GetRasterBand(number + 1).SetColorInterpretation(
                {"U": gdal.GCI_Undefined, "R": gdal.GCI_RedBand, "G": gdal.GCI_GreenBand,
                 "B": gdal.GCI_BlueBand, "A": gdal.GCI_AlphaBand}[letter])
        assert letters(dataset) == colours
        del dataset
        assert reopened(path) == colours


def test_undefined_in_the_session_that_made_the_file(driver, path):
    for interleave in INTERLEAVES:
        dataset = driver.Create(path, 30, 20, 3, gdal.GDT_Byte, [f"INTERLEAVE={interleave}"])
        for number in (1, 2, 3):
            dataset.GetRasterBand(number).SetColorInterpretation(gdal.GCI_Undefined)
        del dataset
        assert reopened(path) == "UUU"


def test_warps_merges_and_mosaics(driver, path, tmp_path):
    name = driver.ShortName
    source = photo()
    source.SetGeoTransform([0, 1, 0, 0, 0, -1])
    tiff = str(tmp_path / "photo.tif")
    gdal.Translate(tiff, source, outputSRS="EPSG:32633")
    gdal.Warp(path, tiff, format=name)
    assert reopened(path) == "RGB"
    gdal.Warp(path, tiff, format=name, dstAlpha=True)
    assert reopened(path) == "RGBA"
    gdal.Translate(path, gdal.BuildVRT("", [tiff]), format=name)
    assert reopened(path) == "RGB"
    mosaic = gdal.BuildVRT("", [path])
    assert letters(mosaic) == "RGB"
    subprocess.run([sys.executable, "-m", "osgeo_utils.gdal_merge", "-q", "-of", name, "-o", path,
                    tiff], check=True)
    assert reopened(path) == "RGB"


@pytest.mark.parametrize("shape, dtype, expected", [
    ((20, 30, 3), "u1", "RGB"), ((20, 30, 4), "u1", "RGBA"), ((20, 30, 3), "u2", "RGB"),
    ((20, 30, 4), "u2", "UUUU"), ((20, 30, 4), "i1", "UUUU"), ((20, 30, 3), "?", "UUU"),
    ((20, 30, 4), "?", "UUUU"), ((20, 30, 4), "f4", "UUUU"), ((4, 20, 30), "u1", "UUUU"),
    ((20, 30, 2), "u1", "UU")])
def test_a_plain_array_with_colours_last_is_a_picture(npy, shape, dtype, expected):
    assert reopened(npy(np.zeros(shape, dtype))) == expected


def test_alpha_of_a_plain_array_is_its_mask(npy):
    array = np.zeros((20, 30, 4), "u1")
    array[5:, :, 3] = 255
    dataset = gdal.Open(npy(array))
    assert dataset.GetRasterBand(1).GetMaskFlags() == gdal.GMF_ALPHA | gdal.GMF_PER_DATASET
    np.testing.assert_array_equal(dataset.GetRasterBand(1).GetMaskBand().ReadAsArray(),
                                  array[..., 3])


def test_pictures_that_their_shape_tells_need_no_sidecar(tmp_path):
    npy = gdal.GetDriverByName("NPY")
    npy.CreateCopy(str(tmp_path / "a.npy"), photo(), options=["INTERLEAVE=PIXEL"])
    npy.Create(str(tmp_path / "b.npy"), 30, 20, 4, gdal.GDT_Byte, ["INTERLEAVE=PIXEL"])
    assert sorted(os.listdir(tmp_path)) == ["a.npy", "b.npy"]
