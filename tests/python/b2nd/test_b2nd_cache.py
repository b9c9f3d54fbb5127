"""Decoded blocks are kept for the next window, within one bound for all files of the process."""

import contextlib
import subprocess
import sys

import numpy as np
import pytest
from support.b2nd import assert_same, bands_of, blosc2, details, save
from osgeo import gdal

SIDE = 2048
BLOCK_COST = 256  # of a block in the cache, beside its bytes; about
DEFAULT_MAX = 64 << 20


@pytest.fixture(autouse=True)
def default_limit(tmp_path):
    """The limit is the process's, and read again at each opening: other tests must not see ours."""
    yield
    path = save(tmp_path / "last.b2nd", np.zeros((2, 2), "u1"))
    assert details(gdal.Open(path))["CACHE_MAX_BYTES"] == DEFAULT_MAX


@contextlib.contextmanager
def limit(text):
    gdal.SetConfigOption("NDARRAY_CACHEMAX", text)
    try:
        yield
    finally:
        gdal.SetConfigOption("NDARRAY_CACHEMAX", None)


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(5).integers(0, 4000, (SIDE, SIDE), dtype="u2")


@pytest.fixture
def slabs(tmp_path, image):
    """Blocks of whole lines, as python-blosc2 makes them: 256 KiB each, 32 in all."""
    return save(tmp_path / "slabs.b2nd", image, chunks=(256, SIDE), blocks=(64, SIDE),
                cparams={"clevel": 1})


def sweep(dataset, image, width, height):
    """All windows of a size, line by line."""
    for y in range(0, SIDE, height):
        for x in range(0, SIDE, width):
            w, h = min(width, SIDE - x), min(height, SIDE - y)
            assert_same(dataset.ReadAsArray(x, y, w, h), image[y:y + h, x:x + w])
    return details(dataset)


@pytest.mark.parametrize("width, height", [(512, 512), (100, 100), (256, 64), (1000, 1), (64, 300)])
def test_sweep_of_slabs_decodes_each_block_once(slabs, image, width, height):
    facts = sweep(gdal.Open(slabs), image, width, height)
    assert facts["DECODED_BLOCKS"] == facts["CACHE_MISSES"] == 32
    assert facts["CACHE_HITS"] > 0


