"""How gdal_ndarray.store shares the work: who compresses, and what lies beside the new file meanwhile."""

import concurrent.futures
import itertools
import multiprocessing
import os
import pathlib
import subprocess
import sys
import types

import gdal_ndarray
import numpy as np
import pytest
from gdal_ndarray import _new_file, _writing
from osgeo import gdal
from support import fault
from support.package import equal, in_child

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

from gdal_ndarray.store import parts, row_unit  # noqa: E402

needs_b2nd = pytest.mark.skipif(gdal.GetDriverByName("B2ND") is None, reason="built without c-blosc2")
store_module = sys.modules["gdal_ndarray.store"]
SUFFIXES = [".npy", ".b2nd"] if gdal.GetDriverByName("B2ND") else [".npy"]
SMALL = {"BLOCKSIZE": 16, "CHUNKXSIZE": 32, "CHUNKYSIZE": 32}


@pytest.mark.parametrize("start, shape, chunks, elements", [
    ((0, 0), (100, 70), (32, 32), 1), ((64, 32), (36, 64), (32, 32), 32 * 64),
    ((0, 0), (100, 70), (32, 32), 1 << 30),
    ((2, 0, 32), (3, 40, 70), (1, 16, 32), 16 * 32 * 5), ((5,), (17,), (5,), 10)])
def test_parts_are_whole_chunks_and_all_of_the_block(start, shape, chunks, elements):
    seen = np.zeros(shape, int)
    for part in parts(start, shape, chunks, elements):
        lengths = tuple(len(selected) for selected in part)
        for selected, origin, length, chunk in zip(part, start, shape, chunks):
            assert (selected.start - origin) % chunk == 0
            assert (selected.stop - origin) % chunk == 0 or selected.stop == origin + length
        assert np.prod(lengths) <= max(elements, np.prod(chunks))
        seen[tuple(slice(selected.start - origin, selected.stop - origin)
                   for selected, origin in zip(part, start))] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize("chunks, shape, expected", [
    (((100, 100), (300,)), (200, 300), (1, 1)), (((200,), (300, 300)), (200, 600), (1, 1)),
    (((200,), (1,) * 600), (200, 600), (1, 256)), (((60,), (300, 300), (1, 1, 1)), (60, 600, 3), (1, 86, 3)),
    (((60,), (300, 300), (3,)), (60, 600, 3), (1, 1, 1)), (((2, 2),), (4,), (4,))])
def test_rows_of_a_npy_are_not_written_pixel_by_pixel(chunks, shape, expected):
    assert row_unit(chunks, shape, 2) == expected


@pytest.mark.parametrize("axes, chunks", [("BYX", (1, 20, 90)), ("YXB", (20, 45, 3)), ("YXB", (20, 45, 1)),
                                          ("YBX", (70, 2, 50)), ("XYB", (7, 9, 2)), ("BYX", (3, 70, 90))])
def test_blocks_of_any_order_of_axes(tmp_path, suffix, rng, axes, chunks):
    shape = tuple({"B": 3, "Y": 70, "X": 90}[axis] for axis in axes)
    array = rng.normal(size=shape).astype("f4")
    options = SMALL if suffix == ".b2nd" else {}
    stored = gdal_ndarray.store(da.from_array(array, chunks), tmp_path / ("new" + suffix), AXES=axes, **options)
    equal(stored[...], array)


def test_bytes_of_a_box_are_written_and_no_others(tmp_path, rng):
    shape = (4, 5, 6)
    ends = [range(length + 1) for length in shape]
    boxes = [box for box in itertools.product(*(itertools.combinations(end, 2) for end in ends))]
    with open(tmp_path / "file", "wb+") as file:
        for number in rng.choice(len(boxes), 40):
            start, stop = zip(*boxes[number])
            array = rng.integers(0, 60000, shape, dtype="u2")
            file.seek(0)
            file.write(b"head" + array.tobytes())
            file.flush()
            box = rng.integers(0, 60000, np.subtract(stop, start), dtype="u2")
            _writing.write_bytes(file.fileno(), 4, shape, start, box)
            array[tuple(map(slice, start, stop))] = box
            file.seek(4)
            equal(np.frombuffer(file.read(), "u2").reshape(shape), array)


