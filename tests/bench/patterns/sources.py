"""Files of the same image, as a Dask array and window by window, and where a result of theirs goes.

Each has `dims`, `dask(side)` with blocks of so many lines and pixels, and `store(array, folder)`, which
gives a function that reads lines of what it has stored.
"""

import os

import numpy as np

# As in tests/run bench peers: what is usual, or as close to the .b2nd as it can be.
GEOTIFF = {"compress": "ZSTD", "tiled": "YES", "blockxsize": 512, "blockysize": 512}
ZARR_CHUNK = 1024


class Ours:
    """`.npy` and `.b2nd`, and for windows any format that GDAL reads."""

    def __init__(self, path):
        import gdal_ndarray
        self.image = gdal_ndarray.open(path)
        self.dims = self.image.dims

    def dask(self, side):
        return self.image.dask((side, side))

    def store(self, array, folder):
        import gdal_ndarray
        options = {"COMPRESS": "LZ4"} if self.image.path.endswith(".lz4.b2nd") else {}
        stored = gdal_ndarray.store(array, os.path.join(folder, "smooth.b2nd"), like=self.image, **options)
        return lambda first, last: stored[first:last]


class GeoTiff:
    """Through rioxarray, without its lock, since each thread then has a dataset of its own."""

    dims = ("y", "x")

    def __init__(self, path):
        self.path = path

    def dask(self, side):
        import rioxarray
        self.data = rioxarray.open_rasterio(self.path, chunks={"x": side, "y": side}, lock=False).squeeze("band")
        return self.data.data

    def store(self, array, folder):
        import rasterio
        from distributed import Lock
        path = os.path.join(folder, "smooth.tif")
        self.data.copy(data=array).rio.to_raster(path, lock=Lock("smooth.tif"), predictor=3, **GEOTIFF)

        def read(first, last):
            with rasterio.open(path) as dataset:
                return dataset.read(1, window=((first, last), (0, dataset.width)))

        return read


class Zarr:
    """Version 3, Blosc with ZSTD, chunks of 1024²."""

    dims = ("y", "x")

    def __init__(self, path):
        import zarr
        self.array = zarr.open_array(path, mode="r")
        self.shape, self.dtype, self.size = self.array.shape, self.array.dtype, self.array.size

    def dask(self, side):
        import dask.array
        return dask.array.from_array(self.array, chunks=(side, side), lock=False, asarray=False)

    def store(self, array, folder):
        import dask.array
        stored = create_zarr(os.path.join(folder, "smooth.zarr"), array.shape, array.dtype)
        dask.array.store(array, stored, lock=False)
        return lambda first, last: stored[first:last]

    # As an image of gdal_ndarray, for the script that goes by windows.

    def windows(self, size, overlap=0):
        from gdal_ndarray import windows
        return windows.windows(self.shape, self.dims, size, overlap)

    def __getitem__(self, window):
        return self.array[window]


def create_zarr(path, shape, dtype):
    import zarr
    from zarr.codecs import BloscCodec
    return zarr.create_array(path, shape=shape, dtype=dtype, chunks=(ZARR_CHUNK, ZARR_CHUNK), overwrite=True,
                             compressors=[BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle")])


def write_zarr(npy, path):
    pixels = np.load(npy, mmap_mode="r")
    stored = create_zarr(path, pixels.shape, pixels.dtype)
    for first in range(0, len(pixels), ZARR_CHUNK):
        stored[first:first + ZARR_CHUNK] = pixels[first:first + ZARR_CHUNK]


def open_source(kind, path):
    return {"tif": GeoTiff, "zarr": Zarr}.get(kind, Ours)(path)
