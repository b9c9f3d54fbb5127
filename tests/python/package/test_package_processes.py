"""Threads, processes, handles, and processes with a limit of memory."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import types

import gdal_ndarray
import numpy as np
import pytest
from gdal_ndarray import _dataset, _process
from osgeo import gdal
from support.package import equal, in_child
from support.thread import in_threads

MEGABYTE = 1 << 20


def read(image, expected):
    np.testing.assert_array_equal(image[:, ::2, 5:], expected[:, ::2, 5:])


def open_datasets(image):
    handles = image._handles
    return (handles._shared is not None) + len(handles._by_thread)


def test_pickle_opens_nothing(image):
    opened, array = image
    content = pickle.dumps(opened)
    os.rename(opened.path, opened.path + ".moved")
    again = pickle.loads(content)
    assert (again.path, again.shape, again.crs) == (opened.path, opened.shape, opened.crs)
    with pytest.raises(FileNotFoundError):
        again[0]
    os.rename(opened.path + ".moved", opened.path)
    read(again, array)


def test_arrays_of_the_same_pickle_share_their_handles(image):
    content = pickle.dumps(image[0])
    first, second = pickle.loads(content), pickle.loads(content)
    read(first, image[1])
    read(second, image[1])
    assert first._handles is second._handles
    handles = first._handles
    del first, second
    third = pickle.loads(content)
    read(third, image[1])
    assert third._handles is handles


def test_a_file_that_was_replaced_by_another_shape_is_an_error(npy):
    opened = gdal_ndarray.open(npy(np.zeros((20, 30))))
    content = pickle.dumps(opened)
    npy(np.zeros((30, 20)))
    with pytest.raises(ValueError, match="replaced since it was opened"):
        pickle.loads(content)[0]


def test_children_made_by_fork_read_from_handles_of_their_own(image):
    opened, array = image
    read(opened, array)
    handles = opened._handles

    def child():
        assert open_datasets(opened) == 0
        in_threads(3, lambda _: read(opened, array))
        assert opened._handles is handles

    assert in_child(child)
    read(opened, array)


@pytest.mark.slow
def test_children_made_by_spawn(saved, rng):
    array = rng.integers(0, 255, (3, 20, 30), dtype="u1")
    opened = saved(array, "image.npy")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(type(opened).__getitem__, (opened, (1, 2, 3))) == array[1, 2, 3]


@pytest.mark.parametrize("name", ["image", "image.tif"])
def test_threads_share_one_dataset_where_gdal_can(image, name, tmp_path):
    opened, array = image
    if name == "image.tif":
        gdal.Translate(str(tmp_path / name), opened.path, creationOptions=["TILED=YES"])
        opened = gdal_ndarray.open(tmp_path / name)
    else:
        opened = gdal_ndarray.open(opened.path)
    for _ in range(3):  # those of threads that are gone do not pile up
        in_threads(4, lambda _: [read(opened, array) for _ in range(5)])
        if hasattr(gdal, "OF_THREAD_SAFE"):
            assert open_datasets(opened) == 1
        else:
            assert 1 < open_datasets(opened) <= 5


def test_closed_handles_open_again(image):
    opened, array = image
    opened.close()
    assert open_datasets(opened) == 0
    read(opened, array)
    with opened:
        read(opened, array)
    assert open_datasets(opened) == 0


def test_closing_while_others_read(image):
    opened, array = image
    in_threads(4, lambda number: [opened.close() if number == 0 else read(opened, array)
                                  for _ in range(50)])


def test_drivers_are_registered_by_importing():
    script = "import gdal_ndarray; from osgeo import gdal; print(gdal.GetDriverCount() > 0)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "True\n"


# --- limits of memory


def options_here(opened):
    """The open options that the drivers would get now."""
    return _process.default_open_options(opened.facts.driver)


@pytest.fixture
def unlimited(monkeypatch):
    monkeypatch.setattr(_process, "_cgroup", lambda: None)


def test_no_limit_no_option(image, unlimited):
    assert options_here(image[0]) == {}


def test_cgroups(tmp_path):
    processes = tmp_path / "cgroup"
    processes.write_text("0::/user/job\n")
    (tmp_path / "user" / "job").mkdir(parents=True)
    assert _process._cgroup(str(processes), str(tmp_path)) is None
    (tmp_path / "user" / "job" / "memory.max").write_text("max\n")
    (tmp_path / "user" / "memory.max").write_text(f"{64 * MEGABYTE}\n")
    assert _process._cgroup(str(processes), str(tmp_path)) == 64 * MEGABYTE
    processes.write_text("3:cpu,memory:/job\n0::/\n")
    (tmp_path / "memory" / "job").mkdir(parents=True)
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (tmp_path / "memory" / "job" / "memory.limit_in_bytes").write_text(f"{32 * MEGABYTE}\n")
    assert _process._cgroup(str(processes), str(tmp_path)) == 32 * MEGABYTE
    assert _process._cgroup(str(tmp_path / "none"), str(tmp_path)) is None


def test_workers_of_dask_have_a_limit_and_one_thread(image, unlimited, monkeypatch):
    worker = types.SimpleNamespace(memory_manager=types.SimpleNamespace(memory_limit=800 * MEGABYTE))
    monkeypatch.setitem(sys.modules, "distributed", types.SimpleNamespace(get_worker=lambda: worker))
    expected = {"NUM_THREADS": "1"}
    if image[0].facts.driver == "NPY":
        expected["MAX_RESIDENT"] = f"{800 // 8 * 1024}KB"
    assert options_here(image[0]) == expected
    worker.memory_manager.memory_limit = None
    assert options_here(image[0]) == {"NUM_THREADS": "1"}


def test_children_of_a_data_loader_have_one_thread(image, unlimited, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.data",
                        types.SimpleNamespace(get_worker_info=lambda: object()))
    assert options_here(image[0]) == {"NUM_THREADS": "1"}


def test_other_drivers_get_no_options(monkeypatch):
    monkeypatch.setattr(_process, "memory_limit", lambda: MEGABYTE)
    assert _process.default_open_options("GTiff") == {}


RESIDENT = """
import resource, sys
import gdal_ndarray
if sys.argv[2] == "limited":
    with open("/proc/self/statm") as sizes:
        now = int(sizes.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (256 << 20), resource.RLIM_INFINITY))

