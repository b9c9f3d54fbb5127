"""Array.xarray and the engine: what rioxarray and xarray make of it."""

import sys

import gdal_ndarray
import numpy as np
import pytest
from osgeo import gdal
from support import memory_dataset
from support.package import equal

xarray = pytest.importorskip("xarray")

from gdal_ndarray.xarray import GdalNdarrayBackend  # noqa: E402


def test_coordinates_are_centres_of_pixels(image):
    opened, array = image
    data = opened.xarray()
    assert (data.dims, data.shape, data.dtype) == (("band", "y", "x"), array.shape, array.dtype)
    np.testing.assert_array_equal(data.x, 500005 + 10 * np.arange(90))
    np.testing.assert_array_equal(data.y, 5399995 - 10 * np.arange(70))
    np.testing.assert_array_equal(data.band, [1, 2, 3])
    assert data.attrs["_FillValue"] == 7
    assert data.spatial_ref.attrs["GeoTransform"] == "500000.0 10.0 0.0 5400000.0 0.0 -10.0"
    assert data.spatial_ref.attrs["crs_wkt"] == opened.crs
    assert data.encoding["grid_mapping"] == "spatial_ref"
    assert data.x.attrs["standard_name"] == "projection_x_coordinate"
    equal(data.values, array)


def test_it_is_lazy(image):
    opened, array = image
    data = opened.xarray()
    opened.close()
    part = data.isel(band=1, y=slice(60, 10, -3)).sel(x=500055)
    assert opened._handles._shared is None and not opened._handles._by_thread
    equal(part.values, array[1, 60:10:-3, 5])
    equal(data[:, [5, 3], 2].values, array[:, [5, 3], 2])
    equal(data[:, [5, 3], 60:10:-7].values, array[:, [5, 3], 60:10:-7])
    assert not isinstance(data.variable._data, np.ndarray)


def test_chunks_make_a_dask_array(image):
    pytest.importorskip("dask")
    opened, array = image
    data = opened.xarray(chunks=(1, 32, 32))
    assert data.chunks[0] == (1, 1, 1)
    equal(data.compute().values, array)
    assert opened.xarray(chunks="auto").chunks is not None


def test_files_without_georeferencing_and_rotated_ones(npy, tmp_path):
    data = gdal_ndarray.open(npy(np.zeros((20, 30)))).xarray()
    assert data.x[0] == 0.5 and data.y[-1] == 19.5
    assert data.spatial_ref.attrs == {}
    with gdal_ndarray.create(tmp_path / "rotated.npy", (20, 30), "u1", transform=(1, 2, 3, 4, 5, 6)):
        pass
    data = gdal_ndarray.open(tmp_path / "rotated.npy").xarray()
    assert list(data.coords) == ["spatial_ref"]
    assert data.spatial_ref.attrs["GeoTransform"] == "3.0 1.0 2.0 6.0 4.0 5.0"


def test_metadata_becomes_attributes(tmp_path):
    dataset = memory_dataset(np.zeros((2, 20, 30), "i2"))
    dataset.SetMetadataItem("sensor", "X")
    for number, name in ((1, "red"), (2, "near infrared")):
        band = dataset.GetRasterBand(number)
        band.SetDescription(name)
        band.SetUnitType("K")
        band.SetScale(0.5)
        band.SetOffset(number)
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "image.tif"), dataset)
    attributes = gdal_ndarray.open(tmp_path / "image.tif").xarray().attrs
    assert attributes["sensor"] == "X"
    assert attributes["long_name"] == ("red", "near infrared")
    assert (attributes["units"], attributes["scale_factor"], attributes["offsets"]) == ("K", 0.5, (1, 2))


def test_rioxarray_finds_its_way(image, tmp_path, suffix, georeferenced):
    rioxarray = pytest.importorskip("rioxarray")
    opened, array = image
    data = opened.xarray()
    assert data.rio.crs.to_epsg() == 32633
    assert tuple(data.rio.transform())[:6] == georeferenced["transform"]
    assert data.rio.nodata == 7
    assert data.rio.bounds() == (500000.0, 5399300.0, 500900.0, 5400000.0)
    if sys.modules["rasterio"].__gdal_version__ == gdal.VersionInfo("RELEASE_NAME"):
        again = rioxarray.open_rasterio(opened.path)
        assert again.rio.crs == data.rio.crs
        np.testing.assert_array_equal(again.x, data.x)
    clipped = data.rio.clip_box(500100, 5399500, 500300, 5399900)
    equal(clipped.values, array[:, 10:50, 10:30])


def test_selections_are_stored_where_they_are(image, tmp_path, suffix):
    pytest.importorskip("dask")
    opened, array = image
    part = (opened.xarray(chunks=(1, 32, 32)) * 2)[:, 10:40, 20:]
    part.attrs["_FillValue"] = 7
    stored = gdal_ndarray.store(part, tmp_path / ("part" + suffix))
    equal(stored[...], array[:, 10:40, 20:] * np.uint16(2))
    assert stored.transform == (10, 0, 500200, 0, -10, 5399900)
    assert stored.crs.startswith('PROJCRS["WGS 84 / UTM zone 33N"') and stored.nodata == 7
    turned = opened.xarray().transpose("y", "x", "band")
    equal(gdal_ndarray.store(turned, tmp_path / ("turned" + suffix))[...], np.moveaxis(array, 0, 2))


def test_engine(image):
    opened, array = image
    with xarray.open_dataset(opened.path, engine=GdalNdarrayBackend, mask_and_scale=False) as dataset:
        assert list(dataset.data_vars) == ["band_data"]
        equal(dataset.band_data.values, array)
    with xarray.open_dataset(opened.path, engine=GdalNdarrayBackend) as dataset:
        np.testing.assert_array_equal(dataset.band_data, np.where(array == 7, np.nan, array))
    with xarray.open_dataarray(opened.path, engine=GdalNdarrayBackend, mask_and_scale=False,
                               backend_kwargs={"open_options": {"NUM_THREADS": 1}}) as data:
        equal(data[1].values, array[1])


