"""What GDAL's tests of its own multidimensional drivers ask of files: attributes, nodata, CRS, copies, names."""

import math

import numpy as np
import pytest
from osgeo import gdal, osr
from multidim.test_reading import open_array, save
from multidim.test_reading import path  # noqa: F401
from multidim.test_writing import New
from multidim.test_yardstick import ARRAY, FLOAT64, SHAPE, TEXT, raises
from multidim.test_yardstick import new  # noqa: F401

blosc2 = pytest.importorskip("blosc2")


def test_attributes_are_read_as_other_types(new):  # noqa: F811
    number = new.array.CreateAttribute("number", [1], FLOAT64)
    assert number.GetDimensionsSize() == [1] or tuple(number.GetDimensionsSize()) == (1,)
    assert number.Read() == 0 and number.ReadAsString() == "0"
    assert number.Write(1.25) == gdal.CE_None
    assert (number.ReadAsDouble(), number.ReadAsInt(), number.ReadAsString()) == (1.25, 1, "1.25")
    assert number.ReadAsStringArray() == ["1.25"] and list(number.ReadAsDoubleArray()) == [1.25]
    assert raises(number.Write, []) and raises(number.Write, [1, 2])
    assert number.GetFullName() == "/scene/number"
    texts = new.group.CreateAttribute("texts", [2], TEXT)
    assert texts.GetFullName() == "/_GLOBAL_/texts" and texts.Read() == ["", ""]
    assert raises(texts.Write, ["one"])
    assert texts.Write(["one", "two"]) == gdal.CE_None and texts.Read() == ["one", "two"]
    assert texts.ReadAsString() == "one"
    text = new.group.CreateAttribute("text", [], TEXT)
    assert text.Write(123) == gdal.CE_None and text.Read() == "123"


def test_names_that_are_there_already_are_refused(new):  # noqa: F811
    for owner in (new.array, new.group):
        owner.CreateAttribute("number", [], FLOAT64).Write(7)
        with pytest.raises(RuntimeError, match="attribute: found number, which is there"):
            owner.CreateAttribute("number", [], FLOAT64)
        assert owner.GetAttribute("number").Read() == 7


@pytest.mark.parametrize("dimensions, dtype", [([2, 3], FLOAT64), ([0], TEXT), ([1 << 40], FLOAT64),
                                               ([], gdal.ExtendedDataType.Create(gdal.GDT_CFloat64))])
def test_attributes_that_files_cannot_have_are_refused(new, dimensions, dtype):  # noqa: F811
    for owner in (new.array, new.group):
        assert raises(owner.CreateAttribute, "made", dimensions, dtype)
        assert "made" not in [a.GetName() for a in owner.GetAttributes() or []]


def test_options_of_a_copy_are_for_the_arrays_that_they_name(tmp_path):
    source = gdal.OpenEx(save(tmp_path / "in.npy", ARRAY), gdal.OF_MULTIDIM_RASTER)
    gdal.GetDriverByName("B2ND").CreateCopy(str(tmp_path / "out.b2nd"), source, options=[
        "ARRAY:IF(DIM=3):BLOCKSIZE=1,5,3", "ARRAY:IF(NAME=in):COMPRESS=LZ4", "ARRAY:IF(NAME=none):LEVEL=9"])
    array = open_array(tmp_path / "out.b2nd")
    assert list(array.GetBlockSize()) == [1, 5, 3]
    assert blosc2.open(str(tmp_path / "out.b2nd"), mode="r").cparams.codec == blosc2.Codec.LZ4
    np.testing.assert_array_equal(array.ReadAsArray(), ARRAY)


def test_a_copy_is_scaled_to_integers(path, tmp_path):  # noqa: F811
    source = gdal.OpenEx(save(tmp_path / "in.npy", ARRAY / 7.0), gdal.OF_MULTIDIM_RASTER)
    gdal.GetDriverByName(path.suffix[1:].upper()).CreateCopy(
        str(path), source, options=["ARRAY:AUTOSCALE=YES", "ARRAY:AUTOSCALE_DATA_TYPE=UInt16"])
    array = open_array(path)
    assert array.GetDataType().GetNumericDataType() == gdal.GDT_UInt16
    np.testing.assert_allclose(array.GetUnscaled().ReadAsArray(), ARRAY / 7.0, atol=array.GetScale())


def test_a_copy_tells_its_progress_and_is_stopped(path, tmp_path):  # noqa: F811
    source = gdal.OpenEx(save(tmp_path / "in.npy", ARRAY), gdal.OF_MULTIDIM_RASTER)
    driver = gdal.GetDriverByName(path.suffix[1:].upper())
    told = []
    driver.CreateCopy(str(path), source, callback=lambda done, *_: told.append(done) or 1)
    assert told == sorted(told) and told[-1] == 1
    path.unlink()
    with pytest.raises(RuntimeError, match="interrupted|terminated"):
        driver.CreateCopy(str(path), source, callback=lambda *_: 0)
    assert not path.exists()


@pytest.mark.parametrize("name", ["no_folder/scene.npy", "no_folder/scene.b2nd"])
def test_files_that_cannot_be_made_are_refused(tmp_path, name):
    driver = gdal.GetDriverByName(name.rsplit(".", 1)[1].upper())

    def make():
        dataset = driver.CreateMultiDimensional(str(tmp_path / name))
        group = dataset.GetRootGroup()
        return group.CreateMDArray("a", [group.CreateDimension("x", "", "", 5)], FLOAT64)

    assert raises(make)