def resident():
    with open("/proc/self/status") as status:
        return sum(int(line.split()[1]) << 10 for line in status if line.startswith(("RssFile", "RssShmem")))

image = gdal_ndarray.open(sys.argv[1], **dict(pair.split("=") for pair in sys.argv[3:]))
image[0, 0]
before = resident()
for line in range(0, 4096, 256):
    image[line:line + 256]
print(resident() - before)
"""


@pytest.mark.slow  # sanitizers take more address space than that
def test_npy_is_not_mapped_in_a_process_with_a_limit(tmp_path):
    path = tmp_path / "image.npy"
    np.lib.format.open_memmap(path, "w+", "u1", (1 << 16, 8192))[:4096:100] = 1

    def growth(*arguments):
        return int(subprocess.run([sys.executable, "-c", RESIDENT, path, *arguments],
                                  capture_output=True, text=True, check=True).stdout)

    assert growth("limited") < 8 * MEGABYTE  # of 32 MB
    assert growth("free", "max_resident=1GB") > 24 * MEGABYTE


def test_a_limit_of_the_user_counts(npy, monkeypatch):
    monkeypatch.setattr(_process, "memory_limit", lambda: MEGABYTE)
    seen = []
    monkeypatch.setattr(_dataset._errors, "call", lambda path, function, *arguments, **named: (
        seen.append(named["open_options"]), function(*arguments, **named))[1])
    path = npy(np.zeros((20, 30)))
    _dataset.Handles(path, ()).get()
    _dataset.Handles(path, (("MAX_RESIDENT", "7"),)).get()
    with monkeypatch.context() as context:
        context.setenv("NDARRAY_MAX_RESIDENT", "9")
        _dataset.Handles(path, ()).get()
    assert seen == [["MAX_RESIDENT=128KB"], ["MAX_RESIDENT=7"], []]


def test_read_only_arrays_of_threads_are_equal(image):
    opened, array = image
    in_threads(4, lambda number: equal(opened[number % 3], array[number % 3]))


@pytest.mark.parametrize("other", [np.zeros((70, 95), "u2"), np.zeros((70, 90), "f8")], ids=str)
def test_closed_images_do_not_read_from_another_raster(npy, other):
    path = npy(np.ones((70, 90), "u2"))
    opened = gdal_ndarray.open(path)
    opened.close()
    np.save(path, other)
    with pytest.raises(ValueError, match="replaced"):
        opened[...]
