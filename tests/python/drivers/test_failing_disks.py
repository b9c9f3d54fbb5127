"""Disks that are full from any write on, and syncs that fail: one error, which says why; the old file
is untouched, and nothing is left beside it."""

import os
import pathlib
import subprocess

import numpy as np
import pytest
from osgeo import gdal
from support import FORMATS, memory_dataset, states
from support.disk import BROKEN, FULL, Runner
from support.stop import preloading
from support.tool import PROGRAM

PREPARE = f"import sys; sys.path.insert(0, {str(pathlib.Path(__file__).parents[1])!r})\n" \
          "from support.states import *\n"
FAULTS = {"full": FULL, "broken": BROKEN}
MAX_CALLS = 200


@pytest.fixture(scope="module")
def runner():
    with Runner(PREPARE) as process:
        yield process


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("source") / "source.tif")
    image = np.random.default_rng(1).integers(0, 60000, (2, 200, 300), dtype="u2")
    gdal.GetDriverByName("GTiff").CreateCopy(path, memory_dataset(image))
    return path


def each_call(run, fault, more=0):
    """Lets the first call fail, then the second ..., until none is left that could; `more`: of many
    calls only some, further and further apart."""
    call = 1
    while call < MAX_CALLS:
        result, errors, failed = run(at=call, **fault)
        if failed == 0:
            assert errors == []
            assert call > (1 if fault is BROKEN else 2), "calls were counted"
            return
        assert len(errors) == 1 and os.strerror(fault["error"]) in errors[0], (call, errors)
        yield call, result
        call += 1 + int(call * more)
    raise AssertionError("it never ends")


def replace(path, content):
    """By another file, as nobody writes to one that he has not opened for update."""
    pathlib.Path(path).unlink()
    pathlib.Path(path).write_bytes(content)


COPY = """
result.append(gdal.GetDriverByName(arguments[2]).CreateCopy(arguments[1], gdal.Open(arguments[0]))
              is None)
"""


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("driver", FORMATS)
def test_copies(runner, source, tmp_path, driver, fault):
    path = str(tmp_path / f"file.{driver.lower()}")
    for _, failed in each_call(lambda **how: runner.run(COPY, tmp_path, source, path, driver, **how),
                               FAULTS[fault]):
        assert failed == [True] and os.listdir(tmp_path) == []
    assert gdal.Open(path).ReadAsArray().shape == (2, 200, 300)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("driver", FORMATS)
def test_copies_over_another_file(runner, source, tmp_path, driver, fault):
    path = str(tmp_path / f"file.{driver.lower()}")
    states.make(driver, path, 2)
    gdal.Open(path).BuildOverviews("NEAREST", [2])
    before = sorted(os.listdir(tmp_path))
    for _, failed in each_call(lambda **how: runner.run(COPY, tmp_path, source, path, driver, **how),
                               FAULTS[fault]):
        assert failed == [True] and sorted(os.listdir(tmp_path)) == before
        assert states.state_of(gdal.Open(path)) == 2
    assert gdal.Open(path).ReadAsArray().shape == (2, 200, 300)


CREATE = """
result.append(create(arguments[1], arguments[0]) is None)
"""


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("driver", FORMATS)
def test_new_files(runner, tmp_path, driver, fault):
    path = str(tmp_path / f"file.{driver.lower()}")
    if driver == "NPY" and fault == "full":
        pytest.skip("one write, of the header")
    for _, failed in each_call(lambda **how: runner.run(CREATE, tmp_path, path, driver, **how),
                               FAULTS[fault]):
        assert failed == [True] and os.listdir(tmp_path) == []


UPDATE = """
dataset = gdal.Open(arguments[0], gdal.GA_Update)
change(dataset, 3)
"""


