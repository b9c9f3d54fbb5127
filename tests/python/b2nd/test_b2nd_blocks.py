"""GDAL's blocks of a .b2nd are those of the file: who takes over a block size takes over the cut."""

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal
from support import memory_dataset
from support.tool import tool


@pytest.fixture
def driver():
    return gdal.GetDriverByName("B2ND")


def cut(path):
    array = blosc2.open(str(path))
    return array.chunks, array.blocks


def block_size(path):
    dataset = gdal.Open(str(path))
    return dataset.GetRasterBand(1).GetBlockSize()


@pytest.mark.parametrize("side", [16, 128, 192, 512])
@pytest.mark.parametrize("interleave", ["BAND", "PIXEL"])
def test_block_size_that_is_asked_for_is_reported(driver, tmp_path, side, interleave):
    for array in (np.ones((3, 700, 900), "u2"), np.ones((3, 90, 100), "u1")):
        path = str(tmp_path / "blocks.b2nd")
        driver.CreateCopy(path, memory_dataset(array), options=[
            f"BLOCKXSIZE={side}", "BLOCKYSIZE=48", f"INTERLEAVE={interleave}"])
        assert block_size(path) == [side, 48]
        assert side in cut(path)[1] and 48 in cut(path)[1]


@pytest.mark.parametrize("shape", [(1, 700, 900), (3, 90, 100), (2, 2100, 1300)])
@pytest.mark.parametrize("options", [
    [], ["BLOCKXSIZE=128", "BLOCKYSIZE=64"], ["BLOCKSIZE=32"], ["BLOCKXSIZE=900", "BLOCKYSIZE=8"]])
def test_block_size_of_a_file_serves_to_cut_another(driver, tmp_path, shape, options):
    # What rasterio does: open(new, "w", **old.profile).
    first, second = str(tmp_path / "first.b2nd"), str(tmp_path / "second.b2nd")
    bands, height, width = shape
    driver.CreateCopy(first, memory_dataset(np.ones(shape, "i4")), options=options)
    x, y = block_size(first)
    driver.Create(second, width, height, bands, gdal.GDT_Int32,
                  [f"BLOCKXSIZE={x}", f"BLOCKYSIZE={y}", "TILED=True"])
    assert cut(second) == cut(first)
    assert block_size(second) == [x, y]


def test_copies_are_cut_like_a_file_of_this_driver(driver, tmp_path, rng):
    image = rng.integers(0, 99, (2, 300, 500), dtype="u2")
    first = str(tmp_path / "first.b2nd")
    driver.CreateCopy(first, memory_dataset(image), options=[
        "BLOCKXSIZE=32", "BLOCKYSIZE=16", "CHUNKXSIZE=96", "CHUNKYSIZE=64"])
    copy = str(tmp_path / "copy.b2nd")
    for make in (lambda: driver.CreateCopy(copy, gdal.Open(first)),
                 lambda: gdal.Translate(copy, first, format="B2ND"),
                 lambda: tool("convert", first, copy)):
        make()
        assert cut(copy) == cut(first) == ((1, 64, 96), (1, 16, 32))
        np.testing.assert_array_equal(blosc2.open(copy)[:], image)
        driver.Delete(copy)
    for option, blocks in [("BLOCKSIZE=64", (1, 64, 64)), ("INTERLEAVE=PIXEL", (128, 128, 2))]:
        driver.CreateCopy(copy, gdal.Open(first), options=[option])
        assert cut(copy)[1] == blocks
    tool("convert", first, copy, "--access", "window=64")
    assert cut(copy)[1] == (1, 64, 64)


def test_copies_of_other_programs_files_are_cut_anew(driver, tmp_path):
    rows = str(tmp_path / "rows.b2nd")
    blosc2.asarray(np.ones((400, 600), "u2"), urlpath=rows, chunks=(40, 600), blocks=(4, 600))
    assert block_size(rows) == [600, 4]
    driver.CreateCopy(str(tmp_path / "copy.b2nd"), gdal.Open(rows))
    assert cut(tmp_path / "copy.b2nd")[1] == (128, 128)


def decoded(dataset):
    return int(dataset.GetMetadataItem("DECODED_BLOCKS", "B2ND"))


def smaller(band, x, y, width, height):
    """Reads through GDAL's own block cache, as all resampling does."""
    return band.ReadAsArray(x, y, width, height, width // 2, height // 2)


def test_who_walks_over_blocks_gets_their_neighbours_and_each_is_decoded_once(driver, tmp_path, rng):
    image = rng.integers(0, 4096, (1, 1300, 1500), dtype="u2")
    path = str(tmp_path / "walk.b2nd")
    driver.CreateCopy(path, memory_dataset(image), options=["BLOCKSIZE=64", "CHUNKXSIZE=512",
                                                            "CHUNKYSIZE=512"])
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(1)
    smaller(band, 0, 0, 64, 64)
    assert decoded(dataset) == 1  # alone
    smaller(band, 64, 0, 64, 64)
    assert decoded(dataset) == 1 + 64  # 512 KB
    smaller(band, 0, 0, 512, 512)
    assert decoded(dataset) == 1 + 64
    smaller(band, 1024, 1024, 64, 64)
    assert decoded(dataset) == 2 + 64  # elsewhere
    del band, dataset  # the count is of all who have the file open
    dataset = gdal.Open(path)
    found = dataset.GetRasterBand(1).ComputeStatistics(False)
    assert found[:2] == [image.min(), image.max()]
    assert decoded(dataset) <= 24 * 21 + 3


def test_neighbours_do_not_undo_what_was_written_into_gdals_cache(driver, tmp_path, rng):
    image = rng.integers(0, 4096, (512, 512), dtype="u2")
    path = str(tmp_path / "written.b2nd")
    driver.CreateCopy(path, memory_dataset(image), options=["BLOCKSIZE=64"])
    dataset = gdal.Open(path, gdal.GA_Update)
    band = dataset.GetRasterBand(1)
    band.WriteRaster(64, 64, 64, 64, np.full((32, 32), 5, "u2").tobytes(), 32, 32)  # cached
    smaller(band, 0, 0, 128, 64)  # all of the group
    assert (smaller(band, 64, 64, 64, 64) == 5).all()
    np.testing.assert_array_equal(smaller(band, 128, 128, 128, 128),
                                  image[128:256, 128:256][1::2, 1::2])
    del band, dataset
    image[64:128, 64:128] = 5
    np.testing.assert_array_equal(blosc2.open(path)[:], image)


def test_blocks_of_a_bad_size_do_not_become_gdals(tmp_path):
    path = str(tmp_path / "large.b2nd")
    blosc2.zeros((3, 5), dtype="u1", urlpath=path, chunks=(3, 5), blocks=(3, 5))
    assert block_size(path) == [5, 3]
