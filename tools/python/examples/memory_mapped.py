"""Memory-mapped: the file is the array, and the system loads the pages of it that are touched.

usage: python3 memory_mapped.py IMAGE.npy [RESULT.b2nd]

Prints mean and 98th percentile of the image, and stores it, smoothed by a Gaussian filter, as RESULT
(default: smooth.b2nd). `pixels` is a NumPy array that is not in memory: the system reads what is used,
and takes the memory back when it is short of it. np.load(path, mmap_mode="r") is the same without GDAL.
"""

import sys

import gdal_ndarray
import numpy as np
from scipy.ndimage import gaussian_filter

SIGMA = 2  # of the filter, in pixels; scipy's looks 4 times as far
REACH = 4 * SIGMA
BINS = 1 << 16  # of the histogram; uint8 and uint16 have one for each value
STEP = 1 << 22  # elements whose temporary copies are in memory at a time


def mean(pixels):
    return float(pixels.mean(dtype="f8"))  # NumPy itself goes through the map


def percentile(pixels, percent):
    """The smallest value that so many percent of the pixels do not exceed, to the width of a bin."""
    exact = pixels.dtype in ("u1", "u2")
    low, high = (0, BINS) if exact else (float(pixels.min()), float(pixels.max()))
    flat = pixels.ravel(order="K")  # a view, in the order of the file
    counts = np.zeros(BINS, np.int64)
    for start in range(0, flat.size, STEP):
        part = flat[start:start + STEP]
        counts += np.bincount(part, minlength=BINS) if exact else np.histogram(part, BINS, (low, high))[0]
    found = np.searchsorted(np.cumsum(counts), percent / 100 * flat.size)
    return low + found * (high - low) / BINS


def smooth(image, pixels, result):
    sigma = [SIGMA if dim in ("y", "x") else 0 for dim in image.dims]  # not across bands
    with gdal_ndarray.create(result, image.shape, "f4", like=image) as file:
        for window in image.windows(2048, overlap=REACH):
            part = gaussian_filter(pixels[window], sigma, output="f4")
            file[window.core] = part[window.crop]  # without the overlap


def main(path, result="smooth.b2nd"):
    image = gdal_ndarray.open(path)
    pixels = image.view()  # no copy; ValueError for what cannot be mapped
    print("mean", mean(pixels))
    print("98th percentile", percentile(pixels, 98))
    smooth(image, pixels, result)
    print("smoothed", result)


if __name__ == "__main__":
    main(*sys.argv[1:]) if sys.argv[1:] else sys.exit(__doc__)