@pytest.mark.skipif("B2ND" not in FORMATS, reason="built without c-blosc2")
@pytest.mark.parametrize("fault", FAULTS)
def test_updates(runner, tmp_path, fault):
    path = str(tmp_path / "file.b2nd")
    states.make("B2ND", path, 2, has_mask=True)
    content = pathlib.Path(path).read_bytes()
    found = []
    for _ in each_call(lambda **how: runner.run(UPDATE, tmp_path, path, **how), FAULTS[fault]):
        found.append(states.state_of(gdal.Open(path)))
        assert os.listdir(tmp_path) == ["file.b2nd"]
        replace(path, content)
    # The last sync comes after the write that commits.
    assert found == [2] * len(found) if fault == "full" else found == [2, 3]
    assert states.state_of(gdal.Open(path)) == 3


@pytest.mark.skipif("B2ND" not in FORMATS, reason="built without c-blosc2")
@pytest.mark.parametrize("fault", FAULTS)
def test_updates_that_fail_are_done_with_the_next_flush(runner, tmp_path, fault):
    path = str(tmp_path / "file.b2nd")
    states.make("B2ND", path, 2, has_mask=True)
    content = pathlib.Path(path).read_bytes()
    code = UPDATE + """
dataset.FlushCache()
library.disk_journal(b"", b"", b"", ctypes.c_long(0), ctypes.c_long(0), 0)
"""
    for call in range(1, 8):
        _, errors, _ = runner.run(code, tmp_path, path, at=call, **FAULTS[fault])
        assert len(errors) <= 1 and (call > 1 or len(errors) == 1)
        assert states.state_of(gdal.Open(path)) == 3
        replace(path, content)


def test_updates_of_a_npy(runner, tmp_path):
    path = str(tmp_path / "file.npy")
    dataset = states.create("NPY", path)
    dataset.WriteArray(states.pixels(2))
    del dataset
    code = """
dataset = gdal.Open(arguments[0], gdal.GA_Update)
result.append(dataset.WriteArray(pixels(5)) != 0)
"""
    _, errors, failed = runner.run(code, tmp_path, path, at=1, **FULL)
    assert failed == 1 and len(errors) == 1 and "No space left on device" in errors[0]
    array = gdal.Open(path).ReadAsArray()
    assert ((array == states.pixels(2)) | (array == states.pixels(5))).all()


def run_program(folder, *arguments):
    """As Runner.run does, of the program."""
    def run(at, fail, error, count):
        done = subprocess.run(
            [PROGRAM, *map(str, arguments)], capture_output=True, text=True,
            env=preloading("disk_journal", DISK_PATH=str(folder), DISK_FAIL=fail,
                           DISK_FAIL_AT=str(at), DISK_FAIL_FOR=str(count), DISK_ERROR=str(error)))
        errors = done.stderr.splitlines()
        assert done.returncode == (1 if errors else 0)
        return None, errors, len(errors)
    return run


@pytest.mark.skipif("B2ND" not in FORMATS, reason="built without c-blosc2")
@pytest.mark.parametrize("fault", FAULTS)
def test_compacting(tmp_path, fault):
    path = str(tmp_path / "file.b2nd")
    states.make("B2ND", path, 3, has_mask=True)
    dataset = gdal.Open(path, gdal.GA_Update)
    states.change(dataset, 4)
    del dataset
    content = pathlib.Path(path).read_bytes()
    for _ in each_call(run_program(tmp_path, "compact", path), FAULTS[fault], 0.5):
        assert pathlib.Path(path).read_bytes() == content
        assert os.listdir(tmp_path) == ["file.b2nd"]
    assert states.state_of(gdal.Open(path)) == 4


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("options", [[], ["--checksum", "sha256"]], ids=["plain", "checksum"])
def test_converting(source, tmp_path, fault, options):
    path = tmp_path / "file.npy"
    states.make("NPY", str(path), 2)
    old = path.read_bytes()
    before = sorted(os.listdir(tmp_path))
    for _ in each_call(run_program(tmp_path, "convert", source, path, "-q", *options),
                       FAULTS[fault], 0.3):
        left = sorted(os.listdir(tmp_path))
        if path.read_bytes() == old:
            assert left == before
        else:  # complete, but for its checksum, as the message said
            assert left == ["file.npy", "file.npy.aux.xml"] and options
            states.make("NPY", str(path), 2)
            old = path.read_bytes()
    assert gdal.Open(str(path)).ReadAsArray().shape == (2, 200, 300)
