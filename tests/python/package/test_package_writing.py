"""gdal_ndarray.create: new files, which are whole or absent."""

import contextlib
import copy
import gc
import os
import pickle
import signal
import time

import gdal_ndarray
import numpy as np
import pytest
from osgeo import gdal, osr
from support import memory_dataset
from support.package import equal, in_child
from support.thread import in_threads


def same_crs(one, other):
    return osr.SpatialReference(one.crs).IsSame(osr.SpatialReference(other.crs))


def left_in(folder):
    return sorted(os.listdir(folder))


def test_windows_are_written(tmp_path, suffix, rng):
    array = rng.normal(size=(2, 70, 90)).astype("f4")
    path = tmp_path / ("new" + suffix)
    with gdal_ndarray.create(path, array.shape, "f4") as writer:
        assert (writer.shape, writer.dtype, writer.dims) == (array.shape, np.float32, ("band", "y", "x"))
        writer[0, :40] = array[0, :40]
        writer[0, 40:, :] = array[0, 40:].astype("f8")
        writer[1, ..., 5:] = array[1, :, 5:]
        writer[1, :, :5] = 3
        writer[:, 7, 8] = [1, 2]
        assert left_in(tmp_path) == [f".new{suffix}.writing"]
    array[1, :, :5] = 3
    array[:, 7, 8] = [1, 2]
    assert left_in(tmp_path) == ["new" + suffix]
    equal(gdal_ndarray.open(path)[...], array)
    if suffix == ".npy":
        equal(np.load(path), array)


@pytest.mark.parametrize("axes", ["BYX", "YXB", "YBX", "XYB"])
def test_windows_with_steps_are_written(tmp_path, suffix, rng, monkeypatch, axes):
    from gdal_ndarray import _reading
    shape = tuple({"B": 3, "Y": 20, "X": 30}[axis] for axis in axes)
    array = rng.integers(0, 60000, shape, dtype="u2")
    options = {"BLOCKSIZE": 4, "CHUNKXSIZE": 8, "CHUNKYSIZE": 8} if suffix == ".b2nd" else {}
    with gdal_ndarray.create(tmp_path / ("new" + suffix), shape, "u2", AXES=axes, **options) as writer:
        writer[...] = array
        for turn in range(40):
            monkeypatch.setattr(_reading, "MAX_STRIP_BYTES", (200, 32 << 20)[turn % 2])
            key = tuple(slice(*(int(end) for end in rng.integers(-length, length + 1, 2)),
                              int(rng.choice([-7, -2, -1, 1, 2, 5]))) for length in shape)
            pixels = rng.integers(0, 60000, array[key].shape)
            writer[key] = array[key] = pixels
        writer[::2, 1, ::-3] = array[::2, 1, ::-3] = 7
    equal(gdal_ndarray.open(tmp_path / ("new" + suffix))[...], array)


def test_broadcast_and_flipped_pixels(tmp_path, suffix):
    line = np.arange(4000, dtype="u2")
    with gdal_ndarray.create(tmp_path / ("new" + suffix), (1000, 4000), "u2") as writer:
        writer[:400] = line
        writer[400:900] = np.broadcast_to(np.uint16(7), (500, 4000))
        writer[900:] = np.tile(line, (100, 1))[:, ::-1]
    stored = gdal_ndarray.open(tmp_path / ("new" + suffix))
    assert (stored[:400] == line).all() and (stored[400:900] == 7).all()
    assert (stored[900:] == line[::-1]).all()


def test_unwritten_pixels_are_nodata_or_zero(tmp_path):
    for nodata, expected in ((9, 9), (None, 0)):
        with gdal_ndarray.create(tmp_path / "new.b2nd", (40, 50), "u1", nodata=nodata):
            pass
        assert gdal_ndarray.open(tmp_path / "new.b2nd")[...].max() == expected


@pytest.mark.parametrize("shape, options, dims", [
    ((30,), {}, "x"), ((30, 40), {}, "yx"), ((3, 30, 40), {}, "byx"), ((30, 40, 3), {}, "yxb"),
    ((3, 40, 4), {}, "byx"), ((30, 40, 3), {"axes": "BYX"}, "byx"), ((30, 3, 40), {"INTERLEAVE": "LINE"}, "ybx"),
    ((30, 40, 9), {"interleave": "pixel"}, "yxb"), ((40, 30), {"AXES": "XY"}, "xy")])
