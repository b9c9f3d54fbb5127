"""Creation options in the words of GeoTIFF and COG, and wrong values of ours."""

import os
import subprocess
import sys

import numpy as np
import pytest
from support.b2nd import blosc2, codec_of
from osgeo import gdal, osr
from support import memory_dataset
from support.tool import error, tool

IMAGE = np.arange(90_000, dtype="u2").reshape(300, 300)


def make(driver, path, *options, create=False):
    if create:
        dataset = gdal.GetDriverByName(driver).Create(str(path), 300, 300, 1, gdal.GDT_UInt16,
                                                      list(options))
        if dataset is not None:
            dataset.GetRasterBand(1).WriteArray(IMAGE)
    else:
        dataset = gdal.GetDriverByName(driver).CreateCopy(str(path), memory_dataset(IMAGE),
                                                          options=list(options))
    return dataset is not None


@pytest.fixture(params=[False, True], ids=["CreateCopy", "Create"])
def create(request):
    return request.param


@pytest.mark.parametrize("option", [
    "COMPRESS=DEFLATE", "compress=deflate", "compress=zlib", "TILED=YES", "tiled=false",
    "BIGTIFF=IF_SAFER", "bigtiff=yes", "BLOCKSIZE=64", "blocksize=64", "PREDICTOR=1",
    "PREDICTOR=NO", "ZSTD_LEVEL=9", "ZLEVEL=6", "NUM_THREADS=all_cpus", "num_threads=2",
    "interleave=pixel", "filter=shuffle", "LEVEL=9"])
def test_words_of_geotiff_are_accepted_silently(tmp_path, errors, create, option):
    path = tmp_path / "words.b2nd"
    assert make("B2ND", path, option, create=create)
    assert errors == []
    np.testing.assert_array_equal(blosc2.open(str(path))[:], IMAGE)
    if "zlib" in option or "eflate" in option.lower():
        assert codec_of(gdal.Open(str(path))) == "ZLIB"
    if "lock" in option.lower():
        assert blosc2.open(str(path)).blocks == (64, 64)


def test_own_words_count_for_more(tmp_path, errors):
    path = tmp_path / "words.b2nd"
    assert make("B2ND", path, "BLOCKSIZE=64", "BLOCKXSIZE=32", "LEVEL=2", "ZSTD_LEVEL=19")
    assert blosc2.open(str(path)).blocks == (64, 32)
    assert gdal.Open(str(path)).GetMetadataItem("LEVEL", "B2ND") == "2"
    assert make("B2ND", path, "PREDICTOR=2", "FILTER=SHUFFLE")
    assert errors == [f"{path}: PREDICTOR=2 is ignored, since FILTER=SHUFFLE is given"]


@pytest.mark.parametrize("predictor", ["2", "3", "YES", "floating_point"])
def test_predictor_chooses_the_filter_with_a_warning(tmp_path, errors, create, predictor):
    path = tmp_path / "words.b2nd"
    assert make("B2ND", path, "COMPRESS=LZ4", f"PREDICTOR={predictor}", create=create)
    assert len(errors) == 1 and errors[0].startswith(
        f"{path}: PREDICTOR={predictor} is taken as FILTER=BYTEDELTA")
    assert "BYTEDELTA" in gdal.Open(str(path)).GetMetadataItem("FILTERS", "IMAGE_STRUCTURE")


@pytest.mark.parametrize("zstd, level", [(1, 1), (2, 1), (3, 2), (9, 5), (14, 7), (15, 8), (18, 8),
                                         (19, 9), (22, 9)])
def test_levels_of_zstd_become_the_nearest(tmp_path, zstd, level):
    path = tmp_path / "words.b2nd"
    make("B2ND", path, f"ZSTD_LEVEL={zstd}")
    assert gdal.Open(str(path)).GetMetadataItem("LEVEL", "B2ND") == str(level)
    make("B2ND", path, f"ZSTD_LEVEL={zstd}", "COMPRESS=LZ4")  # not of this codec
    assert gdal.Open(str(path)).GetMetadataItem("LEVEL", "B2ND") == "5"
    make("B2ND", path, f"ZLEVEL={min(zstd, 12)}", "COMPRESS=DEFLATE")
    assert gdal.Open(str(path)).GetMetadataItem("LEVEL", "B2ND") == str(min(zstd, 9))


