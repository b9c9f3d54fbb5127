#!/usr/bin/env python3
"""Whether the cost of a chunk grows with the number of chunks, and what a sparse terabyte takes.

    GDAL_DRIVER_PATH=build/gdalplugins python3 tests/bench/b2nd_scale.py [--folder DIR]

16 files of 4,096 chunks of 64 x 64 uint16 and one of 65,536, as many chunks in all, are written in
turns: as a copy, by writes of one chunk each, and row by row. Figures are medians over turns, per
chunk: the best of short runs would be better than that of a long one by luck alone. The sparse array is created, written
in 100 places, closed, and read there again, in a process of its own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from osgeo import gdal, gdal_array

SIDE = 64
FEW, MANY = 64, 256  # chunks along each axis
OPTIONS = ["BLOCKXSIZE=32", "BLOCKYSIZE=32", f"CHUNKXSIZE={SIDE}", f"CHUNKYSIZE={SIDE}"]

SPARSE = """
import random, re, sys, time
import numpy as np
from osgeo import gdal
gdal.UseExceptions()
start = time.monotonic()
path = sys.argv[1]
dataset = gdal.GetDriverByName("B2ND").Create(path, 1 << 19, 1 << 20, 1, gdal.GDT_UInt16)
places = random.Random(1)
spots = [(places.randrange((1 << 19) - 10), places.randrange((1 << 20) - 10)) for _ in range(100)]
for number, (x, y) in enumerate(spots):
    dataset.WriteArray(np.full((10, 10), number + 1, "u2"), x, y)
del dataset
dataset = gdal.Open(path)
right = sum((dataset.ReadAsArray(x, y, 10, 10) == n + 1).any() for n, (x, y) in enumerate(spots))
peak = int(re.search("VmHWM:[^0-9]*([0-9]+)", open("/proc/self/status").read())[1]) / 1024
print(right, time.monotonic() - start, peak)
"""


def copy(path, image):
    gdal.GetDriverByName("B2ND").CreateCopy(path, gdal_array.OpenArray(image), options=OPTIONS)


def write_chunks(path, image):
    height, width = image.shape
    dataset = gdal.GetDriverByName("B2ND").Create(path, width, height, 1, gdal.GDT_UInt16,
                                                  options=OPTIONS)
    for y in range(0, height, SIDE):
        for x in range(0, width, SIDE):
            dataset.WriteArray(image[y:y + SIDE, x:x + SIDE], x, y)
    del dataset


def write_rows(path, image):
    height, width = image.shape
    dataset = gdal.GetDriverByName("B2ND").Create(path, width, height, 1, gdal.GDT_UInt16,
                                                  options=OPTIONS)
    for y in range(height):
        dataset.WriteArray(image[y:y + 1], 0, y)
    del dataset


def microseconds_per_chunk(write, path, image, files):
    start = time.perf_counter()
    for _ in range(files):
        write(path, image)
    return 1e6 * (time.perf_counter() - start) / MANY ** 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", help="where files are written (default: a temporary folder)")
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    gdal.UseExceptions()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = os.path.join(folder, "scale.b2nd")
        image = np.random.default_rng(1).integers(0, 4096, (MANY * SIDE, MANY * SIDE), dtype="u2")
        part = np.ascontiguousarray(image[:FEW * SIDE, :FEW * SIDE])
        for name, write in (("copy", copy), ("writes of a chunk", write_chunks),
                            ("writes of a row", write_rows)):
            few, many = [], []
            for _ in range(arguments.turns):
                few.append(microseconds_per_chunk(write, path, part, (MANY // FEW) ** 2))
                many.append(microseconds_per_chunk(write, path, image, 1))
            low, high = statistics.median(few), statistics.median(many)
            print(f"{name}: {low:.0f} µs a chunk of {FEW ** 2}, {high:.0f} µs of {MANY ** 2}: "
                  f"{high / low:.2f} times (wanted: at most 1.2)")
        os.unlink(path)
        done = subprocess.run([sys.executable, "-c", SPARSE, path], check=True, text=True,
                              capture_output=True).stdout.split()
        print(f"sparse terabyte, 100 places: {float(done[1]):.1f} s, {float(done[2]):.0f} MB of "
              f"memory, {os.path.getsize(path) / 1e6:.1f} MB of file, {done[0]} of 100 read back")


if __name__ == "__main__":
    main()