def test_a_meshgrid_of_positions(new):  # noqa: F811
    if not hasattr(gdal.MDArray, "GetMeshGrid"):
        pytest.skip("before GDAL 3.10")
    for number, name in ((1, "y"), (2, "x")):
        new.group.CreateMDArray(name, [new.dimensions[number]], FLOAT64).Write(np.arange(float(SHAPE[number])) ** 2)
    variables = [new.group.OpenMDArray(name) for name in "yx"]
    made = gdal.MDArray.GetMeshGrid(variables, ["INDEXING=IJ"])
    for array, expected in zip(made, np.meshgrid(np.arange(5.0) ** 2, np.arange(6.0) ** 2, indexing="ij")):
        np.testing.assert_array_equal(array.ReadAsArray(), expected)


@pytest.mark.parametrize("dtype, value", [
    ("u1", 255), ("i2", -32768), ("u4", 4000000000), ("i8", -2**63), ("i8", 2**63 - 1), ("u8", 2**64 - 1), ("f4", 1.5),
    ("f4", math.nan), ("f4", math.inf), ("f8", -math.inf), ("f8", 0.1)])
def test_nodata_of_any_type_is_what_unwritten_elements_are(path, dtype, value):  # noqa: F811
    made = New(path, (2, 3), dtype, names=("y", "x"))
    raw = np.array([value], dtype).tobytes()
    assert made.array.SetNoDataValueRaw(raw) == gdal.CE_None and raises(made.array.SetNoDataValueRaw, raw + b"\0")
    np.testing.assert_array_equal(made.array.ReadAsArray(), np.full((2, 3), value, dtype))
    made.close()
    read = open_array(path)
    assert bytes(read.GetNoDataValueAsRaw()) == raw
    np.testing.assert_array_equal(read.ReadAsArray(), np.full((2, 3), value, dtype))


def test_a_crs_keeps_its_epoch_and_is_taken_back(path):  # noqa: F811
    made = New(path, SHAPE, "i2", names=("z", "y", "x"))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(4326)
    crs.SetCoordinateEpoch(2021.2)
    assert made.array.SetSpatialRef(crs) == gdal.CE_None
    assert made.array.GetSpatialRef().GetCoordinateEpoch() == 2021.2
    made.dataset.FlushCache()
    assert open_array(path).GetSpatialRef().GetCoordinateEpoch() == 2021.2
    assert made.array.SetSpatialRef(None) == gdal.CE_None and made.array.GetSpatialRef() is None
    made.close()
    assert open_array(path).GetSpatialRef() is None


def test_parts_of_a_file_are_selected_by_positions(path):  # noqa: F811
    made = New(path, SHAPE, "i2", names=("z", "y", "x"))
    made.array.Write(ARRAY)
    made.group.CreateMDArray("z", [made.dimensions[0]], FLOAT64).Write(np.array([1.0, 2, 1, 4]))
    made.close()
    group = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
    if not hasattr(group, "SubsetDimensionFromSelection"):
        pytest.skip("before GDAL 3.8")
    subset = group.SubsetDimensionFromSelection("/z=1").OpenMDArray("scene")
    np.testing.assert_array_equal(subset.ReadAsArray(), ARRAY[[0, 2]])
    assert raises(group.SubsetDimensionFromSelection, "/none=1") or raises(group.SubsetDimensionFromSelection, "/z=9")


@pytest.mark.parametrize("ending", ["npy", "b2nd"])
def test_arrays_are_made_in_memory(ending):
    name = f"/vsimem/yardstick.{ending}"
    dataset = gdal.GetDriverByName(ending.upper()).CreateMultiDimensional(name)
    group = dataset.GetRootGroup()
    array = group.CreateMDArray("a", [group.CreateDimension("x", "", "", 5)], FLOAT64)
    assert array.Write(np.arange(5.0)) == gdal.CE_None
    array.CreateAttribute("number", [], FLOAT64).Write(7)
    del array, group, dataset
    first, second = open_array(name), open_array(name)
    np.testing.assert_array_equal(first.ReadAsArray(), second.ReadAsArray())
    assert first.GetAttribute("number").Read() == 7
    gdal.GetDriverByName(ending.upper()).Delete(name)


def test_arrays_over_dimensions_of_another_dataset(path):  # noqa: F811
    other = gdal.GetDriverByName("MEM").CreateMultiDimensional("").GetRootGroup()
    sides = [other.CreateDimension(name, "", "", size) for name, size in zip("zyx", SHAPE)]
    dataset = gdal.GetDriverByName(path.suffix[1:].upper()).CreateMultiDimensional(str(path))
    group = dataset.GetRootGroup()
    group.CreateMDArray("z", [sides[0]], FLOAT64).Write(np.array([1.0, 2, 4, 8]))
    array = group.CreateMDArray("scene", sides, gdal.ExtendedDataType.Create(gdal.GDT_Int16))
    assert array.Write(ARRAY) == gdal.CE_None
    del array, group, dataset, sides, other
    read = open_array(path)
    assert [d.GetName() for d in read.GetDimensions()] == ["z", "y", "x"]
    np.testing.assert_array_equal(read.GetDimensions()[0].GetIndexingVariable().ReadAsArray(), [1, 2, 4, 8])
    np.testing.assert_array_equal(read.ReadAsArray(), ARRAY)
