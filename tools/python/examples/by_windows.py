"""Chunk by chunk: one window of the image at a time is in memory, of any format that GDAL reads.

usage: python3 by_windows.py IMAGE [RESULT.b2nd]

Prints mean and 98th percentile of the image, and stores it, smoothed by a Gaussian filter, as RESULT
(default: smooth.b2nd). Several threads decode each window, and compress what is stored.
"""

import sys

import gdal_ndarray
import numpy as np
from scipy.ndimage import gaussian_filter

SIGMA = 2  # of the filter, in pixels; scipy's looks 4 times as far
REACH = 4 * SIGMA
BINS = 1 << 16  # of the histogram; uint8 and uint16 have one for each value
SIDE = 2048  # lines and pixels of a window: a multiple of the chunks'


def mean(image):
    return sum(float(image[window].sum(dtype="f8")) for window in image.windows(SIDE)) / image.size


def percentile(image, percent):
    """The smallest value that so many percent of the pixels do not exceed, to the width of a bin."""
    exact = image.dtype in ("u1", "u2")
    low, high = (0, BINS) if exact else (
        min(float(image[window].min()) for window in image.windows(SIDE)),
        max(float(image[window].max()) for window in image.windows(SIDE)))
    counts = np.zeros(BINS, np.int64)
    for window in image.windows(SIDE):
        part = image[window].ravel()
        counts += np.bincount(part, minlength=BINS) if exact else np.histogram(part, BINS, (low, high))[0]
    found = np.searchsorted(np.cumsum(counts), percent / 100 * image.size)
    return low + found * (high - low) / BINS


def smooth(image, result):
    sigma = [SIGMA if dim in ("y", "x") else 0 for dim in image.dims]  # not across bands
    with gdal_ndarray.create(result, image.shape, "f4", like=image) as file:
        for window in image.windows(SIDE, overlap=REACH):
            part = gaussian_filter(image[window], sigma, output="f4")
            file[window.core] = part[window.crop]  # without the overlap


def main(path, result="smooth.b2nd"):
    image = gdal_ndarray.open(path)
    print("mean", mean(image))
    print("98th percentile", percentile(image, 98))
    smooth(image, result)
    print("smoothed", result)


if __name__ == "__main__":
    main(*sys.argv[1:]) if sys.argv[1:] else sys.exit(__doc__)
