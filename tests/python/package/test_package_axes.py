"""Arrays of any number of axes: created and opened, as NumPy and python-blosc2 have them."""

import gc
import itertools
import os
import pickle
import signal
import subprocess
import sys
import time

import gdal_ndarray
import numpy as np
import pytest
from osgeo import gdal, osr
from support.package import DIMS, SHAPE, elsewhere, equal, in_child, options_of
from support.thread import in_threads


def random_key(rng, shape):
    """Integers, slices with any steps, and an ellipsis at times."""
    key = [int(rng.integers(-length, length)) if rng.random() < 0.3 else
           slice(*(None if rng.random() < 0.2 else int(end) for end in rng.integers(-length - 3, length + 4, 2)),
                 int(rng.choice([-7, -2, -1, 1, 1, 2, 5]))) for length in shape]
    if rng.random() < 0.4:
        at = int(rng.integers(len(shape) + 1))
        key[at:at + int(rng.integers(3))] = [...]
    return tuple(key)


# --- created


def test_windows_of_any_steps_are_written(tmp_path, suffix, rng):
    array = rng.normal(size=SHAPE).astype("f4")
    path = tmp_path / ("new" + suffix)
    with gdal_ndarray.create(path, SHAPE, "f4", dims=DIMS, **options_of(suffix)) as writer:
        assert (writer.shape, writer.dtype, writer.dims) == (SHAPE, np.float32, DIMS)
        assert writer.chunks == ((2, 2, 32, 32) if suffix == ".b2nd" else (1, 1, 1, 1))
        writer[...] = array
        for _ in range(60):
            key = random_key(rng, SHAPE)
            values = rng.normal(size=array[key].shape)
            writer[key] = array[key] = values
        writer[1] = array[1] = np.arange(90)
        writer[:, 0, ::-1] = array[:, 0, ::-1] = np.float32(3)
        writer[2, ..., ::3] = array[2, ..., ::3] = array[2, ..., 5:6]
        assert os.listdir(tmp_path) == [f".new{suffix}.writing"]
    assert sorted(set(os.listdir(tmp_path)) - {"new.npy.aux.xml"}) == ["new" + suffix]
    equal(elsewhere(path), array)
    equal(gdal_ndarray.open(path)[...], array)


@pytest.mark.parametrize("rank", [1, 2, 3, 4, 5, 8, 16])
def test_any_number_of_axes(tmp_path, suffix, rng, rank):
    shape = (2, 1, 3, 1, 2, 1, 1, 2, 1, 3, 1, 1, 2, 3, 5, 7)[-rank:]
    dims = tuple(f"name{axis}" for axis in range(rank))
    array = rng.integers(0, 60000, shape, dtype="u2")
    path = tmp_path / ("new" + suffix)
    with gdal_ndarray.create(path, shape, "u2", dims=dims) as writer:
        assert writer.dims == dims
        writer[..., ::2] = array[..., ::2]
        writer[..., 1::2] = array[..., 1::2]
    equal(elsewhere(path), array)
    opened = gdal_ndarray.open(path)
    equal(opened[...], array)
    assert opened.dims == (dims if rank > 3 else ("band", "y", "x")[-rank:])
    group = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
    assert tuple(dimension.GetName() for dimension in group.OpenMDArray("new").GetDimensions()) == dims


@pytest.mark.parametrize("dims", [("array",), ("array", "array_")])
def test_any_name_of_an_axis(tmp_path, suffix, dims):
    path = tmp_path / ("new" + suffix)
    with gdal_ndarray.create(path, (5, 3)[:len(dims)], "u1", dims=dims) as writer:
        writer[...] = 7
    assert (elsewhere(path) == 7).all()
    group = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
    assert tuple(dimension.GetName() for dimension in group.OpenMDArray("new").GetDimensions()) == dims


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", ">u2", "u4", "i4", "i8", "u8", "f4", "f8", "c8", "c16"])
def test_elements(tmp_path, suffix, rng, dtype):
    array = (rng.integers(0, 2, (2, 3, 4, 5)) * (1 if np.dtype(dtype).kind in "bu" else -1)).astype(dtype)
    path = tmp_path / ("new" + suffix)
    nodata = {"nodata": 1} if np.dtype(dtype).kind != "c" else {}
    with gdal_ndarray.create(path, array.shape, dtype, **nodata) as writer:
        writer[:, :, ::-1] = array[:, :, ::-1]
    wanted = array.astype("u1") if dtype == "?" else array.astype(array.dtype.newbyteorder("="))
    equal(elsewhere(path), wanted)
    opened = gdal_ndarray.open(path)
    equal(opened[...], wanted)
    equal(opened[1, ..., ::-2], wanted[1, ..., ::-2])
    assert opened.nodata == nodata.get("nodata")


@pytest.mark.parametrize("dtype", ["i1", "u2"])
def test_unwritten_elements_are_nodata_or_zero(tmp_path, suffix, dtype):
    path = tmp_path / ("new" + suffix)
    for nodata, expected in ((9, 9), (None, 0)):
        with gdal_ndarray.create(path, (2, 3, 4, 5), dtype, nodata=nodata) as writer:
            writer[1, 2] = 1
        read = elsewhere(path)
        assert (read[1, 2] == 1).all()
        assert (read[0] == expected).all()


def test_what_is_said_of_it_is_read_again(stack, georeferenced):
    opened, array = stack
    assert (opened.shape, opened.dims, opened.dtype) == (SHAPE, DIMS, np.uint16)
    assert (opened.transform, opened.nodata) == (georeferenced["transform"], 7)
    assert osr.SpatialReference(opened.crs).GetAuthorityCode(None) == "32633"
    assert opened.chunks == ((2, 2, 32, 32) if opened.path.endswith(".b2nd") else (3, 4, 70, 90))


def test_python_blosc2_reads_what_is_said_of_it(stack):
    opened, array = stack
    if opened.path.endswith(".npy"):
        pytest.skip("has no attributes")
    stored = pytest.importorskip("blosc2").open(opened.path)
    attributes = stored.schunk.vlmeta
    assert attributes["dimension_names"] == list(DIMS) and attributes["spatial:dimensions"] == ["y", "x"]
    assert attributes["proj:code"] == "EPSG:32633"
    assert (stored.chunks, stored.blocks) == ((2, 2, 32, 32), (1, 2, 16, 16))


@pytest.mark.parametrize("dims", [("t", "z", "lat", "lon"), ("y", "x", "t", "c"), ("a", "b", "c", "d"), None])
def test_places_belong_to_lines_and_pixels(tmp_path, suffix, georeferenced, dims):
    """Wherever these axes are; rotated, and of one pixel, too."""
    rotated = (1 / 3, 0.5, 7.1, -0.25, 1 / 7, 9.3)
    shape = (1, 5, 1, 6) if dims and dims[0] == "y" else (3, 2, 1, 5)
    path = tmp_path / ("new" + suffix)
    for transform in (georeferenced["transform"], rotated):
        with gdal_ndarray.create(path, shape, "u1", dims=dims, crs="EPSG:4326", transform=transform):
            pass
        opened = gdal_ndarray.open(path)
        assert opened.transform == transform
        assert opened.dims == (dims or ("axis_0", "band", "y", "x"))
        windows = list(opened.windows(2))
        lines, pixels = (0, 1) if dims and dims[0] == "y" else (2, 3)
        assert len(windows) == 3 and windows[0].shape[pixels] == 2 and windows[0].shape[lines] == 1


def test_like_an_array_of_the_same_axes(tmp_path, stack, suffix):
    like, array = stack
    path = tmp_path / ("new" + suffix)
    for source in (like, like.path):
        with gdal_ndarray.create(path, (2, 5, 70, 90), "f4", source) as writer:
            assert writer.dims == DIMS
        opened = gdal_ndarray.open(path)
        assert (opened.dims, opened.transform, opened.nodata) == (DIMS, like.transform, 7)
        assert osr.SpatialReference(opened.crs).IsSame(osr.SpatialReference(like.crs))
    with gdal_ndarray.create(path, (2, 5, 7, 90), "i1", like, nodata=None, dims="abcd", crs=None):
        pass
    opened = gdal_ndarray.open(path)
    assert (opened.dims, opened.transform, opened.nodata, opened.crs) == (tuple("abcd"), None, None, None)
    with gdal_ndarray.create(path, (70, 90), "i2", like):  # a raster of one plane
        pass
    opened = gdal_ndarray.open(path)
    assert (opened.dims, opened.transform, opened.nodata) == (("y", "x"), like.transform, 7)


