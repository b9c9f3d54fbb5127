"""Processes that update different pixels of one file at once, and are killed at any moment."""

import fcntl
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
import traceback

import numpy as np
import pytest
from osgeo import gdal
from support.b2nd import blosc2

WORKERS = 8
BANDS, HEIGHT, WIDTH = 2, 300, 400
CELL_HEIGHT, CELL_WIDTH = 19, 23  # of one worker each; blocks and chunks hold those of many
SECONDS = float(os.environ.get("NDARRAY_WRITERS_SECONDS", "1"))
MAX_ROUNDS = 1 << 30


def windows(worker, round_):
    """What a worker writes in a round: some windows of its own cells, of one band each."""
    rng = np.random.default_rng((worker, round_))
    rows, columns = HEIGHT // CELL_HEIGHT, WIDTH // CELL_WIDTH
    for number in rng.choice(rows * columns * BANDS // WORKERS, 12, replace=False).tolist():
        number = number * WORKERS + worker
        band, cell = number % BANDS, number // BANDS
        y, x = cell // columns * CELL_HEIGHT, cell % columns * CELL_WIDTH
        height, width = rng.integers(1, CELL_HEIGHT + 1), rng.integers(1, CELL_WIDTH + 1)
        y += rng.integers(0, CELL_HEIGHT - height + 1)
        x += rng.integers(0, CELL_WIDTH - width + 1)
        yield int(band), int(y), int(x), rng.integers(0, 60000, (height, width), dtype="u2")


def apply(array, worker, round_):
    for band, y, x, values in windows(worker, round_):
        array[band, y:y + values.shape[0], x:x + values.shape[1]] = values


def work(path, worker, round_, last, report):
    dataset = gdal.Open(path, gdal.GA_Update)
    for round_ in range(round_, last):
        for band, y, x, values in windows(worker, round_):
            dataset.GetRasterBand(band + 1).WriteArray(values, x, y)
        dataset.FlushCache()
        os.write(report, b".")
        if round_ % 4 == 3:
            dataset = gdal.Open(path, gdal.GA_Update)


class Worker:
    """A process, and what it must have left in the file: the model after a number of rounds."""

    def __init__(self, path, number):
        self.path, self.number, self.rounds = path, number, 0

    def start(self, last=MAX_ROUNDS):
        self.report, report = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            status = 1
            try:
                os.close(self.report)
                work(self.path, self.number, self.rounds, last, report)
                status = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(report)

    def wait(self):
        """Its exit status, once it has ended; counts the rounds that it has reported."""
        reported = 0
        while part := os.read(self.report, 65536):
            reported += len(part)
        os.close(self.report)
        self.reported = range(self.rounds, self.rounds + reported)
        return os.waitpid(self.process, 0)[1]


def check_killed(worker, model, transactions):
    """Brings the model to where the killed worker has left the file."""
    for round_ in worker.reported:
        apply(model, worker.number, round_)
    worker.rounds = worker.reported.stop
    after = model.copy()
    apply(after, worker.number, worker.rounds)
    touched = np.zeros(model.shape, bool)
    for band, y, x, values in windows(worker.number, worker.rounds):
        touched[band, y:y + values.shape[0], x:x + values.shape[1]] = True
    found = gdal.Open(worker.path).ReadAsArray()[touched]
    old, new = model[touched], after[touched]
    if (found == new).all():
        worker.rounds += 1
        model[:] = after
    elif transactions:
        np.testing.assert_array_equal(found, old)
    else:  # it is done again
        assert ((found == old) | (found == new)).all()


@pytest.mark.slow
@pytest.mark.parametrize("driver, suffix, options", [
    ("B2ND", "b2nd", ["CHUNKXSIZE=128", "CHUNKYSIZE=128", "BLOCKSIZE=64"]),
    ("B2ND", "b2nd", ["INTERLEAVE=PIXEL", "CHUNKXSIZE=128", "CHUNKYSIZE=96", "BLOCKSIZE=32"]),
    ("NPY", "npy", ["INTERLEAVE=PIXEL"]),
])
def test_killed_processes_lose_nothing_of_others(tmp_path, driver, suffix, options):
    path = str(tmp_path / f"shared.{suffix}")
    dataset = gdal.GetDriverByName(driver).Create(path, WIDTH, HEIGHT, BANDS, gdal.GDT_UInt16,
                                                  options=[*options, "NUM_THREADS=1"])
    model = np.random.default_rng(0).integers(0, 60000, (BANDS, HEIGHT, WIDTH), dtype="u2")
    dataset.WriteArray(model)
    del dataset
    workers = [Worker(path, number) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    moments = random.Random(1)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(moments.uniform(0, 0.06))
        worker = moments.choice(workers)
        os.kill(worker.process, signal.SIGKILL)
        assert worker.wait() == signal.SIGKILL
        check_killed(worker, model, driver == "B2ND")
        worker.start()
    for worker in workers:  # once more, undisturbed
        os.kill(worker.process, signal.SIGKILL)
        assert worker.wait() == signal.SIGKILL
    for worker in workers:
        check_killed(worker, model, driver == "B2ND")
        worker.start(worker.rounds + 3)
    for worker in workers:
        assert worker.wait() == 0
        for round_ in worker.reported:
            apply(model, worker.number, round_)
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), model)
    array = np.load(path) if driver == "NPY" else blosc2.open(path)[:]
    if "INTERLEAVE=PIXEL" in options:
        array = array.transpose(2, 0, 1)
    np.testing.assert_array_equal(array, model)
    assert os.listdir(tmp_path) == [os.path.basename(path)]


