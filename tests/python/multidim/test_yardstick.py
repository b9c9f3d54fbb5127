"""What GDAL's tests of its own multidimensional drivers ask of an array, asked of ours: tests/README.md counts it."""

import math
import struct

import numpy as np
import pytest
from osgeo import gdal, osr
from multidim.test_reading import RECORD, open_array, save
from multidim.test_reading import path  # noqa: F401
from multidim.test_writing import New

blosc2 = pytest.importorskip("blosc2")
GDAL = int(gdal.VersionInfo())
SHAPE = (4, 5, 6)
ARRAY = np.arange(120, dtype="i2").reshape(SHAPE)
FLOAT64 = gdal.ExtendedDataType.Create(gdal.GDT_Float64)
TEXT = gdal.ExtendedDataType.CreateString()


@pytest.fixture
def shown(path):  # noqa: F811
    return open_array(save(path, ARRAY))


@pytest.fixture
def new(path):  # noqa: F811
    made = New(path, SHAPE, "i2", names=("z", "y", "x"))
    made.array.Write(ARRAY)
    return made


def raises(function, *arguments, **named):
    """Whether the call fails, as older bindings (a result) or newer ones (an exception) say it."""
    try:
        return function(*arguments, **named) in (None, gdal.CE_Failure, False)
    except (RuntimeError, ValueError):
        return True


@pytest.fixture
def archive(tmp_path):
    name = tmp_path / "many.npz"
    np.savez(name, **{"top": ARRAY, "a/one": ARRAY[:1], "a/both": ARRAY[:2], "a/deep/two": ARRAY[:3],
                      "b/both": ARRAY[1:]})
    return gdal.OpenEx(str(name), gdal.OF_MULTIDIM_RASTER).GetRootGroup()


def test_arrays_and_groups_open_by_full_names(archive):
    assert archive.OpenMDArrayFromFullname("/a/deep/two").GetFullName() == "/a/deep/two"
    assert archive.OpenGroupFromFullname("/a/deep").GetFullName() == "/a/deep"
    assert archive.OpenGroup("a").OpenMDArray("one").ReadAsArray().shape == (1, 5, 6)
    for name in ("/a/none", "/none/one", "/top/one", "/a"):
        assert raises(archive.OpenMDArrayFromFullname, name)
    assert raises(archive.OpenMDArray, "a/one") and raises(archive.OpenGroup, "a/deep")


@pytest.mark.parametrize("name, start, found", [
    ("top", "/", "/top"), ("/top", "/a", "/top"), ("one", "/", "/a/one"), ("two", "", "/a/deep/two"),
    ("one", "/a/deep", "/a/one"), ("one", "/b", "/a/one"), ("both", "/b", "/b/both"), ("both", "/a/deep", "/a/both"),
    ("one", "/b/none", "/a/one")])
def test_names_are_resolved_from_where_they_are_said(archive, name, start, found):
    assert archive.ResolveMDArray(name, start).GetFullName() == found
    assert raises(archive.ResolveMDArray, "none", start)


