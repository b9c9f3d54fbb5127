"""What the multidimensional API refuses to write, and what a copy of a whole file keeps."""

import numpy as np
import pytest
from osgeo import gdal, osr

blosc2 = pytest.importorskip("blosc2")
if gdal.GetDriverByName("B2ND") is None:
    pytest.skip("the plugin was built without c-blosc2", allow_module_level=True)


@pytest.fixture
def stack(tmp_path):
    """A .b2nd of three axes with names and coordinates that only the multidimensional API shows."""
    array = blosc2.asarray(np.arange(60, dtype="u2").reshape(3, 4, 5), urlpath=str(tmp_path / "stack.b2nd"))
    array.schunk.vlmeta["dimension_names"] = ["time", "lat", "lon"]
    array.schunk.vlmeta["coordinates"] = {"time": [0, 10, 40]}
    return str(tmp_path / "stack.b2nd")


@pytest.mark.parametrize("name", ["coordinates", "dimension_names", "gdal", "proj:wkt2", "gdal:mask"])
def test_attributes_of_the_driver_are_not_overwritten(stack, name):
    array = gdal.OpenEx(stack, gdal.OF_MULTIDIM_RASTER | gdal.OF_UPDATE).GetRootGroup().OpenMDArray("stack")
    with pytest.raises(RuntimeError, match=f"attribute: found {name}"):
        array.CreateAttribute(name, [], gdal.ExtendedDataType.CreateString())
    kept = blosc2.open(stack, mode="r")
    assert kept.schunk.vlmeta["coordinates"] == {"time": [0, 10, 40]}
    assert kept.schunk.vlmeta["dimension_names"] == ["time", "lat", "lon"]


@pytest.mark.parametrize("ending", ["npy", "b2nd"])
def test_a_copy_without_options_keeps_names_and_coordinates(stack, tmp_path, ending):
    copy = str(tmp_path / f"copy.{ending}")
    source = gdal.OpenEx(stack, gdal.OF_MULTIDIM_RASTER | gdal.OF_RASTER)
    gdal.GetDriverByName({"npy": "NPY", "b2nd": "B2ND"}[ending]).CreateCopy(copy, source)
    array = gdal.OpenEx(copy, gdal.OF_MULTIDIM_RASTER).GetRootGroup().OpenMDArray("copy")
    assert [dimension.GetName() for dimension in array.GetDimensions()] == ["time", "lat", "lon"]
    assert list(array.GetDimensions()[0].GetIndexingVariable().ReadAsArray()) == [0, 10, 40]


def test_coordinates_alone_make_no_file_and_say_so(tmp_path):
    dataset = gdal.GetDriverByName("NPY").CreateMultiDimensional(str(tmp_path / "time.npy"))
    group = dataset.GetRootGroup()
    group.CreateMDArray("time", [group.CreateDimension("time", "", "", 3)],
                        gdal.ExtendedDataType.Create(gdal.GDT_Float64))
    with pytest.raises(RuntimeError, match="arrays: found none but that of dimension time"):
        dataset.FlushCache()
    assert not (tmp_path / "time.npy").exists()


BYTE = gdal.ExtendedDataType.Create(gdal.GDT_Byte)


def new_group(path):
    driver = {"npy": "NPY", "b2nd": "B2ND"}[str(path).rsplit(".", 1)[1]]
    dataset = gdal.GetDriverByName(driver).CreateMultiDimensional(str(path))
    return dataset, dataset.GetRootGroup()


@pytest.mark.parametrize("ending", ["npy", "b2nd"])
@pytest.mark.parametrize("option", ["INTERLEAVE=PIXEL", "AXES=XYB", "NOTHING=1"])
def test_options_that_arrays_do_not_have_are_named(tmp_path, ending, option, errors):
    path = tmp_path / f"scene.{ending}"
    _, group = new_group(path)
    sides = [group.CreateDimension(name, "", "", 5) for name in "zyx"]
    assert group.CreateMDArray("scene", sides, BYTE, [option, "NUM_THREADS=1"]) is not None
    assert len(errors) == 1
    assert f"ignored: {option}; options of arrays of the driver" in errors[0] and "NUM_THREADS" in errors[0]


@pytest.mark.parametrize("options, message", [
    (["CHUNKXSIZE=4"], "ignored: CHUNKXSIZE=4; options of arrays of the driver B2ND are"),
    (["BLOCKXSIZE=4", "COMPRESS=LZ4"], "ignored: BLOCKXSIZE=4")])
