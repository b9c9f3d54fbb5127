#!/usr/bin/env python3
"""Random windows out of one image, the driver beside its limit and its peers, in one run.

    GDAL_DRIVER_PATH=build/gdalplugins python3 tests/bench/windows.py [--size 16384] [--folder DIR]

uint16, one band, warm page cache, GDAL_CACHEMAX 64 MB (a block cache that holds the whole image
would flatter those who use it), each window into a fresh array (as ReadAsArray gives it), window
positions drawn once and the same for all. Contenders take turns, so that a machine whose speed
drifts slows all of them; figures are medians, quoted as ratios to np.array(memmap[window]), the
memory copy that NumPy makes. Every window of the first turn is compared with NumPy's.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time

import numpy as np
from osgeo import gdal

from cold_windows import bench_cold, memmap_reader

TURNS = 9
WINDOWS = {64: 2000, 512: 150, 2048: 12}
WANTED = {512: 0.85, 2048: 0.95, "whole": 1.3}  # of the copy's speed; 64: at most 3 us slower


def make_image(path, size):
    """Noisy 12-bit values: what a copy costs does not depend on them, what a codec costs does."""
    rng = np.random.default_rng(1)
    image = np.lib.format.open_memmap(path, mode="w+", dtype="u2", shape=(size, size))
    for y in range(0, size, 1024):
        rows = image[y:y + 1024]
        rows[:] = rng.integers(0, 4096, rows.shape, dtype="u2")
    image.flush()


def band_reader(dataset):
    band = dataset.GetRasterBand(1)

    def read(x, y, n, _keep_open=dataset):
        return band.ReadAsArray(x, y, n, n)

    return read


def contenders(folder, path, size):
    """Name -> function of a window. Readers stay open: opening is measured on its own."""
    memory = np.load(path, mmap_mode="r")
    yield "np.array(memmap[window])", lambda x, y, n: np.array(memory[y:y + n, x:x + n])

    npy = gdal.Open(path)
    yield "NPY ReadAsArray", band_reader(npy)
    yield "NPY ReadAsArray, 1 thread", \
        band_reader(gdal.OpenEx(path, open_options=["NUM_THREADS=1"]))
    yield "NPY ReadAsArray, MAX_RESIDENT=1", \
        band_reader(gdal.OpenEx(path, open_options=["MAX_RESIDENT=1"]))

    tiff_path = os.path.join(folder, "image.tif")
    gdal.Translate(tiff_path, npy, creationOptions=["TILED=YES", "BLOCKXSIZE=512",
                                                    "BLOCKYSIZE=512"])
    yield "GTiff, uncompressed 512x512 tiles", band_reader(gdal.Open(tiff_path))

    offset = int(npy.GetMetadataItem("DATA_OFFSET", "IMAGE_STRUCTURE"))
    vrt_path = os.path.join(folder, "image.vrt")
    with open(vrt_path, "w") as file:
        file.write(f"""<VRTDataset rasterXSize="{size}" rasterYSize="{size}">
