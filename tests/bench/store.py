#!/usr/bin/env python3
"""gdal_ndarray.store() from two worker processes: time, and the processor time of who has the file.

    GDAL_DRIVER_PATH=build/gdalplugins python3 tests/bench/store.py [--before CHECKOUT] [--size 8192]
        [--turns 3] [--folder DIR]

One band of uint16 like a noisy satellite image, out of a .npy in the page cache, in blocks of 2048²;
a cluster of two processes with a thread each. `--before` names a checkout with a build of its own, with
which the turns are shared. Each turn is a process of its own, which starts a cluster and stores a small
array first. Figures are medians: seconds that store() takes, processor time of the client (which has the
file) and of both workers.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from noise import noisy_image

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = {"B2ND, default": (".b2nd", {}), "B2ND, LZ4": (".b2nd", {"COMPRESS": "LZ4"}), "NPY": (".npy", {})}


def turn(source, target, options):
    """In a process of its own: prints the figures."""
    import gdal_ndarray
    from distributed import Client
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        pixels = gdal_ndarray.open(source).dask((2048, 2048)) + np.uint16(1)
        gdal_ndarray.store(pixels[:2048, :4096], target, **options)

        def worked():
            return time.perf_counter(), time.process_time(), sum(client.run(time.process_time).values())

        before = worked()
        gdal_ndarray.store(pixels, target, **options)
        figures = [after - earlier for earlier, after in zip(before, worked())]
    image, stored = np.load(source, mmap_mode="r"), gdal_ndarray.open(target)
    for line in range(0, image.shape[0], 1024):
        assert (stored[line:line + 1024] == image[line:line + 1024] + np.uint16(1)).all()
    print(json.dumps(figures))


def run(checkout, source, target, options):
    environment = {**os.environ, "PYTHONPATH": str(checkout / "tools" / "python"),
                   "GDAL_DRIVER_PATH": str(checkout / "build" / "gdalplugins")}
    done = subprocess.run([sys.executable, __file__, "--turn", source, target, json.dumps(options)],
                          env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=pathlib.Path, help="another checkout, with its build/")
    parser.add_argument("--size", type=int, default=8192)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--folder")
    arguments = parser.parse_args()
    checkouts = {"now": ROOT} if arguments.before is None else {"before": arguments.before.resolve(), "now": ROOT}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        source = os.path.join(folder, "source.npy")
        np.save(source, noisy_image(arguments.size))
        megabytes = os.path.getsize(source) / 1e6
        figures = {(kind, name): [] for kind in KINDS for name in checkouts}
        for _ in range(arguments.turns):
            for kind, name in figures:
                suffix, options = KINDS[kind]
                target = os.path.join(folder, "target" + suffix)
                figures[kind, name].append(run(checkouts[name], source, target, options))
                os.remove(target)
    print(f"| uint16 {arguments.size}² | s | MB/s | client, processor s | workers, processor s |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for (kind, name), turns in figures.items():
        wall, client, workers = (statistics.median(values) for values in zip(*turns))
        print(f"| {kind}{'' if len(checkouts) == 1 else ', ' + name} | {wall:.2f} | {megabytes / wall:.0f} | "
              f"{client:.2f} | {workers:.2f} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--turn"]:
        turn(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
    else:
        main()
