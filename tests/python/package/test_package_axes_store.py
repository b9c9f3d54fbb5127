"""gdal_ndarray.store of arrays of four axes: threads, and what processes hand over."""

import os
import pickle
import subprocess
import sys

import gdal_ndarray
import numpy as np
import pytest
from osgeo import gdal
from support.package import DIMS, SHAPE, SMALL, elsewhere, equal, in_child, options_of

da = pytest.importorskip("dask.array")


@pytest.mark.parametrize("chunks", [(1, 4, 70, 90), (2, 2, 32, 32), (3, 1, 40, 90), (3, 4, 7, 90), (2, 3, 50, 17)],
                         ids=str)
def test_blocks_of_any_shape_are_stored(tmp_path, suffix, rng, chunks):
    array = rng.normal(size=SHAPE).astype("f4")
    path = tmp_path / ("new" + suffix)
    stored = gdal_ndarray.store(da.from_array(array, chunks), path, dims=DIMS, **options_of(suffix))
    assert stored.dims == DIMS
    equal(stored[...], array)
    equal(elsewhere(path), array)
    assert set(os.listdir(tmp_path)) <= {path.name, path.name + ".aux.xml"}


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "c16"])
def test_elements_are_stored(tmp_path, suffix, rng, dtype):
    array = rng.integers(0, 2, (2, 3, 20, 30)).astype(dtype)
    stored = gdal_ndarray.store(da.from_array(array, (1, 3, 10, 30)), tmp_path / ("new" + suffix))
    equal(stored[...], array.astype("u1") if dtype == "?" else array)


def test_chunks_are_the_same_whoever_compresses_them(tmp_path, rng):
    blosc2 = pytest.importorskip("blosc2")
    array = (rng.normal(size=SHAPE).cumsum(3) * 99).astype("i2")
    array[0] = 7
    names = [tmp_path / "stored.b2nd", tmp_path / "written.b2nd"]
    gdal_ndarray.store(da.from_array(array, chunks=(2, 4, 32, 64)), names[0], nodata=7, **SMALL)
    with gdal_ndarray.create(names[1], array.shape, "i2", nodata=7, **SMALL) as writer:
        writer[...] = array
    files = [blosc2.open(str(name)) for name in names]
    chunks = [[file.schunk.get_chunk(number) for number in range(file.schunk.nchunks)] for file in files]
    assert chunks[0] == chunks[1]


def test_a_process_hands_over_what_it_has_compressed(tmp_path, suffix, rng):
    module = sys.modules[gdal_ndarray.store.__module__]
    array = rng.integers(0, 60000, SHAPE, dtype="u2")
    path = tmp_path / ("new" + suffix)
    with gdal_ndarray.create(path, SHAPE, "u2", dims=DIMS, **options_of(suffix)) as writer, \
            module._Inbox(writer) as inbox:
        target = pickle.loads(pickle.dumps(module.Target(inbox)))
        assert in_child(lambda: target.__setitem__(tuple(slice(0, length) for length in SHAPE), array))
        inbox.finish()
    equal(elsewhere(path), array)


def test_what_is_no_dask_array_is_stored(stack, tmp_path, suffix):
    opened, array = stack
    path = tmp_path / ("new" + suffix)
    stored = gdal_ndarray.store(opened, path, like=opened)
    assert (stored.dims, stored.transform, stored.nodata) == (DIMS, opened.transform, 7)
    equal(stored[...], array)
    equal(gdal_ndarray.store(array[0][None], path, NUM_THREADS=1)[...], array[:1])
    lazy = opened.dask()
    equal(gdal_ndarray.store(lazy[:, 1:, ::-1] + 1, path, like=opened)[...], array[:, 1:, ::-1] + np.uint16(1))


def test_data_arrays_keep_names_and_places(stack, tmp_path, suffix):
    pytest.importorskip("xarray")
    opened, array = stack
    data = opened.xarray(chunks="auto")[:, :, 10:, 20:]
    stored = gdal_ndarray.store(data, tmp_path / ("part" + suffix))
    assert (stored.dims, stored.transform[2], stored.transform[5]) == (DIMS, 500200, 5399900)
    equal(stored[...], array[:, :, 10:, 20:])
    named = data.rename(y="latitude", x="longitude").drop_vars("spatial_ref")
    named = named.transpose("t", "latitude", "z", "longitude")
    stored = gdal_ndarray.store(named, tmp_path / ("named" + suffix))
    assert stored.dims == ("t", "latitude", "z", "longitude")
    equal(stored[...], array[:, :, 10:, 20:].transpose(0, 2, 1, 3))