@needs_b2nd
@pytest.mark.parametrize("options", [{}, {"COMPRESS": "LZ4", "FILTER": "SHUFFLE"}, {"COMPRESS": "NONE"},
                                     {"INTERLEAVE": "PIXEL"}, {"nodata": 7}], ids=str)
def test_chunks_are_the_same_whoever_compresses_them(tmp_path, rng, options):
    blosc2 = pytest.importorskip("blosc2")
    array = (rng.normal(size=(3, 70, 90)).cumsum(2) * 99).astype("i2")
    array[0, :32, :32] = 0
    array[1] = 7
    array = array.transpose(1, 2, 0) if "INTERLEAVE" in options else array
    names = [tmp_path / "stored.b2nd", tmp_path / "written.b2nd"]
    stored = gdal_ndarray.store(da.from_array(array, chunks=(2, 32, 64)), names[0], **SMALL, **options)
    with gdal_ndarray.create(names[1], array.shape, "i2", **SMALL, **options) as writer:
        writer[...] = array
    equal(stored[...], array)
    files = [blosc2.open(str(name)) for name in names]
    equal(files[0][...], array)
    chunks = [[file.schunk.get_chunk(number) for number in range(file.schunk.nchunks)] for file in files]
    assert chunks[0] == chunks[1]


