"""Arrays as GDAL shows them, and reference datasets of GDAL's own drivers."""

import pathlib

import numpy as np
from osgeo import gdal, gdal_array

DATA = pathlib.Path(__file__).parents[3] / "data"
FORMATS = [name for name in ("NPY", "B2ND") if gdal.GetDriverByName(name)]
HAS_FLOAT16 = hasattr(gdal, "GDT_Float16")
HAS_INT8 = hasattr(gdal, "GDT_Int8")


def swap(array):
    """The same values with bytes in the other order."""
    return array.astype(array.dtype.newbyteorder())


def as_bands(array):
    """A plain array as ReadAsArray of the whole dataset gives it: the rule of axes, in NumPy."""
    if array.ndim == 1:
        return array[np.newaxis]
    if array.ndim == 3 and array.shape[2] <= 4 < array.shape[0]:
        return array.transpose(2, 0, 1)
    return array


def shown_dtype(dtype):
    """The NumPy type that GDAL's bindings give for an element type of a file."""
    dtype = np.dtype(dtype).newbyteorder("=")
    if dtype == np.bool_:
        return np.dtype(np.uint8)
    if dtype == np.float16 and not HAS_FLOAT16:
        return np.dtype(np.float32)
    return dtype


def memory_dataset(bands):
    """The same pixels in GDAL's own MEM driver."""
    bands = bands if bands.ndim == 3 else bands[np.newaxis]
    gdal_type = gdal_array.NumericTypeCodeToGDALTypeCode(bands.dtype.type)
    dataset = gdal.GetDriverByName("MEM").Create(
        "", bands.shape[2], bands.shape[1], bands.shape[0], gdal_type)
    for index, band in enumerate(bands):
        dataset.GetRasterBand(index + 1).WriteArray(band)
    return dataset


def random_windows(rng, width, height, count):
    """(x, y, width, height): the whole, the corners, single pixels and lines, then random ones."""
    yield 0, 0, width, height
    yield width - 1, height - 1, 1, 1
    yield 0, height - 1, width, 1
    yield width - 1, 0, 1, height
    for _ in range(count):
        x = int(rng.integers(0, width))
        y = int(rng.integers(0, height))
        yield x, y, int(rng.integers(1, width - x + 1)), int(rng.integers(1, height - y + 1))


def random_values(rng, gdal_type, shape):
    """Any value of a GDAL type that NumPy can hold, extremes of integers among them."""
    dtype = np.dtype(gdal_array.GDALTypeCodeToNumericTypeCode(gdal_type))
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
    array = rng.normal(0, 1000, shape)
    return (array + 1j * array[::-1]).astype(dtype) if dtype.kind == "c" else array.astype(dtype)
