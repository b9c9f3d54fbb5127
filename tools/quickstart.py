#!/usr/bin/env python3
"""The main job on one image: convert it to .npy, read windows of it, look at it.

Run by tools/quickstart, which sets up and builds first. Arguments: the image (empty: the geoid grid
of PROJ) and the folder for results.
"""

import os
import shlex
import statistics
import subprocess
import sys
import time

import numpy as np
from osgeo import gdal

TURNS = 7
WINDOWS = 200


def default_image():
    """The EGM96 geoid, real and georeferenced, where PROJ's data are."""
    found = [os.path.join(folder, "egm96_15.gtx")
             for folder in [*os.environ.get("PROJ_DATA", "").split(":"), "/usr/share/proj",
                            "/usr/local/share/proj"]]
    for path in found:
        if os.path.exists(path):
            return path
    sys.exit("quickstart: no egm96_15.gtx of PROJ found; name an image: tools/quickstart IMAGE")


def convert(image, target):
    source = gdal.Open(image)
    print(f"3. {image}: {source.RasterXSize} x {source.RasterYSize}, {source.RasterCount} band(s) "
          f"of {gdal.GetDataTypeName(source.GetRasterBand(1).DataType)}")
    start = time.perf_counter()
    gdal.Translate(target, source, format="NPY", creationOptions=["INTERLEAVE=BAND"])
    seconds = time.perf_counter() - start
    size = os.path.getsize(target)
    print(f"   gdal_translate -of NPY -> {target}: {size / 1e6:.1f} MB in {seconds:.2f} s")
    whole = source.ReadAsArray()
    assert np.array_equal(np.load(target), whole, equal_nan=whole.dtype.kind in "fc"), \
        "the .npy differs from the image"
    print(f"   np.load gives {np.load(target, mmap_mode='r').shape}, every pixel as in the image")


def compare_windows(target):
    """Reads random windows both ways: compares all, then times both in turns."""
    memory = np.load(target, mmap_mode="r")
    dataset = gdal.Open(target)
    bands = memory if memory.ndim == 3 else memory[np.newaxis]
    print("4. Windows, all bands: osgeo ReadAsArray beside np.array(np.load(..., 'r')[window])")
    for side in [64, 256, 512, 2048]:
        if side > min(dataset.RasterXSize, dataset.RasterYSize):
            break
        rng = np.random.default_rng(side)
        windows = [(int(rng.integers(0, dataset.RasterXSize - side + 1)),
                    int(rng.integers(0, dataset.RasterYSize - side + 1))) for _ in range(WINDOWS)]

        def through_gdal(x, y):
            return dataset.ReadAsArray(x, y, side, side)

        def through_numpy(x, y):
            return np.array(bands[:, y:y + side, x:x + side])

        for window in windows:
            got, expected = through_gdal(*window), through_numpy(*window)
            assert np.array_equal(got.reshape(expected.shape), expected,
                                  equal_nan=expected.dtype.kind in "fc"), f"window {window} differs"
        times = {through_gdal: [], through_numpy: []}
        for _ in range(TURNS):
            for read, seconds in times.items():
                start = time.perf_counter()
                for window in windows:
                    read(*window)
                seconds.append((time.perf_counter() - start) / WINDOWS)
        mine, numpys = (1e6 * statistics.median(values) for values in times.values())
        print(f"   {side:4} x {side:<4}  {WINDOWS} windows equal   GDAL {mine:8.1f} us   "
              f"memmap {numpys:8.1f} us   {numpys / mine:5.2f} of memmap's speed")
    zero_copy = dataset.GetRasterBand(1).GetVirtualMemAutoArray()
    del dataset
    assert np.array_equal(zero_copy, bands[0], equal_nan=zero_copy.dtype.kind in "fc")
    print("   GetVirtualMemAutoArray: zero-copy, equal, and readable with the dataset closed")


def quick_look(target, picture):
    dataset = gdal.Open(target)
    width = min(1024, dataset.RasterXSize)
    bands = [1, 2, 3] if dataset.RasterCount >= 3 else [1]
    byte = all(dataset.GetRasterBand(b).DataType == gdal.GDT_Byte for b in bands)
    # An empty scale stretches each band from its lowest to its highest value.
    gdal.Translate(picture, dataset, format="PNG", outputType=gdal.GDT_Byte, bandList=bands,
                   width=width, height=0, noData="none",
                   scaleParams=None if byte else [[]] * len(bands), resampleAlg="average")
    print(f"5. Quick-look: {picture}")


def main():
    gdal.UseExceptions()
    image = sys.argv[1] or default_image()
    name = os.path.splitext(os.path.basename(image))[0]
    target = os.path.join(sys.argv[2], name + ".npy")
    convert(image, target)
    print("   gdalinfo says:")
    lines = subprocess.run(["gdalinfo", target], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    wanted = ("Driver:", "Size is", "Origin", "Pixel Size", "  DTYPE", "  SHAPE", "  INTERLEAVE")
    print("\n".join("     " + line.strip() for line in lines if line.startswith(wanted)))
    compare_windows(target)
    quick_look(target, os.path.join(sys.argv[2], name + ".png"))
    print("\nNext:")
    print(f"export GDAL_DRIVER_PATH={shlex.quote(os.environ['GDAL_DRIVER_PATH'])}")
    print(f"gdalinfo {shlex.quote(os.path.abspath(target))}")


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, RuntimeError) as error:  # RuntimeError: GDAL's
        sys.exit(f"quickstart: {error}")