def test_shape_is_that_of_the_file(tmp_path, suffix, shape, options, dims):
    with gdal_ndarray.create(tmp_path / ("new" + suffix), shape, "i2", **options) as writer:
        assert "".join(dim[0] for dim in writer.dims) == dims
    opened = gdal_ndarray.open(tmp_path / ("new" + suffix))
    assert (opened.shape, opened.dims) == (shape, writer.dims)


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", ">u2", "u4", "i8", "u8", "f4", "f8", "c8"])
def test_elements(tmp_path, suffix, rng, dtype):
    array = rng.integers(0, 2, (20, 30)).astype(dtype)
    path = tmp_path / ("new" + suffix)
    with gdal_ndarray.create(path, array.shape, dtype) as writer:
        writer[...] = array
    wanted = np.dtype("u1") if dtype == "?" else array.dtype.newbyteorder("=")
    equal(gdal_ndarray.open(path)[...], array.astype(wanted))


def test_like_another(tmp_path, suffix, georeferenced):
    source = memory_dataset(np.zeros((2, 30, 40), "i2"))
    source.GetRasterBand(1).SetDescription("red")
    for band in (1, 2):
        source.GetRasterBand(band).SetNoDataValue(-1)
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "like.tif"), source)
    with gdal_ndarray.create(tmp_path / "like.b2nd", (2, 30, 40), "i2", tmp_path / "like.tif", **georeferenced):
        pass
    like = gdal_ndarray.open(tmp_path / "like.b2nd")
    path = tmp_path / ("new" + suffix)
    with gdal_ndarray.create(path, (2, 30, 40), "f4", like):
        pass
    opened = gdal_ndarray.open(path)
    assert same_crs(opened, like)
    assert (opened.transform, opened.nodata) == (like.transform, -1)
    assert gdal.Open(str(path)).GetRasterBand(1).GetDescription() == "red"
    # Other lines and pixels are elsewhere; uint8 has no -1.
    with gdal_ndarray.create(path, (15, 20), "u1", like):
        pass
    opened = gdal_ndarray.open(path)
    assert same_crs(opened, like)
    assert (opened.transform, opened.nodata) == (None, None)
    with gdal_ndarray.create(path, (15, 20), "i2", like, crs=None, transform=(1, 0, 2, 0, 3, 4), nodata=0):
        pass
    opened = gdal_ndarray.open(path)
    assert (opened.crs, opened.transform, opened.nodata) == (None, (1, 0, 2, 0, 3, 4), 0)


@pytest.mark.parametrize("arguments, message", [
    (("new.tif", (3, 4), "u1"), "wanted .npy or .b2nd"),
    (("new.npy", (3, 4, 5, 6), "u1", None, {"AXES": "BYX"}), "AXES: found BYX, wanted none of it"),
    (("new.b2nd", (1,) * 17, "u1"), "dimensions: found 17, wanted at most 16"),
    (("new.npy", (1,) * 65, "u1"), "dimensions: found 65|1 to 64 dimensions"),
    (("new.npy", (3, 0), "u1"), "wanted one axis or more"),
    (("new.npy", (3, 4), "U5"), "found <U5"),
    (("new.npy", (3, 4), "u1", None, {"AXES": "YXB"}), "wanted B, Y and X for the 2 axes"),
    (("new.npy", (3, 4, 5), "u1", None, {"INTERLEAVE": "TILE"}), "found TILE"),
    (("new.npy", (3, 4), "u1", None, {"nodata": -1}), "wanted a value of uint8"),
    (("new.npy", (3, 4), "u1", None, {"crs": "nowhere"}), "crs: found 'nowhere', wanted WKT"),
    (("new.npy", (3, 4), "u1", None, {"NUM_THREADS": "lots"}), "NUM_THREADS"),
    (("new.npy", (1 << 31, 4), "u1"), "at most 2147483647"),
    (("new.npy", (2.5, 4), "u1"), "integer"),
    (("new.npy", (3, 4), "u1", None, {"nodata": "none"}), "nodata: found 'none'"),
    (("new.npy", (3, 4), "u1", None, {"crs": 4.5}), "crs: found float"),
    (("new.npy", (3, 4), "u1", None, {"transform": (1, 2, 3, 4, 5)}), "transform: found 5 numbers"),
], ids=str)
@pytest.mark.parametrize("exceptions", [False, True])
def test_wrong_arguments_leave_nothing(tmp_path, arguments, message, exceptions):
    (gdal.UseExceptions if exceptions else gdal.DontUseExceptions)()
    name, shape, dtype, like, options = (*arguments, None, {})[:5] if len(arguments) == 3 else arguments
    with pytest.raises((ValueError, OSError, TypeError), match=message):
        gdal_ndarray.create(tmp_path / name, shape, dtype, like, **options)
    assert left_in(tmp_path) == []


