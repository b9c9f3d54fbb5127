"""Array.dask and gdal_ndarray.store: threads, processes and a cluster, and a client that is killed."""

import asyncio
import concurrent.futures
import os
import pathlib
import signal
import subprocess
import sys
import time

import gdal_ndarray
import numpy as np
import pytest
from gdal_ndarray import _process
from osgeo import gdal
from support.package import equal, options_of

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

from gdal_ndarray.dask import grown  # noqa: E402
from gdal_ndarray.store import aligned_chunks  # noqa: E402

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def client():
    """Two workers, which are processes, with a limit of memory."""
    distributed = pytest.importorskip("distributed")
    with dask.config.set({"distributed.admin.tick.limit": "30s"}), distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit="600MB", dashboard_address=None) as cluster:
        with distributed.Client(cluster) as found:
            yield found


# --- reading


def test_chunks_are_multiples_of_the_files(image):
    opened, array = image
    lazy = opened.dask()
    assert (lazy.shape, lazy.dtype, lazy.numblocks) == (array.shape, array.dtype, (1, 1, 1))
    for chunks in ("8 KiB", "9000"):
        lazy = opened.dask(chunks)
        for size, unit, length in zip(lazy.chunksize, opened.chunks, opened.shape):
            assert size == length or size % unit == 0
        assert lazy.blocks[0, 0, 0].nbytes <= max(9000, 2 * np.prod(opened.chunks))
    assert opened.dask("file").chunksize == opened.chunks
    assert opened.dask((1, 35, 45)).chunksize == (1, 35, 45)
    with dask.config.set({"array.chunk-size": "4 KiB"}):
        assert opened.dask().npartitions > 1


@pytest.mark.parametrize("chunk, shape, dims, elements, expected", [
    ((1, 1024, 1024), (4, 10000, 20000), "byx", 4 << 20, (1, 2048, 2048)),
    ((1, 1024, 1024), (4, 10000, 20000), "byx", 1 << 19, (1, 1024, 1024)),
    ((8, 20000), (10000, 20000), "yx", 1 << 20, (32, 20000)),
    ((1, 25, 40), (16000, 25, 40), "byx", 1 << 20, (1024, 25, 40)),
    ((128, 128, 3), (10000, 10000, 3), "yxb", 1 << 20, (512, 512, 3)),
    ((1, 1, 64, 64), (3, 5, 100, 100), "abyx", 1 << 30, (3, 5, 100, 100))])
def test_growing_chunks(chunk, shape, dims, elements, expected):
    names = tuple({"b": "band"}.get(dim, dim) for dim in dims)
    assert tuple(grown(chunk, shape, names, elements)) == expected


@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_tasks_read_their_windows(image, scheduler):
    opened, array = image
    lazy = opened.dask((2, 20, 30))
    equal(lazy.compute(scheduler=scheduler), array)
    equal(lazy[1, ::-3, 5:50:2].compute(scheduler=scheduler), array[1, ::-3, 5:50:2])
    assert lazy.mean().compute(scheduler=scheduler) == array.mean()
    smooth = lazy.astype("f8").map_overlap(lambda part: part + 1, depth=(0, 2, 2), boundary="none")
    equal(smooth.compute(scheduler=scheduler), array + 1.0)


def test_tokens_follow_the_file(image, npy):
    from dask.base import tokenize
    opened, _ = image
    assert tokenize(opened) == tokenize(gdal_ndarray.open(opened.path))
    assert tokenize(opened) != tokenize(gdal_ndarray.open(opened.path, NUM_THREADS=1))
    first = tokenize(gdal_ndarray.open(npy(np.zeros((20, 30)))))
    assert first != tokenize(gdal_ndarray.open(npy(np.zeros((20, 31)))))


@pytest.mark.slow
def test_workers_of_a_cluster_read(image, client):
    opened, array = image
    equal(opened.dask((2, 20, 30)).compute(), array)
    options = client.submit(_process.default_open_options, "NPY").result()
    assert options["NUM_THREADS"] == "1"
    assert 0 < int(options["MAX_RESIDENT"].removesuffix("KB")) <= 600_000_000 // 8 >> 10


# --- storing


