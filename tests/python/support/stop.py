"""Programs that are stopped at the n-th step of their work, or whose clock goes by steps: what tests
of them see does not depend on the machine's speed.

A step of work is a call of the system that concerns a file, as tests/support/stop_at_call.cpp counts
them; one of the clock is that of tests/support/step_clock.cpp.
"""

import functools
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

SOURCES = pathlib.Path(__file__).parents[2] / "support"
PARTS = {"before": 0, "half": 1, "after": 2}  # of the call at which it stops


@functools.lru_cache(None)
def library(name):
    """Built once for each run of the tests, with the compiler that the build needs anyway."""
    folder = tempfile.TemporaryDirectory()
    path = f"{folder.name}/{name}.so"
    subprocess.run([os.environ.get("CXX", "c++"), "-std=c++17", "-O1", "-shared", "-fPIC", "-o", path,
                    str(SOURCES / f"{name}.cpp")], check=True)
    return folder, path


def preloading(name, **environment):
    """The environment of a program that has the library, after a sanitizer's."""
    preload = [word for word in (os.environ.get("LD_PRELOAD"), library(name)[1]) if word]
    return {**os.environ, "LD_PRELOAD": " ".join(preload), **environment}


def stopping(path, call, number, part="before", twice=False):
    """The environment of a program that gets a signal at that call about a path with this in it."""
    more = {"STOP_AT_TWICE": "1"} if twice else {}
    return preloading("stop_at_call", STOP_AT_PATH=str(path), STOP_AT_CALL=str(call),
                      STOP_AT_SIGNAL=str(int(number)), STOP_AT_PART=part, **more)


def run_stopped(arguments, path, call, number=signal.SIGINT, **keywords):
    """Runs a program that gets a signal at that call: what subprocess.run gives, as text."""
    environment = {**stopping(path, call, number, keywords.pop("part", "before"),
                              keywords.pop("twice", False)), **keywords.pop("env", {})}
    return subprocess.run([str(word) for word in arguments], capture_output=True, text=True,
                          env=environment, **keywords)


class Victims:
    """Runs Python code over and over in processes that are killed at the n-th call about a file.

    They are forks of one process that has loaded the plugin and run PREPARE: starting Python for each
    takes longer than what is tested.
    """

    LOOP = """
import ctypes, os, signal, sys
import numpy as np
from osgeo import gdal, gdal_array
gdal.UseExceptions()
prepare, victim = sys.argv[1:]
exec(prepare)
for line in sys.stdin:
    call, part, path, *arguments = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).stop_at_call(path.encode(), ctypes.c_long(int(call)), int(part))
        exec(victim)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print("killed" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL else status,
          flush=True)
"""

    def __init__(self, victim, prepare=""):
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.LOOP, prepare, victim], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=preloading("stop_at_call"))

    def kill_at(self, call, part, path, *arguments):
        """Whether it was killed: False where it ended, with success, before that call.

        The code finds the arguments, as texts, in `arguments`.
        """
        self.process.stdin.write("\t".join(map(str, [call, PARTS[part], path, *arguments])) + "\n")
        self.process.stdin.flush()
        outcome = self.process.stdout.readline().strip()
        assert outcome in ("killed", "0"), outcome
        return outcome == "killed"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()
        assert self.process.returncode == 0