def test_messages_name_the_file_that_is_to_be(tmp_path):
    with pytest.warns(RuntimeWarning, match=f"^{tmp_path}/new.npy: ignored: COMPRESS=LZ4"):
        gdal_ndarray.create(tmp_path / "new.npy", (3, 4), "u1", COMPRESS="LZ4")
    with pytest.raises(ValueError, match=f"^{tmp_path}/new.b2nd: COMPRESS: found GZIP"):
        gdal_ndarray.create(tmp_path / "new.b2nd", (3, 4), "u1", COMPRESS="GZIP")


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="/none/new.npy'$"):
        gdal_ndarray.create(tmp_path / "none" / "new.npy", (3, 4), "u1")
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("target", ["others", "nothing"])
def test_what_a_link_leads_to_is_not_removed(tmp_path, target):
    """As another user may put one into a shared folder."""
    others = tmp_path / "others"
    others.mkdir()
    (others / "precious").write_text("pixels")
    (tmp_path / ".new.npy.writing").symlink_to(tmp_path / target)
    with pytest.raises(OSError, match=r"\.new\.npy\.writing"):
        gdal_ndarray.create(tmp_path / "new.npy", (3, 4), "u1")
    assert left_in(others) == ["precious"] and not (tmp_path / "new.npy").exists()


def test_wrong_windows(tmp_path):
    with gdal_ndarray.create(tmp_path / "new.npy", (30, 40), "u1") as writer:
        with pytest.raises(IndexError):
            writer[30] = 1
        with pytest.raises(ValueError, match="broadcast"):
            writer[:3] = np.zeros((4, 40))
    with pytest.raises(ValueError, match="complete or given up"):
        writer[0] = 1
    writer.abort()
    assert left_in(tmp_path) == ["new.npy"]


def test_exception_leaves_what_was_there(tmp_path, suffix):
    path = tmp_path / ("new" + suffix)
    for fill in (1, 2):
        with pytest.raises(ZeroDivisionError), gdal_ndarray.create(path, (30, 40), "u1") as writer:
            writer[:] = 9
            raise ZeroDivisionError
        assert left_in(tmp_path) == ([] if fill == 1 else ["new" + suffix])
        with gdal_ndarray.create(path, (30, 40), "u1") as writer:
            writer[:] = fill
    assert gdal_ndarray.open(path)[...].min() == 2
    writer = gdal_ndarray.create(path, (30, 40), "u1")
    writer[:] = 3
    del writer
    assert left_in(tmp_path) == ["new" + suffix]
    assert gdal_ndarray.open(path)[...].max() == 2


def test_two_writers_of_one_name(tmp_path, suffix):
    path = tmp_path / ("new" + suffix)
    with gdal_ndarray.create(path, (30, 40), "u1") as writer:
        with pytest.raises(BlockingIOError, match="another process is writing it"):
            gdal_ndarray.create(path, (30, 40), "u1")
        writer[:] = 1
    assert gdal_ndarray.open(path)[...].min() == 1


def test_threads_write_to_one_file(tmp_path, suffix, rng):
    array = rng.integers(0, 255, (64, 64), dtype="u1")
    path = tmp_path / ("new" + suffix)
    with gdal_ndarray.create(path, array.shape, "u1") as writer:
        in_threads(4, lambda number: [writer.__setitem__(line, array[line]) for line in range(number, 64, 4)])
    equal(gdal_ndarray.open(path)[...], array)


def test_forked_child_neither_writes_nor_removes(tmp_path):
    with gdal_ndarray.create(tmp_path / "new.npy", (30, 40), "u1") as writer:
        def child():
            with pytest.raises(ValueError, match="another process"):
                writer[:] = 1
            writer.abort()
        assert in_child(child)
        writer[:] = 2
    assert gdal_ndarray.open(tmp_path / "new.npy")[...].min() == 2


def test_forked_child_that_ends_in_order_writes_nothing(tmp_path, suffix):
    path = tmp_path / ("new" + suffix)
    with gdal_ndarray.create(path, (30, 40), "u1") as writer:
        writer[:] = 1
        def child():
            writer._file = None  # as when the interpreter ends
            gc.collect()
        assert in_child(child)
        writer[10:] = 2
    stored = gdal_ndarray.open(path)[...]
    assert (stored[:10] == 1).all() and (stored[10:] == 2).all()


def test_forked_child_does_not_keep_the_lock(tmp_path):
    path = tmp_path / "new.npy"
    reading, writing = os.pipe()

    def killed():
        with gdal_ndarray.create(path, (30, 40), "u1"):
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            os.write(writing, str(child).encode())
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(killed) is None
    child = int(os.read(reading, 20))
    try:
        with gdal_ndarray.create(path, (30, 40), "u1") as writer:
            writer[:] = 1
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(reading)
        os.close(writing)
    assert left_in(tmp_path) == ["new.npy"]


