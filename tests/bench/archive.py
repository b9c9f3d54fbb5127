#!/usr/bin/env python3
"""One file with everything: a .b2z with its overviews beside a COG, ZSTD, of the same image.

    GDAL_DRIVER_PATH=build/gdalplugins python3 tests/bench/archive.py [--part write|size|session]
        [--size 40000] [--folder DIR] [--turns 5]

write:   a .b2z with OVERVIEWS=AUTO against NONE, and a .b2nd, of half the size, 16384² at most (uint16 like a
         noisy satellite image, from a .npy in the page cache). Contenders take turns; medians of the
         ratios of each turn, of time and of processor time. Files are synced to disk.
size:    bytes of both files for the eight kinds of `bench defaults`, 4096².
session: as a map program: the full extent, then seven steps of zoom into one place, each a picture of
         1500 x 1000 pixels out of the overview that is at least as fine, then ten steps of panning.
         Each picture by a dataset that stays open; a session begins with opening. Warm page cache.
Two threads. No file of the bench stays.
"""

import argparse
import os
import statistics
import tempfile
import time

import numpy as np
from osgeo import gdal

import bench_images
from noise import noisy_image

THREADS = ["NUM_THREADS=2"]
COG = ["COMPRESS=ZSTD", "PREDICTOR=YES", "OVERVIEW_RESAMPLING=AVERAGE", "OVERVIEW_COMPRESS=ZSTD",
       "OVERVIEW_PREDICTOR=YES", *THREADS]
PICTURE = 1500, 1000
MOST_EXTRA_TIME = 1.4


def tiled_source(folder, size):
    """A raster of any size out of one tile, as a .vrt: it costs no disk."""
    side = min(size, 8192)
    tile = os.path.join(folder, "tile.npy")
    if not os.path.exists(tile):
        np.save(tile, noisy_image(side))
    parts = "".join(
        f"<SimpleSource><SourceFilename relativeToVRT='1'>tile.npy</SourceFilename><SourceBand>1</SourceBand>"
        f"<SrcRect xOff='0' yOff='0' xSize='{w}' ySize='{h}'/>"
        f"<DstRect xOff='{x}' yOff='{y}' xSize='{w}' ySize='{h}'/></SimpleSource>"
        for y in range(0, size, side) for x in range(0, size, side)
        for w, h in [(min(side, size - x), min(side, size - y))])
    path = os.path.join(folder, "source.vrt")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"<VRTDataset rasterXSize='{size}' rasterYSize='{size}'>"
                   f"<VRTRasterBand dataType='UInt16' band='1'>{parts}</VRTRasterBand></VRTDataset>")
    return path


def write(source, path, driver, options):
    dataset = gdal.GetDriverByName(driver).CreateCopy(path, source, options=options)
    dataset = None  # COG writes when it is closed


def bench_write(folder, size, turns):
    source_path = os.path.join(folder, "source.npy")
    np.save(source_path, noisy_image(size))
    contenders = {
        "`.b2z`, `OVERVIEWS=AUTO`": ("a.b2z", ["OVERVIEWS=AUTO"]),
        "`.b2z`, `OVERVIEWS=NONE`": ("n.b2z", ["OVERVIEWS=NONE"]),
        "`.b2nd`": ("b.b2nd", []),
    }
    times = {name: [] for name in contenders}
    processor = {name: [] for name in contenders}
    sizes = {}
    for turn in range(turns + 1):
        for name, (file, options) in contenders.items():
            path = os.path.join(folder, file)
            source = gdal.Open(source_path)
            os.sync()
            start = time.perf_counter(), time.process_time()
            write(source, path, "B2ND", [*options, *THREADS])
            if turn:  # the first warms up
                times[name].append(time.perf_counter() - start[0])
                processor[name].append(time.process_time() - start[1])
            sizes[name] = os.path.getsize(path)
            os.remove(path)
    os.remove(source_path)
    print(f"\n| uint16 {size}² | write, s | processor, s | size, MB |\n| --- | ---: | ---: | ---: |")
    for name in contenders:
        print(f"| {name} | {statistics.median(times[name]):.2f} | {statistics.median(processor[name]):.2f} | "
              f"{sizes[name] / 1e6:.0f} |")
    print()
    first, *others = contenders
    for name in others:
        wall = statistics.median(a / b for a, b in zip(times[first], times[name]))
        cpu = statistics.median(a / b for a, b in zip(processor[first], processor[name]))
        mark = "" if wall <= MOST_EXTRA_TIME else "   <-- above"
        print(f"with overviews to {name}: {wall:.2f} of time, {cpu:.2f} of processor time "
              f"(wanted: <= {MOST_EXTRA_TIME}){mark}")


