#!/usr/bin/env python3
"""Writing a .b2nd with the defaults beside its peers, and the memory that a copy takes, in one run.

    GDAL_DRIVER_PATH=build/gdalplugins python3 tests/bench/b2nd_write.py [--quick] [--huge]
        [--size 16384] [--folder DIR]

One band of uint16 like a noisy satellite image, from a .npy in the page cache; two threads.
Contenders take turns; figures are medians, and so are the ratios of each turn. python-blosc2 gets
the codec, filters, chunks and blocks of the driver's file. The driver's time includes syncing its
file to disk; the others leave that to the system, so the disk is idle before each turn. Memory is
the peak resident set of a process of its own, Python, NumPy and GDAL and their caches included. No
file of the bench stays.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import blosc2
import numpy as np
from osgeo import gdal

from noise import noisy_image

TURNS = 5
MOST_MEGABYTES = 300
TIFF = ["TILED=YES", "COMPRESS=ZSTD", "PREDICTOR=2", "NUM_THREADS=2"]


def translate(source, path, driver, options):
    gdal.Translate(path, source, format=driver, creationOptions=options)


def blosc2_writer(source, like):
    array = blosc2.open(like)
    image = np.load(source)
    old = array.schunk.cparams
    cparams = {"codec": old.codec, "clevel": old.clevel, "filters": old.filters,
               "filters_meta": old.filters_meta, "typesize": old.typesize, "nthreads": 2}
    chunks, blocks = array.chunks, array.blocks
    return lambda path: blosc2.asarray(image, urlpath=path, mode="w", chunks=chunks, blocks=blocks,
                                       cparams=cparams)


def bench_speed(folder, size, turns):
    source = os.path.join(folder, "source.npy")
    np.save(source, noisy_image(size))
    nbytes = os.path.getsize(source)
    like = os.path.join(folder, "like.b2nd")
    translate(source, like, "B2ND", ["NUM_THREADS=2"])
    driver = "B2ND, default"
    contenders = {
        driver: (".b2nd", lambda path: translate(source, path, "B2ND", ["NUM_THREADS=2"])),
        "blosc2.asarray, the same codec and shapes": (".b2nd", blosc2_writer(source, like)),
        "GeoTIFF ZSTD, predictor 2, 256²": (".tif", lambda path: translate(
            source, path, "GTiff", [*TIFF, "BLOCKXSIZE=256", "BLOCKYSIZE=256"])),
        "GeoTIFF ZSTD, predictor 2, 512²": (".tif", lambda path: translate(
            source, path, "GTiff", [*TIFF, "BLOCKXSIZE=512", "BLOCKYSIZE=512"])),
    }
    times = {name: [] for name in contenders}
    sizes = {}
    for turn in range(turns + 1):
        for name, (suffix, write) in contenders.items():
            path = os.path.join(folder, "target" + suffix)
            os.sync()
            start = time.perf_counter()
            write(path)
            if turn:  # the first warms up
                times[name].append(time.perf_counter() - start)
            sizes[name] = os.path.getsize(path)
            os.remove(path)
    os.remove(source)
    os.remove(like)

    print(f"\n| uint16 {size}² | write, MB/s | size, MB | ratio |\n| --- | ---: | ---: | ---: |")
    for name in contenders:
        print(f"| {name} | {nbytes / statistics.median(times[name]) / 1e6:.0f} | "
              f"{sizes[name] / 1e6:.0f} | {nbytes / sizes[name]:.2f} |")
    print()
    for name in contenders:
        if name != driver:
            value = statistics.median(b / a for a, b in zip(times[driver], times[name]))
            wanted = 1.5 if name.startswith("GeoTIFF") else 1
            mark = "" if value >= wanted else "   <-- below"
            print(f"{driver} is written {value:.2f}x as fast as {name} (wanted: {wanted:.2g}){mark}")


def peak_megabytes():
    """VmHWM: unlike getrusage's figure it does not begin with what the parent process had."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def copy_and_tell(path, width, height):
    """In the child. The source is a .vrt over one small tile: it costs no memory of its own."""
    source = gdal.Open(os.path.join(os.path.dirname(path), "tile.vrt"))
    assert (source.RasterXSize, source.RasterYSize) == (width, height)
    before = peak_megabytes()
    gdal.GetDriverByName("B2ND").CreateCopy(path, source, options=["NUM_THREADS=2"])
    print(before, peak_megabytes())


def bench_memory(folder, gigabytes):
    side = 1024
    width = 32768
    height = round(gigabytes * 1e9 / 2 / width / side) * side
    tile = os.path.join(folder, "tile.npy")
    np.save(tile, noisy_image(side))
    parts = "".join(
        f"<SimpleSource><SourceFilename relativeToVRT='1'>tile.npy</SourceFilename>"
        f"<SourceBand>1</SourceBand><SrcRect xOff='0' yOff='0' xSize='{side}' ySize='{side}'/>"
        f"<DstRect xOff='{x}' yOff='{y}' xSize='{side}' ySize='{side}'/></SimpleSource>"
        for y in range(0, height, side) for x in range(0, width, side))
    with open(os.path.join(folder, "tile.vrt"), "w", encoding="utf-8") as file:
        file.write(f"<VRTDataset rasterXSize='{width}' rasterYSize='{height}'>"
                   f"<VRTRasterBand dataType='UInt16' band='1'>{parts}</VRTRasterBand></VRTDataset>")
    path = os.path.join(folder, "target.b2nd")
    answer = subprocess.run(
        [sys.executable, __file__, "--child", path, str(width), str(height)],
        check=True, capture_output=True, text=True).stdout
    before, peak = map(float, answer.split())
    size = os.path.getsize(path)
    for name in (path, tile, os.path.join(folder, "tile.vrt")):
        os.remove(name)
    mark = "" if peak < MOST_MEGABYTES else "   <-- above"
    print(f"CreateCopy of {2 * width * height / 1e9:.1f} GB ({size / 1e9:.2f} GB written): the process "
          f"takes {peak:.0f} MB of memory at most, {before:.0f} MB before the copy "
          f"(wanted: < {MOST_MEGABYTES}){mark}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=16384, help="side of the image in pixels")
    parser.add_argument("--folder", help="where the files go for a while (default: temporary)")
    parser.add_argument("--quick", action="store_true", help="small images, few turns")
    parser.add_argument("--huge", action="store_true", help="memory of a 10 GB copy, too")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    gdal.UseExceptions()
    gdal.SetCacheMax(64 << 20)
    if arguments.child:
        path, width, height = arguments.child
        copy_and_tell(path, int(width), int(height))
        return
    print(f"GDAL {gdal.__version__}, c-blosc2 {blosc2.blosclib_version.split()[0]}, "
          f"{len(os.sched_getaffinity(0))} processors")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        bench_speed(folder, min(arguments.size, 4096) if arguments.quick else arguments.size,
                    2 if arguments.quick else TURNS)
        print()
        for gigabytes in [0.5] if arguments.quick else [2, 10] if arguments.huge else [2]:
            bench_memory(folder, gigabytes)


if __name__ == "__main__":
    main()
