"""Windows of files that are not in memory."""

import os

import numpy as np
import pytest
from osgeo import gdal

SIDE = 3000


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A .npy and a .b2nd of the same pixels, on the disk."""
    folder = tmp_path_factory.mktemp("cold")
    pixels = np.random.default_rng(1).integers(0, 4096, (2, SIDE, SIDE), dtype="u2")
    np.save(folder / "image.npy", pixels)
    gdal.Translate(str(folder / "image.b2nd"), str(folder / "image.npy"), format="B2ND")
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDWR)
        os.fsync(descriptor)
        os.close(descriptor)
    return folder, pixels


def evict(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


@pytest.mark.parametrize("options", [[], ["MAX_RESIDENT=0"], ["NUM_THREADS=1"]])
@pytest.mark.parametrize("name", ["image.npy", "image.b2nd"])
def test_pixels_are_the_same(image, rng, name, options):
    folder, pixels = image
    path = str(folder / name)
    for side in (1, 64, 700, SIDE):
        for _ in range(3):
            x, y = rng.integers(0, SIDE - side + 1, 2).tolist()
            dataset = gdal.OpenEx(path, open_options=options)
            evict(path)
            np.testing.assert_array_equal(dataset.ReadAsArray(x, y, side, side),
                                          pixels[:, y:y + side, x:x + side])
            dataset = None


@pytest.mark.parametrize("name", ["image.npy", "image.b2nd"])
def test_sweeps_are_the_same(image, name):
    folder, pixels = image
    path = str(folder / name)
    band = (dataset := gdal.Open(path)).GetRasterBand(2)
    evict(path)
    for y in range(0, SIDE, 500):
        for x in range(0, SIDE, 500):
            np.testing.assert_array_equal(band.ReadAsArray(x, y, 500, 500),
                                          pixels[1, y:y + 500, x:x + 500])
    del dataset