def test_the_only_array_of_a_file_is_resolved(path):  # noqa: F811
    group = gdal.OpenEx(save(path, ARRAY), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
    assert group.ResolveMDArray("scene", "/").GetFullName() == "/scene"
    assert group.OpenMDArrayFromFullname("/scene").shape == SHAPE


SLICES = ["[:]", "[...]", "[1]", "[-1]", "[1,2]", "[1,2,3]", "[1,...]", "[...,1]", "[1,...,2]", "[:,:,1]", "[::]",
          "[0::]", "[0:4:1]", "[0:-1:1]", "[1:2:1]", "[::-1,0,0]", "[0,0,::-1]", "[0,0,2::-1]", "[0,0,2:0:-1]",
          "[0,0,0:6:2]", "[0,0,0:5:2]", "[0,0,5:0:-2]", "[0,0,5:1:-3]", "[-2:,1:,::3]", "[::-2,::-3,::-4]", "[1][2][3]",
          "[1:3][0]", "[-100:2]", "[0,newaxis,1]", "[newaxis,...]"]


@pytest.mark.parametrize("view", SLICES)
def test_views_are_those_of_numpy(shown, view):
    expected = eval("ARRAY" + view.replace("newaxis", "np.newaxis"))
    read = shown.GetView(view)
    assert read.GetDimensionCount() == np.ndim(expected)
    np.testing.assert_array_equal(np.reshape(read.ReadAsArray(), np.shape(expected)), expected)


@pytest.mark.parametrize("view", ["", "x", "[", "[]", "[foo]", "[1,2,3,4]", "[1,2,3,:]", "[1:2:3:4]", "[...,...]",
                                  "[-5]", "[4]", "[::0]", "[1:1:1]", "[0,0,0][:]", "['none']"])
def test_views_that_are_none_are_refused(shown, view):
    assert raises(shown.GetView, view)


def test_views_are_written_through(new):
    assert new.array.GetView("[1,::-1,2]").Write(np.arange(5, dtype="i2")) == gdal.CE_None
    expected = ARRAY.copy()
    expected[1, ::-1, 2] = range(5)
    np.testing.assert_array_equal(new.array.ReadAsArray(), expected)


def describe(array):
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32631)
    array.SetSpatialRef(crs)
    array.SetUnit("foo")
    array.SetScale(2.5)
    array.SetOffset(1.5)
    array.SetNoDataValueDouble(7)
    array.CreateAttribute("number", [], FLOAT64).Write(1)


@pytest.mark.parametrize("derive", [lambda a: a.GetView("[1]"), lambda a: a.Transpose([2, 1, 0]),
                                    lambda a: a.Transpose([0, 1, -1, 2])], ids=["view", "transposed", "axis added"])
def test_what_is_said_of_an_array_is_said_of_its_views(new, derive):
    describe(new.array)
    view = derive(new.array)
    assert (view.GetUnit(), view.GetScale(), view.GetOffset()) == ("foo", 2.5, 1.5)
    assert view.GetNoDataValueAsDouble() == 7 and view.GetAttribute("number").Read() == 1
    assert view.GetSpatialRef().GetAuthorityCode(None) == "32631"
    assert view.GetDataType() == new.array.GetDataType()


@pytest.mark.parametrize("axes", [[], [0, 1], [0, 1, 2, 3], [0, 1, 3], [0, 1, -2], [0, 1, -1], [0, 1, 1]])
def test_axes_that_are_no_permutation_are_refused(shown, axes):
    assert raises(shown.Transpose, axes)


def test_transposed_arrays_are_read_and_written(new):
    transposed = new.array.Transpose([1, 2, 0])
    np.testing.assert_array_equal(transposed.ReadAsArray(), ARRAY.transpose(1, 2, 0))
    assert [d.GetName() for d in transposed.GetDimensions()] == ["y", "x", "z"]
    assert transposed.Write(np.ascontiguousarray(ARRAY.transpose(1, 2, 0)[::-1])) == gdal.CE_None
    np.testing.assert_array_equal(new.array.ReadAsArray(), ARRAY[:, ::-1])


@pytest.mark.parametrize("attributes, valid", [
    ({}, lambda a: a != 10), ({"missing_value": 8, "_FillValue": 9}, lambda a: (a < 8) | (a > 10)),
    ({"valid_min": 2, "valid_max": 100}, lambda a: (a >= 2) & (a <= 100) & (a != 10)),
    ({"valid_range": [5, 50]}, lambda a: (a >= 5) & (a <= 50) & (a != 10))],
                         ids=["nodata", "missing values", "limits", "range"])
def test_masks_are_of_nodata_and_of_attributes(new, attributes, valid):
    mask = new.array.GetMask()
    assert mask.GetDataType().GetNumericDataType() == gdal.GDT_Byte
    np.testing.assert_array_equal(mask.ReadAsArray(), np.ones(SHAPE))
    new.array.SetNoDataValueDouble(10)
    for name, value in attributes.items():
        values = value if isinstance(value, list) else [value]
        new.array.CreateAttribute(name, [len(values)], FLOAT64).Write(values)
    np.testing.assert_array_equal(new.array.GetMask().ReadAsArray(), valid(ARRAY))
    np.testing.assert_array_equal(new.array.GetMask().GetView("[1,::-1]").ReadAsArray(), valid(ARRAY)[1, ::-1])
    assert new.array.GetMask().AdviseRead() == gdal.CE_None and raises(new.array.GetMask().Write, np.ones(SHAPE, "u1"))


