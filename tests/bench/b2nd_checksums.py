#!/usr/bin/env python3
"""What checksums of a .b2nd cost: windows of 512² with VERIFY=YES and NO in turns, writing with
CHECKSUM=YES and NO in turns, and size. Processor time, of one thread, of the fastest and the median
of the turns.

usage: tests/run bench checksums [--turns N] [--size N] [--old PLUGIN]

--old names another build of the plugin (a gdal_ndarray.so), such as one from before there were
checksums: it reads and writes in a process of its own, in the same turns.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from osgeo import gdal

gdal.UseExceptions()


def noisy(size):
    """Like a satellite band: a slope under noise of twelve bits."""
    rng = np.random.default_rng(1)
    y, x = np.ogrid[:size, :size]
    base = 2000 + 600 * np.sin(x / 97) * np.cos(y / 131)
    return (base + rng.normal(0, 60, (size, size))).astype("u2")


def write(path, image, codec, *options):
    source = gdal.GetDriverByName("MEM").Create("", *image.shape[::-1], 1, gdal.GDT_UInt16)
    source.WriteArray(image)
    start = time.process_time()
    gdal.GetDriverByName("B2ND").CreateCopy(
        path, source, options=[f"COMPRESS={codec}", "NUM_THREADS=1", *options])
    return time.process_time() - start


def windows(path, *options, count=400, side=512):
    dataset = gdal.OpenEx(path, open_options=["NUM_THREADS=1", *options])
    band = dataset.GetRasterBand(1)
    buffer = np.empty((side, side), "u2")
    rng = np.random.default_rng(5)
    places = rng.integers(0, dataset.RasterXSize - side, (count, 2)).tolist()
    for x, y in places[:20]:
        band.ReadAsArray(x, y, side, side, buf_obj=buffer)
    start = time.process_time()
    for x, y in places:
        band.ReadAsArray(x, y, side, side, buf_obj=buffer)
    return time.process_time() - start


def serve():
    """A process with another plugin: a line of Python for each answer."""
    images = {}
    for line in sys.stdin:
        what, path, *rest = line.split()
        if what == "windows":
            print(windows(path, *rest), flush=True)
        else:
            size, codec = int(rest[0]), rest[1]
            image = images.setdefault(size, None)
            if image is None:
                image = images[size] = noisy(size)
            print(write(path, image, codec, *rest[2:]), flush=True)


class Other:
    def __init__(self, plugin):
        folder = tempfile.mkdtemp()
        os.symlink(os.path.abspath(plugin), os.path.join(folder, "gdal_ndarray.so"))
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "GDAL_DRIVER_PATH": folder})

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def report(name, times):
    """Ratios of turns to the same turn of the first kind."""
    first = next(iter(times))
    for kind, values in times.items():
        ratios = [value / other for value, other in zip(values, times[first])]
        print(f"{name:24} {kind:14} best {min(values):.4f} s, median {statistics.median(values):.4f} s; "
              f"of {first}: best {min(values) / min(times[first]):.3f}, "
              f"median of turns {statistics.median(ratios):.3f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--old")
    parser.add_argument("--serve", action="store_true")
    arguments = parser.parse_args()
    if arguments.serve:
        return serve()
    other = Other(arguments.old) if arguments.old else None
    image = noisy(arguments.size)
    with tempfile.TemporaryDirectory() as folder:
        for codec in ("LZ4", "ZSTD"):
            path = {kind: os.path.join(folder, f"{codec}_{kind}.b2nd") for kind in ("NO", "YES", "old")}
            writing = {"CHECKSUM=NO": [], "CHECKSUM=YES": []}
            if other:
                writing["old plugin"] = []
            for _ in range(max(arguments.turns // 3, 3)):
                for kind in ("NO", "YES"):
                    writing[f"CHECKSUM={kind}"].append(
                        write(path[kind], image, codec, f"CHECKSUM={kind}"))
                if other:
                    writing["old plugin"].append(other.ask("write", path["old"], arguments.size, codec))
            sizes = {kind: os.path.getsize(path[kind]) for kind in ("NO", "YES")}
            report(f"{codec}, writing", writing)
            print(f"{codec + ', size':24} {sizes['NO']} without, {sizes['YES']} with: "
                  f"{100 * (sizes['YES'] / sizes['NO'] - 1):+.3f} %")
            reading = {"VERIFY=NO": [], "VERIFY=YES": [], "without": []}
            if other:
                reading["old plugin"] = []
            for _ in range(arguments.turns):
                reading["VERIFY=NO"].append(windows(path["YES"], "VERIFY=NO"))
                reading["VERIFY=YES"].append(windows(path["YES"]))
                reading["without"].append(windows(path["NO"]))
                if other:
                    reading["old plugin"].append(other.ask("windows", path["old"]))
            report(f"{codec}, windows of 512²", reading)


if __name__ == "__main__":
    main()
