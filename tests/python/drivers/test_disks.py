"""Power that fails at any moment: what was not synced is there in part, by sectors, in any order. A
.b2nd is then in the state before or after a commit, a new file is whole or absent.

And disks that are full from any write on, and syncs that fail: one error, which says why; the old file
is untouched, and nothing is left beside it.

NDARRAY_DISK_IMAGES: how many disks each test makes.
"""

import os
import pathlib
import random
import subprocess

import numpy as np
import pytest
from osgeo import gdal
from support import FORMATS, memory_dataset, states
from support.disk import BROKEN, FULL, Disk, Runner, after_power_losses, read_journal
from support.stop import preloading
from support.tool import PROGRAM

IMAGES = int(os.environ.get("NDARRAY_DISK_IMAGES", "40"))
PREPARE = f"import sys; sys.path.insert(0, {str(pathlib.Path(__file__).parents[1])!r})\n" \
          "from support.states import *\n"

needs_b2nd = pytest.mark.skipif("B2ND" not in FORMATS, reason="built without c-blosc2")


@pytest.fixture(scope="module")
def runner():
    with Runner(PREPARE) as process:
        yield process


@pytest.fixture
def folders(tmp_path):
    """Where the program works, and where the disks are that it may leave."""
    work, left = tmp_path / "work", tmp_path / "left"
    work.mkdir()
    left.mkdir()
    return work, left


def disks(disk, journal, left, seed=1):
    """Yields (how many marks had passed, the random numbers of that disk)."""
    numbers = random.Random(seed)
    for marks in after_power_losses(disk, read_journal(journal), str(left), numbers, IMAGES):
        yield marks, numbers


UPDATES = """
path = arguments[0]
dataset = gdal.Open(path, gdal.GA_Update)
for number in range(4, 16):
    change(dataset, number)
    if number % 2:
        dataset.FlushCache()
    else:
        dataset = None
        gc.collect()
        dataset = gdal.Open(path, gdal.GA_Update)
    mark()
"""


@needs_b2nd
def test_updates_leave_one_committed_state(runner, folders, tmp_path):
    from support.b2nd import blosc2
    work, left = folders
    path = str(work / "file.b2nd")
    states.make("B2ND", path, 3, has_mask=True)
    disk = Disk(work)
    _, errors, _ = runner.run(UPDATES, work, path, journal=tmp_path / "journal")
    assert errors == [] and states.state_of(gdal.Open(path)) == 15
    seen = set()
    for marks, numbers in disks(disk, tmp_path / "journal", left):
        path = str(left / "file.b2nd")
        dataset = gdal.Open(path)
        state = states.state_of(dataset)
        # What a flush has reported is there; what is under way, or not.
        assert state in (3 + marks, 4 + marks), (state, marks)
        seen.add(state - marks)
        np.testing.assert_array_equal(blosc2.open(path)[:], states.pixels(state))
        if numbers.random() < 0.3:  # and goes on from there
            dataset = gdal.Open(path, gdal.GA_Update)
            states.change(dataset, state + 1)
            del dataset
            assert states.state_of(gdal.Open(path)) == state + 1
    assert seen == {3, 4}, "moments before and after commits were tried"


NEW = """
path = arguments[0]
dataset = create(arguments[1], path)
mark()
change(dataset, 1)
dataset = None
gc.collect()
mark()
"""


@needs_b2nd
def test_a_created_file_is_absent_or_in_a_state(runner, folders, tmp_path):
    work, left = folders
    disk = Disk(work)
    runner.run(NEW, work, str(work / "file.b2nd"), "B2ND", journal=tmp_path / "journal")
    seen = set()
    for marks, _ in disks(disk, tmp_path / "journal", left, 2):
        path = left / "file.b2nd"
        state = states.state_of(gdal.Open(str(path))) + 1 if path.exists() else 0
        assert state in (marks, marks + 1)
        seen.add(state)
    assert seen == {0, 1, 2}


COPY = """
result.append(gdal.GetDriverByName(arguments[2]).CreateCopy(arguments[1], gdal.Open(arguments[0]))
              is not None)
mark()
"""


@pytest.mark.parametrize("driver", FORMATS)
def test_a_copy_leaves_the_old_file_or_the_new_one(runner, folders, tmp_path, driver, rng):
    work, left = folders
    name = f"file.{driver.lower()}"
    source = str(tmp_path / "source.tif")
    image = rng.integers(0, 60000, (2, 200, 300), dtype="u2")
    gdal.GetDriverByName("GTiff").CreateCopy(source, memory_dataset(image))
    states.make(driver, str(work / name), 2)
    gdal.Open(str(work / name)).BuildOverviews("NEAREST", [2])
    disk = Disk(work)
    assert name + ".ovr" in disk.files
    done, errors, _ = runner.run(COPY, work, source, str(work / name), driver,
                                 journal=tmp_path / "journal")
    assert done == [True] and errors == []
    seen = set()
    for marks, numbers in disks(disk, tmp_path / "journal", left, 3):
        array = gdal.Open(str(left / name)).ReadAsArray()
        is_new = array.shape == image.shape
        assert is_new or marks == 0
        np.testing.assert_array_equal(array, image if is_new else states.pixels(2))
        assert not is_new or not (left / (name + ".ovr")).exists(), "of other pixels"
        seen.add(is_new)
        if numbers.random() < 0.2:  # the next one clears what is left
            gdal.GetDriverByName(driver).CreateCopy(str(left / name), gdal.Open(source))
            assert not [other for other in os.listdir(left) if other.startswith(".")]
    assert seen == {False, True}


