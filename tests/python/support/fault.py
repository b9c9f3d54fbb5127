"""Processes that are killed right before any of their calls that change files, one after another.

What is on disk then is what a reader finds who opens the file at that moment, too.
"""

import os
import pathlib
import subprocess
import sys

PRELOAD = (pathlib.Path(os.environ["GDAL_DRIVER_PATH"]).parent / "tests"
           / "libndarray_fault_point.so")
MAX_MOMENTS = 400

LOOP = """
import ctypes, os, sys
from osgeo import gdal
gdal.UseExceptions()
victim = sys.argv[1]
arm = ctypes.CDLL(os.environ["LD_PRELOAD"].split()[-1]).fault_arm
print(flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        arm(ctypes.c_long(int(line)))
        exec(victim)
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def environment(path, **others):
    """That of a process in which calls with `path` in their arguments count."""
    assert PRELOAD.exists(), f"{PRELOAD} is not built"  # the loader would go on without it
    preload = f"{os.environ.get('LD_PRELOAD', '')} {PRELOAD}".strip()
    return {**os.environ, "LD_PRELOAD": preload, "NDARRAY_FAULT_PATH": str(path), **others}


def moments(run):
    """Counts from 0 until run(moment) returns True: the work was done before the fault."""
    for moment in range(MAX_MOMENTS):
        yield moment
        if run.done:
            assert moment > 3, "nothing was counted"
            return
    raise AssertionError(f"more than {MAX_MOMENTS} moments")


class Code:
    """Runs Python code in forks of one process, each killed at a moment."""

    def __init__(self, path, victim):
        self.done = False
        self.process = subprocess.Popen([sys.executable, "-c", LOOP, victim], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=environment(path))
        self.process.stdout.readline()

    def __call__(self, moment):
        self.process.stdin.write(f"{moment}\n")
        self.process.stdin.flush()
        status = int(self.process.stdout.readline())
        assert status in (0, 9), status
        self.done = status == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()


class Command:
    """Runs a program again and again, each time killed at a moment."""

    def __init__(self, path, *arguments):
        self.done = False
        self.path = path
        self.arguments = [str(argument) for argument in arguments]

    def __call__(self, moment):
        status = subprocess.run(self.arguments, check=False, capture_output=True, timeout=120,
                                env=environment(self.path, NDARRAY_FAULT_AT=str(moment)))
        assert status.returncode in (0, -9), status
        self.done = status.returncode == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass
