"""GetDataCoverageStatus: what nobody has written may be left out, and nothing else."""

import os

import numpy as np
import pytest
from support.b2nd import blosc2, save
from osgeo import gdal

EMPTY = gdal.GDAL_DATA_COVERAGE_STATUS_EMPTY
DATA = gdal.GDAL_DATA_COVERAGE_STATUS_DATA
UNKNOWN = gdal.GDAL_DATA_COVERAGE_STATUS_UNIMPLEMENTED | DATA
CHUNKS = ["CHUNKXSIZE=128", "CHUNKYSIZE=128"]


def coverage(dataset, *window, band=1, stop=0):
    window = window or (0, 0, dataset.RasterXSize, dataset.RasterYSize)
    return tuple(dataset.GetRasterBand(band).GetDataCoverageStatus(*window, stop))


def create(path, bands=1, gdal_type=gdal.GDT_Int16, options=()):
    return gdal.GetDriverByName("B2ND").Create(path, 512, 256, bands, gdal_type,
                                               [*CHUNKS, "BLOCKXSIZE=64", "BLOCKYSIZE=64",
                                                *options])


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "image.b2nd")


@pytest.mark.parametrize("interleave", ["BAND", "PIXEL"])
@pytest.mark.parametrize("nodata", [-5, 0])
def test_chunks_that_were_never_written_are_empty(path, interleave, nodata):
    dataset = create(path, 2, options=[f"INTERLEAVE={interleave}"])
    for number in (1, 2):
        dataset.GetRasterBand(number).SetNoDataValue(nodata)
    assert coverage(dataset) == (EMPTY, 0)
    dataset.WriteArray(np.full((2, 10, 10), 7, "i2"), 130, 130)
    for _ in range(2):
        assert coverage(dataset) == (EMPTY | DATA, 12.5)
        assert coverage(dataset, 128, 128, 128, 128, band=2) == (DATA, 100)
        assert coverage(dataset, 0, 0, 128, 256) == (EMPTY, 0)
        assert coverage(dataset, 64, 128, 128, 64) == (EMPTY | DATA, 50)
        assert coverage(dataset, stop=DATA)[1] == -1
        assert coverage(dataset, 0, 0, 100, 100, stop=DATA) == (EMPTY, 0)
        dataset = None
        dataset = gdal.Open(path)


def test_without_nodata_zeros_count_once_the_file_was_closed(path):
    dataset = create(path)
    dataset.GetRasterBand(1).WriteArray(np.zeros((128, 128), "i2"))
    assert coverage(dataset) == (EMPTY | DATA, 12.5)
    dataset.FlushCache()
    assert coverage(dataset) == (EMPTY | DATA, 12.5)
    dataset = None
    assert coverage(gdal.Open(path)) == (DATA, 100)
    assert coverage(gdal.Open(path, gdal.GA_Update)) == (DATA, 100)


def test_what_waits_in_gdals_block_cache_is_data(path):
    dataset = create(path)
    dataset.GetRasterBand(1).SetNoDataValue(-5)
    dataset.GetRasterBand(1).WriteRaster(0, 0, 128, 128, b"\1\0", 1, 1)  # by blocks
    assert coverage(dataset) == (EMPTY | DATA, 12.5)


@pytest.mark.parametrize("interleave", ["BAND", "PIXEL"])
def test_transparent_zeros_are_empty_and_colours_below_zero_alpha_are_not(path, interleave):
    dataset = create(path, 4, gdal.GDT_Byte, [f"INTERLEAVE={interleave}"])
    dataset.WriteArray(np.full((4, 128, 128), 9, "u1"))
    dataset.GetRasterBand(1).WriteArray(np.full((128, 128), 9, "u1"), 128, 0)
    dataset = None
    dataset = gdal.Open(path)
    assert coverage(dataset) == (EMPTY | DATA, 25)
    assert coverage(dataset, 128, 0, 128, 128) == (DATA, 100)
    assert coverage(dataset, 256, 0, 128, 128) == (EMPTY, 0)
    others = (EMPTY, 0) if interleave == "BAND" else (DATA, 100)
    assert coverage(dataset, 128, 0, 128, 128, band=2) == others
    assert coverage(dataset, 128, 0, 128, 128, band=4) == others


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<f4"])
def test_arrays_of_python_blosc2(tmp_path, dtype):
    zeros = save(tmp_path / "zeros.b2nd", np.zeros((256, 512), dtype), chunks=(128, 128))
    dataset = gdal.Open(zeros)
    assert coverage(dataset) == (DATA, 100)  # they may be what somebody measured
    dataset.GetRasterBand(1).SetNoDataValue(-5)
    assert coverage(dataset) == (DATA, 100)
    dataset.GetRasterBand(1).SetNoDataValue(0)
    assert coverage(dataset) == (EMPTY, 0)
    full = str(tmp_path / "full.b2nd")
    blosc2.full((256, 512), 260, dtype=dtype, chunks=(128, 128), urlpath=full, mode="w")
    dataset = gdal.Open(full)
    assert coverage(dataset) == (DATA, 100)
    dataset.GetRasterBand(1).SetNoDataValue(260)
    assert coverage(dataset) == (EMPTY, 0)
    unwritten = str(tmp_path / "empty.b2nd")
    blosc2.uninit((256, 512), dtype=dtype, chunks=(128, 128), urlpath=unwritten, mode="w")
    dataset = gdal.Open(unwritten)
    assert coverage(dataset) == (EMPTY, 0)
    dataset.GetRasterBand(1).SetNoDataValue(-5)
    assert coverage(dataset) == (DATA, 100)  # shown as zeros