def described():
    """A DataArray (t, member, y, x) with positions of all kinds."""
    xarray = pytest.importorskip("xarray")
    times = np.array(["2020-01-01T06", "2020-01-02", "2020-03-01"], "datetime64[ns]")
    values = da.arange(3 * 2 * 4 * 5, chunks=60).reshape(3, 2, 4, 5)
    return xarray.DataArray(values, dims=("t", "member", "y", "x"), coords={
        "t": times, "member": ("member", [3, 7], {"units": "1", "long_name": "Läufe"}), "y": [9.0, 8.5, 8.0, 7.5],
        "x": [0.0, 1.0, 4.0, 9.0, 16.0]})


def test_positions_along_axes_come_along(tmp_path, suffix):
    data = described()
    import xarray
    stored = gdal_ndarray.store(data, tmp_path / ("new" + suffix))
    again = gdal_ndarray.store(stored, tmp_path / ("again" + suffix), like=stored)
    for opened in stored, again:
        assert set(opened.coordinates()) == {"t", "member", "y", "x"}
        shown = opened.xarray()
        assert shown.member.attrs == {"units": "1", "long_name": "Läufe"}
        decoded = xarray.decode_cf(shown.to_dataset())[shown.name]
        for dim in data.dims:
            np.testing.assert_array_equal(decoded[dim], data[dim])
    part = gdal_ndarray.store(data.assign_coords(member=["a", "b"])[1:, :, :3, :2], tmp_path / ("part" + suffix))
    assert set(part.coordinates()) == {"t", "y", "x"}
    assert part.transform == (1, 0, -0.5, 0, -0.5, 9.25)  # regular: x and y have a place
    with gdal_ndarray.create(tmp_path / ("other" + suffix), (3, 2, 6, 5), "u1", stored, transform=None) as writer:
        assert writer.dims == data.dims
    opened = gdal_ndarray.open(tmp_path / ("other" + suffix))
    assert set(opened.coordinates()) == {"t", "member"} and opened.transform is None


def test_python_blosc2_reads_positions(tmp_path):
    blosc2 = pytest.importorskip("blosc2")
    gdal_ndarray.store(described(), tmp_path / "new.b2nd")
    stored = blosc2.open(str(tmp_path / "new.b2nd"))
    assert stored.schunk.vlmeta["coordinates"]["x"]["data"] == [0, 1, 4, 9, 16]


def fail(block, block_info=None):
    if block_info and block_info[0]["chunk-location"] == (1, 0, 1, 0):
        raise ZeroDivisionError("of a task")
    return block


def test_failing_tasks_leave_nothing(tmp_path, suffix):
    lazy = da.ones((2, 2, 64, 64), chunks=(1, 1, 32, 64)).map_blocks(fail, dtype="f8")
    with pytest.raises(ZeroDivisionError, match="of a task"):
        gdal_ndarray.store(lazy, tmp_path / ("new" + suffix))
    assert os.listdir(tmp_path) == []


MEMORY = """
import resource, sys
import dask, dask.array as da
import gdal_ndarray

peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
with dask.config.set(scheduler="threads", num_workers=2):
    gdal_ndarray.store(da.ones((2, 2, 64, 1024), chunks=(1, 1, 64, 1024), dtype="u1"), sys.argv[1])
    before = peak()
    array = da.ones((int(sys.argv[2]), 4, 1024, 1024), chunks=(1, 4, 1024, 1024), dtype="u1")
    gdal_ndarray.store(array, sys.argv[1])
print(peak() - before)
"""


@pytest.mark.slow
def test_memory_of_store_is_bounded(tmp_path):
    """240 MB, in less of memory; of a .npy each task writes its bytes, whatever its axes."""
    if gdal.GetDriverByName("B2ND") is None:
        pytest.skip("the plugin was built without c-blosc2")
    run = subprocess.run([sys.executable, "-c", MEMORY, tmp_path / "new.b2nd", "60"], check=True,
                         capture_output=True, text=True)
    assert int(run.stdout) < 120 << 20
