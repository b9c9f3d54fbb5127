#!/usr/bin/env python3
"""Two processes that update one .b2nd, beside one that does the same for its part.

    GDAL_DRIVER_PATH=build/gdalplugins python3 tests/bench/b2nd_writers.py [--before CHECKOUT] [--turns 5]
        [--rounds 6] [--size 2048] [--folder DIR]

One band of uint16 like a noisy satellite image. A writer changes half of the image and flushes, some
rounds; one thread each. "shared": each has half of the lines of every chunk; "own": every second row of
chunks. Figures are what two get done in a second, as a multiple of what one does, and the same of what they
get done in a second of processor time; medians of turns, in which all take part one after another.
`--before` names a checkout with a build of its own, with which the turns are shared.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from osgeo import gdal

from noise import noisy_image

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHUNK = 512


def work(path, writer, kind, rounds):
    """In a process of its own; starts when it is told to."""
    gdal.UseExceptions()
    dataset = gdal.OpenEx(path, gdal.OF_UPDATE, open_options=["NUM_THREADS=1"])
    height = CHUNK // 2 if kind == "shared" else CHUNK
    lines = range(writer * height, dataset.RasterYSize, 2 * height)
    pixels = [dataset.ReadAsArray(0, y, dataset.RasterXSize, height) for y in lines]
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.process_time()
    for round_ in range(rounds):
        for y, part in zip(lines, pixels):
            dataset.WriteArray(part ^ np.uint16(round_ & 1), 0, y)
        dataset.FlushCache()
    print(time.process_time() - start)


def seconds(checkout, path, writers, kind, rounds):
    environment = {**os.environ, "GDAL_DRIVER_PATH": str(checkout / "build" / "gdalplugins")}
    processes = [subprocess.Popen([sys.executable, __file__, "--work", path, str(writer), kind, str(rounds)],
                                  env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                 for writer in range(writers)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    start = time.perf_counter()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    worked = [float(process.communicate()[0]) for process in processes]
    return time.perf_counter() - start, sum(worked)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=pathlib.Path, help="another checkout, with its build/")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--folder")
    arguments = parser.parse_args()
    checkouts = {"now": ROOT} if arguments.before is None else {"before": arguments.before.resolve(), "now": ROOT}
    figures = {(kind, name): [] for kind in ("shared", "own") for name in checkouts}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = os.path.join(folder, "image.b2nd")
        for _ in range(arguments.turns):
            for kind, name in figures:
                gdal.GetDriverByName("B2ND").Create(
                    path, arguments.size, arguments.size, 1, gdal.GDT_UInt16,
                    [f"CHUNKXSIZE={CHUNK}", f"CHUNKYSIZE={CHUNK}"]).WriteArray(noisy_image(arguments.size))
                one, two = (seconds(checkouts[name], path, writers, kind, arguments.rounds) for writers in (1, 2))
                figures[kind, name].append((*one, *two, 2 * one[0] / two[0], 2 * one[1] / two[1]))
    print("| | one, s | processor | two, s | processor | two do as much as | for each second of processor |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for (kind, name), turns in figures.items():
        medians = (f"{statistics.median(values):.2f}" for values in zip(*turns))
        print(f"| {kind} chunks{'' if len(checkouts) == 1 else ', ' + name} | {' | '.join(medians)} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
    else:
        main()
