"""What is said of an array through the multidimensional API is there when it is opened again, in whatever order."""

import math

import numpy as np
import pytest
from osgeo import gdal
from multidim.test_reading import open_array, save
from multidim.test_reading import path  # noqa: F401
from multidim.test_writing import New, load

blosc2 = pytest.importorskip("blosc2")
FLOAT64 = gdal.ExtendedDataType.Create(gdal.GDT_Float64)
SHAPE = (3, 4, 9, 7)


def coordinates(array, number):
    return array.GetDimensions()[number].GetIndexingVariable()


def place(new, number, values, dtype=gdal.GDT_Float64):
    """The indexing variable of a dimension of a new array, written."""
    dimension = new.dimensions[number]
    variable = new.group.CreateMDArray(dimension.GetName(), [dimension], gdal.ExtendedDataType.Create(dtype))
    assert variable.Write(values) == gdal.CE_None
    return variable


def test_attributes_and_coordinates_that_are_no_numbers_are_read(tmp_path):
    attributes = {"nan": math.nan, "floats": [1.5, math.inf, -math.inf], "tree": {"a": [math.nan]},
                  "coordinates": {"dim_0": [0.5, math.nan, math.inf]}}
    name = save(tmp_path / "scene.b2nd", np.zeros(SHAPE, "u1"), attributes)
    array = open_array(name)
    assert math.isnan(array.GetAttribute("nan").Read())
    assert list(array.GetAttribute("floats").Read()) == [1.5, math.inf, -math.inf]
    assert array.GetAttribute("tree").ReadAsString() == '{"a":[NaN]}'
    np.testing.assert_array_equal(coordinates(array, 0).ReadAsArray(), [0.5, math.nan, math.inf])
    assert gdal.Open(gdal.Open(name).GetSubDatasets()[0][0]).GetMetadataItem("nan") == "NaN"


def test_attributes_and_coordinates_that_are_no_numbers_are_written(path):  # noqa: F811
    new = New(path)
    new.array.CreateAttribute("nan", [], FLOAT64).Write(math.nan)
    new.array.CreateAttribute("floats", [3], FLOAT64).Write([math.inf, 2.5, -math.inf])
    place(new, 0, np.array([0, math.nan, 4]))
    new.close()
    array = open_array(path)
    assert math.isnan(array.GetAttribute("nan").Read())
    assert list(array.GetAttribute("floats").Read()) == [math.inf, 2.5, -math.inf]
    np.testing.assert_array_equal(coordinates(array, 0).ReadAsArray(), [0, math.nan, 4])


@pytest.mark.parametrize("dtype, numpy_type, values", [
    (gdal.GDT_Int64, "i8", [-2**63, 2**53 + 1, 2**63 - 1]), (gdal.GDT_UInt64, "u8", [0, 2**53 + 1, 2**64 - 1]),
    (gdal.GDT_Int32, "i4", [0, 10, 40]), (gdal.GDT_Float32, "f4", [0, 0.5, 40])])
def test_coordinates_are_not_rounded(path, dtype, numpy_type, values):  # noqa: F811
    new = New(path)
    written = place(new, 0, np.array(values, numpy_type), dtype)
    np.testing.assert_array_equal(written.ReadAsArray(), np.array(values, numpy_type))
    del written
    new.close()
    read = coordinates(open_array(path), 0).ReadAsArray()
    assert [int(v) for v in read] == [int(v) for v in values]
    assert read.dtype.kind == (np.dtype(numpy_type).kind if max(values) > 2**63 else "f" if numpy_type == "f4" else "i")


def test_attributes_of_positions_on_a_grid_are_kept(path):  # noqa: F811
    new = New(path)
    for number, start, step in ((3, 10.25, 0.5), (2, 50, -0.25)):
        variable = place(new, number, start + step * np.arange(SHAPE[number]))
        variable.SetUnit("degrees")
        variable.CreateAttribute("axis", [], gdal.ExtendedDataType.CreateString()).Write("XY"[3 - number])
        del variable
    new.close()
    array = open_array(path)
    assert array.AsClassicDataset(3, 2).GetGeoTransform() == pytest.approx((10, 0.5, 0, 50.125, 0, -0.25))
    for number, start, step in ((3, 10.25, 0.5), (2, 50, -0.25)):
        variable = coordinates(array, number)
        np.testing.assert_allclose(variable.ReadAsArray(), start + step * np.arange(SHAPE[number]))
        assert variable.GetUnit() == "degrees" and variable.GetAttribute("axis").Read() == "XY"[3 - number]


