"""The three ways through an image larger than memory, and the same work on GeoTIFF and Zarr.

usage: python3 patterns.py [--quick] [--size SIDE] [--turns N] [--only PATTERN,...] [--out FOLDER]

Patterns are those of tools/python/examples, which run here: `mapped` (memory-mapped), `windows` (chunk by
chunk) and `workers` (Dask, one and two worker processes of one thread, each with a limit of memory below
the size of the image). Each reads the image, and takes its mean, its 98th percentile and, stored in a new
file, a Gaussian filter. Prints seconds (medians of turns in which all runs follow each other), what two
workers gain over one and over GeoTIFF, in time and in processor time (which other programs change less), and
the peak of each process's memory; checks all results.

dask, rioxarray, rasterio and zarr are those of tests/hosts/requirements.txt, in an environment of their own
that the first run makes. rasterio is built there with the GDAL of the plugin.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from osgeo import gdal

from environment import NEWEST
from noise import noisy_image
from patterns.sources import GEOTIFF

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOB = pathlib.Path(__file__).with_name("patterns") / "job.py"
PATIENCE = 600  # seconds that one run may take

KINDS = {"npy": ".npy", "b2nd": ".b2nd, ZSTD", "lz4": ".b2nd, LZ4", "tif": "GeoTIFF, ZSTD",
         "zarr": "Zarr, Blosc ZSTD"}
FILES = {"npy": "scene.npy", "b2nd": "scene.b2nd", "lz4": "scene.lz4.b2nd", "tif": "scene.tif",
         "zarr": "scene.zarr"}
PLAN = {"mapped": [("npy", None)], "windows": [(kind, None) for kind in ("b2nd", "lz4", "tif", "zarr")],
        "workers": [(kind, count) for kind in KINDS for count in (1, 2)]}
STEPS = ["read", "mean", "percentile", "smooth"]
SIDE = 2048  # lines and pixels of a block of Dask


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smaller image, one turn")
    parser.add_argument("--size", type=int, help="side of the image (24576; with --quick 20480)")
    parser.add_argument("--turns", type=int, help="3; with --quick 1")
    parser.add_argument("--limit", type=float, help="MB of a worker (600 or, if less, 3/4 of the image; "
                        "at least 400)")
    parser.add_argument("--only", default=",".join(PLAN), help="patterns, with commas")
    parser.add_argument("--kinds", default=",".join(KINDS), help="kinds of files, with commas")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "bench_patterns")
    parser.add_argument("--this-python", action="store_true", help="with the Dask of this Python")
    given = parser.parse_args()
    given.size = given.size or (20480 if given.quick else 24576)
    given.turns = given.turns or (1 if given.quick else 3)
    given.limit = int(1e6 * (given.limit or max(400, min(600, 0.75e-6 * 2 * given.size ** 2))))
    given.kinds = given.kinds.split(",")
    return given


def write_source(path, size):
    """A noisy image of 12 bits, made of pieces that are mirrored; nothing repeats within a chunk."""
    piece = noisy_image(min(size, 4096))
    image = np.lib.format.open_memmap(path, "w+", piece.dtype, (size, size))
    for row, y in enumerate(range(0, size, len(piece))):
        for column, x in enumerate(range(0, size, len(piece))):
            part = piece[::-1 if row % 2 else 1, ::-1 if column % 2 else 1]
            target = image[y:y + len(piece), x:x + len(piece)]
            target[...] = part[:target.shape[0], :target.shape[1]] + np.uint16(16 * (row % 3) + 4 * column)
    image.flush()


def expected(path):
    """Mean and percentile by NumPy alone."""
    image = np.load(path, mmap_mode="r")
    counts = np.zeros(1 << 16, np.int64)
    for line in range(0, len(image), 256):
        counts += np.bincount(image[line:line + 256].ravel(), minlength=1 << 16)
    values = np.arange(1 << 16)
    # np.percentile(..., method="inverted_cdf"), which would sort a copy.
    return float((counts * values).sum() / image.size), int(np.searchsorted(np.cumsum(counts), 0.98 * image.size))


class Bench:
    def __init__(self, given, folder, python):
        self.given, self.folder, self.python = given, folder, python
        self.paths = {kind: os.path.join(folder, FILES[kind]) for kind in KINDS}
        self.checked = set()

    def job(self, **order):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "tools" / "python"), "PYTHONWARNINGS": "ignore"}
        environment.pop("GDAL_NUM_THREADS", None)
        order = {"source": self.paths["npy"], "folder": self.folder, "side": SIDE, "limit": self.given.limit,
                 **order}
        try:
            ran = subprocess.run([self.python, str(JOB), json.dumps(order)], capture_output=True, text=True,
                                 env=environment, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return {"error": f"took more than {PATIENCE} s"}
        if ran.returncode != 0:
            return {"error": (ran.stderr.strip().splitlines() or [f"exit status {ran.returncode}"])[-1]}
        return json.loads(ran.stdout.splitlines()[-1])

    def write_files(self):
        gdal.UseExceptions()
        write_source(self.paths["npy"], self.given.size)
        self.mean, self.percentile = expected(self.paths["npy"])
        for kind, driver, options in (("b2nd", "B2ND", {}), ("lz4", "B2ND", {"COMPRESS": "LZ4"}),
                                      ("tif", "GTiff", {**GEOTIFF, "predictor": 2, "num_threads": "ALL_CPUS"})):
            if kind in self.given.kinds:
                gdal.Translate(self.paths[kind], self.paths["npy"], format=driver,
                               creationOptions=[f"{name}={value}" for name, value in options.items()])
        if "zarr" in self.given.kinds:
            made = self.job(pattern="zarr", path=self.paths["zarr"])
            if "error" in made:
                print(f"Zarr: {made['error']}")

    def run(self, pattern, kind, workers):
        first = (pattern, kind) not in self.checked
        found = self.job(pattern=pattern, kind=kind, path=self.paths[kind], workers=workers, check=first)
        if "error" not in found:
            self.checked.add((pattern, kind))
            # Sums in another order differ in their last bits; the rest is exact.
            if abs(found["mean"] - self.mean) > 1e-9 * self.mean or found["percentile"] != self.percentile \
                    or found["difference"] not in (None, 0.0):
                found = {"error": "WRONG: found {mean}, {percentile}, {difference}".format(**found)
                         + f", wanted {self.mean}, {self.percentile}, 0"}
        return found


def medians(turns):
    """Of the seconds of each step; the largest peaks."""
    errors = [turn["error"] for turn in turns if "error" in turn]
    if errors:
        return {"error": errors[0]}
    return {**{kind: {step: statistics.median(turn[kind][step] for turn in turns) for step in turns[0][kind]}
               for kind in ("seconds", "processor")},
            "peaks": {name: max(turn["peaks"][name] for turn in turns) for name in turns[0]["peaks"]}}


def show(rows, given):
    nbytes = 2 * given.size ** 2
    print(f"\n{'pattern':8} {'file':17} {'workers':>7}" + "".join(f"{step + ', s':>14}" for step in STEPS) +
          f"{'read, GB/s':>12}   peak memory, MB")
    for (pattern, kind, workers), row in rows.items():
        print(f"{pattern:8} {KINDS[kind]:17} {workers or '':>7}", end="")
        if "error" in row:
            print(f"  {row['error']}")
            continue
        seconds = row["seconds"]
        print("".join(f"{seconds[step]:14.2f}" if step in seconds else f"{'–':>14}" for step in STEPS) +
              f"{nbytes / seconds['read'] / 1e9:12.2f}   " +
              ", ".join(f"{name} {found / 1e6:.0f}" for name, found in row["peaks"].items()))
    for what, unit in (("seconds", "time"), ("processor", "processor time")):
        show_ratios({kind: pair for kind in KINDS if all(pair := [
            rows.get(("workers", kind, count), {}).get(what) for count in (1, 2)])}, unit)
    peaks = [found for row in rows.values() for name, found in row.get("peaks", {}).items()
             if name.startswith("worker")]
    if not peaks:
        return
    print(f"\nlargest worker: {max(peaks) / 1e6:.0f} MB of {given.limit / 1e6:.0f} MB, image: {nbytes / 1e6:.0f} MB")


def show_ratios(rows, unit):
    """What two workers gain over one; and over two that read GeoTIFF."""
    if not rows:
        return
    print(f"\n{unit + ' of one worker,':26}" + "".join(f"{step:>12}" for step in STEPS) +
          f"{'of GeoTIFF,':>16}" + "".join(f"{step:>12}" for step in STEPS))
    for kind, (one, two) in rows.items():
        print(f"{'  / two: ' + KINDS[kind]:26}" + "".join(f"{one[step] / two[step]:12.2f}" for step in STEPS), end="")
        tif = rows.get("tif", (None, None))[1]
        print(f"{'/ it:':>16}" + "".join(f"{tif[step] / two[step]:12.2f}" for step in STEPS) if tif else "")


def main():
    given = arguments()
    python = sys.executable
    if not given.this_python:
        python, missing = NEWEST.install()
        for package, reason in missing.items():
            print(f"not installed: {package}: {reason} (to try again, remove {NEWEST.folder()})")
        if python is None:
            sys.exit("patterns.py: no environment")
    plan = [(pattern, kind, workers) for pattern in given.only.split(",") for kind, workers in PLAN[pattern]
            if kind in given.kinds]
    print(f"{given.size} x {given.size} uint16, {given.turns} turns, blocks of {SIDE}, "
          f"{len(os.sched_getaffinity(0))} processors, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(prefix="patterns-") as folder:
        if shutil.disk_usage(folder).free < 16 * given.size ** 2:
            sys.exit(f"patterns.py: {folder} is too small; TMPDIR names another place")
        bench = Bench(given, folder, python)
        bench.write_files()
        turns = {item: [] for item in plan}
        for _ in range(given.turns):
            for item in plan:
                turns[item].append(bench.run(*item))
    rows = {item: medians(found) for item, found in turns.items()}
    show(rows, given)
    print(f"load {os.getloadavg()[0]:.1f}")
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "patterns.json").write_text(json.dumps(
        [{"pattern": pattern, "kind": kind, "workers": workers, **rows[pattern, kind, workers],
          "turns": turns[pattern, kind, workers]} for pattern, kind, workers in plan], indent=1), encoding="utf-8")
    print(f"results: {given.out}/patterns.json")
    if any("error" in row for row in rows.values()):
        sys.exit("there were errors, see above")


if __name__ == "__main__":
    main()
