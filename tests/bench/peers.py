#!/usr/bin/env python3
"""Our drivers beside every other reader of such files, in one run.

    GDAL_DRIVER_PATH=build/gdalplugins python3 tests/bench/peers.py [--quick] [--busy] [--threads 2]
        [--size 16384] [--tables lz4,zstd] [--readers npy,h5py_none] [--out DIR] [--folder DIR]

Makes images and their files, then has all readers of a table take turns: windows at random places,
scans by rows and by tiles, whole images, all bands of a pixel, overviews. Each reader is a process of
its own, and each read is compared with the image; wrong pixels, and readers that fail, are errors in
the table. The page cache is warm. A turn opens files anew and reads windows that no cache has seen;
readers that keep no pixels stay open, so that the pages of their maps are present. Figures are
medians over turns, ratios the medians of the ratios within a turn; see --busy, too.

The peers come from PyPI, in the versions of peers/requirements.txt, into an environment in the user's
cache. Writes peers.json, peers.csv and peers.svg.
"""

import argparse
import os
import pathlib
import platform
import shutil
import sys
import tempfile
import time

import numpy as np

from environment import PEERS
from peers import catalogue, chart, images, report
from peers.runner import Bench
from peers.workloads import workloads

ROOT = pathlib.Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller images, fewer turns")
    parser.add_argument("--size", type=int, help="side of the image (16384; with --quick 8192)")
    parser.add_argument("--turns", type=int, help="of each reader and workload (5; --quick: 3)")
    parser.add_argument("--busy", action="store_true",
                        help="speeds of the fastest turns, for a machine that does other things, too")
    parser.add_argument("--threads", type=int, default=2, help="for those who can")
    parser.add_argument("--tables", help="of " + ",".join(catalogue.TABLES))
    parser.add_argument("--readers", help="keys of readers, as --list shows them; the limit is "
                                          "always measured")
    parser.add_argument("--list", action="store_true", help="print the keys of all readers")
    parser.add_argument("--folder", help="where the images go, and stay (default: a temporary one)")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "bench_peers",
                        help="folder of the results")
    given = parser.parse_args()
    given.size = given.size or (8192 if given.quick else 16384)
    given.turns = given.turns or (3 if given.quick else 5)
    return given


def chosen(given):
    """{table: readers}, the limit first."""
    tables = given.tables.split(",") if given.tables else list(catalogue.TABLES)
    keys = given.readers.split(",") if given.readers else None
    unknown = (set(tables) - set(catalogue.TABLES)) | (set(keys or ()) - set(catalogue.READERS))
    if unknown:
        sys.exit(f"peers.py: nothing is named {', '.join(sorted(unknown))}")
    found = {}
    for table in tables:
        limit, *readers = catalogue.TABLES[table][2]
        if keys is not None:
            readers = [reader for reader in [*readers, *catalogue.BROKEN] if reader.key in keys]
        if readers:
            found[table] = [limit, *readers]
    return found


def make_image(key, folder, size):
    what, make, part = images.IMAGES[key]
    side = size // part
    path = os.path.join(folder, f"{key}{side}.npy")
    if not os.path.exists(path):
        pixels = make(side)
        with open(path + ".part", "wb") as file:
            np.save(file, pixels)
        os.rename(path + ".part", path)
    pixels = np.load(path, mmap_mode="r")
    return {"key": f"{key}{side}", "path": path, "shape": list(pixels.shape),
            "dtype": pixels.dtype.str, "bytes": pixels.nbytes, "what": what}


def machine():
    """What the figures depend on."""
    with open("/proc/cpuinfo") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {"processor": models[0] if models else platform.machine(),
            "processors": len(os.sched_getaffinity(0)), "kernel": platform.release(),
            "python": platform.python_version(), "load_before": os.getloadavg()[0]}


def measure(bench, given, tables):
    made = {}
    for key, readers in tables.items():
        title, image_key, _ = catalogue.TABLES[key]
        if image_key not in made:
            made[image_key] = make_image(image_key, bench.folder, given.size)
        image = made[image_key]
        print(f"\n{title}: {len(readers)} readers", flush=True)
        started = time.perf_counter()
        for reader in readers:
            bench.file(reader.file, image)
        print(f"  files: {time.perf_counter() - started:.0f} s", flush=True)
        rows = bench.table(image, readers)
        bench.forget(image, readers)
        report.compare(rows, given.busy)
        table = {"key": key, "title": title, "rows": rows,
                 "image": f"{image['what']}, {tuple(image['shape'])}, "
                          f"{image['bytes'] / 1e6:.0f} MB",
                 "workloads": {workload.key: workload.name
                               for workload in workloads(image, given.quick)}}
        print(report.text_of(table), flush=True)
        yield table


def main():
    given = arguments()
    if given.list:
        for reader in catalogue.READERS.values():
            print(f"{reader.key:18} {reader.name}")
        return
    tables = chosen(given)
    python, missing = None, {}
    if any(reader.home == "peers" for readers in tables.values() for reader in readers):
        python, missing = PEERS.install()
    for package, reason in missing.items():
        print(f"not installed: {package}: {reason} (to try again, remove {PEERS.folder()})")
    given.out.mkdir(parents=True, exist_ok=True)
    run = {"machine": machine(), "threads": given.threads, "turns": given.turns,
           "quick": given.quick, "busy": given.busy, "missing": missing, "tables": []}
    print("{processor}, {processors} processors, Linux {kernel}, load {load_before:.1f}".format(
        **run["machine"]))
    with tempfile.TemporaryDirectory(prefix="peers-") as temporary:
        folder = given.folder or temporary
        os.makedirs(folder, exist_ok=True)
        needed = 16 * given.size ** 2  # the image and the files of one table
        if shutil.disk_usage(folder).free < needed:
            sys.exit(f"peers.py: {folder} has less than the {needed / 1e9:.0f} GB needed; "
                     "--folder or TMPDIR names another place")
        bench = Bench(folder, python, given.threads, given.turns, given.quick, bool(given.folder))
        for table in measure(bench, given, tables):
            run["tables"].append(table)
            report.save(run, given.out)
    run["machine"]["load_after"] = os.getloadavg()[0]
    report.save(run, given.out)
    (given.out / "peers.svg").write_text(chart.draw(run), encoding="utf-8")
    print(f"results: {given.out}/peers.json, peers.csv, peers.svg")
    if any(row["error"] or any("error" in cell for cell in row["results"].values())
           for table in run["tables"] for row in table["rows"]):
        print("there were errors, see above")


if __name__ == "__main__":
    main()