def test_names_of_one_to_three_axes_say_which_they_are(tmp_path, suffix):
    path = tmp_path / ("new" + suffix)
    with gdal_ndarray.create(path, (30, 40, 9), "u1", dims=("y", "x", "band")) as writer:
        assert writer.dims == ("y", "x", "band")
    assert gdal.Open(str(path)).RasterCount == 9
    with gdal_ndarray.create(path, (30, 40, 9), "u1", dims=("y", "x", "time")) as writer:
        assert writer.dims == ("y", "x", "time")
    assert gdal.Open(str(path)).RasterCount == 9
    assert gdal_ndarray.open(path).dims == ("y", "x", "band")


@pytest.mark.parametrize("options, chunks, blocks", [
    ({"BLOCKSIZE": "2,4,35,30"}, (2, 4, 35, 30), None), ({"BLOCKSIZE": [1, 2, 8, 8], "BLOCKS": (1, 1, 4, 8)},
                                                         (1, 2, 8, 8), (1, 1, 4, 8))])
def test_chunks_and_blocks_are_chosen(tmp_path, options, chunks, blocks):
    blosc2 = pytest.importorskip("blosc2")
    with gdal_ndarray.create(tmp_path / "new.b2nd", SHAPE, "u2", COMPRESS="LZ4", **options) as writer:
        assert writer.chunks == chunks
    stored = blosc2.open(str(tmp_path / "new.b2nd"))
    assert stored.chunks == chunks and blocks in (None, stored.blocks)
    assert stored.schunk.cparams.codec == blosc2.Codec.LZ4


@pytest.mark.parametrize("shape, arguments, message", [
    (SHAPE, {"dims": "xyz"}, "dims: found .*for the 4 axes"), (SHAPE, {"dims": "xyzz"}, "different names"),
    (SHAPE, {"dims": ("a/b", "c", "y", "x")}, "without slashes"), (SHAPE, {"dims": (1, 2, 3, 4)}, "names"),
    (SHAPE, {"CHUNKXSIZE": 64}, "CHUNKXSIZE: found 64, wanted BLOCKSIZE= .*4 axes"),
    (SHAPE, {"BLOCKSIZE": 16}, "BLOCKSIZE: found 16, wanted 4 numbers"),
    (SHAPE, {"INTERLEAVE": "PIXEL"}, "INTERLEAVE: found PIXEL, wanted none of it"),
    ((3, 4), {"dims": ("y", "band")}, "wanted one called x"), ((3, 4), {"dims": "yx", "AXES": "YX"}, "no AXES"),
    ((2, 3, 0, 5), {}, "at least 1 element"), (SHAPE, {"BLOCKSIZE": (2, 2)}, "BLOCKSIZE: found 2,2, wanted 4 numbers"),
    (SHAPE, {"BLOCKS": (1, 1, 3, 3), "BLOCKSIZE": (1, 1, 8, 8)}, "BLOCKS: found"),
    (SHAPE, {"COMPRESS": "NOTHING"}, "COMPRESS: found NOTHING"), ((1 << 25,) * 3 + (2,), {}, "2.63 bytes|chunks"),
    (SHAPE, {"crs": "nowhere"}, "crs: found 'nowhere'")], ids=str)
@pytest.mark.parametrize("exceptions", [False, True])
def test_wrong_arguments_leave_nothing(tmp_path, shape, arguments, message, exceptions):
    (gdal.UseExceptions if exceptions else gdal.DontUseExceptions)()
    with pytest.raises(ValueError, match=message):
        gdal_ndarray.create(tmp_path / "new.b2nd", shape, "u1", **arguments)
    assert os.listdir(tmp_path) == []


