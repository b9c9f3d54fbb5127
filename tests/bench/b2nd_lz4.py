#!/usr/bin/env python3
"""Levels and blocks of COMPRESS=LZ4, for kinds of images: what its defaults are chosen from.

    GDAL_DRIVER_PATH=build/gdalplugins python3 tests/bench/b2nd_lz4.py [--size 2048] [--kind NAME]
        [--levels 1 5 9] [--blocks 64x64 128x64] [--folder DIR]

Everything is processor time of one thread, so that a busy machine does as well. Each case is the
driver's LZ4 with one other level, or blocks of another shape (width x height); chunks are about as
large. Cases take turns; a turn opens the file anew and reads windows at random places, the same for
all, without a block cache. Figures are quotients to the default, of medians over turns: size of the file, writing, windows.
The last table has geometric means over all kinds.
"""

import argparse
import math
import os
import random
import statistics
import tempfile
import time

import numpy as np
from osgeo import gdal

import bench_images
from b2nd_windows import positions

TURNS = 9
WINDOWS = {64: 150, 512: 12, 1024: 3}
COLUMNS = ["size", "write", *WINDOWS, "whole"]


class Case:
    def __init__(self, name, options):
        self.name, self.options = name, [*options, "COMPRESS=LZ4", "NUM_THREADS=1"]
        self.nbytes, self.times = 0, {column: [] for column in COLUMNS}

    def write(self, path, source):
        start = time.process_time()
        gdal.GetDriverByName("B2ND").CreateCopy(path, source, options=self.options)
        self.times["write"].append(time.process_time() - start)
        self.nbytes = os.path.getsize(path)

    def read(self, path, image, interleave, turn):
        size = image.shape[1]
        for side, count in [*WINDOWS.items(), ("whole", 1)]:
            dataset = gdal.OpenEx(path, open_options=["NUM_THREADS=1"])
            if image.ndim == 2:
                read = dataset.GetRasterBand(1).ReadAsArray
            else:
                def read(x, y, w, h):
                    return dataset.ReadAsArray(x, y, w, h, interleave=interleave.lower())
            length = size if side == "whole" else side
            corners = positions(size, length, count, turn).tolist()
            start = time.process_time()
            for x, y in corners:
                window = read(x, y, length, length)
            self.times[side].append((time.process_time() - start) / len(corners))
            if turn == 0 and side != "whole":
                expected = image[y:y + length, x:x + length]
                if image.ndim == 3 and interleave == "BAND":
                    expected = np.moveaxis(expected, -1, 0)
                assert np.array_equal(window, expected), self.name

    def value(self, column):
        return self.nbytes if column == "size" else statistics.median(self.times[column])


def make_cases(interleave, levels, blocks):
    base = [f"INTERLEAVE={interleave}"]
    yield Case("the default", base)
    for level in levels:
        yield Case(f"level {level}", [*base, f"LEVEL={level}"])
    for block in blocks:
        width, height = (int(side) for side in block.split("x"))
        yield Case(f"blocks {block}", [
            *base, f"BLOCKXSIZE={width}", f"BLOCKYSIZE={height}",
            f"CHUNKXSIZE={1024 // width * width}", f"CHUNKYSIZE={1024 // height * height}"])


def report(title, rows):
    print(f"\n| {title} | " + " | ".join(f"{c}²" if isinstance(c, int) else c for c in COLUMNS) +
          " |\n| --- |" + " ---: |" * len(COLUMNS))
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(f"{row[c]:.3f}" for c in COLUMNS) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2048, help="side of the images in pixels")
    parser.add_argument("--kind", action="append", choices=list(bench_images.KINDS),
                        help="only this kind of image; may be given again")
    parser.add_argument("--levels", type=int, nargs="*", default=[1, 2, 3, 4, 5, 6, 7, 8, 9])
    parser.add_argument("--blocks", nargs="*",
                        default=["64x64", "96x96", "128x64", "64x128", "256x64", "256x128"])
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--folder", help="where the files go (default: in /dev/shm)")
    arguments = parser.parse_args()
    gdal.UseExceptions()
    gdal.SetCacheMax(64 << 20)
    gdal.SetConfigOption("NDARRAY_CACHEMAX", "0")  # these images would be in it
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    all_rows = []
    with tempfile.TemporaryDirectory(dir=arguments.folder or memory) as folder:
        for title in arguments.kind or bench_images.KINDS:
            make, interleave, _ = bench_images.KINDS[title]
            image = make(arguments.size)
            source = bench_images.in_memory(image, interleave)
            cases = list(make_cases(interleave, arguments.levels, arguments.blocks))
            paths = {case: os.path.join(folder, f"{i}.b2nd") for i, case in enumerate(cases)}
            for turn in range(arguments.turns):
                # Who is first in a turn is slower: not always the same one.
                for case in random.Random(turn).sample(cases, len(cases)):
                    case.write(paths[case], source)
                for case in random.Random(turn).sample(cases, len(cases)):
                    case.read(paths[case], image, interleave, turn)
            rows = {case.name: {column: case.value(column) / cases[0].value(column)
                                for column in COLUMNS} for case in cases}
            default = cases[0]
            microseconds = ", ".join(f"{1e6 * default.value(c):.0f} µs {c}" for c in COLUMNS[1:])
            report(f"{title} (ratio {image.nbytes / default.nbytes:.2f}; {microseconds})", rows)
            all_rows.append(rows)
    if len(all_rows) > 1:
        report("geometric mean", {
            name: {c: math.exp(statistics.mean(math.log(rows[name][c]) for rows in all_rows))
                   for c in COLUMNS} for name in all_rows[0]})


if __name__ == "__main__":
    main()
