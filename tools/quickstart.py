#!/usr/bin/env python3
"""The main job on one image: convert it to .npy and .b2nd, look at it, read windows of both.

Run by tools/quickstart, which sets up and builds first. Arguments: the image (empty: the geoid grid
of PROJ), the folder for results, and the program gdal_ndarray. Holds no more than windows of the image
in memory.
"""

import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import time

import blosc2
import numpy as np
from osgeo import gdal

SIDES = (64, 256, 512, 2048)
# So much is read for each figure; no window is larger than the last.
WINDOWS, TOTAL_BYTES, TURNS, WINDOW_BYTES = 200, 200e6, (3, 20), 64e6
# The GeoTIFF is made of so many pixels in the middle of larger images.
GEOTIFF_PIXELS = 8192
GEOTIFF = ["TILED=YES", "COMPRESS=DEFLATE"]


def default_image():
    """The EGM96 geoid, real and georeferenced, where PROJ's data are."""
    found = [os.path.join(folder, "egm96_15.gtx")
             for folder in [*os.environ.get("PROJ_DATA", "").split(":"), "/usr/share/proj",
                            "/usr/local/share/proj"]]
    for path in found:
        if os.path.exists(path):
            return path
    sys.exit("quickstart: no egm96_15.gtx of PROJ found; name an image: tools/quickstart IMAGE")


