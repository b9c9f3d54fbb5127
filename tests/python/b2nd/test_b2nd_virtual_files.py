"""Files behind GDAL's virtual file systems: in memory, in archives, over HTTP, bytes counted."""

import itertools

import numpy as np
import pytest
from support.b2nd import (SHAPES, assert_same, block_lengths, blosc2, chunk_offsets, details,
                          save)
from support.http import http_server  # noqa: F401, a fixture
from support.virtual import behind_a_virtual_file_system  # noqa: F401, a fixture
from osgeo import gdal
from support import random_windows, swap

PARAMETERS = {
    "tiles": {"chunks": (2, 90, 80), "blocks": (1, 32, 25)},
    "one chunk": {},
    "whole chunks": {"chunks": (1, 90, 80), "cparams": {
        "use_dict": True, "codec": blosc2.Codec.ZSTD, "clevel": 5}},
    "deltas": {"chunks": (1, 90, 80), "blocks": (1, 20, 30), "cparams": {
        "filters": [blosc2.Filter.DELTA, blosc2.Filter.SHUFFLE]}},
    "stored": {"chunks": (2, 90, 80), "blocks": (1, 32, 25), "cparams": {"clevel": 0}},
    "swapped": {"chunks": (2, 90, 80), "blocks": (1, 32, 25)},
}


@pytest.fixture(params=PARAMETERS)
def image(request, tmp_path, rng):
    array = rng.integers(0, 600, (3, 200, 150), dtype="u2")
    array[:, :90, :80] = 7
    written = swap(array) if request.param == "swapped" else array
    return save(tmp_path / "image.b2nd", written, **PARAMETERS[request.param]), array


def check(name, array, rng):
    for cache in ("64", "0"):
        gdal.SetConfigOption("NDARRAY_CACHEMAX", cache)
        dataset = gdal.Open(name)
        gdal.SetConfigOption("NDARRAY_CACHEMAX", None)
        assert_same(dataset.ReadAsArray(), array)
        for x, y, w, h in random_windows(rng, 150, 200, 10):
            window = array[:, y:y + h, x:x + w]
            assert_same(dataset.ReadAsArray(x, y, w, h), window)
            assert_same(dataset.GetRasterBand(2).ReadAsArray(x, y, w, h), window[1])
    gdal.Open(name)  # with the usual limit again


def test_reads_through_virtual_file_systems(image, rng, behind_a_virtual_file_system):  # noqa: F811
    path, array = image
    check(behind_a_virtual_file_system(path), array, rng)


def test_frames_in_memory_of_python_blosc2(rng):
    """No file at all: the bytes that to_cframe gives."""
    array = rng.integers(0, 600, (60, 50), dtype="u2")
    frame = blosc2.asarray(array, contiguous=True, **SHAPES).to_cframe()
    gdal.FileFromMemBuffer("/vsimem/frame", frame)
    assert_same(gdal.Open("/vsimem/frame").ReadAsArray(), array)
    gdal.Unlink("/vsimem/frame")


def test_stores_of_python_blosc2(tmp_path, rng):
    """A .b2z file is a zip archive with a .b2nd for each array."""
    if not hasattr(blosc2, "TreeStore"):
        pytest.skip("not in this python-blosc2")
    array = rng.integers(0, 600, (300, 200), dtype="u2")
    path = str(tmp_path / "store.b2z")
    with blosc2.TreeStore(path, mode="w") as store:
        store["/scene/red"] = blosc2.asarray(array, urlpath=str(tmp_path / "red.b2nd"))
    name = f"/vsizip/{{{path}}}/scene/red.b2nd"
    assert_same(gdal.Open(name).ReadAsArray(), array)


def test_stacks(tmp_path, rng):
    array = rng.integers(0, 600, (2, 3, 40, 50), dtype="u2")
    path = tmp_path / "stack.b2nd"
    save(path, array, chunks=(1, 2, 20, 20))
    gdal.FileFromMemBuffer("/vsimem/stack.b2nd", path.read_bytes())
    for index, (name, _) in enumerate(gdal.Open("/vsimem/stack.b2nd").GetSubDatasets()):
        assert_same(gdal.Open(name).ReadAsArray(), array[index])
    gdal.Unlink("/vsimem/stack.b2nd")


def test_truncated_files(tmp_path, errors, rng):
    """Chunks that are gone are missed when they are read, with one error."""
    path = tmp_path / "image.b2nd"
    save(path, rng.integers(0, 600, (200, 150), dtype="u2"), **SHAPES)
    content = path.read_bytes()
    for length in range(0, len(content), 997):
        gdal.FileFromMemBuffer("/vsimem/cut.b2nd", content[:length])
        assert gdal.Open("/vsimem/cut.b2nd") is None
        assert len(errors) == 1 and "/vsimem/cut.b2nd" in errors[0], (length, errors)
        errors.clear()
        gdal.Unlink("/vsimem/cut.b2nd")