@pytest.mark.parametrize("flush", [False, True])
@pytest.mark.parametrize("last", ["variable", "group", "attribute", "array", "dimension"])
def test_what_is_said_after_the_dataset_is_released_is_kept(path, last, flush):  # noqa: F811
    new = New(path)
    variable = place(new, 0, np.array([1.0, 2, 4]))
    attribute = new.group.CreateAttribute("number", [], FLOAT64)
    if flush:
        new.dataset.FlushCache()
    new.dataset = None
    attribute.Write(7.5)
    new.group.CreateAttribute("other", [], FLOAT64).Write(8.5)
    variable.Write(np.array([1.0, 2, 8]))
    variable.SetUnit("s")
    kept = {"variable": variable, "group": new.group, "attribute": attribute, "array": new.array,
            "dimension": new.dimensions[0]}[last]
    del variable, attribute
    new.close()
    if last == "dimension":
        np.testing.assert_array_equal(kept.GetIndexingVariable().ReadAsArray(), [1, 2, 8])
    if last == "variable":
        kept.Write(np.array([1.0, 2, 16]))
    del kept
    array = open_array(path)
    assert array.GetAttribute("number").Read() == 7.5 and array.GetAttribute("other").Read() == 8.5
    np.testing.assert_array_equal(coordinates(array, 0).ReadAsArray(), [1, 2, 16 if last == "variable" else 8])
    assert coordinates(array, 0).GetUnit() == "s"


def test_group_attributes_without_an_array_are_an_error(path):  # noqa: F811
    dataset = gdal.GetDriverByName(path.suffix[1:].upper()).CreateMultiDimensional(str(path))
    dataset.GetRootGroup().CreateAttribute("number", [], FLOAT64).Write(1)
    with pytest.raises(RuntimeError, match="arrays: found none, wanted one"):
        dataset.FlushCache()
    assert not path.exists()


def test_what_finds_no_place_in_the_file_is_named(path, errors):  # noqa: F811
    new = New(path)
    band = new.group.CreateDimension("band", "", "", 2)
    new.group.CreateMDArray("band", [band], FLOAT64).Write(np.array([1.0, 2]))
    for owner, value in ((new.group, 7), (new.array, 8)):
        owner.CreateAttribute("title", [], FLOAT64).Write(value)
        owner.CreateAttribute("same", [], FLOAT64).Write(7)
    new.dataset.FlushCache()
    del owner, band
    new.close()
    assert [text.split(": ", 1)[1] for text in errors] == [
        "coordinates of dimension band: they are not kept: the array has no such dimension",
        "attribute title: that of the group is not kept: the array has one, too"]


MANY = 9000


@pytest.mark.parametrize("ending", ["npy", "b2nd"])
def test_facts_of_very_many_bands_are_kept(tmp_path, ending):
    name = tmp_path / f"scene.{ending}"
    new = New(name, (MANY, 2, 2), "i2", names=("t", "y", "x"))
    new.array.SetNoDataValueDouble(-999)
    new.array.SetUnit("K")
    new.array.SetScale(0.5)
    for number in range(20):
        new.array.CreateAttribute(f"name{number}", [], gdal.ExtendedDataType.CreateString()).Write(f"text {number}")
    new.close()
    array = open_array(name)
    assert (array.GetNoDataValueAsDouble(), array.GetUnit(), array.GetScale()) == (-999, "K", 0.5)
    assert array.GetAttribute("name19").Read() == "text 19"
    classic = gdal.Open(str(name))
    for number in (1, MANY):
        band = classic.GetRasterBand(number)
        assert (band.GetNoDataValue(), band.GetUnitType(), band.GetScale()) == (-999, "K", 0.5)
    assert classic.GetMetadataItem("name19") == "text 19"


def many_bands(differ):
    source = gdal.GetDriverByName("MEM").Create("", 2, 2, MANY)
    for number in range(1, MANY + 1):
        band = source.GetRasterBand(number)
        band.SetNoDataValue(7)
        band.SetDescription(f"the band of number {number}" if differ else "one of many bands")
    return source


