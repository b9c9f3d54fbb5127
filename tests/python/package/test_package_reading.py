"""gdal_ndarray.open: the header, and pixels by NumPy's indexing."""

import pathlib

import gdal_ndarray
import numpy as np
import pytest
from osgeo import gdal
from support import memory_dataset
from support.package import equal

KEYS = [
    np.s_[...], np.s_[:], np.s_[1], np.s_[-1, 5], np.s_[0, 3, 4], np.s_[..., 8], np.s_[:, 10:20, 30:41],
    np.s_[::-1], np.s_[::2, ::3, ::5], np.s_[:, ::-1, ::-7], np.s_[2:0:-1, 60:3:-9, 5], np.s_[:, 5:5],
    np.s_[1:2, -10:, :-80], np.s_[0, ..., None], np.s_[None, 1, 3:9], np.s_[..., 100:200],
    np.s_[np.int64(2), np.uint8(4)], np.s_[:, 50::33, 88:90:40], (),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing_is_numpys(image, key):
    opened, array = image
    got, expected = opened[key], array[key]
    equal(got, expected)
    assert isinstance(got, np.ndarray) == isinstance(expected, np.ndarray)
    if isinstance(got, np.ndarray):
        assert not got.flags.writeable


def test_random_windows_with_steps(image, rng):
    opened, array = image
    for _ in range(60):
        key = tuple(slice(*(None if value < -length else int(value) for value in (
            rng.integers(-length - 30, length + 5), rng.integers(-length - 30, length + 5))),
            int(rng.choice([-30, -2, -1, 1, 1, 3, 40]))) for length in array.shape)
        equal(opened[key], array[key])


@pytest.mark.parametrize("key", [np.s_[3], np.s_[0, -71], np.s_[0, 0, 0, 0], np.s_[..., ...], [1, 2],
                                 np.s_[0, [1, 2]], np.s_[np.array([0])], True, np.s_[0, np.True_],
                                 1.5, "band"], ids=str)
def test_other_indices_are_index_errors(image, key):
    with pytest.raises(IndexError):
        image[0][key]


def test_header(image, suffix, georeferenced):
    opened, array = image
    assert (opened.shape, opened.dtype, opened.ndim, len(opened)) == ((3, 70, 90), np.uint16, 3, 3)
    assert (opened.size, opened.nbytes) == (array.size, array.nbytes)
    assert opened.dims == ("band", "y", "x")
    assert opened.chunks == ((1, 70, 90) if suffix == ".npy" else (1, 32, 32))
    assert opened.transform == georeferenced["transform"]
    assert opened.crs.startswith('PROJCRS["WGS 84 / UTM zone 33N"')
    assert (opened.nodata, type(opened.nodata)) == (7, int)
    assert str(opened.path) in repr(opened)


def test_it_cannot_be_changed(image):
    with pytest.raises(AttributeError):
        image[0].path = "another"
    with pytest.raises(AttributeError):
        image[0].shape = (1,)


def test_nothing_invites_numpy_to_take_it_for_an_eager_array(image):
    assert not hasattr(image[0], "__array_function__")
    assert not hasattr(image[0], "__array_namespace__")


@pytest.mark.parametrize("axes, shape", [("YXB", (30, 40, 3)), ("YBX", (30, 3, 40)), ("XY", (40, 30)),
                                         ("BXY", (2, 40, 30)), ("X", (50,)), ("BYX", (1, 30, 40))])
def test_axes_are_those_of_the_file(saved, suffix, rng, axes, shape):
    array = rng.normal(size=shape).astype("f4")
    opened = saved(array, "axes" + suffix, AXES=axes)
    assert opened.shape == shape
    assert "".join(dim[0].upper() for dim in opened.dims) == axes
    equal(opened[...], array)
    equal(opened[..., 3:1:-1], array[..., 3:1:-1])
    equal(opened[5 % shape[0]], array[5 % shape[0]])


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", ">i2", "u4", "i8", "f2", "f4", ">f8", "c8", "c16"])
@pytest.mark.parametrize("order", "CF")
def test_elements_are_those_of_the_npy(npy, rng, dtype, order):
    array = np.asarray(rng.integers(0, 2, (20, 30)), order=order).astype(dtype)
    opened = gdal_ndarray.open(npy(array))
    assert opened.dtype == array.dtype.newbyteorder("=")
    equal(opened[3:, ::-2], array[3:, ::-2].astype(opened.dtype))
    equal(opened.view(), array)
    out = np.empty((20, 30), opened.dtype)
    opened.read_into(np.s_[:], out)
    np.testing.assert_array_equal(out, array)


@pytest.mark.parametrize("shape", [(4, 2, 30, 40), (2, 3, 1, 9, 8)])
def test_stacks_are_arrays_of_more_axes(npy, rng, shape):
    array = rng.integers(0, 255, shape, dtype="u1")
    opened = gdal_ndarray.open(npy(array, 'quo"te.npy'))
    assert (opened.shape, opened.dims[0], opened.dims[-1]) == (shape, "axis_0", "x")
    equal(opened[...], array)
    equal(opened[1, ::-1, 0], array[1, ::-1, 0])
    equal(opened[::-2, 1, ..., ::3], array[::-2, 1, ..., ::3])
    equal(opened.view(), array)
    index = ",".join(["1"] + ["0"] * (len(shape) - 4))
    part = gdal_ndarray.open('NPY:"' + opened.path.replace('"', '\\"') + '":' + index)
    equal(part[...], array[1] if len(shape) == 4 else array[1, 0])


def test_stack_of_b2nd(tmp_path, rng):
    blosc2 = pytest.importorskip("blosc2")
    array = rng.integers(0, 255, (3, 5, 30, 40), dtype="u1")
    blosc2.asarray(array, urlpath=str(tmp_path / "stack.b2nd"), chunks=(2, 1, 16, 16), blocks=(1, 1, 8, 8))
    opened = gdal_ndarray.open(tmp_path / "stack.b2nd")
    assert opened.chunks == (2, 1, 16, 16)
    equal(opened[1:, ::2, 3:20, 7], array[1:, ::2, 3:20, 7])


def test_records_are_bands(npy):
    array = np.zeros((20, 30), [("height", "f4"), ("class", "u1")])
    array["height"] = np.arange(600).reshape(20, 30) / 2
    array["class"] = 3
    opened = gdal_ndarray.open(npy(array))
    assert (opened.shape, opened.dtype, opened.dims) == ((2, 20, 30), np.float32, ("band", "y", "x"))
    np.testing.assert_array_equal(opened[0], array["height"])
    np.testing.assert_array_equal(opened[1], array["class"])
    with pytest.raises(ValueError, match="fields of records"):
        opened.view()


def test_the_only_array_of_an_npz(tmp_path, rng):
    array = rng.integers(0, 60000, (20, 30), dtype="u2")
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", array=array)
        opened = gdal_ndarray.open(tmp_path / "a.npz")
        equal(opened[...], array)
        if save is np.savez:
            equal(opened.view(), array)
        else:
            assert "DATA_OFFSET" not in opened.facts.layout
            with pytest.raises(ValueError, match="is deflated in its archive"):
                opened.view()


@pytest.mark.parametrize("interleave", ["BAND", "PIXEL"])
def test_other_formats_are_read_too(tmp_path, rng, interleave):
    array = rng.integers(0, 60000, (3, 200, 300), dtype="u2")
    path = tmp_path / "image.tif"
    gdal.GetDriverByName("GTiff").CreateCopy(str(path), memory_dataset(array), options=[
        "TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=32", "INTERLEAVE=" + interleave])
    opened = gdal_ndarray.open(path)
    assert opened.dims == ("band", "y", "x")
    assert opened.chunks == (1 if interleave == "BAND" else 3, 32, 64)
    for key in KEYS:
        if np.asarray(array[key]).size:
            equal(opened[key], array[key])
    with pytest.raises(ValueError, match="GTiff"):
        opened.view()


def test_one_band_of_another_format_has_two_axes_and_mixed_types_one_that_holds_both(tmp_path, rng):
    array = rng.integers(0, 255, (20, 30), dtype="u1")
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "one.tif"), memory_dataset(array))
    opened = gdal_ndarray.open(tmp_path / "one.tif")
    assert (opened.shape, opened.dims, opened.transform, opened.crs, opened.nodata) == (
        (20, 30), ("y", "x"), None, None, None)
    equal(opened[2], array[2])
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "two.tif"),
                                             memory_dataset(array.astype("f4") + 0.5))
    vrt = gdal.BuildVRT(str(tmp_path / "mixed.vrt"), [str(tmp_path / "one.tif"), str(tmp_path / "two.tif")],
                        separate=True)
    del vrt
    opened = gdal_ndarray.open(tmp_path / "mixed.vrt")
    assert (opened.dtype, opened.shape) == (np.float32, (2, 20, 30))
    equal(opened[:], np.stack([array.astype("f4"), array + np.float32(0.5)]))


