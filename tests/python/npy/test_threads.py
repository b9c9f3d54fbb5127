"""One file, many threads and processes."""

import numpy as np
import pytest
from osgeo import gdal
from support import swap
from support.thread import (HAS_THREAD_SAFE, check_in_children, check_windows, in_children,
                            in_threads)


@pytest.fixture(params=["plain", "swapped", "fortran"])
def image(request, npy, rng):
    array = rng.integers(0, 60000, (3, 700, 900), dtype="u2")
    prepare = {"plain": np.ascontiguousarray, "swapped": swap, "fortran": np.asfortranarray}
    return npy(prepare[request.param](array)), array


def test_many_datasets_in_many_threads(image):
    path, array = image
    in_threads(8, lambda number: check_windows(gdal.Open(path), array, number))


def test_large_windows_from_many_threads_at_once(npy, rng):
    """All want the pool's threads at the same time."""
    array = rng.integers(0, 60000, (2, 2000, 2000), dtype="u2")
    path = npy(array)
    in_threads(6, lambda number: [np.testing.assert_array_equal(
        gdal.Open(path).ReadAsArray(), array) for _ in range(3)])


@pytest.mark.skipif(not HAS_THREAD_SAFE, reason="GDAL < 3.10 has no thread-safe datasets")
def test_one_dataset_in_many_threads(image):
    path, array = image
    dataset = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_THREAD_SAFE)
    assert dataset.IsThreadSafe(gdal.OF_RASTER)

    def work(number):
        check_windows(dataset, array, number)
        band = dataset.GetRasterBand(1 + number % 3)
        expected = array[number % 3]
        assert band.Checksum() == checksums[number % 3]
        if can_map:
            np.testing.assert_array_equal(band.GetVirtualMemAutoArray(), expected)
        assert band.GetMaskBand().ReadAsArray(0, 0, 2, 2).min() == 255
        width, height = band.GetBlockSize()
        block = np.frombuffer(band.ReadBlock(0, 0), "u2").reshape(height, width)
        np.testing.assert_array_equal(block[:50, :50], expected[:height, :width][:50, :50])

    # Not GDAL's emulation of maps, which crashes in threads with any driver.
    can_map = dataset.GetMetadataItem("DTYPE", "IMAGE_STRUCTURE") == "<u2"
    checksums = [dataset.GetRasterBand(i + 1).Checksum() for i in range(3)]
    in_threads(8, work)


@pytest.mark.skipif(not HAS_THREAD_SAFE, reason="GDAL < 3.10 has no thread-safe datasets")
def test_masks_blocks_and_flushes_in_many_threads(npy):
    """What GDAL itself makes and caches for a dataset, from all threads at once."""
    path = npy(np.ones((3, 1500, 1200), "u1"))
    dataset = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_THREAD_SAFE)

    def work(number):
        band = dataset.GetRasterBand(1 + number % 3)
        rng = np.random.default_rng(number)
        for _ in range(25):
            x, y = int(rng.integers(0, 700)), int(rng.integers(0, 1000))
            assert (band.GetMaskBand().ReadAsArray(x, y, 500, 500) == 255).all()
            assert set(band.ReadBlock(0, 0)) == {1}
            assert (band.ReadAsArray(buf_xsize=300, buf_ysize=300) == 1).all()
            assert dataset.GetMetadata("DERIVED_SUBDATASETS") is not None
            band.FlushCache()

    in_threads(4, work)


@pytest.mark.skipif(not HAS_THREAD_SAFE, reason="GDAL < 3.10 has no thread-safe datasets")
def test_overviews_and_updates_are_not_shared(npy):
    path = npy(np.zeros((400, 400), "u2"))
    assert not gdal.Open(path, gdal.GA_Update).IsThreadSafe(gdal.OF_RASTER)
    gdal.Open(path).BuildOverviews("NEAREST", [2])
    dataset = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_THREAD_SAFE)  # GDAL's wrapper
    in_threads(4, lambda _: dataset.ReadAsArray(buf_xsize=200, buf_ysize=200))


def test_forked_children_read_large_windows(npy):
    """As worker processes of PyTorch do: the parent's pool threads do not exist there."""
    path = npy(np.ones((3000, 3000), "u2"))
    assert gdal.Open(path).ReadAsArray().sum() == 9_000_000  # starts the pool
    sums = in_children(3, lambda _: int(gdal.Open(path).ReadAsArray().sum()))
    assert sums == [9_000_000] * 3


def test_a_dataset_opened_before_a_fork_works_in_the_children(image):
    path, array = image
    check_in_children(gdal.Open(path), array)