<VRTRasterBand dataType="UInt16" band="1" subClass="VRTRawRasterBand">
<SourceFilename relativetoVRT="1">{os.path.basename(path)}</SourceFilename>
<ImageOffset>{offset}</ImageOffset><PixelOffset>2</PixelOffset>
<LineOffset>{2 * size}</LineOffset><ByteOrder>LSB</ByteOrder></VRTRasterBand></VRTDataset>""")
    yield "VRTRawRasterBand on the .npy", band_reader(gdal.Open(vrt_path))


def seconds(read, positions, side):
    start = time.perf_counter()
    for x, y in positions:
        read(x, y, side)
    return (time.perf_counter() - start) / len(positions)


def measure(readers, size):
    """{side: {name: median seconds a window}}, after a turn that compares and warms."""
    reference = next(iter(readers.values()))
    results = {}
    for side, count in [*((s, n) for s, n in WINDOWS.items() if s < size), (size, 1)]:
        rng = np.random.default_rng(side)
        positions = rng.integers(0, size - side + 1, (count, 2)).tolist()
        for name, read in readers.items():
            for x, y in positions:
                assert np.array_equal(read(x, y, side), reference(x, y, side)), name
        times = {name: [] for name in readers}
        for _ in range(TURNS):
            for name, read in readers.items():
                times[name].append(seconds(read, positions, side))
        key = "whole" if side == size else side
        results[key] = {name: statistics.median(values) for name, values in times.items()}
    return results


def report(results, size):
    sides = list(results)
    print(f"| uint16 {size} x {size} | " + " | ".join(
        "whole" if s == "whole" else f"{s} x {s}" for s in sides) + " |")
    print("| --- |" + " ---: |" * len(sides))
    for name in results[sides[0]]:
        cells = []
        for side in sides:
            copy = next(iter(results[side].values()))
            mine = results[side][name]
            nbytes = 2 * (size if side == "whole" else side) ** 2
            cells.append(f"{copy / mine:.2f}x, {nbytes / mine / 1e9:.1f} GB/s")
        print(f"| {name} | " + " | ".join(cells) + " |")
    print()
    for side in sides:
        copy, mine = list(results[side].values())[:2]
        if side == 64:
            print(f"64 x 64: {1e6 * mine:.1f} us, {1e6 * (mine - copy):+.1f} us to the copy "
                  "(wanted: at most +3 us)")
        elif side in WANTED:
            print(f"{side}: {copy / mine:.2f} of the copy's speed (wanted: {WANTED[side]})")


def measure_opening(folder):
    """Microseconds to open 1 MB and 100 GB (sparse)."""
    best = {}
    paths = {}
    for name, shape in [("1 MB", (1000, 1000)), ("100 GB", (320_000, 320_000))]:
        paths[name] = os.path.join(folder, name.replace(" ", "") + ".npy")
        np.lib.format.open_memmap(paths[name], mode="w+", dtype="u1", shape=shape)
    times = {name: [] for name in paths}
    for _ in range(500):
        for name, path in paths.items():
            start = time.perf_counter()
            gdal.Open(path)
            times[name].append(time.perf_counter() - start)
    best = {name: statistics.median(values) * 1e6 for name, values in times.items()}
    print("opening: " + ", ".join(f"{name} {value:.0f} us" for name, value in best.items()))


def measure_cold(folder, path, size):
    tiff_path = os.path.join(folder, "image.tif")
    gdal.Translate(tiff_path, path, creationOptions=["TILED=YES", "BLOCKXSIZE=512",
                                                     "BLOCKYSIZE=512"])

    def reader(target, options=()):
        read = band_reader(gdal.OpenEx(target, open_options=list(options)))
        return lambda x, y, w, h: read(x, y, w)

    bench_cold({
        "np.array(memmap[window])": (path, memmap_reader),
        "NPY ReadAsArray": (path, reader),
        "NPY ReadAsArray, MAX_RESIDENT=1":
            (path, lambda target: reader(target, ["MAX_RESIDENT=1"])),
        "GTiff, uncompressed 512x512 tiles": (tiff_path, reader)}, size)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=16384, help="side of the image in pixels")
    parser.add_argument("--folder", help="where the test images go (default: a temporary folder)")
    parser.add_argument("--cold", action="store_true", help="evicts the files before each window")
    arguments = parser.parse_args()
    gdal.UseExceptions()
    gdal.SetCacheMax(64 << 20)
    print(f"GDAL {gdal.__version__}, NumPy {np.__version__}, "
          f"{len(os.sched_getaffinity(0))} processors, {platform.machine()}")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = os.path.join(folder, "image.npy")
        make_image(path, arguments.size)
        if arguments.cold:
            measure_cold(folder, path, arguments.size)
            return
        readers = dict(contenders(folder, path, arguments.size))
        report(measure(readers, arguments.size), arguments.size)
        measure_opening(folder)


if __name__ == "__main__":
    main()
