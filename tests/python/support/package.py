"""What tests of the Python package share."""

import os
import sys
import traceback

import numpy as np


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
