"""Files that go from one state to the next: pixels, a metadata item, a geotransform and a mask, which
all say what state it is. Both the process that makes them and the one that looks use this."""

import numpy as np
from osgeo import gdal

BANDS, HEIGHT, WIDTH = 2, 60, 70
OPTIONS = {"B2ND": ["CHUNKXSIZE=32", "CHUNKYSIZE=32", "BLOCKSIZE=16"], "NPY": []}


def window(state):
    rng = np.random.default_rng(state)
    y, x = int(rng.integers(0, HEIGHT)), int(rng.integers(0, WIDTH))
    values = rng.integers(0, 60000, (BANDS, int(rng.integers(1, HEIGHT - y + 1)),
                                     int(rng.integers(1, WIDTH - x + 1))), dtype="u2")
    return x, y, values


def mask(state):
    """Written with every third state."""
    y, x = np.indices((HEIGHT, WIDTH))
    return np.where((y * x + state) % 5 > 1, 255, 0).astype("u1")


def pixels(state):
    """Of state 0 zeros; of each further one a window more."""
    array = np.zeros((BANDS, HEIGHT, WIDTH), "u2")
    for number in range(1, state + 1):
        x, y, values = window(number)
        array[:, y:y + values.shape[1], x:x + values.shape[2]] = values
    return array


def create(driver, path):
    return gdal.GetDriverByName(driver).Create(path, WIDTH, HEIGHT, BANDS, gdal.GDT_UInt16,
                                               options=OPTIONS[driver])


def change(dataset, state):
    """From the state before to this one; counts from the next flush on."""
    x, y, values = window(state)
    dataset.WriteArray(values, x, y)
    dataset.SetMetadataItem("state", str(state))
    dataset.SetGeoTransform([state, 1, 0, 0, 0, -1])
    if state % 3 == 0 and dataset.GetRasterBand(1).GetMaskFlags() == gdal.GMF_PER_DATASET:
        dataset.GetRasterBand(1).GetMaskBand().WriteArray(mask(state))


def make(driver, path, state, has_mask=False):
    """A new file of that state, closed."""
    dataset = create(driver, path)
    if has_mask:
        gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES")
        assert dataset.CreateMaskBand(gdal.GMF_PER_DATASET) == gdal.CE_None
    for number in range(1, state + 1):
        change(dataset, number)
    del dataset


def state_of(dataset):
    """Which state the dataset is in: that which its item says, and all else must be of it."""
    state = int(dataset.GetMetadataItem("state") or 0)
    np.testing.assert_array_equal(dataset.ReadAsArray(), pixels(state))
    band = dataset.GetRasterBand(1)
    if state > 0:
        assert dataset.GetGeoTransform()[0] == state
    if band.GetMaskFlags() == gdal.GMF_PER_DATASET and state >= 3:
        np.testing.assert_array_equal(band.GetMaskBand().ReadAsArray(), mask(state // 3 * 3))
    return state
