"""Processes that end while threads read: by then nothing waits for them, and nothing crashes.

The threads are within one long call, for GDAL's Python bindings end the process, with any driver, where
a call returns into an interpreter that is gone.
"""

import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal
from support.either import driver, path  # noqa: F401, fixtures

READING = """
import sys, threading, time
from osgeo import gdal
gdal.UseExceptions()
path = sys.argv[1]
shared = gdal.OpenEx(path, gdal.OF_RASTER | getattr(gdal, "OF_THREAD_SAFE", 0))
shared.ReadAsArray(0, 0, 700, 700)  # starts the threads that help
datasets = [gdal.Open(path), gdal.Open(path)]
datasets += [shared, shared] if hasattr(gdal, "OF_THREAD_SAFE") else [shared]
started = []

def read(dataset):
    started.append(1)
    dataset.GetRasterBand(1).Checksum()
    print("the call was shorter than the process")

for dataset in datasets:
    threading.Thread(target=read, args=(dataset,), daemon=True).start()
while len(started) < len(datasets):
    time.sleep(0.001)
time.sleep(0.02)
"""


@pytest.fixture
def large(driver, path):
    """Takes minutes to read; of zeros mostly, so that it takes no space."""
    dataset = driver.Create(path, 100_000, 100_000, 1, gdal.GDT_Byte)
    dataset.WriteArray(np.random.default_rng(1).integers(0, 9, (1000, 2000), dtype="u1"))
    return path


def test_process_ends_while_threads_read(large):
    done = subprocess.run([sys.executable, "-c", READING, large], timeout=600,
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