def test_masks_of_floats_leave_out_what_is_no_number(path):  # noqa: F811
    shown = open_array(save(path, np.array([[0, math.nan, math.inf]], "f4")))
    assert shown.GetMask().ReadAsArray().tolist() == [[1, 0, 1]]
    assert shown.ReadAsMaskedArray().mask.tolist() == [[False, True, False]]


def test_statistics_leave_out_nodata(new):
    new.array.SetNoDataValueDouble(119)
    statistics = new.array.ComputeStatistics(False)
    assert (statistics.min, statistics.max, statistics.valid_count) == (0, 118, 119)
    assert statistics.mean == pytest.approx(59) and statistics.std_dev == pytest.approx(ARRAY.ravel()[:119].std())
    again = new.array.GetStatistics(False, force=True)
    assert (again.min, again.max) == (0, 118)
    view = new.array.GetView("[0,0]")
    assert view.ComputeStatistics(False).max == 5


def test_classic_datasets_of_any_two_axes(new):
    describe(new.array)
    z = new.group.CreateMDArray("z", [new.dimensions[0]], FLOAT64)
    z.Write(np.array([1.25, 2.5, 4, 8]))
    z.SetUnit("m")
    for x, y in ((2, 1), (1, 2), (0, 2)):
        dataset = new.array.AsClassicDataset(x, y)
        other = 3 - x - y
        assert (dataset.RasterXSize, dataset.RasterYSize, dataset.RasterCount) == (SHAPE[x], SHAPE[y], SHAPE[other])
        np.testing.assert_array_equal(dataset.ReadAsArray(), ARRAY.transpose(other, y, x))
    dataset = new.array.AsClassicDataset(2, 1)
    band = dataset.GetRasterBand(3)
    assert {k: v for k, v in band.GetMetadata().items() if k.startswith("DIM_z")} == {
        "DIM_z_INDEX": "2", "DIM_z_VALUE": "4", "DIM_z_UNIT": "m"}
    assert (band.GetNoDataValue(), band.GetScale(), band.GetOffset(), band.GetUnitType()) == (7, 2.5, 1.5, "foo")
    assert band.DataType == gdal.GDT_Int16
    assert band.WriteRaster(0, 0, 6, 1, np.full(6, 9, "i2").tobytes()) == gdal.CE_None
    dataset.FlushCache()
    assert new.array.ReadAsArray([2, 0, 0], [1, 1, 6]).tolist() == [[[9] * 6]]


@pytest.mark.parametrize("x, y", [(0, 0), (1, 1), (0, 3), (3, 0)])
def test_classic_datasets_of_axes_that_are_not_there_are_refused(shown, x, y):
    assert raises(shown.AsClassicDataset, x, y)


def test_a_classic_dataset_of_one_axis_is_a_line(path):  # noqa: F811
    dataset = open_array(save(path, ARRAY.ravel())).AsClassicDataset(0, 0)
    assert (dataset.RasterXSize, dataset.RasterYSize) == (120, 1)
    np.testing.assert_array_equal(dataset.ReadAsArray()[0], ARRAY.ravel())


def test_advice_changes_nothing_that_is_read(shown):
    assert shown.AdviseRead() == gdal.CE_None
    assert shown.AdviseRead([1, 2, 3], [2, 2, 2]) == gdal.CE_None
    assert shown.GetView("[1]").AdviseRead() == gdal.CE_None and shown.Transpose([1, 0, 2]).AdviseRead() == gdal.CE_None
    np.testing.assert_array_equal(shown.ReadAsArray(), ARRAY)
    assert raises(shown.AdviseRead, [2, 3, 3], [20, 1, 1])