def test_thin_reads_of_large_steps_take_little_memory(saved, monkeypatch, suffix, rng):
    from gdal_ndarray import _reading
    array = rng.integers(0, 255, (100, 70), dtype="u1")
    opened = saved(array, "image" + suffix)
    monkeypatch.setattr(_reading, "MAX_STRIP_BYTES", 300)
    for key in (np.s_[::7, ::3], np.s_[:, ::2], np.s_[::-40], np.s_[1::2, 5]):
        equal(opened[key], array[key])


def test_read_into_memory_of_the_caller(image, rng):
    opened, array = image
    out = np.zeros((3, 140, 90), "u2")[:, ::2, ::-1]
    assert opened.read_into(..., out) is out
    equal(out, array)
    floats = np.empty((20, 30), np.float64)
    opened.read_into(np.s_[1, 10:30, 60:30:-1], floats)
    np.testing.assert_array_equal(floats, array[1, 10:30, 60:30:-1])
    point = np.empty((), "u2")
    assert opened.read_into((2, 5, 6), point)[()] == array[2, 5, 6]
    column = np.empty((70, 1), "u2")
    equal(opened.read_into(np.s_[0, :, 4, None], column), array[0, :, 4, None])


def test_read_into_refuses_what_does_not_fit(image):
    with pytest.raises(ValueError, match=r"found shape \(3, 70\), wanted \(3, 70, 90\)"):
        image[0].read_into(..., np.empty((3, 70), "u2"))
    with pytest.raises(TypeError, match="found dtype bool"):
        image[0].read_into(0, np.empty((70, 90), "?"))
    out = np.empty((70, 90), "u2")
    out.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        image[0].read_into(0, out)