@pytest.mark.parametrize("chunks, unit, expected", [
    (((10, 10, 5),), (5,), ((10, 10, 5),)), (((7, 7, 7, 4),), (5,), ((5, 5, 5, 5, 5),)),
    (((30, 30, 4),), (16,), ((32, 32),)), (((100,),), (64,), ((100,),)), (((3, 3),), (1,), ((3, 3),)),
    (((8, 8, 8, 8), (64,)), (16, 8), ((16, 16), (32, 32))),  # strips get higher and less wide
    (((8, 8, 8, 8), (64,)), (32, 64), ((32,), (64,))),  # one chunk of the file
    (((30, 30), (20, 20), (1, 1, 1)), (8, 8, 3), ((16, 16, 16, 12), (16, 16, 8), (3,)))])
def test_blocks_are_aligned(chunks, unit, expected):
    assert aligned_chunks(chunks, unit) == expected


def test_store_by_threads(image, tmp_path, suffix):
    opened, array = image
    path = tmp_path / ("new" + suffix)
    stored = gdal_ndarray.store(opened.dask((1, 30, 41)) + 1, path, like=opened)
    equal(stored[...], array + np.uint16(1))
    assert (stored.path, stored.transform, stored.nodata) == (str(path), opened.transform, 7)
    assert sorted(os.listdir(tmp_path)) == sorted({"image" + suffix, "new" + suffix, *(
        name for name in os.listdir(tmp_path) if name.endswith(".aux.xml"))})


def test_what_store_takes(image, tmp_path):
    opened, array = image
    path = tmp_path / "new.npy"
    equal(gdal_ndarray.store(opened, path)[...], array)
    equal(gdal_ndarray.store(array[0], path, NUM_THREADS=1)[...], array[0])
    equal(gdal_ndarray.store(da.asarray(array) > 30000, path)[...], (array > 30000).astype("u1"))
    equal(gdal_ndarray.store(da.moveaxis(da.asarray(array), 0, 2), path, AXES="YXB")[...],
          np.moveaxis(array, 0, 2))


def fail(block, block_info=None):
    if block_info and block_info[0]["chunk-location"] == (1, 1):
        raise ZeroDivisionError("of a task")
    return block


def test_failing_tasks_leave_nothing(tmp_path, suffix):
    lazy = da.ones((64, 64), chunks=32).map_blocks(fail, dtype="f8")
    with pytest.raises(ZeroDivisionError, match="of a task"):
        gdal_ndarray.store(lazy, tmp_path / ("new" + suffix))
    assert os.listdir(tmp_path) == []


def test_full_disk_leaves_nothing(small_disk):
    if small_disk is None:
        pytest.skip("mounting needs root")
    with pytest.raises(OSError, match=r"No space left on device.*new\.npy"):
        gdal_ndarray.store(da.random.random((2048, 2048), chunks=512), small_disk / "new.npy")
    assert os.listdir(small_disk) == []


def test_progress_bar(tmp_path, capsys):
    gdal_ndarray.store(da.ones((64, 64), chunks=32), tmp_path / "new.npy", progress=True)
    assert "100%" in capsys.readouterr().out


@pytest.mark.slow
def test_store_by_a_cluster(image, tmp_path, suffix, client):
    opened, array = image
    lazy = opened.dask((1, 35, 45)) + 1
    stored = gdal_ndarray.store(lazy, tmp_path / ("new" + suffix), like=opened)
    equal(stored[...], array + np.uint16(1))
    with pytest.raises(ZeroDivisionError, match="of a task"):
        gdal_ndarray.store(da.ones((64, 64), chunks=32).map_blocks(fail, dtype="f8"), tmp_path / ("no" + suffix))
    gdal_ndarray.store(lazy, tmp_path / "bar.npy", progress=True)
    names = {name for name in os.listdir(tmp_path) if not name.endswith(".aux.xml")}
    assert names == {"image" + suffix, "new" + suffix, "bar.npy"}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".b2nd" if gdal.GetDriverByName("B2ND") else ".npy"])
