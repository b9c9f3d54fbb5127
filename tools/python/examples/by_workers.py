"""Dask: worker processes share the work, each within a limit of memory, of any format that GDAL reads.

usage: python3 by_workers.py IMAGE [RESULT.b2nd [WORKERS [MEMORY]]]

Prints mean and 98th percentile of the image, and stores it, smoothed by a Gaussian filter, as RESULT
(default: smooth.b2nd). WORKERS (default: 2) are processes; one that takes more than MEMORY (default:
"600 MB") is ended by Dask. For workers on several computers make a Client of their scheduler instead;
they need to see IMAGE, and the folder of RESULT, under the same paths.
"""

import sys

import dask
import gdal_ndarray
import numpy as np
from dask.distributed import Client, LocalCluster
from scipy.ndimage import gaussian_filter

SIGMA = 2  # of the filter, in pixels; scipy's looks 4 times as far
REACH = 4 * SIGMA
BINS = 1 << 16  # of the histogram; uint8 and uint16 have one for each value
SIDE = 2048  # lines and pixels of a block: a multiple of the chunks'


def mean(pixels):
    return float(pixels.mean(dtype="f8").compute())


def count(block, low, high):
    """The histogram of one block, as an array of one axis more than the block has."""
    exact = block.dtype in ("u1", "u2")
    counts = np.bincount(block.ravel(), minlength=BINS) if exact else np.histogram(block, BINS, (low, high))[0]
    return counts.reshape((1,) * block.ndim + (BINS,))


def percentile(pixels, percent):
    """The smallest value that so many percent of the pixels do not exceed, to the width of a bin."""
    exact = pixels.dtype in ("u1", "u2")
    low, high = (0, BINS) if exact else map(float, dask.compute(pixels.min(), pixels.max()))
    counts = pixels.map_blocks(
        count, low, high, dtype="i8", new_axis=pixels.ndim,
        chunks=(*((1,) * blocks for blocks in pixels.numblocks), (BINS,)))
    counts = counts.sum(axis=tuple(range(pixels.ndim)), split_every=8).compute()
    found = np.searchsorted(np.cumsum(counts), percent / 100 * pixels.size)
    return low + found * (high - low) / BINS


def gaussian(block, sigma):
    return gaussian_filter(block, sigma, output="f4")


def smoothed(pixels, dims):
    """A Dask array; blocks see REACH pixels of their neighbours."""
    sigma = [SIGMA if dim in ("y", "x") else 0 for dim in dims]  # not across bands
    depth = tuple(REACH if dim in ("y", "x") else 0 for dim in dims)
    return pixels.map_overlap(gaussian, sigma=sigma, depth=depth, boundary="none", dtype="f4")


def main(path, result="smooth.b2nd", workers="2", memory="600 MB"):
    image = gdal_ndarray.open(path)
    # Small blocks, since a worker has several of them at a time, and copies.
    pixels = image.dask([SIDE if dim in ("y", "x") else size for dim, size in zip(image.dims, image.chunks)])
    with LocalCluster(n_workers=int(workers), threads_per_worker=1, memory_limit=memory,
                      dashboard_address=None) as cluster, Client(cluster):
        print("mean", mean(pixels))
        print("98th percentile", percentile(pixels, 98))
        gdal_ndarray.store(smoothed(pixels, image.dims), result, like=image)
        print("smoothed", result)


if __name__ == "__main__":  # workers import this file, too
    main(*sys.argv[1:]) if sys.argv[1:] else sys.exit(__doc__)