def test_arrays_and_views_are_cached_beside_the_file(path):  # noqa: F811
    if gdal.GetDriverByName("netCDF") is None:
        pytest.skip("no driver netCDF, which writes GDAL's caches")
    shown = open_array(save(path, ARRAY))
    transposed = shown.Transpose([2, 0, 1])
    assert transposed.Cache(["BLOCKSIZE=2,1,1"]) and raises(transposed.Cache)
    cached = gdal.OpenEx(f"{path}.gmac", gdal.OF_MULTIDIM_RASTER).GetRootGroup()
    np.testing.assert_array_equal(cached.OpenMDArray(cached.GetMDArrayNames()[0]).ReadAsArray(), ARRAY.transpose(2, 0, 1))
    np.testing.assert_array_equal(open_array(path).Transpose([2, 0, 1]).ReadAsArray(), ARRAY.transpose(2, 0, 1))


def test_unscaled_arrays_are_read_and_written(new):
    np.testing.assert_array_equal(new.array.GetUnscaled().ReadAsArray(), ARRAY)
    new.array.SetOffset(1.5)
    new.array.SetScale(200.5)
    new.array.SetNoDataValueDouble(3)
    unscaled = new.array.GetUnscaled()
    assert unscaled.GetDataType() == FLOAT64 and math.isnan(unscaled.GetNoDataValueAsDouble())
    assert unscaled.GetScale() is None and unscaled.GetOffset() is None
    expected = np.where(ARRAY == 3, np.nan, ARRAY * 200.5 + 1.5)
    np.testing.assert_array_equal(unscaled.ReadAsArray(), expected)
    assert unscaled.Write(expected[::-1].copy()) == gdal.CE_None
    np.testing.assert_array_equal(new.array.ReadAsArray(), ARRAY[::-1])


def test_arrays_are_not_resized(path):  # noqa: F811
    shown = open_array(save(path, ARRAY), gdal.OF_UPDATE)
    if not hasattr(shown, "Resize"):
        pytest.skip("before GDAL 3.7")
    assert raises(shown.Resize, [4, 5, 7])
    assert shown.shape == SHAPE


def test_arrays_are_resampled_as_gdalwarp_does(path):  # noqa: F811
    name = save(path, ARRAY[0])
    dataset = gdal.OpenEx(name, gdal.OF_UPDATE)
    dataset.SetGeoTransform((440720, 60, 0, 3751320, 0, -60))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(26711)
    dataset.SetSpatialRef(crs)
    dataset = None
    target = osr.SpatialReference()
    target.ImportFromEPSG(4267)
    resampled = open_array(path).GetResampled([None, None], gdal.GRIORA_NearestNeighbour, target)
    warped = gdal.Warp("", name, format="MEM", dstSRS="EPSG:4267")
    np.testing.assert_array_equal(resampled.ReadAsArray(), warped.ReadAsArray())
    assert raises(open_array(path).GetResampled, [None], gdal.GRIORA_NearestNeighbour, None)


@pytest.mark.parametrize("start, count, step, stride", [
    ([0, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0]), ([0, 0, 0], [1, 1], [1, 1, 1], [0, 0, 0]),
    ([0, 0, 0], [1, 1, 1], [1, 1], [0, 0, 0]), ([0, 0, 0], [1, 1, 1], [1, 1, 1], [0, 0]),
    ([-1, 0, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0]), ([4, 0, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0]),
    ([0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 0]), ([0, 0, 0], [5, 1, 1], [1, 1, 1], [0, 0, 0]),
    ([0, 0, 0], [2, 1, 1], [4, 1, 1], [0, 0, 0]), ([0, 0, 0], [2 << 50, 1, 1], [2 << 50, 1, 1], [0, 0, 0]),
    ([0, 0, 0], [2, 1, 1], [-1, 1, 1], [0, 0, 0]), ([0, 0, 0], [2, 1, 1], [-(1 << 63), 1, 1], [0, 0, 0]),
    ([1, 0, 0], [2, 1, 1], [1, 1, 1], [(1 << 63) - 1, 0, 0])])
def test_windows_that_cannot_be_are_refused(shown, start, count, step, stride):
    assert raises(shown.Read, start, count, step, stride)


def test_buffers_that_are_too_short_are_refused(new):
    assert raises(new.array.Write, b"", [1, 2, 3], [1, 1, 1])
    assert raises(new.array.Write, struct.pack("d", 25)[:7], [1, 2, 3], [1, 1, 1], buffer_datatype=FLOAT64)
    assert new.array.Write(struct.pack("d", 25), [1, 2, 3], [1, 1, 1], buffer_datatype=FLOAT64) == gdal.CE_None
    assert struct.unpack("d", new.array.Read([1, 2, 3], [1, 1, 1], buffer_datatype=FLOAT64)) == (25,)
    assert raises(new.array.Read, buffer_datatype=TEXT) or new.array.ReadAsArray() is not None