def test_a_cluster_stores_four_axes(stack, tmp_path, suffix, client):
    opened, array = stack
    lazy = opened.dask((1, 2, 35, 45)) + 1
    stored = gdal_ndarray.store(lazy, tmp_path / ("new" + suffix), like=opened, **options_of(suffix))
    equal(stored[...], array + np.uint16(1))
    assert stored.dims == opened.dims
    with pytest.raises(ZeroDivisionError, match="of a task"):
        lazy = da.ones((2, 2, 64, 64), chunks=32).map_blocks(fail_in_four, dtype="f8")
        gdal_ndarray.store(lazy, tmp_path / ("no" + suffix))
    assert not (tmp_path / ("no" + suffix)).exists()


def fail_in_four(block, block_info=None):
    if block_info and block_info[0]["chunk-location"] == (0, 0, 1, 0):
        raise ZeroDivisionError("of a task")
    return block


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".b2nd" if gdal.GetDriverByName("B2ND") else ".npy"])
def test_processes_store_four_axes(stack, tmp_path, suffix):
    opened, array = stack
    with dask.config.set(scheduler="processes", num_workers=1):
        stored = gdal_ndarray.store(opened.dask((1, 2, 35, 45)) + 1, tmp_path / ("new" + suffix))
    equal(stored[...], array + np.uint16(1))


@pytest.mark.slow
def test_store_by_processes(saved, tmp_path, rng):
    array = rng.integers(0, 255, (3, 70, 90), dtype="u1")
    lazy = saved(array, "image.npy").dask((1, 35, 45)) + 1
    with dask.config.set(scheduler="processes", num_workers=1):
        equal(gdal_ndarray.store(lazy, tmp_path / "new.npy")[...], array + np.uint8(1))


@pytest.mark.slow
def test_a_full_disk_ends_the_tasks_of_a_cluster(small_disk, client):
    if small_disk is None:
        pytest.skip("mounting needs root")
    with pytest.raises(OSError):
        gdal_ndarray.store(da.random.random((2048, 2048), chunks=512), small_disk / "new.npy")
    assert os.listdir(small_disk) == []


def test_tasks_wait_for_a_writer_that_is_behind_and_give_up_without_one(tmp_path, monkeypatch, suffix):
    options = {} if suffix == ".npy" else {"BLOCKSIZE": 1, "CHUNKXSIZE": 4, "CHUNKYSIZE": 1}
    from gdal_ndarray import store as module_of  # the function
    module = sys.modules[module_of.__module__]
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    monkeypatch.setattr(module, "MAX_SILENCE_SECONDS", 0.2)
    with gdal_ndarray.create(tmp_path / ("new" + suffix), (3, 4), "u1", **options) as writer:
        inbox = module._Inbox(writer)
        target = module.Target(inbox)  # as in another process, since nobody knows this inbox here
        os.mkdir(inbox.folder)
        (pathlib.Path(inbox.folder) / "alive").touch()
        for start in (0, 1):
            target[start:start + 1, 0:4] = np.zeros((1, 4))
        if suffix == ".b2nd":
            with pytest.raises(TimeoutError, match="no sign of life for 0 s"):
                target[2:3, 0:4] = np.zeros((1, 4))
        inbox._hide()
        with pytest.raises(OSError, match="cannot be seen from here"):
            target[2:3, 0:4] = np.zeros((1, 4))


def slow(block):
    time.sleep(0.002)
    return block


def check_after_kill(path):
    """The whole file, which is then removed, or none."""
    if path.exists():
        equal(gdal_ndarray.open(path)[...], np.ones((256, 256), "u1"))
        path.unlink()
    return path.name not in os.listdir(path.parent)


def test_a_client_that_is_killed_leaves_the_whole_file_or_none(tmp_path, suffix, rng):
    path = tmp_path / ("new" + suffix)
    lazy = da.ones((256, 256), chunks=32, dtype="u1").map_blocks(slow, dtype="u1")

    def store():  # the threads that Dask may have here are not in the child
        with concurrent.futures.ThreadPoolExecutor(2) as pool, dask.config.set(pool=pool):
            gdal_ndarray.store(lazy, path)

    for delay in rng.uniform(0, 0.25, 6):
        process = os.fork()
        if process == 0:
            store()
            os._exit(0)
        time.sleep(delay)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        assert check_after_kill(path)
    store()  # the next one tidies up
    assert os.listdir(tmp_path) == [path.name]


