"""xarray on GDAL's multidimensional API, by its engine gdalxarray, and the driver's arrays under it."""

import numpy as np
import pytest
from osgeo import gdal
from multidim.test_programs import NNUNET, OME
from multidim.test_reading import save
from multidim.test_reading import path  # noqa: F401

pytest.importorskip("gdalxarray", reason="no gdalxarray")
xarray = pytest.importorskip("xarray")


def opened(name, **parameters):
    return xarray.open_dataset(str(name), engine="gdalxarray", multidim=True, **parameters)


def test_a_case_of_nnunet_is_a_lazy_variable(tmp_path, rng):
    array = rng.normal(size=(2, 12, 40, 30)).astype("f4")
    name = save(tmp_path / "case_0000.b2nd", array, NNUNET, chunks=(1, 6, 20, 30), blocks=(1, 3, 10, 15))
    case = opened(name)["case_0000"]
    assert case.dims == ("c", "z", "y", "x") and case.dtype == np.dtype("f4")
    np.testing.assert_array_equal(case.isel(c=1, z=slice(2, 10), y=slice(None, None, -3)), array[1, 2:10, ::-3])
    np.testing.assert_array_equal(case.isel(z=[7, 3, 3], x=5), array[:, [7, 3, 3]][..., 5])
    np.testing.assert_array_equal(case, array)


def test_an_ome_stack_has_its_times(path, rng):  # noqa: F811
    array = rng.integers(0, 4096, (3, 4, 2, 20, 30)).astype("u2")
    source = save(path.with_name("stack.b2nd"), array, OME)
    if path.suffix == ".npy":
        gdal.GetDriverByName("NPY").CreateCopy(str(path), gdal.OpenEx(source, gdal.OF_MULTIDIM_RASTER))
    else:
        path = source  # noqa: F811
    stack = opened(path)
    (name,) = stack.data_vars
    assert stack[name].dims == ("t", "z", "c", "y", "x") and list(stack[name].attrs["channels"]) == OME["channels"]
    np.testing.assert_array_equal(stack["t"], [0, 0.5, 1.5])
    np.testing.assert_array_equal(stack[name].sel(t=1.5).isel(c=0), array[2, :, 0])


def test_times_and_places_are_coordinates(tmp_path):
    array = np.arange(60, dtype="i2").reshape(3, 4, 5)
    name = save(tmp_path / "scene.b2nd", array, {
        "dimension_names": ["time", "y", "x"], "spatial:dimensions": ["y", "x"], "proj:code": "EPSG:32632",
        "spatial:transform": [10.0, 0.0, 500000.0, 0.0, -10.0, 5000000.0],
        "coordinates": {"time": {"data": [0, 10, 40], "attrs": {"units": "days since 2020-01-01"}}}})
    scene = opened(name)
    np.testing.assert_array_equal(scene["time"], np.array(["2020-01-01", "2020-01-11", "2020-02-10"], "M8[ns]"))
    np.testing.assert_array_equal(scene["x"], 500005.0 + 10 * np.arange(5))
    np.testing.assert_array_equal(scene["y"], 4999995.0 - 10 * np.arange(4))
    np.testing.assert_array_equal(scene["scene"].sel(time="2020-01-11", x=500015.0), array[1, :, 1])


def test_dask_takes_the_chunks_of_the_file(tmp_path, rng):
    pytest.importorskip("dask")
    array = rng.normal(size=(2, 12, 40, 30)).astype("f4")
    name = save(tmp_path / "case_0000.b2nd", array, NNUNET, chunks=(1, 6, 20, 30), blocks=(1, 3, 10, 15))
    case = opened(name, chunks={})["case_0000"]
    assert case.chunks == ((1, 1), (6, 6), (20, 20), (30,))
    np.testing.assert_allclose(case.mean("z").compute(), array.mean(1), atol=1e-6)