@needs_b2nd
def test_blocks_are_cut_into_parts_that_are_handed_over(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(store_module, "MAX_PART_BYTES", 4096)
    taken = []
    take = _new_file.NewFile.take_chunks
    monkeypatch.setattr(_new_file.NewFile, "take_chunks",
                        lambda *arguments: (taken.append(arguments[2:]), take(*arguments)))
    array = rng.integers(0, 60000, (100, 130), dtype="u2")
    equal(gdal_ndarray.store(array, tmp_path / "new.b2nd", **SMALL)[...], array)
    assert len(taken) == len(set(taken)) == 4 * 3


@needs_b2nd
def test_a_task_that_runs_twice_brings_the_same(tmp_path):
    with gdal_ndarray.create(tmp_path / "new.b2nd", (64, 32), "u1", **SMALL) as writer, \
            store_module._Inbox(writer) as inbox:
        target = store_module.Target(inbox)
        for _ in range(2):
            target[0:32, 0:32] = np.ones((32, 32))
        assert inbox._missing == 1024
        target[32:64, 0:32] = np.ones((32, 32))
        inbox.finish()
    assert gdal_ndarray.open(tmp_path / "new.b2nd")[...].all()


def test_a_process_hands_over_what_it_has_compressed(tmp_path, suffix, rng):
    """As the worker of a cluster does it: here a child, which must not use the writer of its parent."""
    array = rng.integers(0, 60000, (64, 96), dtype="u2")
    options = SMALL if suffix == ".b2nd" else {}
    with gdal_ndarray.create(tmp_path / ("new" + suffix), array.shape, "u2", **options) as writer, \
            store_module._Inbox(writer) as inbox:
        target = store_module.Target(inbox)
        assert in_child(lambda: target.__setitem__((slice(0, 64), slice(0, 96)), array))
        inbox.finish()
        assert not [name for name in os.listdir(inbox.folder) if name != "alive"]
    equal(gdal_ndarray.open(tmp_path / ("new" + suffix))[...], array)
    assert len(os.listdir(tmp_path)) == 1


@needs_b2nd
def test_the_last_chunks_may_take_longer_together_than_one(tmp_path, monkeypatch):
    clock = types.SimpleNamespace(monotonic=lambda: 60.0 * len(naps), sleep=lambda _: (naps.append(0), late()))
    starts, naps = iter((0, 32, 64)), []

    def late():
        if len(naps) % 2 == 0 and (start := next(starts, None)) is not None:
            target[start:start + 32, 0:32] = np.ones((32, 32))

    with pytest.raises(TimeoutError, match="new.b2nd: 1024 pixels have not come"):
        with gdal_ndarray.create(tmp_path / "new.b2nd", (128, 32), "u1", **SMALL) as writer, \
                store_module._Inbox(writer) as inbox:
            target = store_module.Target(inbox)
            monkeypatch.setattr(store_module, "time", clock)
            inbox.finish()
    assert len(naps) == 9 and os.listdir(tmp_path) == []


@needs_b2nd
def test_what_another_process_hands_over_is_checked(tmp_path):
    path = tmp_path / "new.b2nd"
    with pytest.raises(ValueError, match="another shape, type or chunks"):
        with gdal_ndarray.create(path, (64, 32), "u1", **SMALL) as writer, store_module._Inbox(writer) as inbox:
            with gdal_ndarray.create(tmp_path / "other.b2nd", (64, 33), "u1", **SMALL):
                pass
            os.rename(tmp_path / "other.b2nd", pathlib.Path(inbox.folder) / "0_0-32_32.b2nd")
            inbox.finish()
    assert os.listdir(tmp_path) == []


def ones(block):
    return block + 1


LOCKS = """
import sys
import dask.array as da
import gdal_ndarray

for path in sys.argv[1:]:
    assert gdal_ndarray.store(da.zeros((64, 64), chunks=32, dtype="u1") + 1, path)[...].all()
"""
UPDATE = "import sys\nfrom osgeo import gdal\ngdal.UseExceptions()\ngdal.Open(sys.argv[1], gdal.GA_Update)"


def test_a_file_system_without_locks_will_do(tmp_path):
    """Such as a network file system of several computers."""
    environment = fault.environment(tmp_path, NDARRAY_FAULT_LOCKS="refuse")
    paths = [tmp_path / ("new" + suffix) for suffix in SUFFIXES]
    subprocess.run([sys.executable, "-c", LOCKS, *paths], check=True, env=environment)
    assert sorted(os.listdir(tmp_path)) == sorted(path.name for path in paths)
    if paths[-1].suffix == ".b2nd":  # an update cannot know who else updates
        run = subprocess.run([sys.executable, "-c", UPDATE, paths[-1]], check=False, capture_output=True,
                             text=True, env=environment)
        assert f"{paths[-1]}: cannot lock: No locks available" in run.stderr


@pytest.mark.slow
def test_workers_take_no_locks(tmp_path, monkeypatch):
    for name, value in fault.environment(tmp_path, NDARRAY_FAULT_LOCKS="kill").items():
        monkeypatch.setenv(name, value)  # of the process that is started
    pixels = da.zeros((64, 64), chunks=32, dtype="u1").map_blocks(ones, dtype="u1")
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool, \
            dask.config.set(scheduler="processes", pool=pool):
        for suffix in SUFFIXES:
            assert gdal_ndarray.store(pixels, tmp_path / ("new" + suffix))[...].all()


@pytest.mark.parametrize("shape", [shape for shape in itertools.product((1, 4, 5), repeat=3)], ids=str)
def test_axes_are_those_that_the_driver_sees_in_such_a_file(npy, shape):
    """The package asks nobody which axes a shape has: a rule of its own, the same as the driver's."""
    from gdal_ndarray._facts import axes_of_shape
    structure = gdal.Open(npy(np.zeros(shape, "u1"))).GetMetadata("IMAGE_STRUCTURE")
    assert structure["AXES"] == axes_of_shape(shape)


def test_sidecars_are_those_that_the_driver_knows(npy):
    assert {".aux.xml", ".ovr", ".msk"} <= set(_new_file.sidecars(gdal.GetDriverByName("NPY")))


UNGUARDED = """
import sys
import numpy as np, dask, dask.array as da
import gdal_ndarray
dask.config.set(scheduler="processes", num_workers=2)
pixels = da.from_array(np.ones((2000, 2000)), chunks=500) + 1  # more than a pipe holds
def store():
    gdal_ndarray.store(pixels, sys.argv[1])
try:
    store()
except RuntimeError as error:
    print(error)
with dask.config.set(pool=None):
    gdal_ndarray.store(pixels, sys.argv[1])
"""


def test_a_script_that_processes_would_run_again_is_refused(tmp_path):
    """Without a guard each of them would; what Dask does then is to fail, or to wait for ever."""
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    run = subprocess.run([sys.executable, script, tmp_path / "new.npy"], timeout=100, check=False,
                         capture_output=True, text=True)
    for line, text in (9, run.stdout), (13, run.stderr):
        assert f'{script}, line {line}: ' in text and 'put the call under `if __name__ == "__main__":`' in text
    assert os.listdir(tmp_path) == ["script.py"]
