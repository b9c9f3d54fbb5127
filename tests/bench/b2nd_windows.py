#!/usr/bin/env python3
"""Random windows out of compressed images, the driver beside its limit and its peers, in one run.

    GDAL_DRIVER_PATH=build/gdalplugins python3 tests/bench/b2nd_windows.py [--size 16384]
        [--folder DIR] [--limit build/tests/bench/libb2nd_limit.so]

Warm page cache, GDAL_CACHEMAX 64 MB, two threads where nothing else is said, each window into a
fresh array. A turn opens the file anew and reads windows that do not overlap, at positions of its
own, so that no cache has seen any of them: a first pass. Contenders take turns with the same
windows; figures are medians over turns. The windows of one turn are compared with the image.

"decoding alone" decodes the blocks of each window with the same threads and copies nothing.
"b2nd_get_slice_cbuffer" is c-blosc2's own way to read a window, called from Python without
python-blosc2 in between.
"""

import argparse
import ctypes
import os
import pathlib
import platform
import statistics
import sys
import tempfile
import time

import blosc2
import numpy as np
from osgeo import gdal

from b2nd_cache_rules import SIDE as RULES_SIDE, bench_rules
from cold_windows import bench_cold, memmap_reader
from noise import noisy_image

TURNS = 7
WINDOWS = {64: 600, 512: 120, 2048: 12}
TILE = 256  # of the GeoTIFFs: their best size for these windows


class GetSlice:
    """b2nd_get_slice_cbuffer of the c-blosc2 that python-blosc2 brings."""

    library = None

    def __init__(self, path, threads):
        if GetSlice.library is None:
            folder = pathlib.Path(blosc2.__file__).parent / "lib"
            GetSlice.library = ctypes.CDLL(str(folder / "libblosc2.so"))
            GetSlice.library.blosc2_init()
        os.environ["BLOSC_NTHREADS"] = str(threads)
        self.array = ctypes.c_void_p()
        assert self.library.b2nd_open(path.encode(), ctypes.byref(self.array)) == 0
        del os.environ["BLOSC_NTHREADS"]

    def read(self, start, stop, dtype):
        numbers = ctypes.c_int64 * len(start)
        shape = [b - a for a, b in zip(start, stop)]
        out = np.empty(shape, dtype=dtype)
        assert self.library.b2nd_get_slice_cbuffer(
            self.array, numbers(*start), numbers(*stop), ctypes.c_void_p(out.ctypes.data),
            numbers(*shape), ctypes.c_int64(out.nbytes)) == 0
        return out

    def __del__(self):
        self.library.b2nd_free(self.array)


def gdal_reader(path, threads=2):
    dataset = gdal.OpenEx(path, open_options=[f"NUM_THREADS={threads}"])
    if dataset.RasterCount == 1:
        band = dataset.GetRasterBand(1)
        return lambda x, y, w, h, _keep=dataset: band.ReadAsArray(x, y, w, h)
    return lambda x, y, w, h: dataset.ReadAsArray(x, y, w, h, interleave="pixel")


def slice_reader(path, dtype, bands=None, threads=2):
    reader = GetSlice(path, threads)
    if bands is None:
        return lambda x, y, w, h: reader.read((y, x), (y + h, x + w), dtype)
    return lambda x, y, w, h: reader.read((y, x, 0), (y + h, x + w, bands), dtype)