def test_engine_with_chunks(image):
    pytest.importorskip("dask")
    opened, array = image
    with xarray.open_dataset(opened.path, engine=GdalNdarrayBackend, mask_and_scale=False,
                             chunks={}) as dataset:
        assert dataset.band_data.data.chunksize == opened.chunks
        equal(dataset.band_data.compute().values, array)


def test_engine_knows_its_files():
    engine = GdalNdarrayBackend()
    assert engine.guess_can_open("a/b.npy") and engine.guess_can_open("b.B2ND")
    assert not engine.guess_can_open("a.tif") and not engine.guess_can_open(b"bytes")


def test_odc_geo_finds_its_way(image):
    pytest.importorskip("odc.geo.xr")
    box = image[0].xarray().odc.geobox
    assert (box.shape, box.crs.to_epsg()) == ((70, 90), 32633)
    assert tuple(box.affine)[:6] == image[0].transform


def test_coordinates_are_to_the_bit_those_of_rioxarray(saved):
    rioxarray = pytest.importorskip("rioxarray")
    image = saved(np.zeros((300, 400), "f4"), "image.npy", transform=(0.1, 0, 5, 0, -0.1, 50))
    ours, theirs = image.xarray(), rioxarray.open_rasterio(image.path)
    assert np.array_equal(ours.x, theirs.x) and np.array_equal(ours.y, theirs.y)


@pytest.mark.parametrize(("select", "transform"), [
    ({"x": slice(5, 6)}, (10, 0, 500050, 0, -10, 5400000)), ({"x": [0, 1, 5]}, None),
    ({"x": [8], "y": [3]}, (10, 0, 500080, 0, -10, 5399970))], ids=str)
def test_place_of_a_selection_is_kept_or_left_out(saved, tmp_path, select, transform):
    part = saved(np.zeros((20, 30), "u1"), "image.npy").xarray().isel(select)
    assert gdal_ndarray.store(part, tmp_path / "part.npy").transform == transform


def test_x_before_y_is_stored_as_lines_and_pixels(saved, tmp_path, rng, monkeypatch):
    dask = pytest.importorskip("dask")
    image = saved(rng.integers(0, 9, (20, 30), "u1"), "image.npy")
    stored = gdal_ndarray.store(image.xarray().transpose("x", "y"), tmp_path / "part.npy")
    assert np.array_equal(stored, image) and stored.transform == image.transform
    sizes = []
    monkeypatch.setattr(gdal_ndarray.Array, "__getitem__", lambda self, key: recorded(sizes, self, key))
    with dask.config.set({"array.chunk-size": "200 B"}):
        stored = gdal_ndarray.store(gdal_ndarray.open(image.path, AXES="XY").xarray(), tmp_path / "turned.npy")
    assert max(sizes) <= 200 and np.array_equal(stored, np.asarray(image).T)


def test_nodata_of_decoded_pixels_is_nan(saved, tmp_path):
    image = saved(np.full((4, 5), 7, "u2"), "image.npy", nodata=7)
    with xarray.open_dataset(image.path, engine=GdalNdarrayBackend) as dataset:
        assert np.isnan(gdal_ndarray.store(dataset.band_data, tmp_path / "new.npy").nodata)
        with pytest.raises(TypeError, match="band_data"):
            gdal_ndarray.store(dataset, tmp_path / "all.npy")


read = gdal_ndarray.Array.__getitem__


def recorded(sizes, image, key):
    found = read(image, key)
    sizes.append(found.nbytes)
    return found


def test_what_is_not_read_yet_is_stored_block_by_block(image, tmp_path, suffix, monkeypatch):
    dask = pytest.importorskip("dask")
    opened, array = image
    sizes = []
    monkeypatch.setattr(gdal_ndarray.Array, "__getitem__", lambda self, key: recorded(sizes, self, key))
    chunks = {"BLOCKSIZE": 16, "CHUNKXSIZE": 32, "CHUNKYSIZE": 32} if suffix == ".b2nd" else {}
    with dask.config.set({"array.chunk-size": "8 KiB"}):
        for part, expected in ((opened.xarray().isel(x=slice(5, 80)), array[..., 5:80]), (opened, array)):
            sizes.clear()
            stored = gdal_ndarray.store(part, tmp_path / ("part" + suffix), **chunks)
            assert len(sizes) > 1 and max(sizes) <= 8192
            assert np.array_equal(stored, expected)


@pytest.mark.parametrize("dims, expected", [
    (("time", "y", "x"), ("band", "y", "x")), (("y", "x", "time"), ("y", "x", "band")),
    (("latitude", "longitude"), ("y", "x")), (("month", "lat", "lon"), ("band", "y", "x"))])
def test_axes_of_other_names(tmp_path, rng, dims, expected):
    pytest.importorskip("dask")
    array = rng.integers(0, 255, (10, 20, 30)[:len(dims)], dtype="u1")
    data = xarray.DataArray(array, {dim: np.arange(length) * 2.0 for dim, length in zip(dims, array.shape)}, dims)
    data.coords["crs"] = ((), 0, {"crs_wkt": "EPSG:4326"})
    data.attrs["grid_mapping"] = "crs"
    stored = gdal_ndarray.store(data, tmp_path / "new.npy")
    assert (stored.dims, stored.transform) == (expected, (2, 0, -1, 0, 2, -1))
    assert "WGS 84" in stored.crs and np.array_equal(stored, array)