def test_options_that_do_nothing_are_warned_of(tmp_path):
    with pytest.warns(RuntimeWarning, match="COMPRES"):
        gdal_ndarray.create(tmp_path / "new.b2nd", SHAPE, "u1", COMPRES="LZ4")
    with pytest.warns(RuntimeWarning, match="ignored: .*COMPRESS=LZ4"):
        gdal_ndarray.create(tmp_path / "new.npy", SHAPE, "u1", COMPRESS="LZ4")


def test_exceptions_leave_what_was_there(tmp_path, suffix):
    path = tmp_path / ("new" + suffix)
    for fill in (1, 2):
        with pytest.raises(ZeroDivisionError), gdal_ndarray.create(path, (2, 3, 30, 40), "u1") as writer:
            writer[:] = 9
            raise ZeroDivisionError
        with gdal_ndarray.create(path, (2, 3, 30, 40), "u1") as writer:
            writer[:] = fill
            with pytest.raises(ValueError, match="broadcast"):
                writer[:, :2] = np.zeros(39)
            with pytest.raises(IndexError):
                writer[2] = 1
        with pytest.raises(ValueError, match="complete or given up"):
            writer[0] = 1
    assert gdal_ndarray.open(path)[...].min() == 2


def test_killed_at_random(tmp_path, suffix, rng):
    path = tmp_path / ("new" + suffix)
    pixels = rng.integers(0, 255, (4, 4, 64, 64), dtype="u1")

    def work():
        with gdal_ndarray.create(path, pixels.shape, "u1", dims=DIMS, nodata=3) as writer:
            for key in itertools.product(range(4), range(4)):
                writer[key] = pixels[key]
                time.sleep(0.001)

    for delay in rng.uniform(0, 0.05, 6):
        process = os.fork()
        if process == 0:
            work()
            os._exit(0)
        time.sleep(delay)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        if path.exists():
            equal(elsewhere(path), pixels)
            path.unlink()
    work()
    equal(elsewhere(path), pixels)
    assert set(os.listdir(tmp_path)) <= {path.name, path.name + ".aux.xml"}


def test_a_forked_child_neither_writes_nor_removes(tmp_path, suffix):
    path = tmp_path / ("new" + suffix)
    with gdal_ndarray.create(path, (2, 2, 30, 40), "u1") as writer:
        writer[:] = 1

        def child():
            with pytest.raises(ValueError, match="another process"):
                writer[:] = 1
            writer.abort()
            writer._file = None  # as when the interpreter ends
            gc.collect()

        assert in_child(child)
        writer[1] = 2
    read = elsewhere(path)
    assert (read[0] == 1).all() and (read[1] == 2).all()


def test_threads_write_to_one_file(tmp_path, suffix, rng):
    array = rng.integers(0, 255, (4, 3, 16, 16), dtype="u1")
    with gdal_ndarray.create(tmp_path / ("new" + suffix), array.shape, "u1") as writer:
        in_threads(4, lambda number: [writer.__setitem__((number, slice(None), line), array[number, :, line])
                                      for line in range(16)])
    equal(elsewhere(tmp_path / ("new" + suffix)), array)


# --- opened


def test_indexing_is_numpys(stack, rng):
    opened, array = stack
    for key in (np.s_[...], np.s_[1], np.s_[-1, 2, 5], np.s_[0, 1, 2, 3], np.s_[..., 8], np.s_[::-1, ::2, 10:20, 5::-3],
                np.s_[:, 5:5], np.s_[None, 1, ..., None], np.s_[np.int64(2), ..., np.uint8(4)]):
        equal(opened[key], array[key])
    for _ in range(60):
        key = random_key(rng, SHAPE)
        equal(opened[key], array[key])
    with pytest.raises(IndexError):
        opened[3]
    equal(np.asarray(opened), array)
    out = np.zeros((4, 180, 90), "f8")[:, ::2]
    opened.read_into(np.s_[1, :, :, ::-1], out[:, :70])
    np.testing.assert_array_equal(out[:, :70], array[1, :, :, ::-1])


def test_planes_are_read_by_windows(stack):
    opened, array = stack
    copy = np.zeros_like(array)
    for window in opened.windows(32, overlap=3):
        copy[window.core] += opened[window][window.crop]
    equal(copy, array)