def run(*command):
    """What a command prints; its errors as one line."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError((done.stderr or done.stdout).strip())
    return done.stdout


def seconds_of(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def size_of(path):
    return os.path.getsize(path) / 1e6


class Image:
    """The image, and what is made of it: its .npy, .b2nd, .tif and .png."""

    def __init__(self, path, folder, program):
        self.path, self.program = path, program
        try:
            dataset = gdal.Open(path)
        except RuntimeError as error:
            sys.exit(f"quickstart: {path}: cannot open: {error}")
        if dataset.RasterCount == 0:
            sys.exit(f"quickstart: {path}: has no bands; name one of its subdatasets (gdalinfo {path})")
        self.size = self.width, self.height = dataset.RasterXSize, dataset.RasterYSize
        self.bands = dataset.RasterCount
        band = dataset.GetRasterBand(1)
        self.type = gdal.GetDataTypeName(band.DataType)
        self.pixel_bytes = gdal.GetDataTypeSize(band.DataType) // 8 * self.bands
        self.bytes = self.width * self.height * self.pixel_bytes
        name = re.sub(r'[:"\[\]/]+', "_", os.path.splitext(os.path.basename(path))[0])
        base = os.path.join(folder, name)
        self.npy, self.b2nd, self.tif, self.png = (
            base + ending for ending in (".npy", ".b2nd", ".tif", ".png"))
        side = GEOTIFF_PIXELS
        self.middle = (max(0, self.width - side) // 2, max(0, self.height - side) // 2,
                       min(self.width, side), min(self.height, side))


def convert(image, folder):
    print(f"3. {image.path}: {image.width} x {image.height}, {image.bands} band(s) of {image.type}, "
          f"{image.bytes / 1e6:.1f} MB of pixels")
    free = shutil.disk_usage(folder).free
    if free < 2 * image.bytes:
        sys.exit(f"quickstart: {folder}: has {free / 1e9:.1f} GB free, wanted {image.bytes / 5e8:.1f}; "
                 "a part of the image does, too: gdal_translate -srcwin X Y WIDTH HEIGHT")
    for target in (image.npy, image.b2nd):
        options = ["INTERLEAVE=BAND"] if target == image.npy else []
        command = " ".join(["gdal_translate -of", "NPY" if options else "B2ND",
                            *(f"-co {option}" for option in options)])
        seconds = seconds_of(lambda: gdal.Translate(
            target, image.path, format="NPY" if options else "B2ND", creationOptions=options))
        print(f"   {command} -> {target}: {size_of(target):.1f} MB in {seconds:.2f} s", flush=True)
    print(f"   the .npy is {size_of(image.npy) / size_of(image.b2nd):.2f} times as large; every pixel "
          "is compared with the image:", flush=True)
    for target in (image.npy, image.b2nd):
        seconds = seconds_of(lambda: run(image.program, "verify", target, "--against", image.path,
                                         "-q"))
        print(f"   gdal_ndarray verify {os.path.basename(target)} --against ...: equal ({seconds:.2f} s)",
              flush=True)


def describe(image):
    wanted = ("Driver:", "Size is", "Origin", "Pixel Size", "  DTYPE", "  SHAPE", "  INTERLEAVE",
              "  CHUNK", "  BLOCK", "  CODEC", "  COMPRESSION", "  FILTERS", "  RATIO")
    print(f"   gdalinfo {os.path.basename(image.b2nd)} says:")
    for line in run("gdalinfo", image.b2nd).splitlines():
        if line.startswith(wanted):
            print("     " + line.strip())


def look(image):
    """The picture, and a small one of it in the terminal."""
    run(image.program, "window", image.b2nd, "0", "0", str(image.width), str(image.height),
        "--size", "1024", "-o", image.png)
    print(f"4. A picture of it: {image.png}")
    print(f"   gdal_ndarray window {os.path.basename(image.b2nd)} 0 0 {image.width} {image.height} "
          "--size 1024 -o ...")
    columns = min(72, image.width)
    lines = 2 * max(1, round(columns * image.height / image.width / 2))
    small = gdal.Open(image.png).ReadAsArray(buf_xsize=columns, buf_ysize=min(lines, 72),
                                             resample_alg=gdal.GRIORA_Average)
    small = small[np.newaxis] if small.ndim == 2 else small
    rgb = np.stack([small[0]] * 3 if len(small) < 3 else small[:3], axis=-1)
    encoding = (sys.stdout.encoding or "").lower()
    for upper, lower in zip(rgb[::2], rgb[1::2]):
        if sys.stdout.isatty() and encoding.startswith("utf"):
            cells = ("\x1b[38;2;{};{};{}m\x1b[48;2;{};{};{}m\u2580".format(*a, *b)
                     for a, b in zip(upper, lower))
            print("   " + "".join(cells) + "\x1b[0m")
        else:
            grey = (upper.mean(axis=-1) + lower.mean(axis=-1)) / 2
            print("   " + "".join(" .:-=+*#%@"[int(value / 25.6)] for value in grey))


def gdal_reader(path, origin=(0, 0)):
    dataset = gdal.Open(path)
    return lambda x, y, side: dataset.ReadAsArray(x - origin[0], y - origin[1], side, side)


def array_reader(array, path):
    """Windows of an array, bands first as GDAL gives them; its axes are those that GDAL shows."""
    axes = gdal.Open(path).GetMetadataItem("AXES", "IMAGE_STRUCTURE")
    order = [axes.index(axis) for axis in "BYX" if axis in axes]

    def read(x, y, side):
        spans = {"B": slice(None), "Y": slice(y, y + side), "X": slice(x, x + side)}
        return np.array(array[tuple(spans[axis] for axis in axes)]).transpose(order)
    return read


def readers(image):
    """By name, what opens the file and gives a reader of windows."""
    found = {
        ".npy, GDAL": lambda: gdal_reader(image.npy),
        "np.load": lambda: array_reader(np.load(image.npy, mmap_mode="r"), image.npy),
        ".b2nd, GDAL": lambda: gdal_reader(image.b2nd),
        "blosc2.open": lambda: array_reader(blosc2.open(image.b2nd), image.b2nd),
        "GeoTIFF": lambda: gdal_reader(image.tif, image.middle[:2]),
    }
    try:
        [make() for make in found.values()]
    except OSError as error:  # a map of the whole file: more than `ulimit -v` allows
        print(f"   (not np.load(..., mmap_mode='r'), which fails here: {error.strerror})")
        del found["np.load"]
    return found


def equal(a, b):
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def compare_windows(image):
    x, y, width, height = image.middle
    of_part = "" if (width, height) == image.size else f" of its middle, {width} x {height} pixels"
    predictor = {"Float32": 3, "Float64": 3}.get(image.type, 2 if "C" not in image.type else 1)
    options = [*GEOTIFF, f"PREDICTOR={predictor}"]
    seconds = seconds_of(lambda: gdal.Translate(image.tif, image.npy, srcWin=image.middle,
                                                creationOptions=options))
    print(f"5. An ordinary GeoTIFF{of_part}, tiled, DEFLATE with predictor {predictor}: "
          f"{size_of(image.tif):.1f} MB in {seconds:.2f} s")
    print("   Windows that do not overlap, all bands; compared, then timed. Microseconds for one:")
    found = readers(image)
    print("   " + " " * 11 + "".join(f"{name:>13}" for name in found))
    for side in SIDES:
        window_bytes = side * side * image.pixel_bytes
        if side > min(width, height) or (side > SIDES[0] and window_bytes > WINDOW_BYTES):
            break
        corners = apart(image.middle, side)[:WINDOWS]
        turns = int(np.clip(TOTAL_BYTES / (len(corners) * window_bytes), *TURNS))
        check(found, corners, side)
        times = {name: [] for name in found}
        # Each turn opens anew: what earlier turns left in a cache of decoded blocks does not count.
        for _ in range(turns):
            for name, make in found.items():
                read = make()
                times[name].append(seconds_of(lambda: [read(*corner, side) for corner in corners]))
        print(f"   {side:4} x {side:<4}" + "".join(
            f"{1e6 * statistics.median(values) / len(corners):13.1f}" for values in times.values()),
            flush=True)
    return found


def apart(area, side):
    """Corners of windows of one side that do not overlap, in random order."""
    rng = np.random.default_rng(side)
    x, y, width, height = area
    columns, lines = width // side, height // side
    left = x + int(rng.integers(0, width - columns * side + 1))
    top = y + int(rng.integers(0, height - lines * side + 1))
    return [(left + int(cell) % columns * side, top + int(cell) // columns * side)
            for cell in rng.permutation(columns * lines)]


def check(found, corners, side):
    opened = {name: make() for name, make in found.items()}
    for corner in corners:
        windows = {name: read(*corner, side) for name, read in opened.items()}
        first, *others = windows
        for name in others:
            assert equal(windows[first].squeeze(), windows[name].squeeze()), (
                f"window {corner} of {name} differs")


def zero_copy(image):
    dataset = gdal.Open(image.npy)
    y, x = min(100, image.height), min(100, image.width)
    corner = dataset.GetRasterBand(1).ReadAsArray(0, 0, x, y)
    with_map = dataset.GetRasterBand(1).GetVirtualMemAutoArray()
    del dataset
    assert equal(with_map[:y, :x], corner)
    print("   GetVirtualMemAutoArray: the .npy as an array, without a copy, and with its dataset closed")


def next_steps(image):
    side = min(512, image.width, image.height)
    print("\nNext, in a shell:")
    print(f"  export GDAL_DRIVER_PATH={shlex.quote(os.environ['GDAL_DRIVER_PATH'])}")
    print(f"  gdalinfo {shlex.quote(os.path.abspath(image.b2nd))}")
    print(f"  {shlex.quote(sys.executable)}   # and in this Python:")
    print("from osgeo import gdal")
    print(f"dataset = gdal.Open({os.path.abspath(image.b2nd)!r})")
    print(f"print(dataset.ReadAsArray(0, 0, {side}, {side}))")


def main():
    gdal.UseExceptions()
    image = Image(sys.argv[1] or default_image(), *sys.argv[2:])
    convert(image, sys.argv[2])
    describe(image)
    look(image)
    if "np.load" in compare_windows(image):  # else there is no room for another map
        zero_copy(image)
    next_steps(image)


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, OSError, RuntimeError) as error:  # RuntimeError: GDAL's
        sys.exit(f"quickstart: {error}")