@pytest.fixture
def serve(http_server):  # noqa: F811
    def start(path):
        gdal.VSICurlClearCache()
        return http_server.serve(path, "image.b2nd"), http_server

    return start


def blocks_of_window(content, shape, chunk, block, window):
    """The compressed bytes of the blocks that a window of a two-dimensional array touches."""
    grid = [-(-n // c) for n, c in zip(shape, chunk)]
    inner = [-(-c // b) for c, b in zip(chunk, block)]
    offsets = chunk_offsets(content)
    total = 0
    for position in itertools.product(*(range(start // c, (stop - 1) // c + 1)
                                     for (start, stop), c in zip(window, chunk))):
        offset = offsets[position[0] * grid[1] + position[1]]
        lengths = block_lengths(content, offset, inner[0] * inner[1])
        ranges = []
        for (start, stop), at, c, b in zip(window, position, chunk, block):
            first, last = max(start - at * c, 0), min(stop - at * c, c)
            ranges.append(range(first // b, (last - 1) // b + 1))
        total += sum(int(lengths[y * inner[1] + x]) for y, x in itertools.product(*ranges))
    return total


def photograph(rng, side):
    """Noise on a slope, which compresses about as images do."""
    slope = np.add.outer(np.arange(side), np.arange(side))
    return (slope // 8 + rng.integers(0, 200, (side, side))).astype("u2")


@pytest.mark.parametrize("side", [4096, pytest.param(8192, marks=pytest.mark.slow)])
def test_window_over_http_fetches_little_more_than_its_blocks(serve, tmp_path, rng, side):
    array = np.tile(photograph(rng, 2048), (side // 2048, side // 2048))
    path = save(tmp_path / "image.b2nd", array, chunks=(1024, 1024), blocks=(128, 128),
                cparams={"clevel": 1})
    name, server = serve(path)
    dataset = gdal.Open(name)
    opened = server.sent_bytes
    # Header, index and trailer; GDAL's own piece of 16 KiB for each.
    assert opened <= 128 << 10
    for x, y in [(0, 0), (900, 700), (side - 512, side - 700), (2047, 1), (1024, 2048)]:
        gdal.VSICurlClearCache()
        before = server.sent_bytes
        assert_same(dataset.ReadAsArray(x, y, 512, 512), array[y:y + 512, x:x + 512])
        covered = blocks_of_window(server.bodies["image.b2nd"], array.shape, (1024, 1024), (128, 128),
                                   ((y, y + 512), (x, x + 512)))
        assert covered < server.sent_bytes - before < 3 * covered


def test_blocks_in_the_cache_are_not_fetched_again(serve, tmp_path, rng):
    array = photograph(rng, 1024)
    path = save(tmp_path / "image.b2nd", array, chunks=(1024, 1024), blocks=(512, 512),
                cparams={"clevel": 1})
    name, server = serve(path)
    dataset = gdal.Open(name)
    first = dataset.ReadAsArray(100, 100, 300, 300)
    gdal.VSICurlClearCache()
    before = server.sent_bytes, server.requests
    assert_same(dataset.ReadAsArray(150, 150, 300, 300)[:250, :250], first[50:, 50:])
    assert (server.sent_bytes, server.requests) == before
    assert details(dataset)["DECODED_BLOCKS"] == 1


def test_special_chunks_are_not_fetched(serve, tmp_path):
    path = str(tmp_path / "zeros.b2nd")
    blosc2.zeros((20000, 20000), dtype="u2", chunks=(1000, 1000), urlpath=path)
    name, server = serve(path)
    dataset = gdal.Open(name)
    before = server.sent_bytes
    assert not dataset.ReadAsArray(3000, 4000, 2500, 2500).any()
    assert server.sent_bytes == before


def test_server_that_fails_midway(serve, tmp_path, rng, errors):
    array = photograph(rng, 2048)
    path = save(tmp_path / "image.b2nd", array, chunks=(1024, 1024), blocks=(128, 128))
    name, server = serve(path)
    dataset = gdal.Open(name)
    server.failure = 404
    gdal.VSICurlClearCache()
    errors.clear()
    assert dataset.ReadAsArray(1024, 1024, 300, 300) is None
    assert any("image.b2nd" in error for error in errors), errors
    server.failure = None
    gdal.VSICurlClearCache()
    assert_same(gdal.Open(name).ReadAsArray(1024, 1024, 300, 300), array[1024:1324, 1024:1324])