@pytest.mark.parametrize("gdal_type", [gdal.GDT_Float32, gdal.GDT_Float64])
def test_nans(path, tmp_path, gdal_type):
    dataset = create(path, gdal_type=gdal_type)
    dataset.GetRasterBand(1).SetNoDataValue(float("nan"))
    dataset.GetRasterBand(1).WriteArray(np.ones((128, 128)))
    dataset = None
    assert coverage(gdal.Open(path)) == (EMPTY | DATA, 12.5)
    path = str(tmp_path / "nans.b2nd")
    blosc2.nans((256, 512), dtype="f4", chunks=(128, 128), urlpath=path, mode="w")
    dataset = gdal.Open(path)
    assert coverage(dataset) == (DATA, 100)
    dataset.GetRasterBand(1).SetNoDataValue(float("nan"))
    assert coverage(dataset) == (EMPTY, 0)


def test_a_sparse_copy_has_every_pixel(path, tmp_path, rng):
    dataset = create(path, 2)
    for number in (1, 2):
        dataset.GetRasterBand(number).SetNoDataValue(-5)
    dataset.WriteArray(rng.integers(1, 9, (2, 60, 200), dtype="i2"), 100, 30)
    expected = dataset.ReadAsArray()
    dataset = None
    tiff = str(tmp_path / "sparse.tif")
    gdal.Translate(tiff, path, creationOptions=["SPARSE_OK=TRUE", "TILED=YES", "BLOCKXSIZE=128",
                                                "BLOCKYSIZE=128"])
    np.testing.assert_array_equal(gdal.Open(tiff).ReadAsArray(), expected)
    assert os.path.getsize(tiff) < expected.nbytes / 2


def test_records_and_other_formats_know_nothing(tmp_path):
    record = save(tmp_path / "record.b2nd", np.zeros((20, 30), [("a", "u1"), ("b", "u2")]))
    assert coverage(gdal.Open(record)) == (UNKNOWN, 100)
    npy = str(tmp_path / "image.npy")
    np.save(npy, np.zeros((20, 30)))
    assert coverage(gdal.Open(npy)) == (UNKNOWN, 100)


def test_virtual_files_are_told_by_their_index_alone(path):
    dataset = create(path)
    dataset.GetRasterBand(1).SetNoDataValue(0)
    dataset.GetRasterBand(1).WriteArray(np.ones((128, 128), "i2"))
    dataset = None
    gdal.FileFromMemBuffer("/vsimem/image.b2nd", open(path, "rb").read())
    assert coverage(gdal.Open("/vsimem/image.b2nd")) == (EMPTY | DATA, 12.5)
    gdal.Unlink("/vsimem/image.b2nd")


def test_too_many_chunks_are_not_looked_at(path):
    gdal.GetDriverByName("B2ND").Create(path, 40000, 40000, 1, gdal.GDT_Byte, [
        "BLOCKXSIZE=32", "BLOCKYSIZE=32", "CHUNKXSIZE=32", "CHUNKYSIZE=32"])
    dataset = gdal.Open(path)
    dataset.GetRasterBand(1).SetNoDataValue(0)
    assert coverage(dataset) == (UNKNOWN, 100)
    assert coverage(dataset, 0, 0, 20000, 20000) == (EMPTY, 0)