def test_numpy_reads_it_whole(image, suffix):
    opened, array = image
    equal(np.asarray(opened), array)
    assert np.asarray(opened).flags.writeable
    equal(np.asarray(opened, dtype="f4"), array.astype("f4"))
    assert np.mean(opened) == array.mean()
    if suffix == ".npy":
        equal(opened.__array__(copy=False), array)
        with pytest.raises(ValueError, match="another dtype needs a copy"):
            opened.__array__(np.float32, copy=False)
    else:
        with pytest.raises(ValueError, match="no view without a copy"):
            opened.__array__(copy=False)
    if int(np.__version__.split(".")[0]) >= 2:
        equal(np.array(opened, copy=True), array)


def test_view_is_the_file(npy):
    path = npy(np.arange(600, dtype="i4").reshape(20, 30))
    view = gdal_ndarray.open(path).view()
    assert not view.flags.writeable and type(view) is np.ndarray
    file = np.load(path, mmap_mode="r+")
    file[3, 4] = -1
    file.flush()
    assert view[3, 4] == -1


def test_open_options(npy):
    path = npy(np.zeros((20, 30, 4), "u1"))
    opened = gdal_ndarray.open(path, axes="BYX", NUM_THREADS=1)
    assert (opened.dims, opened.open_options) == (
        ("band", "y", "x"), (("AXES", "BYX"), ("NUM_THREADS", "1")))
    with pytest.warns(RuntimeWarning, match="NUM_THREADS: found lots"):
        gdal_ndarray.open(path, num_threads="lots")


@pytest.mark.parametrize("exceptions", [False, True])
def test_errors_are_exceptions_with_the_drivers_message(tmp_path, npy, exceptions, capfd):
    (gdal.UseExceptions if exceptions else gdal.DontUseExceptions)()
    with pytest.raises(FileNotFoundError):
        gdal_ndarray.open(tmp_path / "none.npy")
    whole = pathlib.Path(npy(np.zeros((20, 30))))
    (tmp_path / "cut.npy").write_bytes(whole.read_bytes()[:1000])
    with pytest.raises(OSError, match="cut.npy: cut short: 1000 of 4928 bytes; copy it again"):
        gdal_ndarray.open(tmp_path / "cut.npy")
    with pytest.raises(ValueError, match="AXES"):
        gdal_ndarray.open(whole, AXES="BYX")
    np.save(tmp_path / "text.npy", np.array(["text"]))
    with pytest.raises(ValueError, match="text.npy"):
        gdal_ndarray.open(tmp_path / "text.npy")
    opened = gdal_ndarray.open(whole)
    whole.write_bytes(whole.read_bytes()[:1000])
    with pytest.raises(OSError, match="array.npy"):
        opened[...]
    assert gdal.GetUseExceptions() == exceptions
    assert capfd.readouterr() == ("", "")


def test_windows_cover_the_image(image):
    opened, array = image
    copy = np.zeros_like(array)
    for window in opened.windows(32):
        copy[window] += opened[window]
    equal(copy, array)
    windows = list(opened.windows((40, 64), overlap=5))
    assert windows[0] == (slice(0, 3), slice(0, 45), slice(0, 69))
    assert [window.shape for window in windows] == [(3, 45, 69), (3, 45, 31), (3, 35, 69), (3, 35, 31)]
    copy[...] = 0
    for window in windows:
        equal(opened[window][window.crop], array[window.core])
        copy[window.core] += opened[window][window.crop]
    equal(copy, array)
    with pytest.raises(ValueError, match="size: found 0"):
        next(opened.windows(0))


def test_messages_name_virtual_files_too():
    with pytest.raises(OSError, match="/vsimem/none.tif"):
        gdal_ndarray.open("/vsimem/none.tif")
