"""What a file must hold after random operations, and what these operations are given."""

import numpy as np
from osgeo import gdal, gdal_array

TYPES = [gdal.GDT_Byte, gdal.GDT_UInt16, gdal.GDT_Int16, gdal.GDT_UInt32, gdal.GDT_Int32,
         gdal.GDT_Float32, gdal.GDT_Float64, gdal.GDT_Int64, gdal.GDT_UInt64, gdal.GDT_CFloat32]
INTERLEAVES = {"BAND": (0, 1, 2), "PIXEL": (1, 2, 0), "LINE": (1, 0, 2)}
KEYS = ["first", "second", "third"]


def values_of(random_, dtype, shape):
    """Any of that type, but no NaN."""
    rng = np.random.default_rng(random_.getrandbits(32))
    kind = random_.random()
    if kind < 0.15:
        return np.full(shape, rng.integers(0, 100), dtype)
    if kind < 0.4 or dtype.kind not in "iu":
        return rng.integers(0, 100, shape).astype(dtype)
    return rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def laid_out(random_, array):
    """The same values with some other strides."""
    if random_.random() < 0.4:
        return array
    if random_.random() < 0.5:
        array = np.asfortranarray(array)
    wide = np.zeros([2 * n for n in array.shape], array.dtype)
    view = wide[tuple(slice(0, 2 * n, 2) for n in array.shape)]
    flips = tuple(slice(None, None, random_.choice([1, -1])) for _ in array.shape)
    view = view[flips]
    view[...] = array
    return view


class Model:
    """What the file must hold."""

    def __init__(self, driver, gdal_type, shape, interleave):
        self.driver, self.type, self.interleave = driver, gdal_type, interleave
        self.dtype = np.dtype(gdal_array.GDALTypeCodeToNumericTypeCode(gdal_type))
        self.array = np.zeros(shape, self.dtype)
        self.nodata = None
        self.items = {}
        self.transform = None
        self.epsg = None
        self.descriptions = [""] * shape[0]
        self.mask = None
        self.has_gaps = False  # of what was never written

    def window(self, random_):
        bands, height, width = self.array.shape
        x, y = random_.randrange(width), random_.randrange(height)
        if random_.random() < 0.2:
            return 0, 0, width, height
        return x, y, random_.randint(1, width - x), random_.randint(1, height - y)

    def in_file(self, array):
        """As NumPy sees it: axes in the order of the file."""
        bands, height, width = array.shape
        array = array.transpose(INTERLEAVES[self.interleave])
        return array[0] if bands == 1 and self.interleave == "BAND" else array


def creation_options(r, driver):
    if driver != "B2ND":
        return []
    block = r.choice([4, 8, 16])
    return [f"BLOCKSIZE={block}", f"CHUNKXSIZE={block * r.randint(1, 3)}",
            f"CHUNKYSIZE={block * r.randint(1, 3)}",
            "COMPRESS=" + r.choice(["ZSTD", "LZ4", "NONE", "ZLIB", "BLOSCLZ"])]