@pytest.mark.parametrize("replaces", [False, True])
def test_killed_at_each_step_of_the_end(tmp_path, suffix, georeferenced, monkeypatch, replaces):
    """The pixels of the one or the other, never with the georeferencing of the other one."""
    path = tmp_path / ("new" + suffix)

    def write(fill, place):
        transform = (1.0, 0.0, place, 0.0, 1.0, 0.0)
        with gdal_ndarray.create(path, (30, 40), "u1", **{**georeferenced, "transform": transform}) as writer:
            writer[:] = fill

    def killed_at(step):
        calls = []

        def counted(function):
            def call(*arguments):
                calls.append(function)
                if len(calls) == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*arguments)
            return call

        for name in ("replace", "unlink", "fsync"):
            monkeypatch.setattr(os, name, counted(getattr(os, name)))
        write(2, 200.0)

    seen = set()
    for step in range(1, 30):
        for name in left_in(tmp_path):
            if not name.endswith(".writing"):  # which stays as a killed process left it
                os.unlink(tmp_path / name)
        if replaces:
            write(1, 100.0)
        done = in_child(lambda step=step: killed_at(step))
        if path.exists():
            opened = gdal_ndarray.open(path)
            state = opened[0, 0], opened.transform[2] if opened.transform else None
            assert state in {(1, 100.0), (1, None), (2, None), (2, 200.0)}
            assert replaces or state == (2, 200.0)
            seen.add(state)
        else:
            assert not replaces
            seen.add(None)
        if done:
            break
    assert done and left_in(tmp_path)[0] == "new" + suffix
    assert {(1, 100.0) if replaces else None, (2, 200.0)} <= seen


def test_killed_at_random(tmp_path, suffix, rng):
    path = tmp_path / ("new" + suffix)
    pixels = rng.integers(0, 255, (512, 512), dtype="u1")

    def work():
        with gdal_ndarray.create(path, (512, 512), "u1") as writer:
            for window in writer_windows:
                writer[window] = pixels[window]
            time.sleep(0.01)

    writer_windows = list(gdal_ndarray.windows.windows((512, 512), ("y", "x"), 64))
    for delay in rng.uniform(0, 0.08, 8):
        process = os.fork()
        if process == 0:
            work()
            os._exit(0)
        time.sleep(delay)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        if path.exists():
            equal(gdal_ndarray.open(path)[...], pixels)
            path.unlink()
    work()
    assert left_in(tmp_path) == ["new" + suffix]


def test_a_writer_cannot_be_copied(tmp_path):
    with gdal_ndarray.create(tmp_path / "new.npy", (3, 4), "u1") as writer:
        for function in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="Writer"):
                function(writer)
        gc.collect()
        writer[...] = 1
    assert gdal_ndarray.open(tmp_path / "new.npy")[...].all()


def test_targets_that_no_file_can_take_are_refused_first(tmp_path):
    with pytest.raises(IsADirectoryError):
        (tmp_path / "folder.npy").mkdir()
        gdal_ndarray.create(tmp_path / "folder.npy", (3, 4), "u1")
    with pytest.raises(ValueError, match="file system"):
        gdal_ndarray.create("/vsimem/new.npy", (3, 4), "u1")
    assert os.listdir(tmp_path) == ["folder.npy"]


def test_paths_may_be_bytes(tmp_path):
    with gdal_ndarray.create(os.fsencode(tmp_path / "new.npy"), (3, 4), "u1") as writer:
        writer[...] = 1
    assert gdal_ndarray.open(os.fsencode(tmp_path / "new.npy")).path == str(tmp_path / "new.npy")
    with pytest.raises(ValueError, match="null"):
        gdal_ndarray.open(f"{tmp_path}/new.npy\0.tif")


def test_a_full_disk_is_not_a_missing_file(small_disk):
    if small_disk is None:
        pytest.skip("cannot mount a small disk")
    suffix = ".b2nd" if gdal.GetDriverByName("B2ND") else ".npy"
    filled = small_disk / "filler"
    with contextlib.suppress(OSError), filled.open("wb", buffering=0) as file:
        while file.write(bytes(1 << 16)):
            pass
    with pytest.raises(OSError, match="No space left") as raised:
        with gdal_ndarray.create(small_disk / ("new" + suffix), (300, 400), "u1") as writer:
            writer[...] = 1
    assert not isinstance(raised.value, FileNotFoundError)
    assert os.listdir(small_disk) == ["filler"]