def positions(size, side, count, turn):
    """Corners of windows that do not overlap, unaligned, another draw each turn."""
    if side == size:
        return np.zeros((1, 2), dtype=np.int64)
    rng = np.random.default_rng(1000 * side + turn)
    cells = (size - side) // side
    chosen = rng.permutation(cells * cells)[:count]
    corners = np.stack([chosen % cells, chosen // cells], axis=1) * side
    return corners + rng.integers(1, side, 2)


def measure(contenders, image, sides, limit=None):
    """{side: {name: median seconds a window}}. `limit`: {name: function of corners and side}."""
    size = image.shape[1]
    results = {}
    for side in sides:
        count = WINDOWS.get(side, 1)
        times = {name: [] for name in [*contenders, *(limit or {})]}
        for turn in range(TURNS + 1):
            corners = positions(size, side, count, turn)
            for name, make in contenders.items():
                read = make()
                start = time.perf_counter()
                for x, y in corners.tolist():
                    read(x, y, side, side)
                elapsed = time.perf_counter() - start
                if turn == 0:  # a turn to warm up, and to compare
                    for x, y in corners.tolist():
                        assert np.array_equal(read(x, y, side, side),
                                              image[y:y + side, x:x + side]), name
                else:
                    times[name].append(elapsed / len(corners))
                read = None  # closes the file: the next contender must not find its caches warm
            for name, decode in (limit or {}).items():
                seconds = decode(corners, side)
                if turn > 0:
                    times[name].append(seconds / len(corners))
        results["whole" if side == size else side] = {
            name: statistics.median(values) for name, values in times.items()}
    return results


def report(title, results, pixel_bytes, size):
    sides = list(results)
    print(f"\n| {title} | " + " | ".join("whole" if s == "whole" else f"{s}²" for s in sides) +
          " |\n| --- |" + " ---: |" * len(sides))
    for name in results[sides[0]]:
        cells = []
        for side in sides:
            mine = results[side].get(name)
            nbytes = pixel_bytes * (size if side == "whole" else side) ** 2
            cells.append(f"{nbytes / mine / 1e9:.2f} GB/s ({1e6 * mine:.0f} µs)")
        print(f"| {name} | " + " | ".join(cells) + " |")


def ratio(results, side, name, other, wanted):
    value = results[side][other] / results[side][name]
    mark = "" if value >= wanted else "   <-- below"
    print(f"{side}: {name} is {value:.2f}x as fast as {other} (wanted: {wanted:.2g}){mark}")


def cached(path, make):
    if not os.path.exists(path):
        make(path)
    return path


def write_b2nd(path, array, chunks, blocks, codec, level, filters, metas):
    slots = 6 - len(filters)
    blosc2.asarray(array, urlpath=path, mode="w", chunks=chunks, blocks=blocks, cparams={
        "codec": codec, "clevel": level, "nthreads": 2,
        "filters": [blosc2.Filter.NOFILTER] * slots + filters, "filters_meta": [0] * slots + metas})


def write_tiff(path, source, *options):
    gdal.Translate(path, source, creationOptions=[
        "TILED=YES", f"BLOCKXSIZE={TILE}", f"BLOCKYSIZE={TILE}", "NUM_THREADS=2", *options])


def band_files(folder, size):
    """The paths of one image: .npy; .b2nd, LZ4 and the default; GeoTIFF, uncompressed and ZSTD."""
    image_path = cached(os.path.join(folder, f"band{size}.npy"),
                        lambda path: np.save(path, noisy_image(size)))
    b2nd = cached(os.path.join(folder, f"band{size}.b2nd"), lambda path: write_b2nd(
        path, np.load(image_path), (1024, 1024), (128, 128), blosc2.Codec.LZ4, 5,
        [blosc2.Filter.BITSHUFFLE], [0]))
    default = cached(os.path.join(folder, f"band{size}default.b2nd"),
                     lambda path: gdal.Translate(path, image_path, format="B2ND"))
    plain = cached(os.path.join(folder, f"band{size}.tif"),
                   lambda path: write_tiff(path, image_path))
    zstd = cached(os.path.join(folder, f"band{size}zstd.tif"), lambda path: write_tiff(
        path, image_path, "COMPRESS=ZSTD", "PREDICTOR=2"))
    return image_path, b2nd, default, plain, zstd


def bench_band(folder, size, limit_library):
    image_path, b2nd, default, plain, zstd = band_files(folder, size)
    image = np.load(image_path, mmap_mode="r")
    print("\nsizes: " + ", ".join(f"{os.path.basename(p)} {os.path.getsize(p) / 1e6:.0f} MB"
                                  for p in (image_path, b2nd, default, plain, zstd)))
    contenders = {
        "B2ND ReadAsArray": lambda: gdal_reader(b2nd),
        "B2ND ReadAsArray, ZSTD (the default)": lambda: gdal_reader(default),
        "B2ND ReadAsArray, 1 thread": lambda: gdal_reader(b2nd, 1),
        "b2nd_get_slice_cbuffer": lambda: slice_reader(b2nd, "u2"),
        "GTiff uncompressed": lambda: gdal_reader(plain),
        "GTiff ZSTD, predictor 2": lambda: gdal_reader(zstd),
        "np.array(memmap[window])":
            lambda: lambda x, y, w, h: np.array(image[y:y + h, x:x + w]),
    }
    limits = None
    if limit_library:
        decode = ctypes.CDLL(limit_library).decode_windows
        decode.restype = ctypes.c_double

        def decoding(threads):
            def run(corners, side):
                corners = np.ascontiguousarray(corners, dtype=np.int64)
                seconds = decode(b2nd.encode(), ctypes.c_void_p(corners.ctypes.data),
                                 len(corners), ctypes.c_int64(side), threads)
                assert seconds > 0, seconds
                return seconds
            return run

        limits = {"decoding alone": decoding(2), "decoding alone, 1 thread": decoding(1)}
    results = measure(contenders, image, [s for s in WINDOWS if s < size] + [size], limits)
    report(f"uint16 {size}², LZ4 + bitshuffle", results, 2, size)
    print()
    mine = "B2ND ReadAsArray"
    for side, slices, tiffs in [(64, 1 / 1.1, None), (512, 2, 8), (2048, 1.4, 4), ("whole", 1.2, None)]:
        if side not in results:
            continue
        ratio(results, side, mine, "b2nd_get_slice_cbuffer", slices)
        if tiffs:
            ratio(results, side, mine, "GTiff ZSTD, predictor 2", tiffs)
            ratio(results, side, mine, "GTiff uncompressed", 1)
        if side == 512 and limits:
            ratio(results, side, mine, "decoding alone", 0.9)
        if side != 64:
            ratio(results, side, mine, mine + ", 1 thread", 1.8)


def bench_evicted(folder, size):
    """Windows of which nothing is in memory."""
    npy, b2nd, default, plain, zstd = band_files(folder, size)
    bench_cold({
        "np.array(memmap[window])": (npy, memmap_reader),
        "NPY ReadAsArray": (npy, gdal_reader),
        "B2ND ReadAsArray, LZ4": (b2nd, gdal_reader),
        "B2ND ReadAsArray, the default": (default, gdal_reader),
        "GTiff uncompressed": (plain, gdal_reader),
        "GTiff ZSTD, predictor 2": (zstd, gdal_reader)}, size)


def bench_rgb(folder, size):
    path = os.path.join(folder, f"rgb-{size}.b2nd")
    image_path = os.path.join(folder, f"rgb{size}.npy")

    def make(target):
        light = noisy_image(size) // 16
        tint = np.array([0.9, 1.0, 0.8], dtype="f4")
        image = np.lib.format.open_memmap(target, mode="w+", dtype="u1", shape=(size, size, 3))
        for y in range(0, size, 1024):
            image[y:y + 1024] = light[y:y + 1024, :, None] * tint
        image.flush()

    image = np.load(cached(image_path, make), mmap_mode="r")
    # By the driver: python-blosc2 leaves BYTEDELTA out of arrays of bytes.
    cached(path, lambda target: gdal.Translate(target, image_path, format="B2ND", creationOptions=[
        "INTERLEAVE=PIXEL", "LEVEL=1", "FILTER=BYTEDELTA", "BLOCKSIZE=128", "CHUNKXSIZE=1024",
        "CHUNKYSIZE=1024"]))
    contenders = {
        "B2ND ReadAsArray": lambda: gdal_reader(path),
        "b2nd_get_slice_cbuffer": lambda: slice_reader(path, "u1", 3),
    }
    results = measure(contenders, image, [64, 512, 2048])
    report(f"RGB uint8 {size}², ZSTD-1 + shuffle(3) + bytedelta(3)", results, 3, size)
    ratio(results, 512, "B2ND ReadAsArray", "b2nd_get_slice_cbuffer", 2)


def bench_row_slabs(folder, size):
    """A sweep in reading order over a file with python-blosc2's own chunk shapes."""
    path = os.path.join(folder, f"slabs{size}.b2nd")
    image = np.load(os.path.join(folder, f"band{size}.npy"), mmap_mode="r")
    cached(path, lambda target: blosc2.asarray(image[:], urlpath=target, mode="w"))
    array = blosc2.open(path)
    dataset = gdal.OpenEx(path, open_options=["NUM_THREADS=2"])
    band = dataset.GetRasterBand(1)
    start = time.perf_counter()
    for y in range(0, size, 512):
        for x in range(0, size, 512):
            band.ReadAsArray(x, y, 512, 512)
    elapsed = time.perf_counter() - start
    decoded = int(dataset.GetMetadataItem("DECODED_BLOCKS", "B2ND"))
    blocks = array.schunk.nchunks * int(dataset.GetMetadataItem("BLOCKS_PER_CHUNK", "B2ND"))
    print(f"\nrow slabs: chunks {array.chunks}, blocks {array.blocks}; a sweep of 512² windows: "
          f"{2 * size * size / elapsed / 1e9:.2f} GB/s, {decoded} of {blocks} blocks decoded "
          f"({decoded / blocks:.2f} times each; wanted: 1)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=16384, help="side of the image in pixels")
    parser.add_argument("--folder", help="where the test images go, and stay (default: a "
                                         "temporary folder)")
    parser.add_argument("--limit", help="libb2nd_limit.so, built with -DNDARRAY_BENCHMARKS=ON")
    parser.add_argument("--only", choices=["band", "rgb", "slabs", "cold", "rules"], help="one part")
    parser.add_argument("--cold", action="store_const", dest="only", const="cold",
                        help="evicts the files before each window: --only cold")
    arguments = parser.parse_args()
    gdal.UseExceptions()
    gdal.SetCacheMax(64 << 20)
    print(f"GDAL {gdal.__version__}, NumPy {np.__version__}, c-blosc2 "
          f"{blosc2.blosclib_version.split()[0]}, {len(os.sched_getaffinity(0))} processors, "
          f"{platform.machine()}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or temporary
        if arguments.only in (None, "band"):
            bench_band(folder, arguments.size, arguments.limit)
        if arguments.only in (None, "cold"):
            bench_evicted(folder, arguments.size)
        if arguments.only in (None, "rgb"):
            bench_rgb(folder, arguments.size // 2)
        if arguments.only in (None, "slabs"):
            bench_row_slabs(folder, arguments.size)
        if arguments.only in (None, "rules") and arguments.limit:
            bench_rules(folder, noisy_image(RULES_SIDE), arguments.limit)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