def test_sides_of_rasters_are_no_options_of_arrays(tmp_path, options, message, errors):
    _, group = new_group(tmp_path / "scene.b2nd")
    sides = [group.CreateDimension(name, "", "", 5) for name in "zyx"]
    array = group.CreateMDArray("scene", sides, BYTE, options)
    assert len(errors) == 1 and message in errors[0]
    assert list(array.GetBlockSize()) == [5, 5, 5]


def test_chunks_of_an_npy_are_named_as_ignored(tmp_path, errors):
    _, group = new_group(tmp_path / "scene.npy")
    assert group.CreateMDArray("scene", [group.CreateDimension("x", "", "", 5)], BYTE, ["BLOCKSIZE=2"]) is not None
    assert len(errors) == 1 and "ignored: BLOCKSIZE=2" in errors[0]


def test_options_of_a_copy_that_arrays_do_not_have_are_named(stack, tmp_path, errors):
    source = gdal.OpenEx(stack, gdal.OF_MULTIDIM_RASTER)
    gdal.GetDriverByName("B2ND").CreateCopy(str(tmp_path / "copy.b2nd"), source, options=["CHUNKXSIZE=4"])
    assert len(errors) == 1 and "ignored: CHUNKXSIZE=4" in errors[0]


def test_groups_in_files_are_refused(tmp_path):
    _, group = new_group(tmp_path / "scene.b2nd")
    with pytest.raises(RuntimeError, match="group: found inner, wanted none"):
        group.CreateGroup("inner")


@pytest.mark.parametrize("ending", ["npy", "b2nd"])
@pytest.mark.parametrize("what", ["nothing", "a number", "positions"])
def test_a_copy_without_an_array_makes_no_file_and_says_so(tmp_path, ending, what):
    source = gdal.GetDriverByName("MEM").CreateMultiDimensional("")
    group = source.GetRootGroup()
    if what == "a number":
        group.CreateMDArray("number", [], BYTE)
    if what == "positions":
        group.CreateMDArray("x", [group.CreateDimension("x", "", "", 5)], BYTE)
    with pytest.raises(RuntimeError, match="arrays.*: found none"):
        gdal.GetDriverByName({"npy": "NPY", "b2nd": "B2ND"}[ending]).CreateCopy(str(tmp_path / f"a.{ending}"), source,
                                                                                strict=0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["npy", "b2nd"])
def test_coordinates_that_are_no_numbers_are_left_out_with_a_warning(tmp_path, ending, errors):
    path = tmp_path / f"scene.{ending}"
    dataset, group = new_group(path)
    sides = [group.CreateDimension(name, "", "", 5) for name in "tx"]
    assert group.CreateMDArray("t", [sides[0]], gdal.ExtendedDataType.CreateString()) is None
    assert group.CreateMDArray("x", [sides[1]], gdal.ExtendedDataType.Create(gdal.GDT_CFloat32)) is None
    assert [text.split(": ", 1)[1] for text in errors] == [
        f"coordinates of dimension {name}: they are no real numbers, and are left out" for name in "tx"]
    assert group.CreateMDArray("scene", sides, BYTE) is not None and len(errors) == 2


@pytest.mark.parametrize("ending", ["npy", "b2nd"])
def test_arrays_without_dimensions_are_left_out_with_a_warning(tmp_path, ending, errors):
    _, group = new_group(tmp_path / f"scene.{ending}")
    assert group.CreateMDArray("crs", [], BYTE) is None
    assert len(errors) == 1 and errors[0].endswith("crs: it has no dimensions, and is left out")


@pytest.mark.parametrize("ending", ["npy", "b2nd"])
@pytest.mark.parametrize("names, types, placed", [
    (("time", "lat", "lon"), ("", "", ""), ["TEMPORAL", "HORIZONTAL_Y", "HORIZONTAL_X"]),
    (("lat", "lon", "time"), ("", "", ""), ["HORIZONTAL_Y", "HORIZONTAL_X", "TEMPORAL"]),
    (("time", "a", "b"), ("TEMPORAL", "", ""), ["TEMPORAL", "HORIZONTAL_Y", "HORIZONTAL_X"]),
    (("a", "b", "time"), ("", "", "TEMPORAL"), ["", "", "TEMPORAL"])])
def test_which_dimensions_a_crs_is_of(tmp_path, ending, names, types, placed):
    path = tmp_path / f"scene.{ending}"
    dataset, group = new_group(path)
    sides = [group.CreateDimension(name, kind, "", 5) for name, kind in zip(names, types)]
    array = group.CreateMDArray("scene", sides, BYTE)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32632)
    array.SetSpatialRef(crs)
    del array, sides, group, dataset
    read = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER).GetRootGroup().OpenMDArray("scene")
    assert [dimension.GetType() for dimension in read.GetDimensions()] == placed
    assert read.GetSpatialRef().GetAuthorityCode(None) == "32632"