@pytest.mark.parametrize("differ", [False, True])
def test_metadata_of_very_many_bands_is_copied_and_changed(tmp_path, differ):
    name = str(tmp_path / "scene.b2nd")
    gdal.GetDriverByName("B2ND").CreateCopy(name, many_bands(differ))
    wanted = f"the band of number {MANY}" if differ else "one of many bands"
    dataset = gdal.OpenEx(name, gdal.OF_UPDATE)
    assert (dataset.GetRasterBand(MANY).GetDescription(), dataset.GetRasterBand(MANY).GetNoDataValue()) == (wanted, 7)
    dataset.GetRasterBand(2).SetDescription("changed")
    dataset = None
    dataset = gdal.Open(name)
    assert dataset.GetRasterBand(2).GetDescription() == "changed"
    assert (dataset.GetRasterBand(MANY).GetDescription(), dataset.GetRasterBand(1).GetNoDataValue()) == (wanted, 7)
    assert not list(tmp_path.glob("*.aux.xml"))


def test_unwritten_elements_are_nodata(path):  # noqa: F811
    new = New(path, dtype="i2", options=["BLOCKSIZE=1,1,9,7"] if path.suffix == ".b2nd" else [])
    new.array.SetNoDataValueDouble(-999)
    new.array.Write(np.ones((1, 1, 9, 7), "i2"), [1, 1, 0, 0])
    np.testing.assert_array_equal(new.array.ReadAsArray([1, 0, 0, 0], [1, 2, 1, 1]).ravel(), [-999, 1])
    new.array.Write(np.full((1, 1, 2, 7), 2, "i2"), [2, 3, 0, 0], array_step=[1, 1, 3, 1])
    new.array.SetNoDataValueDouble(-5)
    new.close()
    expected = np.full(SHAPE, -5, "i2")
    expected[1, 1] = 1
    read = load(path)
    np.testing.assert_array_equal(read[:2], expected[:2])
    assert (read[2, 3, 0:4:3] == 2).all() and (read[2, :3] == -5).all()


@pytest.mark.parametrize("early", [True, False])
def test_windows_in_any_order_leave_nodata_between_them(path, early, rng):  # noqa: F811
    new = New(path, dtype="i2", options=["BLOCKSIZE=1,1,1,1"] if path.suffix == ".b2nd" else [])
    if early:
        new.array.SetNoDataValueDouble(-999)
    expected = np.full(SHAPE, -999, "i2")
    for number in range(60):
        start = [int(rng.integers(side)) for side in SHAPE]
        count = [int(rng.integers(1, side - a + 1)) if number % 9 == 0 else 1 for side, a in zip(SHAPE, start)]
        values = rng.integers(0, 99, count).astype("i2")
        new.array.Write(values, start)
        expected[tuple(slice(a, a + c) for a, c in zip(start, count))] = values
        if early and number % 20 == 0:
            np.testing.assert_array_equal(new.array.ReadAsArray(), expected)
    new.array.SetNoDataValueDouble(-999)
    new.close()
    np.testing.assert_array_equal(load(path), expected)


def test_steps_leave_elements_that_others_have_written_since_a_flush(path):  # noqa: F811
    new = New(path, dtype="i2")
    new.array.SetNoDataValueDouble(-999)
    new.dataset.FlushCache()
    other = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER | gdal.OF_UPDATE)
    array = other.GetRootGroup().OpenMDArray(other.GetRootGroup().GetMDArrayNames()[0])
    array.Write(np.full(SHAPE, 5, "i2"))
    del array, other
    new.array.Write(np.full((3, 4, 5, 4), 3, "i2"), [0, 0, 0, 0], array_step=[1, 1, 2, 2])
    new.close()
    expected = np.full(SHAPE, 5, "i2")
    expected[:, :, ::2, ::2] = 3
    np.testing.assert_array_equal(load(path), expected)


def test_without_a_nodata_value_unwritten_elements_are_zeros_again(path):  # noqa: F811
    new = New(path, dtype="f4")
    new.array.SetNoDataValueDouble(7)
    assert (new.array.ReadAsArray() == 7).all()
    new.array.DeleteNoDataValue()
    new.close()
    assert (load(path) == 0).all()


def test_what_others_write_to_a_new_array_stays(path):  # noqa: F811
    new = New(path, (4, 6), "u1", names=("y", "x"))
    new.array.SetNoDataValueDouble(9)
    other = open_array(path, gdal.OF_UPDATE)  # before the first flush
    other.Write(np.full((2, 6), 5, "u1"), [1, 0])
    del other
    new.close()
    values = load(path)
    assert (values[1:3] == 5).all()
    if path.suffix == ".npy":  # the other has seen no nodata value, and so left zeros in a chunk
        assert (values[[0, 3]] == 9).all()
