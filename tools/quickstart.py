#!/usr/bin/env python3
"""The main job on one image: convert it to .npy and .b2nd, read windows of both, look at it.

Run by tools/quickstart, which sets up and builds first. Arguments: the image (empty: the geoid grid
of PROJ) and the folder for results.
"""

import os
import shlex
import statistics
import subprocess
import sys
import time

import blosc2
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


def equal(a, b):
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def convert(image, target):
    source = gdal.Open(image)
    print(f"3. {image}: {source.RasterXSize} x {source.RasterYSize}, {source.RasterCount} band(s) "
          f"of {gdal.GetDataTypeName(source.GetRasterBand(1).DataType)}")
    start = time.perf_counter()
    gdal.Translate(target, source, format="NPY", creationOptions=["INTERLEAVE=BAND"])
    seconds = time.perf_counter() - start
    size = os.path.getsize(target)
    print(f"   gdal_translate -of NPY -> {target}: {size / 1e6:.1f} MB in {seconds:.2f} s")
    assert equal(source.ReadAsArray(), np.load(target)), "the .npy differs from the image"
    print(f"   np.load gives {np.load(target, mmap_mode='r').shape}, every pixel as in the image")


def compress(target, compressed):
    """The array of the .npy again, compressed by python-blosc2."""
    image = np.load(target)
    # A block is decoded whole: small ones suit windows.
    side = 256 if image.itemsize == 1 else 128
    chunks = [1] * (image.ndim - 2) + [min(1024, size) for size in image.shape[-2:]]
    start = time.perf_counter()
    array = blosc2.asarray(
        image, urlpath=compressed, mode="w", chunks=chunks, blocks=[min(side, c) for c in chunks],
        cparams={"codec": blosc2.Codec.ZSTD, "clevel": 1, "filters": [blosc2.Filter.SHUFFLE]})
    seconds = time.perf_counter() - start
    dataset = gdal.Open(target)
    if dataset.GetGeoTransform(can_return_null=True):
        c, a, b, f, d, e = dataset.GetGeoTransform()
        array.schunk.vlmeta["spatial:transform"] = [a, b, c, d, e, f]
    if dataset.GetSpatialRef():
        array.schunk.vlmeta["proj:wkt2"] = dataset.GetSpatialRef().ExportToWkt(["FORMAT=WKT2"])
    sizes = os.path.getsize(target), os.path.getsize(compressed)
    print(f"5. blosc2.asarray(..., urlpath={os.path.basename(compressed)!r}), ZSTD level 1: "
          f"{sizes[1] / 1e6:.1f} MB in {seconds:.2f} s; the .npy is {sizes[0] / sizes[1]:.2f} times "
          "as large")
    assert equal(blosc2.open(compressed)[:], image), "the .b2nd differs from the image"
    print(f"   blosc2.open gives {array.shape}, every pixel as in the image")


def gdal_reader(path, *options):
    dataset = gdal.OpenEx(path, open_options=options)
    return lambda x, y, side: dataset.ReadAsArray(x, y, side, side)


def array_reader(array):
    return lambda x, y, side: np.array(array[..., y:y + side, x:x + side])


def compare_windows(size, name, through_gdal, without):
    """Random windows of an image of `size` (x, y), read both ways: compares all, then times both.

    `through_gdal` and `without` open the file and give a reader. Each turn opens anew, so that what
    earlier turns left in a cache of decoded blocks does not count.
    """
    for side in [64, 256, 512, 2048]:
        if side > min(size):
            break
        rng = np.random.default_rng(side)
        corners = rng.integers(0, np.array(size) - side + 1, (WINDOWS, 2)).tolist()
        got, expected = through_gdal(), without()
        for x, y in corners:
            assert equal(got(x, y, side), expected(x, y, side)), f"window {x}, {y} differs"
        del got, expected
        times = {through_gdal: [], without: []}
        for _ in range(TURNS):
            for make, seconds in times.items():
                read = make()
                start = time.perf_counter()
                for x, y in corners:
                    read(x, y, side)
                seconds.append((time.perf_counter() - start) / WINDOWS)
                del read
        mine, other = (1e6 * statistics.median(values) for values in times.values())
        print(f"   {side:4} x {side:<4}  {WINDOWS} windows equal   GDAL {mine:8.1f} us   "
              f"{name} {other:8.1f} us   {other / mine:5.2f} of {name}'s speed")


def compare_npy(target):
    dataset = gdal.Open(target)
    size = dataset.RasterXSize, dataset.RasterYSize
    print("4. Windows, all bands: osgeo ReadAsArray beside np.array(np.load(..., 'r')[window])")
    compare_windows(size, "memmap", lambda: gdal_reader(target),
                    lambda: array_reader(np.load(target, mmap_mode="r")))
    zero_copy = dataset.GetRasterBand(1).GetVirtualMemAutoArray()
    del dataset
    memory = np.load(target, mmap_mode="r")
    assert equal(zero_copy, memory if memory.ndim == 2 else memory[0])
    print("   GetVirtualMemAutoArray: zero-copy, equal, and readable with the dataset closed")


def compare_b2nd(target, compressed):
    dataset = gdal.Open(target)
    size = dataset.RasterXSize, dataset.RasterYSize
    # The .npy has its order of axes from the sidecar; of the .b2nd it might be guessed.
    options = ["AXES=" + ("YX" if dataset.RasterCount == 1 else "BYX")]
    print("6. Windows of the .b2nd: osgeo ReadAsArray beside blosc2.open(...)[window]")
    compare_windows(size, "blosc2", lambda: gdal_reader(compressed, *options),
                    lambda: array_reader(blosc2.open(compressed)))
    whole = gdal.OpenEx(compressed, open_options=options)
    assert equal(whole.ReadAsArray(), np.load(target)), "the .b2nd differs from the .npy"
    assert whole.GetGeoTransform() == dataset.GetGeoTransform()
    print("   The whole image: equal to the .npy's")


def quick_look(target, picture):
    dataset = gdal.Open(target)
    width = min(1024, dataset.RasterXSize)
    bands = [1, 2, 3] if dataset.RasterCount >= 3 else [1]
    byte = all(dataset.GetRasterBand(b).DataType == gdal.GDT_Byte for b in bands)
    # An empty scale stretches each band from its lowest to its highest value.
    gdal.Translate(picture, dataset, format="PNG", outputType=gdal.GDT_Byte, bandList=bands,
                   width=width, height=0, noData="none",
                   scaleParams=None if byte else [[]] * len(bands), resampleAlg="average")
    print(f"7. Quick-look: {picture}")


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
    compare_npy(target)
    compressed = os.path.join(sys.argv[2], name + ".b2nd")
    compress(target, compressed)
    compare_b2nd(target, compressed)
    quick_look(target, os.path.join(sys.argv[2], name + ".png"))
    print("\nNext:")
    print(f"export GDAL_DRIVER_PATH={shlex.quote(os.environ['GDAL_DRIVER_PATH'])}")
    print(f"gdalinfo {shlex.quote(os.path.abspath(target))}")


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, RuntimeError) as error:  # RuntimeError: GDAL's
        sys.exit(f"quickstart: {error}")