@pytest.mark.parametrize("dtype", [gdal.GDT_Byte, gdal.GDT_Int16, gdal.GDT_Int32, gdal.GDT_Float64, gdal.GDT_CFloat64])
def test_elements_are_spread_over_memory(path, dtype):  # noqa: F811
    shown = open_array(save(path, np.arange(30).astype("u1")))
    number = gdal.ExtendedDataType.Create(dtype)
    read = shown.Read(buffer_stride=[63], buffer_datatype=number)
    size = number.GetSize()
    assert len(read) == (29 * 63 + 1) * size
    assert [int(np.frombuffer(read, gdal_type(dtype))[i * 63].real) for i in range(30)] == list(range(30))


def gdal_type(dtype):
    return {gdal.GDT_Byte: "u1", gdal.GDT_Int16: "i2", gdal.GDT_Int32: "i4", gdal.GDT_Float64: "f8",
            gdal.GDT_CFloat64: "c16"}[dtype]


@pytest.mark.parametrize("rank", [30, 32, 64])
def test_arrays_of_very_many_axes(tmp_path, rank):
    shape = tuple(1 + (i % 2) * (i < 30) for i in range(rank))
    new = New(tmp_path / "scene.npy", shape, "u1", names=[f"d{i}" for i in range(rank)])
    assert new.array.GetDimensionCount() == rank and len(new.array.Read()) == 2**15


def test_one_field_of_records_is_read_alone(path):  # noqa: F811
    array = np.zeros((2, 3), RECORD)
    array["depth"] = np.arange(6).reshape(2, 3)
    shown = open_array(save(path, array))
    part = gdal.ExtendedDataType.CreateCompound(
        "part", 8, [gdal.EDTComponent.Create("depth", 0, FLOAT64)])
    assert struct.unpack("6d", shown.Read(buffer_datatype=part)) == tuple(range(6))
    assert shown.GetView("['depth'][1]").ReadAsArray().tolist() == [3, 4, 5]
    assert shown.GetView("[1]['depth']").ReadAsArray().tolist() == [3, 4, 5]


def placed(path):  # noqa: F811
    name = save(path, ARRAY[0])
    dataset = gdal.OpenEx(name, gdal.OF_UPDATE)
    dataset.SetGeoTransform((440720, 60, 0, 3751320, 0, -50))
    dataset = None
    return name


def test_views_keep_their_place(path):  # noqa: F811
    if GDAL < 3130000:
        pytest.skip("GDAL 3.6 and 3.10 give views no positions")
    shown = open_array(placed(path))
    assert shown.GetView("[2:4,:]").AsClassicDataset(1, 0).GetGeoTransform() == (440720, 60, 0, 3751220, 0, -50)
    assert shown.GetView("[:,::2]").AsClassicDataset(1, 0).GetGeoTransform()[1] == 120


def test_bands_are_arrays(path):  # noqa: F811
    dataset = gdal.Open(placed(path))
    array = dataset.GetRasterBand(1).AsMDArray()
    # Not "[::-1,1]": GDAL 3.6 then reads nothing, of its own drivers, either.
    np.testing.assert_array_equal(array.GetView("[::-1,1:2]").ReadAsArray(), ARRAY[0, ::-1, 1:2])
    np.testing.assert_array_equal(array.GetDimensions()[1].GetIndexingVariable().ReadAsArray(), 440750 + 60 * np.arange(6.0))


@pytest.mark.parametrize("dtype", [gdal.GDT_Int16, gdal.GDT_Int32, gdal.GDT_Float64])
def test_transposed_arrays_are_read_as_other_types(shown, dtype):
    read = shown.Transpose([0, 2, 1]).ReadAsArray(buffer_datatype=gdal.ExtendedDataType.Create(dtype))
    np.testing.assert_array_equal(read, ARRAY.transpose(0, 2, 1))