@pytest.mark.parametrize("option, wanted", [
    ("BLOCKSIZE=0", "1 to 2147483647"), ("PREDICTOR=4", "1, 2 or 3"), ("ZSTD_LEVEL=23", "1 to 22"),
    ("LEVEL=15", "1 to 9 (ZSTD_LEVEL has 1 to 22)"), ("NUM_THREADS=lots", "a number or ALL_CPUS"),
    ("NUM_THREADS=-1", "a number or ALL_CPUS"), ("NUM_THREADS=", "a number or ALL_CPUS")])
def test_wrong_values_are_errors_before_work(tmp_path, errors, create, option, wanted):
    name, found = option.split("=")
    drivers = {"B2ND": "bad.b2nd", "NPY": "bad.npy"} if "THREADS" in name else {"B2ND": "bad.b2nd"}
    for driver, file in drivers.items():
        assert not make(driver, tmp_path / file, option, create=create)
        assert f"{tmp_path / file}: {name}: found {found}, wanted {wanted}" in errors
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("options", [
    ["NUM_THREADS=2"], ["num_threads=ALL_CPUS"], ["COMPRESS=NONE"], ["compress=none", "TILED=NO"],
    ["BIGTIFF=YES"], ["PREDICTOR=1"], ["BLOCKXSIZE=300", "BLOCKYSIZE=300", "TILED=False"]])
def test_npy_accepts_what_it_is_anyway(tmp_path, errors, create, options):
    assert make("NPY", tmp_path / "words.npy", *options, create=create)
    assert errors == []
    np.testing.assert_array_equal(np.load(tmp_path / "words.npy"), IMAGE)


def test_npy_warns_once_of_all_that_it_cannot_use(tmp_path, errors, create):
    path = tmp_path / "words.npy"
    assert make("NPY", path, "COMPRESS=DEFLATE", "predictor=2", "TILED=YES", "BLOCKXSIZE=256",
                "BLOCKYSIZE=256", "ZSTD_LEVEL=3", "CHUNKXSIZE=512", create=create)
    assert errors == [
        f"{path}: ignored: COMPRESS=DEFLATE, ZSTD_LEVEL=3, PREDICTOR=2, TILED=YES, BLOCKXSIZE=256, "
        "BLOCKYSIZE=256, CHUNKXSIZE=512; a .npy has neither compression nor blocks, the driver B2ND "
        "has both"]
    np.testing.assert_array_equal(np.load(path), IMAGE)


def test_block_size_of_a_npy_serves_to_write_another(tmp_path, errors):
    for width, interleave in ((300, "BAND"), (300, "PIXEL"), (200_000, "BAND")):
        path = str(tmp_path / "first.npy")
        gdal.GetDriverByName("NPY").Create(path, width, 4, 3, gdal.GDT_UInt16,
                                           [f"INTERLEAVE={interleave}"])
        dataset = gdal.Open(path)
        x, y = dataset.GetRasterBand(1).GetBlockSize()
        gdal.GetDriverByName("NPY").Create(
            str(tmp_path / "second.npy"), width, 4, 3, gdal.GDT_UInt16,
            [f"INTERLEAVE={interleave}", f"BLOCKXSIZE={x}", f"BLOCKYSIZE={y}",
             f"TILED={x != width}"])
    assert errors == []


@pytest.mark.parametrize("value", ["lots", "-2", "2x", ""])
def test_wrong_numbers_of_threads_are_reported_when_a_file_opens(tmp_path, errors, value):
    for driver, name in (("NPY", "a.npy"), ("B2ND", "a.b2nd")):
        path = str(tmp_path / name)
        assert make(driver, path)
        dataset = gdal.OpenEx(path, open_options=[f"NUM_THREADS={value}"])
        np.testing.assert_array_equal(dataset.ReadAsArray(), IMAGE)
        assert errors == [f"{path}: NUM_THREADS: found {value}, wanted a number or ALL_CPUS; it is "
                          "ignored"]
        errors.clear()
        # As GDAL's own drivers do, which read the same option.
        gdal.SetConfigOption("GDAL_NUM_THREADS", value)
        try:
            np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), IMAGE)
        finally:
            gdal.SetConfigOption("GDAL_NUM_THREADS", None)
        assert errors == []


