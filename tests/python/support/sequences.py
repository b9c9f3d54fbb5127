"""Random sequences of operations (operations.py), run and cut down.

They stay sequences when operations are left out of them, so one that fails is cut down to a few. Each
runs in a process of its own, so that crashes and endless loops are failures like others.
"""

import os
import pickle
import random
import shutil
import signal
import tempfile
import traceback

from osgeo import gdal
from support.operations import World

TIMEOUT_S = 120
STARTS = ["create", "copy", "foreign"]
WEIGHTS = {"write": 24, "read": 20, "resample": 4, "block": 4, "fill": 3, "stretch": 3, "nodata": 4,
           "metadata": 6, "georeference": 4, "mask": 6, "flush": 6, "reopen": 8, "create": 3,
           "foreign": 2, "copy": 3, "convert": 2, "kill": 2, "several": 1, "numpy": 2, "compact": 0.2}


def sequence(seed, count):
    r = random.Random(seed)
    names = r.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count - 1)
    return [(name, r.getrandbits(32)) for name in [r.choice(STARTS), *names]]


def replay(operations, note=lambda number: None):
    """Runs them in a folder of their own; raises what goes wrong."""
    gdal.UseExceptions()
    folder = tempfile.mkdtemp(prefix="operations-")
    try:
        world = World(folder)
        for number, (name, seed) in enumerate(operations):
            note(number)
            if world.path is None and name not in STARTS:
                continue
            getattr(world, name)(random.Random(seed))
        world.close()
        if world.path is not None:
            world.check_file()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def failure_of(operations):
    """None, or what went wrong: (a word for its kind, text)."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(TIMEOUT_S)
        os.close(reader)
        text = b""
        try:
            replay(operations, lambda number: os.write(writer, b"%d\n" % number))
        except BaseException as error:
            text = pickle.dumps((type(error).__name__, traceback.format_exc()))
        os.write(writer, b"end\n")
        with os.fdopen(writer, "wb") as file:
            file.write(text)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        content = file.read()
    status = os.waitpid(pid, 0)[1]
    before, ended, after = content.partition(b"end\n")
    if not ended:
        return f"status {status}", f"ended with status {status} in operation " \
                                   f"{before.split()[-1].decode() if before else 0}"
    return pickle.loads(after) if after else None


def shrunk(operations, kind):
    """As few of them as still fail so."""
    size = len(operations) // 2
    while size > 0:
        at = 0
        while at < len(operations):
            fewer = operations[:at] + operations[at + size:]
            failure = failure_of(fewer) if fewer else None
            if failure is not None and failure[0] == kind:
                operations = fewer
            else:
                at += size
        size //= 2
    return operations


def run(first_seed, count, length=100):
    """Runs `count` operations in sequences; raises an AssertionError that says how to see it again.
    How many of them passed."""
    passed, seed = 0, first_seed
    while passed < count:
        operations = sequence(seed, min(length, count - passed) if count - passed > 1 else 2)
        failure = failure_of(operations)
        if failure is not None:
            fewer = shrunk(operations, failure[0])
            last = failure_of(fewer) or failure
            raise AssertionError(
                f"after {passed} operations that passed, seed {seed}: {last[1]}\n"
                f"To see it again, with GDAL_DRIVER_PATH and PYTHONPATH=tests/python set:\n"
                f"from support.sequences import replay\nreplay({fewer!r})")
        passed += len(operations)
        seed += 1
    return passed
