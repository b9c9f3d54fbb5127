"""Arrays of any number of axes, opened through GDAL's multidimensional API: what NumPy says is what is read."""

import numpy as np
import pytest
from osgeo import gdal
from support.http import http_server  # noqa: F401
from support.virtual import SYSTEMS

blosc2 = pytest.importorskip("blosc2")
if gdal.GetDriverByName("B2ND") is None:
    pytest.skip("the plugin was built without c-blosc2", allow_module_level=True)

GDAL = int(gdal.VersionInfo())
SHAPES = [(23,), (9, 14), (5, 9, 14), (3, 4, 9, 7), (3, 4, 2, 9, 7), (2, 3, 2, 3, 4, 3, 5)]
DTYPES = ["?", "i1", "u1", "<i2", ">u2", "<i4", "<u4", ">i8", "<u8", "<f2", "<f4", ">f8", "<c8", "<c16"]
RECORD = np.dtype([("red", "u1"), ("depth", "<f4"), ("half", "<f2"), ("small", "i1")])


def save(path, array, attributes=None, **parameters):
    """As .npy or .b2nd, by the name's ending; returns the path as text."""
    if path.suffix == ".npy":
        np.save(path, array)
        return str(path)
    if "chunks" not in parameters:  # that divide no axis
        parameters["chunks"] = tuple(max(1, side // 2 + 1) for side in array.shape)
        parameters["blocks"] = tuple(max(1, side // 2) for side in parameters["chunks"])
    stored = blosc2.asarray(np.ascontiguousarray(array), contiguous=True, **parameters)
    for name, value in (attributes or {}).items():
        stored.schunk.vlmeta[name] = value
    path.write_bytes(stored.to_cframe())
    return str(path)


@pytest.fixture(params=["npy", "b2nd"])
def path(request, tmp_path):
    return tmp_path / f"scene.{request.param}"


def open_array(path, flags=0):
    group = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER | flags).GetRootGroup()
    return group.OpenMDArray(group.GetMDArrayNames()[0])


def numbers(shape, dtype, rng):
    dtype = np.dtype(dtype)
    array = rng.integers(0, 2 if dtype.kind == "b" else 120, shape).astype(dtype)
    return array + array * 1j if dtype.kind == "c" else array


def random_window(rng, shape):
    """start, count and step of each axis, steps of any sign and zero."""
    window = []
    for side in shape:
        start, step = int(rng.integers(side)), int(rng.integers(-4, 5))
        most = side if step == 0 else (side - 1 - start) // step + 1 if step > 0 else start // -step + 1
        window.append((start, int(rng.integers(1, most + 1)), step))
    return zip(*window)


def expected(array, start, count, step):
    return array[np.ix_(*([s + d * k for k in range(n)] for s, n, d in zip(start, count, step)))]


@pytest.mark.parametrize("shape", SHAPES, ids=len)
def test_windows_of_any_steps_are_those_of_numpy(path, shape, rng):
    array = numbers(shape, "<u2", rng)
    shown = open_array(save(path, array))
    assert shown.GetDimensionCount() == len(shape)
    assert tuple(dimension.GetSize() for dimension in shown.GetDimensions()) == shape
    np.testing.assert_array_equal(shown.ReadAsArray(), array)
    float64 = gdal.ExtendedDataType.Create(gdal.GDT_Float64)
    for _ in range(50):
        window = [list(numbers) for numbers in random_window(rng, shape)]
        np.testing.assert_array_equal(shown.ReadAsArray(*window), expected(array, *window))
        np.testing.assert_array_equal(shown.ReadAsArray(*window, float64), expected(array, *window))


def test_arrays_in_fortran_order_are_read_as_they_are(tmp_path, rng):
    array = np.asfortranarray(numbers((5, 6, 7, 8), "<i4", rng))
    shown = open_array(save(tmp_path / "scene.npy", array))
    np.testing.assert_array_equal(shown.ReadAsArray(), array)
    np.testing.assert_array_equal(shown.ReadAsArray([4, 0, 6, 0], [2, 3, 3, 8], [-3, 2, -2, 1]),
                                  array[4::-3, 0:6:2, 6:1:-2])


def test_windows_larger_than_what_is_read_at_once_are_whole(path, rng):
    array = numbers((2, 2, 520, 540), "<f8", rng)  # 9 MB
    shown = open_array(save(path, array, chunks=(2, 1, 300, 400), blocks=(1, 1, 100, 100)))
    float32 = gdal.ExtendedDataType.Create(gdal.GDT_Float32)
    np.testing.assert_array_equal(shown.ReadAsArray(buffer_datatype=float32), array)
    np.testing.assert_array_equal(shown.ReadAsArray([1, 1, 519, 539], [2, 1, 174, 270], [-1, -2, -3, -2]),
                                  array[::-1, 1::-2, ::-3, ::-2])


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_elements_go_to_memory_of_any_strides(path, order, rng):
    array = numbers((4, 5, 6, 7), "<i4", rng)
    shown = open_array(save(path, array))
    strides = [1] * 4
    for inner, axis in zip(order[:0:-1], order[-2::-1]):
        strides[axis] = strides[inner] * array.shape[inner]
    read = shown.Read(buffer_stride=strides)
    expected_bytes = array.transpose(order).tobytes()
    assert bytes(read) == expected_bytes
    np.testing.assert_array_equal(shown.Transpose(list(order)).ReadAsArray(), array.transpose(order))


@pytest.mark.parametrize("dtype", DTYPES)
def test_all_dtypes_are_read(path, dtype, rng):
    array = numbers((2, 3, 4, 5), dtype, rng)
    shown = open_array(save(path, array))
    read = shown.ReadAsArray()
    np.testing.assert_array_equal(read, array)
    wider = (dtype == "i1" and GDAL < 3070000) or (dtype == "<f2" and GDAL < 3110000)
    assert read.dtype.itemsize == array.dtype.itemsize * (1 + wider)


def test_fields_of_records_are_components(path, rng):
    array = np.zeros((2, 3, 4, 5), RECORD)
    for name in RECORD.names:
        array[name] = rng.integers(0, 100, array.shape)
    array["small"] -= 50
    shown = open_array(save(path, array))
    components = shown.GetDataType().GetComponents()
    assert [component.GetName() for component in components] == list(RECORD.names)
    for name in RECORD.names:
        np.testing.assert_array_equal(shown.GetView(f"['{name}']").ReadAsArray(), array[name])
        np.testing.assert_array_equal(shown.GetView(f"['{name}'][1,::-1,::2]").ReadAsArray(),
                                      array[name][1, ::-1, ::2])


def test_views_and_transposed_arrays_are_those_of_numpy(path, rng):
    array = numbers((3, 4, 9, 7), "<f4", rng)
    shown = open_array(save(path, array))
    np.testing.assert_array_equal(shown.GetView("[1,...,::-2]").ReadAsArray(), array[1, ..., ::-2])
    np.testing.assert_array_equal(shown.Transpose([2, 0, 3, 1]).ReadAsArray(), array.transpose(2, 0, 3, 1))
    np.testing.assert_array_equal(shown.Transpose([-1, 2, 3, 0, 1]).ReadAsArray(),
                                  array.transpose(2, 3, 0, 1)[np.newaxis])
    classic = shown.AsClassicDataset(3, 2)
    np.testing.assert_array_equal(classic.ReadAsArray().reshape(array.shape), array)


PLACED = {"dimension_names": ["time", "band", "lat", "lon"], "spatial:dimensions": ["lat", "lon"],
          "spatial:transform": [0.5, 0.0, 10.0, 0.0, -0.25, 50.0], "proj:code": "EPSG:4326",
          "number": 7, "floats": [1.5, 2.5], "text": "Straße", "texts": ["a", "b"], "tree": {"a": [1, None]},
          "large": 2**40, "coordinates": {"time": [0, 10, 40], "band": {"data": [1, 2], "attrs": {"units": "nm"}},
                                          "wrong": [1]}}


@pytest.fixture
def placed(tmp_path, rng):
    array = numbers((3, 2, 9, 7), "<u2", rng)
    return array, open_array(save(tmp_path / "scene.b2nd", array, PLACED))


def test_dimensions_have_the_files_names_types_and_positions(placed):
    _, shown = placed
    dimensions = shown.GetDimensions()
    assert [d.GetName() for d in dimensions] == PLACED["dimension_names"]
    assert [d.GetType() for d in dimensions] == ["TEMPORAL", "", "HORIZONTAL_Y", "HORIZONTAL_X"]
    assert [d.GetDirection() for d in dimensions] == ["", "", "NORTH", "EAST"]
    time, band, lat, lon = [d.GetIndexingVariable() for d in dimensions]
    np.testing.assert_array_equal(time.ReadAsArray(), [0, 10, 40])
    np.testing.assert_array_equal(time.ReadAsArray([2], [2], [-2]), [40, 0])
    np.testing.assert_array_equal(band.ReadAsArray(), [1, 2])
    assert band.GetUnit() == "nm" and band.GetAttribute("units").Read() == "nm"
    np.testing.assert_allclose(lat.ReadAsArray(), 50 - 0.25 * (np.arange(9) + 0.5))
    np.testing.assert_allclose(lon.ReadAsArray(), 10 + 0.5 * (np.arange(7) + 0.5))


def test_groups_list_the_array_and_its_positions(tmp_path, placed):
    group = gdal.OpenEx(str(tmp_path / "scene.b2nd"), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
    assert group.GetName() == "/" and group.GetGroupNames() in (None, [])
    assert group.GetMDArrayNames() == ["scene", *PLACED["dimension_names"]]
    assert group.OpenMDArrayFromFullname("/scene").GetFullName() == "/scene"
    assert group.OpenMDArrayFromFullname("/lat").GetDimensionCount() == 1
    assert [d.GetFullName() for d in group.GetDimensions()] == ["/time", "/band", "/lat", "/lon"]


def test_crs_maps_to_the_arrays_axes_and_back(placed):
    array, shown = placed
    assert shown.GetSpatialRef().GetDataAxisToSRSAxisMapping() == [3, 4]
    classic = shown.AsClassicDataset(3, 2)
    assert classic.GetGeoTransform() == (10, 0.5, 0, 50, 0, -0.25)
    assert classic.GetSpatialRef().GetDataAxisToSRSAxisMapping() == [2, 1]
    np.testing.assert_array_equal(classic.ReadAsArray(), array.reshape(6, 9, 7))


def test_attributes_keep_their_types(placed):
    _, shown = placed
    read = {a.GetName(): a.Read() for a in shown.GetAttributes()}
    assert set(read) == {"number", "floats", "text", "texts", "tree", "large"}
    assert (read["number"], read["large"], read["text"]) == (7, 2**40, "Straße")
    assert list(read["floats"]) == [1.5, 2.5] and list(read["texts"]) == ["a", "b"]
    types = {a.GetName(): a.GetDataType() for a in shown.GetAttributes()}
    assert types["number"].GetNumericDataType() == gdal.GDT_Int32
    assert types["text"].GetClass() == gdal.GEDTC_STRING
    assert types["tree"].GetSubType() == gdal.GEDTST_JSON


def test_what_a_sidecar_says_is_shown(path, rng):
    array = numbers((3, 20, 30), "<i2", rng)
    name = save(path, array)
    dataset = gdal.OpenEx(name, gdal.OF_UPDATE)
    dataset.SetGeoTransform((10, 2, 0, 50, 0, -2))
    for number in range(1, 4):
        band = dataset.GetRasterBand(number)
        band.SetNoDataValue(-999)
        band.SetScale(0.1)
        band.SetOffset(273.15)
        band.SetUnitType("K")
    dataset.SetMetadataItem("source", "a satellite")
    dataset = band = None
    shown = open_array(path)
    assert [d.GetName() for d in shown.GetDimensions()] == ["band", "y", "x"]
    assert shown.GetNoDataValue() == -999 and shown.GetNoDataValueAsRaw() == np.int16(-999).tobytes()
    assert (shown.GetScale(), shown.GetOffset(), shown.GetUnit()) == (0.1, 273.15, "K")
    assert shown.GetAttribute("source").Read() == "a satellite"
    assert shown.AsClassicDataset(2, 1).GetGeoTransform() == (10, 2, 0, 50, 0, -2)
    np.testing.assert_allclose(shown.GetUnscaled().ReadAsArray(), array * 0.1 + 273.15, rtol=1e-6)


def test_blocks_are_chunks_and_structure_is_that_of_the_classic_dataset(path, rng):
    array = numbers((30, 40, 50), "<i2", rng)
    name = save(path, array, chunks=(30, 25, 64), blocks=(5, 5, 8)) if path.suffix == ".b2nd" else save(path, array)
    shown = open_array(name)
    assert list(shown.GetBlockSize()) == ([30, 25, 50] if path.suffix == ".b2nd" else [0, 0, 0])
    classic = gdal.Open(name).GetMetadata("IMAGE_STRUCTURE")
    assert shown.GetStructuralInfo() == {k: v for k, v in classic.items() if k not in ("AXES", "INTERLEAVE")}


def test_a_raster_is_opened_where_both_are_asked_for(path, rng):
    name = save(path, numbers((3, 9, 14), "u1", rng))
    assert gdal.OpenEx(name).RasterCount == 3
    assert gdal.OpenEx(name, gdal.OF_RASTER | gdal.OF_MULTIDIM_RASTER).RasterCount == 3
    assert gdal.OpenEx(name, gdal.OF_MULTIDIM_RASTER).GetRootGroup() is not None
    four = save(path, numbers((2, 3, 9, 14), "u1", rng))
    assert len(gdal.OpenEx(four).GetSubDatasets()) == 2


@pytest.mark.parametrize("system", SYSTEMS)
def test_arrays_behind_virtual_file_systems_are_read(path, tmp_path, system, rng):
    array = numbers((3, 4, 9, 7), "<u2", rng)
    save(path, array)
    name = SYSTEMS[system](path, tmp_path)
    np.testing.assert_array_equal(open_array(name).ReadAsArray([2, 0, 0, 0], [2, 4, 9, 7], [-2, 1, 1, 1]),
                                  array[2::-2])


def test_arrays_on_a_server_are_read(path, http_server, rng):  # noqa: F811
    gdal.VSICurlClearCache()
    array = numbers((3, 4, 9, 7), "<u2", rng)
    name = http_server.serve(save(path, array), path.name)
    np.testing.assert_array_equal(open_array(name).ReadAsArray(), array)


def test_windows_outside_the_array_are_refused(path, rng):
    shown = open_array(save(path, numbers((3, 4, 9, 7), "<u2", rng)))
    for start, count, step in [([0, 0, 0, 0], [4, 1, 1, 1], [1] * 4), ([2, 0, 0, 0], [2, 1, 1, 1], [-3, 1, 1, 1]),
                               ([0, 0, 0, 0], [2, 1, 1, 1], [2**62, 1, 1, 1]),
                               ([0, 0, 0, 0], [3, 1, 1, 1], [-2**63, 1, 1, 1])]:
        with pytest.raises(RuntimeError):
            shown.ReadAsArray(start, count, step)


def test_what_is_not_there_is_none(path, errors, rng):
    group = gdal.OpenEx(save(path, numbers((3, 4), "u1", rng)), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
    assert group.OpenMDArray("none") is None and group.OpenGroup("none") is None
    assert group.OpenMDArrayFromFullname("/none/none") is None and group.GetAttribute("none") is None
    array = group.OpenMDArray("scene")
    assert array.GetAttribute("none") is None and array.GetNoDataValueAsRaw() is None
    assert (array.GetScale(), array.GetOffset(), array.GetUnit()) == (None, None, "")
    assert array.GetSpatialRef() is None and not array.GetAttributes()
    assert array.GetDimensions()[0].GetIndexingVariable() is None


def test_an_array_outlives_its_dataset(path, rng):
    array = numbers((3, 4, 9, 7), "<u2", rng)
    shown = open_array(save(path, array))
    dimension = shown.GetDimensions()[3]
    np.testing.assert_array_equal(shown.ReadAsArray(), array)
    del shown
    assert dimension.GetSize() == 7