def test_sweep_of_chunks_of_python_blosc2(tmp_path, image):
    """Its default shapes depend on the machine. Blocks below some size are kept only once they
    were seen to come back, which costs some hundred of the first ones a second time."""
    path = save(tmp_path / "default.b2nd", image, cparams={"clevel": 1})
    array = blosc2.open(path)
    blocks = -(-SIDE // array.blocks[0]) * -(-SIDE // array.blocks[1])
    decoded = sweep(gdal.Open(path), image, 512, 512)["DECODED_BLOCKS"]
    assert blocks <= decoded <= 1.25 * blocks + 150


def test_sweep_of_tiles_wants_no_cache(tmp_path, image):
    path = save(tmp_path / "tiles.b2nd", image, chunks=(512, 512), blocks=(128, 128),
                cparams={"clevel": 1})
    facts = sweep(gdal.Open(path), image, 256, 512)
    assert facts["DECODED_BLOCKS"] == 256
    assert facts["CACHE_BYTES"] == facts["CACHE_MISSES"] == 0


def test_repeated_windows_become_hits(tmp_path, image):
    """Small blocks, too, once they have come back some hundred times."""
    path = save(tmp_path / "tiles.b2nd", image, chunks=(512, 512), blocks=(32, 32),
                cparams={"clevel": 1})
    dataset = gdal.Open(path)
    for _ in range(30):
        for x, y in [(10, 10), (700, 10), (10, 900), (1500, 1500)]:
            assert_same(dataset.ReadAsArray(x, y, 100, 100), image[y:y + 100, x:x + 100])
    before = details(dataset)
    assert before["CACHE_HITS"] > 0 and before["CACHE_BYTES"] > 0
    dataset.ReadAsArray(10, 10, 100, 100)
    after = details(dataset)
    assert after["CACHE_MISSES"] == before["CACHE_MISSES"]
    # 4 x 4 blocks, of which the window has the inner ones whole.
    assert after["CACHE_HITS"] - before["CACHE_HITS"] == 16
    assert after["DECODED_BLOCKS"] == before["DECODED_BLOCKS"]


def test_slabs_too_small_to_pay_alone_are_decoded_once(tmp_path, image):
    """Blocks of 16 KiB: kept because they cross the image, before any has come back."""
    path = save(tmp_path / "thin.b2nd", image, chunks=(256, SIDE), blocks=(8, SIDE))
    facts = sweep(gdal.Open(path), image, SIDE // 4, 64)
    assert facts["DECODED_BLOCKS"] == SIDE // 8


def test_single_pixels(slabs, image, rng):
    dataset = gdal.Open(slabs)
    for x, y in rng.integers(0, SIDE, (300, 2)):
        assert dataset.ReadAsArray(int(x), int(y), 1, 1)[0, 0] == image[y, x]
    assert details(dataset)["DECODED_BLOCKS"] <= 32


def test_datasets_of_one_file_share_blocks(slabs):
    first, second = gdal.Open(slabs), gdal.Open(slabs)
    pixels = first.ReadAsArray(3, 5, 20, 20)
    assert details(second)["CACHE_MISSES"] == 1
    assert_same(second.ReadAsArray(3, 5, 20, 20), pixels)
    assert details(first) == details(second)
    assert details(first)["DECODED_BLOCKS"] == 1


def test_blocks_go_with_the_last_dataset(slabs, tmp_path):
    witness = gdal.Open(save(tmp_path / "witness.b2nd", np.zeros((2, 2), "u1")))
    before = details(witness)["CACHE_BYTES_ALL_FILES"]
    first, second = gdal.Open(slabs), gdal.Open(slabs)
    first.ReadAsArray(3, 5, 20, 200)
    held = details(first)["CACHE_BYTES"]
    assert held == pytest.approx(4 * (64 * SIDE * 2 + BLOCK_COST), rel=0.01)
    assert details(witness)["CACHE_BYTES_ALL_FILES"] == before + held
    del first
    assert details(witness)["CACHE_BYTES_ALL_FILES"] == before + held
    del second
    assert details(witness)["CACHE_BYTES_ALL_FILES"] == before


def test_files_do_not_share_blocks(tmp_path, slabs, image):
    other = save(tmp_path / "other.b2nd", image[::-1], chunks=(256, SIDE), blocks=(64, SIDE),
                 cparams={"clevel": 1})
    datasets = [(gdal.Open(slabs), image), (gdal.Open(other), image[::-1])]
    for _ in range(3):
        for dataset, pixels in datasets:
            assert_same(dataset.ReadAsArray(5, 7, 30, 200), pixels[7:207, 5:35])


def test_new_content_under_an_old_name(slabs, image, tmp_path):
    """Blocks of the old file are not shown for it, nor the other way."""
    old = gdal.Open(slabs)
    old.ReadAsArray(5, 7, 30, 200)
    replacement = save(tmp_path / "new.b2nd", image[::-1], chunks=(256, SIDE), blocks=(64, SIDE),
                       cparams={"clevel": 1})
    (tmp_path / "new.b2nd").rename(slabs)
    assert replacement != slabs
    new = gdal.Open(slabs)
    assert_same(new.ReadAsArray(5, 7, 30, 200), image[::-1][7:207, 5:35])
    assert_same(old.ReadAsArray(5, 7, 30, 200), image[7:207, 5:35])


@pytest.mark.parametrize("text, expected", [
    ("1", 1 << 20), ("100", 100 << 20), ("99999", 99999 << 20), ("100000", 100000),
    ("3000000", 3000000), ("64KB", 64 << 10), ("1.5 MB", 3 << 19), ("2GB", 2 << 30), ("0", 0),
    ("512k", 512 << 10), ("3m", 3 << 20)])
def test_limit_is_read_at_each_opening(slabs, text, expected):
    with limit(text):
        assert details(gdal.Open(slabs))["CACHE_MAX_BYTES"] == expected


@pytest.mark.parametrize("text", ["many", "-1", "", "5 bananas", "nan"])
def test_what_is_no_limit_changes_nothing(slabs, errors, text):
    with limit("3"):
        gdal.Open(slabs)
        gdal.SetConfigOption("NDARRAY_CACHEMAX", text)
        assert details(gdal.Open(slabs))["CACHE_MAX_BYTES"] == 3 << 20
    assert len(errors) == 1 and errors[0].startswith(f"NDARRAY_CACHEMAX: found {text}, wanted ")


@pytest.mark.parametrize("text, most", [("3MB", 3 << 20), ("1MB", 1 << 20), ("600KB", 600 << 10),
                                        ("0", 0)])
def test_limit_bounds_all_files_together(slabs, tmp_path, image, text, most):
    tiles = save(tmp_path / "tiles.b2nd", image, chunks=(512, 512), blocks=(256, 256),
                 cparams={"clevel": 1})
    with limit(text):
        datasets = [gdal.Open(slabs), gdal.Open(tiles)]
        for y in range(0, SIDE - 100, 150):
            for x in (0, 300, 700):
                for dataset in datasets:
                    assert_same(dataset.ReadAsArray(x, y, 90, 100), image[y:y + 100, x:x + 90])
                    facts = details(dataset)
                    assert facts["CACHE_BYTES_ALL_FILES"] <= most
                    assert facts["CACHE_BYTES"] <= facts["CACHE_BYTES_ALL_FILES"]


def test_lower_limit_drops_blocks_at_once(slabs):
    dataset = gdal.Open(slabs)
    dataset.ReadAsArray(0, 0, 10, SIDE)
    assert details(dataset)["CACHE_BYTES"] > 8 << 20
    with limit("2"):
        gdal.Open(slabs)
        assert 1 << 20 < details(dataset)["CACHE_BYTES"] <= 2 << 20


def test_blocks_as_large_as_the_limit_are_not_kept(slabs, image):
    with limit("256KB"):
        dataset = gdal.Open(slabs)
        for _ in range(3):
            assert_same(dataset.ReadAsArray(3, 5, 20, 20), image[5:25, 3:23])
        assert details(dataset)["DECODED_BLOCKS"] == 3
        assert details(dataset)["CACHE_BYTES"] == 0


@pytest.mark.parametrize("parameters", [
    {"cparams": {"use_dict": True, "codec": blosc2.Codec.ZSTD, "clevel": 5}},
    {"cparams": {"filters": [blosc2.Filter.DELTA, blosc2.Filter.SHUFFLE]}}],
    ids=["dictionary", "deltas"])
def test_chunks_that_are_decoded_whole_are_kept(tmp_path, rng, parameters):
    texture = np.tile(rng.integers(0, 50, (512, 64), dtype="u2"), (1, 8))
    path = save(tmp_path / "whole.b2nd", texture, chunks=(256, 256), blocks=(64, 64), **parameters)
    dataset = gdal.Open(path)
    for _ in range(3):
        for y in range(0, 500, 50):
            for x in range(0, 500, 50):
                assert_same(dataset.ReadAsArray(x, y, 12, 12), texture[y:y + 12, x:x + 12])
    assert details(dataset)["DECODED_BLOCKS"] == 4 * 16


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [(64, 8192), (256, 256)], ids=["slabs", "tiles"])
def test_memory_stays_within_the_limit(tmp_path, blocks):
    """134 MB of pixels through a cache of 8: what is resident grows by no more, but for the mapped
    file's own pages, which the kernel may take back."""
    path = str(tmp_path / "large.b2nd")
    array = blosc2.empty((8192, 8192), dtype="u2", urlpath=path, mode="w", blocks=blocks,
                         chunks=(1024, 8192), cparams={"clevel": 1})
    line = np.arange(8192, dtype="u2") % 500
    for y in range(0, 8192, 1024):
        array[y:y + 1024] = np.add.outer(np.arange(y, y + 1024), line).astype("u2") % 4000
    del array
    code = f"""
import resource
import numpy as np
from osgeo import gdal
gdal.SetConfigOption("NDARRAY_CACHEMAX", "8")
dataset = gdal.Open({path!r})
dataset.ReadAsArray(0, 0, 512, 512)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rng = np.random.default_rng(1)
for y in range(0, 8192, 512):
    for x in range(0, 8192, 512):
        pixels = dataset.ReadAsArray(x, y, 512, 512)
        expected = np.add.outer(np.arange(y, y + 512), np.arange(x, x + 512) % 500) % 4000
        assert (pixels == expected).all()
for x, y in rng.integers(0, 8000, (2000, 2)):
    dataset.ReadAsArray(int(x), int(y), 100, 100)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True,
                               text=True).stdout)
    file_bytes = (tmp_path / "large.b2nd").stat().st_size
    assert grown < (8 << 10) + (file_bytes >> 10) + (12 << 10)  # in KiB


def test_bands_of_a_file_share_blocks(tmp_path, rng):
    """Pixel by pixel interleaved bands, one after another."""
    pixels = rng.integers(0, 40, (512, 512, 3), dtype="u1")
    path = save(tmp_path / "rgb.b2nd", pixels, chunks=(512, 512, 3), blocks=(256, 256, 3))
    dataset = gdal.Open(path)
    for number, expected in enumerate(bands_of(pixels)):
        assert_same(dataset.GetRasterBand(number + 1).ReadAsArray(), expected)
    assert details(dataset)["DECODED_BLOCKS"] == 4
