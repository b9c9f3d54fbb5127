"""What the multidimensional API refuses to write, and what a copy of a whole file keeps."""

import numpy as np
import pytest
from osgeo import gdal

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