@needs_b2nd
def test_compacting_changes_nothing_but_the_size(folders, tmp_path):
    work, left = folders
    path = work / "file.b2nd"
    states.make("B2ND", str(path), 3, has_mask=True)
    for state in (4, 5, 6):
        dataset = gdal.Open(str(path), gdal.GA_Update)
        states.change(dataset, state)
        del dataset
    disk, before = Disk(work), path.stat().st_size
    subprocess.run([PROGRAM, "compact", path], check=True, capture_output=True,
                   env=preloading("disk_journal", DISK_PATH=str(work),
                                  DISK_JOURNAL=str(tmp_path / "journal")))
    after = path.stat().st_size
    sizes = set()
    for _ in disks(disk, tmp_path / "journal", left, 4):
        assert states.state_of(gdal.Open(str(left / "file.b2nd"))) == 6
        sizes.add((left / "file.b2nd").stat().st_size)
    assert sizes == {before, after}


WRITES = """
dataset = gdal.Open(arguments[0], gdal.GA_Update)
dataset.WriteArray(pixels(9))
dataset.FlushCache()
"""


def test_a_npy_that_is_updated_has_old_and_new_elements_and_no_others(runner, folders, tmp_path):
    """It is no transaction: which is why `driver/README.md` says so of a .b2nd only."""
    work, left = folders
    states.make("NPY", str(work / "file.npy"), 5)
    old, new = states.pixels(5), states.pixels(9)
    disk = Disk(work)
    runner.run(WRITES, work, str(work / "file.npy"), journal=tmp_path / "journal")
    mixed = 0
    for _ in disks(disk, tmp_path / "journal", left, 5):
        array = gdal.Open(str(left / "file.npy")).ReadAsArray()
        assert ((array == old) | (array == new)).all()
        mixed += not (array == old).all() and not (array == new).all()
    assert mixed > 0


FAULTS = {"full": FULL, "broken": BROKEN}
MAX_CALLS = 200


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


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("driver", FORMATS)
def test_faults_of_copies(runner, source, tmp_path, driver, fault):
    path = str(tmp_path / f"file.{driver.lower()}")
    for _, failed in each_call(lambda **how: runner.run(COPY, tmp_path, source, path, driver, **how),
                               FAULTS[fault], 0.3):
        assert failed == [False] and os.listdir(tmp_path) == []
    assert gdal.Open(path).ReadAsArray().shape == (2, 200, 300)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("driver", FORMATS)
def test_faults_of_copies_over_another_file(runner, source, tmp_path, driver, fault):
    path = str(tmp_path / f"file.{driver.lower()}")
    states.make(driver, path, 2)
    gdal.Open(path).BuildOverviews("NEAREST", [2])
    before = sorted(os.listdir(tmp_path))
    for _, failed in each_call(lambda **how: runner.run(COPY, tmp_path, source, path, driver, **how),
                               FAULTS[fault], 0.3):
        assert failed == [False] and sorted(os.listdir(tmp_path)) == before
        assert states.state_of(gdal.Open(path)) == 2
    assert gdal.Open(path).ReadAsArray().shape == (2, 200, 300)


CREATE = """
result.append(create(arguments[1], arguments[0]) is not None)
"""


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("driver", FORMATS)
def test_faults_of_new_files(runner, tmp_path, driver, fault):
    path = str(tmp_path / f"file.{driver.lower()}")
    if driver == "NPY" and fault == "full":
        pytest.skip("one write, of the header")
    for _, failed in each_call(lambda **how: runner.run(CREATE, tmp_path, path, driver, **how),
                               FAULTS[fault], 0.3):
        assert failed == [False] and os.listdir(tmp_path) == []


UPDATE = """
dataset = gdal.Open(arguments[0], gdal.GA_Update)
change(dataset, 3)
"""


@needs_b2nd
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_updates(runner, tmp_path, fault):
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


@needs_b2nd
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_updates_that_fail_are_done_with_the_next_flush(runner, tmp_path, fault):
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


def test_faults_of_updates_of_a_npy(runner, tmp_path):
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


@needs_b2nd
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_compacting(tmp_path, fault):
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
def test_faults_of_converting(source, tmp_path, fault):
    path = tmp_path / "file.npy"
    states.make("NPY", str(path), 2)
    old = path.read_bytes()
    before = sorted(os.listdir(tmp_path))
    for _ in each_call(run_program(tmp_path, "convert", source, path, "-q",
                                   "--checksum", "sha256"),
                       FAULTS[fault], 0.3):
        left = sorted(os.listdir(tmp_path))
        if path.read_bytes() == old:
            assert left == before
        else:  # complete, but for its checksum, as the message said
            assert left == ["file.npy", "file.npy.aux.xml"]
            states.make("NPY", str(path), 2)
            old = path.read_bytes()
    assert gdal.Open(str(path)).ReadAsArray().shape == (2, 200, 300)