def bench_sizes(folder, size):
    print(f"\n| {size}², bytes | `.b2z` | COG | ratio |\n| --- | ---: | ---: | ---: |")
    for title, (make, interleave, _) in bench_images.KINDS.items():
        source = bench_images.in_memory(make(size), interleave)
        names = title == "uint8 land cover"  # of classes there is no average
        method = "NEAREST" if names else "AVERAGE"
        nbytes = []
        for file, driver, options in (
                ("a.b2z", "B2ND", [f"INTERLEAVE={interleave}", f"RESAMPLING={method}", *THREADS]),
                ("a.tif", "COG", [*(o for o in COG if not o.startswith("OVERVIEW_RES")),
                                  f"OVERVIEW_RESAMPLING={method}"])):
            path = os.path.join(folder, file)
            write(source, path, driver, options)
            nbytes.append(os.path.getsize(path))
            os.remove(path)
        mark = "" if nbytes[0] <= nbytes[1] else "   <-- above"
        print(f"| {title} | {nbytes[0]:,} | {nbytes[1]:,} | {nbytes[0] / nbytes[1]:.2f} |{mark}")


def windows(size):
    """x, y and side of what is shown: all, seven times half of that around one place, ten pans."""
    width, height = size, size * PICTURE[1] // PICTURE[0]
    at_x, at_y = 0.61 * size, 0.37 * size
    yield 0, (size - height) // 2, width, height
    for _ in range(7):
        width, height = max(width // 2, PICTURE[0] // 4), max(height // 2, PICTURE[1] // 4)
        yield window_around(at_x, at_y, width, height, size)
    for _ in range(10):
        at_x, at_y = at_x + 0.4 * width, at_y + 0.2 * height
        yield window_around(at_x, at_y, width, height, size)


def window_around(x, y, width, height, size):
    return (int(min(max(x - width / 2, 0), size - width)), int(min(max(y - height / 2, 0), size - height)),
            width, height)


def run_session(path, size):
    """Seconds of each picture; that of the first begins with opening."""
    seconds = []
    start = time.perf_counter()
    dataset = gdal.OpenEx(path, open_options=THREADS)
    for x, y, width, height in windows(size):
        picture = min(PICTURE[0], width), min(PICTURE[1], height)
        dataset.ReadAsArray(x, y, width, height, buf_xsize=picture[0], buf_ysize=picture[1])
        seconds.append(time.perf_counter() - start)
        start = time.perf_counter()
    return seconds


def bench_session(folder, size, turns):
    source = gdal.Open(tiled_source(folder, size))
    files = {"`.b2z`": ("s.b2z", "B2ND", THREADS), "COG": ("s.tif", "COG", COG)}
    print(f"\nuint16 {size}²: ", end="")
    for name, (file, driver, options) in files.items():
        start = time.perf_counter()
        path = os.path.join(folder, file)
        write(source, path, driver, options)
        dataset = gdal.Open(path)
        count = dataset.GetRasterBand(1).GetOverviewCount()
        print(f"{name} {os.path.getsize(path) / 1e6:.0f} MB in {time.perf_counter() - start:.1f} s, "
              f"{count} overviews; ", end="", flush=True)
    runs = {name: [] for name in files}
    for turn in range(turns + 1):
        for name, (file, _, _) in files.items():
            run = run_session(os.path.join(folder, file), size)
            if turn:
                runs[name].append(run)
    print("\n\n| ms | all | full extent | zoom, 7 | pan, 10 |\n| --- | ---: | ---: | ---: | ---: |")
    parts = {"all": slice(None), "full": slice(0, 1), "zoom": slice(1, 8), "pan": slice(8, None)}
    for name in files:
        cells = " | ".join(f"{1e3 * statistics.median(sum(run[part]) for run in runs[name]):.1f}"
                           for part in parts.values())
        print(f"| {name} | {cells} |")
    first, second = runs.values()
    ratio = statistics.median(sum(a) / sum(b) for a, b in zip(first, second))
    print(f"\nsession of the .b2z to that of the COG: {ratio:.2f} of the time (wanted: <= 1)"
          + ("" if ratio <= 1 else "   <-- above"))
    for file, _, _ in files.values():
        os.remove(os.path.join(folder, file))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=["write", "size", "session"], action="append",
                        help="only this one; may be given again")
    parser.add_argument("--size", type=int, default=40000, help="side of the session's image in pixels")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--folder", help="where the files go for a while (default: temporary)")
    arguments = parser.parse_args()
    gdal.UseExceptions()
    gdal.SetCacheMax(64 << 20)
    print(f"GDAL {gdal.__version__}, {len(os.sched_getaffinity(0))} processors")
    parts = arguments.part or ["write", "size", "session"]
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        if "write" in parts:
            bench_write(folder, min(arguments.size // 4 * 2, 16384), arguments.turns)
        if "size" in parts:
            bench_sizes(folder, min(arguments.size, 4096))
        if "session" in parts:
            bench_session(folder, arguments.size, arguments.turns)


if __name__ == "__main__":
    main()