KILLED = """
import sys, time
import dask.array as da
from distributed import Client
import gdal_ndarray

def slow(block):
    time.sleep(0.01)
    return block

if __name__ == "__main__":
    client = Client(n_workers=1, threads_per_worker=2, dashboard_address=None)
    lazy = da.ones((256, 256), chunks=32, dtype="u1").map_blocks(slow, dtype="u1")
    lazy[:32].compute()
    print("started", flush=True)
    gdal_ndarray.store(lazy, sys.argv[1])
"""


@pytest.mark.slow
def test_a_client_of_a_cluster_that_is_killed(tmp_path, rng):
    pytest.importorskip("distributed")
    (tmp_path / "killed.py").write_text(KILLED)
    path = tmp_path / ("new.b2nd" if gdal.GetDriverByName("B2ND") else "new.npy")
    run = subprocess.Popen([sys.executable, tmp_path / "killed.py", path], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True)
    assert run.stdout.readline() == "started\n"
    time.sleep(rng.uniform(0, 0.6))
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert check_after_kill(path)
    gdal_ndarray.store(da.ones((256, 256), dtype="u1"), path)
    assert sorted(os.listdir(tmp_path)) == ["killed.py", path.name]


MEMORY = """
import resource, sys
import dask, dask.array as da
import gdal_ndarray

peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
with dask.config.set(scheduler="threads", num_workers=2):
    gdal_ndarray.store(da.ones((64, 1024), chunks=(32, 1024), dtype="u1"), sys.argv[1])
    before = peak()
    gdal_ndarray.store(da.ones((int(sys.argv[2]), 16384), chunks=(256, 16384), dtype="u1"), sys.argv[1])
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name, lines, most", [("new.npy", 16384, 64), ("new.b2nd", 32768, 400)])
def test_memory_of_store_is_bounded(tmp_path, name, lines, most):
    if name == "new.b2nd" and gdal.GetDriverByName("B2ND") is None:
        pytest.skip("the plugin was built without c-blosc2")
    run = subprocess.run([sys.executable, "-c", MEMORY, tmp_path / name, str(lines)], check=True,
                         capture_output=True, text=True)
    assert int(run.stdout) < most * MEGABYTE


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_blocks_of_another_shape_than_dask_was_told_are_an_error(tmp_path, scheduler):
    wrong = da.zeros((40, 30), chunks=20).map_blocks(_corner, dtype="f8")
    with dask.config.set(scheduler=scheduler, num_workers=1), pytest.raises(ValueError, match="found shape"):
        gdal_ndarray.store(wrong, tmp_path / "new.npy")
    assert os.listdir(tmp_path) == []


def _corner(block):
    return block[:3, :3]


def test_masked_pixels_become_nodata(tmp_path):
    masked = da.ma.masked_less(da.arange(12, chunks=5), 6)
    stored = gdal_ndarray.store(masked, tmp_path / "new.npy", nodata=-1)
    assert stored[...].tolist() == [-1] * 6 + list(range(6, 12))
    with pytest.raises(ValueError, match="nodata"):
        gdal_ndarray.store(masked, tmp_path / "other.npy")
    with pytest.raises(ValueError, match="nodata"):
        gdal_ndarray.store(np.ma.masked_equal([1, 2], 2), tmp_path / "other.npy")
    assert not (tmp_path / "other.npy").exists()


def test_an_asynchronous_client_is_refused(tmp_path):
    distributed = pytest.importorskip("distributed")

    async def work():
        async with distributed.Client(n_workers=1, processes=False, asynchronous=True, dashboard_address=None):
            gdal_ndarray.store(da.ones(12), tmp_path / "new.npy")

    with pytest.raises(RuntimeError, match="asynchronous"):
        asyncio.run(work())
    assert os.listdir(tmp_path) == []


def test_unknown_lengths_are_an_error_that_says_so(tmp_path):
    pixels = da.arange(12, chunks=5)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        gdal_ndarray.store(pixels[pixels > 3], tmp_path / "new.npy")
