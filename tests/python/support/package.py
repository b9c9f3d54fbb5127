"""What tests of the Python package share."""

import os
import sys
import traceback

import numpy as np
import pytest

# Of an array of four axes (the fixture `stack`).
SHAPE = (3, 4, 70, 90)
DIMS = ("t", "z", "y", "x")
SMALL = {"BLOCKSIZE": (2, 2, 32, 32), "BLOCKS": (1, 2, 16, 16)}


def in_child(function):
    """Runs a function in a forked process; True if it returned, None if a signal ended it."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            function()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    status = os.waitpid(process, 0)[1]
    return None if os.WIFSIGNALED(status) else status == 0


def equal(got, expected):
    assert got.dtype == expected.dtype and got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)


def options_of(suffix, **options):
    return {**SMALL, **options} if suffix == ".b2nd" else {}


def elsewhere(path):
    """By NumPy or python-blosc2."""
    if str(path).endswith(".npy"):
        return np.load(path)
    return pytest.importorskip("blosc2").open(str(path))[...]