@pytest.mark.parametrize("name", ["o.npy", "o.b2nd"])
def test_convert_takes_the_same_words_and_refuses_wrong_ones(tmp_path, name):
    source = tmp_path / "in.tif"
    gdal.GetDriverByName("GTiff").CreateCopy(str(source), memory_dataset(IMAGE))
    tool("convert", source, tmp_path / name, "-co", "NUM_THREADS=2", "-co", "bigtiff=yes", "-co",
         "TILED=NO")
    np.testing.assert_array_equal(gdal.Open(str(tmp_path / name)).ReadAsArray(), IMAGE)
    assert error("convert", source, tmp_path / name, "-co", "NUM_THREADS=lots", code=2) == (
        f"{tmp_path / name}: NUM_THREADS: found lots, wanted a number or ALL_CPUS")


@pytest.mark.parametrize("name", ["o.npy", "o.b2nd"])
def test_wrong_numbers_of_threads_for_a_stack_are_wrong_usage(tmp_path, name):
    source = tmp_path / "stack.tif"
    for append in ("NO", "YES", "YES"):
        gdal.Translate(str(source), memory_dataset(IMAGE), format="GTiff",
                       creationOptions=[f"APPEND_SUBDATASET={append}"])
    assert "NUM_THREADS: found lots" in error("convert", source, tmp_path / name, "-co",
                                              "NUM_THREADS=lots", code=2)
    assert not (tmp_path / name).exists()


# --- what a driver says of itself -----------------------------------------------------------


@pytest.mark.parametrize("driver, name", [("NPY", "a.npy"), ("B2ND", "a.b2nd")])
def test_items_of_the_driver_are_true(tmp_path, driver, name):
    metadata = gdal.GetDriverByName(driver).GetMetadata()
    assert metadata["DCAP_COORDINATE_EPOCH"] == "YES"
    assert metadata["DMD_HELPTOPIC"].endswith("README.md")
    assert (metadata.get("DCAP_CAN_READ_AFTER_DELETE") == "YES") == (
        int(gdal.VersionInfo()) >= 3120000)
    path = tmp_path / name
    source = memory_dataset(IMAGE)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(9000)  # ITRF2014
    crs.SetCoordinateEpoch(2021.3)
    source.SetSpatialRef(crs)
    gdal.GetDriverByName(driver).CreateCopy(str(path), source)
    assert gdal.Open(str(path)).GetSpatialRef().GetCoordinateEpoch() == 2021.3
    updated = gdal.Open(str(path), gdal.GA_Update)
    crs.SetCoordinateEpoch(2022.5)
    updated.SetSpatialRef(crs)
    del updated
    dataset = gdal.Open(str(path))
    for file in dataset.GetFileList():
        os.unlink(file)
    assert dataset.GetSpatialRef().GetCoordinateEpoch() == 2022.5
    np.testing.assert_array_equal(dataset.ReadAsArray(), IMAGE)


def test_numbers_are_the_same_in_every_locale(tmp_path):
    compiled = subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", tmp_path / "de_DE.UTF-8"],
                              capture_output=True)
    if compiled.returncode != 0:
        pytest.skip("localedef cannot make a German locale here")
    code = """
import locale, sys
import numpy as np
from osgeo import gdal
gdal.UseExceptions()
name, folder = sys.argv[1:]
locale.setlocale(locale.LC_ALL, name)
assert locale.localeconv()["decimal_point"] == ("," if name != "C" else ".")
source = gdal.GetDriverByName("MEM").Create("", 300, 200, 1, gdal.GDT_Float32)
source.SetGeoTransform((0.5, 0.25, 0, 1e-3, 0, -1.5))
source.GetRasterBand(1).SetNoDataValue(-0.125)
source.GetRasterBand(1).SetScale(2.5)
source.GetRasterBand(1).WriteArray(np.arange(60000.0).reshape(200, 300) / 8)
for driver in ("NPY", "B2ND"):
    path = f"{folder}/a.{driver.lower()}"
    gdal.GetDriverByName(driver).CreateCopy(path, source)
    dataset = gdal.Open(path)
    print(gdal.Info(dataset, options="-stats -mdd all"))
    print(dataset.GetMetadata("IMAGE_STRUCTURE"), dataset.GetGeoTransform())
    del dataset
"""
    shown = {}
    for name in ("C", "de_DE.UTF-8"):
        folder = tmp_path / "files"
        folder.mkdir(exist_ok=True)
        shown[name] = subprocess.run(
            [sys.executable, "-c", code, name, folder], capture_output=True, text=True, check=True,
            env={**os.environ, "LOCPATH": str(tmp_path), "GDAL_NUM_THREADS": "1"}).stdout
        for file in folder.iterdir():
            file.unlink()
    assert "RATIO" in shown["C"] and "0.125" in shown["C"]
    assert shown["de_DE.UTF-8"] == shown["C"]
