"""NumPy and the libraries of chunked arrays, each set up as its documentation advises. Each reader
gives a window of pixels as a new array (y, x) or (y, x, band)."""

import importlib
from importlib import metadata

import numpy as np


def versions(*modules):
    """"NAME VERSION, ..." of packages and of NumPy. It imports them, which is no part of opening."""
    for module in modules:
        importlib.import_module(module)
    return ", ".join(f"{name} {metadata.version(name)}" for name in (*modules, "numpy"))


class Sliced:
    """Of whatever NumPy's slices work on, `self.array`."""

    overviews = False

    def window(self, x, y, width, height):
        return self.array[y:y + height, x:x + width]


class MemMap:
    overviews = False

    def __init__(self, path, image, threads, options):
        self.array = np.load(path, mmap_mode="r")

    @staticmethod
    def version():
        return versions()

    def window(self, x, y, width, height):
        return np.array(self.array[y:y + height, x:x + width])


class Blosc2(Sliced):
    def __init__(self, path, image, threads, options):
        import blosc2

        blosc2.set_nthreads(threads)
        self.array = blosc2.open(path, mode="r", dparams={"nthreads": threads}, **options)

    @staticmethod
    def version():
        import blosc2

        return f"{versions('blosc2')}, c-blosc2 {blosc2.blosclib_version.split()[0]}"

    @staticmethod
    def layout(path):
        import blosc2

        array = blosc2.open(path, mode="r")
        return f"chunks {array.chunks}, blocks {array.blocks}"


class Zarr(Sliced):
    """Zarr v3 in shards."""

    settings = {}

    def __init__(self, path, image, threads, options):
        import zarr

        zarr.config.set({"threading.max_workers": threads, **self.settings})
        self.array = zarr.open_array(path, mode="r")

    @staticmethod
    def version():
        return versions("zarr", "numcodecs")

    @staticmethod
    def layout(path):
        import zarr

        array = zarr.open_array(path, mode="r")
        return f"shards {array.shards}, chunks {array.chunks}"


class Zarrs(Zarr):
    """The codec pipeline of zarrs. Strict: an error where it would fall back to zarr-python's."""

    settings = {"codec_pipeline.path": "zarrs.ZarrsCodecPipeline", "codec_pipeline.strict": True}

    @staticmethod
    def version():
        return versions("zarr", "zarrs")


class TensorStore:
    overviews = False

    def __init__(self, path, image, threads, options):
        import tensorstore

        # Without a cache the index of a shard is read for every window.
        context = tensorstore.Context({
            "cache_pool": {"total_bytes_limit": 100_000_000},
            "data_copy_concurrency": {"limit": threads}, "file_io_concurrency": {"limit": threads},
            "file_io_mode": {"mode": "memmap"}})
        self.store = tensorstore.open(
            {"driver": "zarr3", "kvstore": {"driver": "file", "path": path},
             "recheck_cached_metadata": "open", "recheck_cached_data": "open"},
            read=True, context=context).result()

    @staticmethod
    def version():
        return versions("tensorstore")

    @staticmethod
    def layout(path):
        return Zarr.layout(path)

    def window(self, x, y, width, height):
        return self.store[y:y + height, x:x + width].read().result()


class Hdf5(Sliced):
    def __init__(self, path, image, threads, options):
        import h5py
        import hdf5plugin  # noqa: F401  registers the codecs

        self.file = h5py.File(path, "r", rdcc_nbytes=64 << 20, rdcc_nslots=20011)
        self.array = self.file["image"]

    @staticmethod
    def version():
        import h5py

        return f"{versions('h5py', 'hdf5plugin')}, HDF5 {h5py.version.hdf5_version}"

    @staticmethod
    def layout(path):
        import h5py

        with h5py.File(path, "r") as file:
            return f"chunks {file['image'].chunks}" if file["image"].chunks else "rows"

    def close(self):
        self.file.close()