def test_threads_children_and_pickles_read(stack):
    opened, array = stack
    again = pickle.loads(pickle.dumps(opened))
    equal(again[1, ::2], array[1, ::2])
    in_threads(4, lambda number: [equal(opened[number % 3, :, line], array[number % 3, :, line])
                                  for line in range(20)])
    assert in_child(lambda: equal(opened[2], array[2]))
    opened.close()
    equal(opened[:, 1], array[:, 1])
    os.unlink(opened.path)
    opened.close()
    with pytest.raises(FileNotFoundError):
        opened[0]


def test_another_shape_under_the_same_name_is_an_error(tmp_path, npy):
    opened = gdal_ndarray.open(npy(np.zeros((2, 3, 4, 5))))
    npy(np.zeros((2, 3, 5, 4)))
    opened.close()
    with pytest.raises(ValueError, match="replaced"):
        opened[0]


def test_half_precision_and_fortran_order_are_read(npy, rng):
    array = np.asfortranarray(rng.normal(size=(3, 4, 5, 6)).astype("f2"))
    opened = gdal_ndarray.open(npy(array))
    assert opened.dims == ("axis_0", "band", "y", "x") and opened.chunks == array.shape
    equal(opened[1:, ::-1, 2], array[1:, ::-1, 2])
    equal(opened.view(), array)


def test_xarray_has_the_names_and_places(stack):
    xarray = pytest.importorskip("xarray")
    opened, array = stack
    data = opened.xarray()
    assert data.dims == DIMS and set(data.coords) == {"y", "x", "spatial_ref"}
    np.testing.assert_array_equal(data.x, 500005 + 10 * np.arange(90))
    equal(data.isel(t=1, x=slice(60, 10, -3)).values, array[1, :, :, 60:10:-3])
    from gdal_ndarray.xarray import GdalNdarrayBackend
    with xarray.open_dataset(opened.path, engine=GdalNdarrayBackend, mask_and_scale=False) as dataset:
        equal(dataset.band_data[2].values, array[2])


WITHOUT_OSGEO = """
import itertools, sys
sys.modules["osgeo"] = None  # as where rasterio has the only GDAL
import numpy as np
import gdal_ndarray

array = np.random.default_rng(1).integers(0, 100, (3, 4, 7, 9))
for path, dtype, nodata in itertools.product(sys.argv[1:], ("i2", "i8", "u8", "i1", "f4"), (7, None)):
    values = array.astype(dtype)
    with gdal_ndarray.create(path, array.shape, dtype, dims="tzyx", crs="EPSG:32633",
                             transform=(10, 0, 5, 0, -10, 7), nodata=nodata) as writer:
        writer[...] = values
        writer[::2, 1, ::-1] = values[::2, 1, ::-1] = 3
    opened = gdal_ndarray.open(path)
    assert (opened[...] == values).all() and (opened[1, ..., ::-3] == values[1, ..., ::-3]).all()
    assert (opened.dtype, opened.nodata, opened.dims) == (values.dtype, nodata, ("t", "z", "y", "x"))
    assert opened.transform == (10, 0, 5, 0, -10, 7) and "32633" in opened.crs
import xarray
placed = xarray.DataArray(values, dims=list("tzyx"), coords={"z": ("z", [0.0, 1, 4, 5], {"units": "m"})})
with gdal_ndarray.create(path, array.shape, "f4", placed):
    pass
(positions, texts), = gdal_ndarray.open(path).coordinates().values()
assert positions.tolist() == [0, 1, 4, 5] and texts == {"units": "m"}
try:
    gdal_ndarray.create(path, (1,) * 65, "u1")
except ValueError as error:
    print(error)
"""


def test_rasterios_gdal_will_do(tmp_path):
    pytest.importorskip("rasterio")
    pytest.importorskip("xarray")
    paths = [tmp_path / f"new.{name}" for name in ("npy", "b2nd") if gdal.GetDriverByName(name)]
    run = subprocess.run([sys.executable, "-c", WITHOUT_OSGEO, *paths],
                         capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "dimensions" in run.stdout