@pytest.fixture
def shared(tmp_path):
    path = str(tmp_path / "shared.b2nd")
    dataset = gdal.GetDriverByName("B2ND").Create(path, 50, 40, 2, gdal.GDT_UInt16)
    dataset.WriteArray(np.zeros((2, 40, 50), "u2"))
    del dataset
    return path


def test_datasets_of_one_process_update_one_chunk(shared):
    first, second = (gdal.Open(shared, gdal.GA_Update) for _ in range(2))
    first.GetRasterBand(1).WriteArray(np.full((20, 50), 1, "u2"), 0, 0)
    second.GetRasterBand(1).WriteArray(np.full((20, 50), 2, "u2"), 0, 20)
    first.SetMetadataItem("author", "me")
    first.FlushCache()
    seen = gdal.Open(shared).ReadAsArray()
    assert (seen[0, :20] == 1).all() and not seen[0, 20:].any()
    second.FlushCache()
    for dataset in (second, gdal.Open(shared)):
        np.testing.assert_array_equal(dataset.ReadAsArray()[0], np.repeat([1, 2], 20)[:, None]
                                      * np.ones((1, 50)))
    assert gdal.Open(shared).GetMetadataItem("author") == "me"
    assert not first.ReadAsArray()[0, 20:].any()  # until it writes again
    first.GetRasterBand(2).Fill(7)
    first.FlushCache()
    assert (first.ReadAsArray()[0, 20:] == 2).all()
    del first, second
    np.testing.assert_array_equal(blosc2.open(shared)[1], np.full((40, 50), 7))


def test_threads_with_a_dataset_each_update_one_file(shared):
    def update(band, first):
        dataset = gdal.Open(shared, gdal.GA_Update)
        for y in range(first, 40, 2):
            dataset.GetRasterBand(band).WriteArray(np.full((1, 50), 40 * band + y, "u2"), 0, y)
            dataset.FlushCache()

    threads = [threading.Thread(target=update, args=(band, first))
               for band in (1, 2) for first in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = np.arange(40, 120).reshape(2, 40, 1) * np.ones((1, 1, 50))
    np.testing.assert_array_equal(gdal.Open(shared).ReadAsArray(), expected)


F_OFD_SETLK = 37
TURN = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 1 << 62, 1, 0)
HOLD = f"""
import fcntl, sys
file = open(sys.argv[1], "rb+")
fcntl.fcntl(file, {F_OFD_SETLK}, {TURN!r} + bytes(4))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_wait_is_bounded_and_says_whom_it_waits_for(shared, errors, monkeypatch):
    monkeypatch.setenv("NDARRAY_LOCK_TIMEOUT", "0.2")
    dataset = gdal.Open(shared, gdal.GA_Update)
    dataset.WriteArray(np.ones((2, 40, 50), "u2"))
    with subprocess.Popen([sys.executable, "-c", HOLD, shared], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        dataset.FlushCache()
        assert errors == [f"{shared}: process {holder.pid} is updating this file; waited 0.200 s "
                          "(NDARRAY_LOCK_TIMEOUT); try again, or close it there"]
        holder.kill()
    dataset.FlushCache()
    assert len(errors) == 1 and (gdal.Open(shared).ReadAsArray() == 1).all()


def test_a_timeout_that_is_no_number_gives_a_warning(shared, errors, monkeypatch):
    monkeypatch.setenv("NDARRAY_LOCK_TIMEOUT", "soon")
    assert gdal.Open(shared, gdal.GA_Update) is not None
    assert errors == ["NDARRAY_LOCK_TIMEOUT: found soon, wanted seconds"]


def test_closing_after_another_file_took_the_name_is_an_error(shared, errors):
    dataset = gdal.Open(shared, gdal.GA_Update)
    dataset.WriteArray(np.ones((2, 40, 50), "u2"))
    gdal.GetDriverByName("B2ND").CreateCopy(shared, gdal.Open(shared))
    dataset.FlushCache()
    assert "has replaced or removed this file since it was opened; open it again" in errors[0]
    del dataset
    assert not gdal.Open(shared).ReadAsArray().any()


def test_bands_of_a_npy_with_pixels_together_are_written_without_their_neighbours(tmp_path):
    """The zero-copy array is the other writer: what it stores while a band is written must stay."""
    path = str(tmp_path / "pixels.npy")
    dataset = gdal.GetDriverByName("NPY").Create(path, 400, 300, 3, gdal.GDT_Byte,
                                                 options=["INTERLEAVE=PIXEL"])
    other = np.load(path, mmap_mode="r+")
    done = threading.Event()

    def store():
        value = 0
        while not done.is_set():
            value = value % 250 + 1
            other[..., 1] = value
            assert (other[..., 1] == value).all()

    failures = []
    thread = threading.Thread(target=lambda: failures.append(run(store)))
    thread.start()
    for value in range(60):
        dataset.GetRasterBand(1).WriteArray(np.full((300, 400), value, "u1"))
    done.set()
    thread.join()
    assert failures == [None]
    assert (dataset.GetRasterBand(1).ReadAsArray() == 59).all()


def test_a_full_disk_is_an_error_for_bands_of_a_npy_with_pixels_together(small_disk, errors):
    if small_disk is None:
        pytest.skip("needs root")
    dataset = gdal.GetDriverByName("NPY").Create(str(small_disk / "sparse.npy"), 2000, 2000, 3,
                                                 gdal.GDT_Byte, options=["INTERLEAVE=PIXEL"])
    assert dataset.GetRasterBand(2).WriteArray(np.ones((2000, 2000), "u1")) != 0
    assert "No space left on device" in errors[0]


def run(function):
    try:
        return function()
    except AssertionError as failure:
        return failure
