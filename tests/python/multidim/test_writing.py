"""Arrays of any number of axes, written through GDAL's multidimensional API: NumPy and python-blosc2 read the same."""

import shutil
import subprocess

import numpy as np
import pytest
from osgeo import gdal, osr
from multidim.test_programs import has_mdim
from multidim.test_reading import DTYPES, numbers, open_array, random_window, save
from multidim.test_reading import path  # noqa: F401

blosc2 = pytest.importorskip("blosc2")
SHAPE = (3, 4, 9, 7)
TYPES = {"u1": gdal.GDT_Byte, "u2": gdal.GDT_UInt16, "i2": gdal.GDT_Int16, "u4": gdal.GDT_UInt32,
         "i4": gdal.GDT_Int32, "u8": gdal.GDT_UInt64, "i8": gdal.GDT_Int64, "f4": gdal.GDT_Float32,
         "f8": gdal.GDT_Float64, "c8": gdal.GDT_CFloat32, "c16": gdal.GDT_CFloat64}


def load(name):
    """Without GDAL."""
    return np.load(name) if str(name).endswith(".npy") else blosc2.open(str(name))[...]


def driver_of(name):
    return gdal.GetDriverByName(name.suffix[1:].upper())


class New:
    """A new file of one array over dimensions t, z, y and x."""

    def __init__(self, path, shape=SHAPE, dtype="u2", options=(), names=("t", "z", "y", "x")):  # noqa: F811
        self.dataset = driver_of(path).CreateMultiDimensional(str(path))
        self.group = self.dataset.GetRootGroup()
        types = {"y": "HORIZONTAL_Y", "x": "HORIZONTAL_X", "t": "TEMPORAL"}
        self.dimensions = [self.group.CreateDimension(name, types.get(name, ""), "", size)
                           for name, size in zip(names[-len(shape):], shape)]
        self.array = self.group.CreateMDArray("scene", self.dimensions,
                                              gdal.ExtendedDataType.Create(TYPES[dtype]), list(options))

    def close(self):
        self.array = self.dimensions = self.group = self.dataset = None


@pytest.mark.parametrize("dtype", TYPES)
def test_new_arrays_are_what_numpy_reads(path, dtype, rng):  # noqa: F811
    array = numbers(SHAPE, dtype, rng)
    new = New(path, dtype=dtype)
    assert new.array.Write(array) == gdal.CE_None
    new.close()
    read = load(path)
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)
    np.testing.assert_array_equal(open_array(path).ReadAsArray(), array)


@pytest.mark.parametrize("rank", [1, 2, 3, 5, 8])
def test_new_arrays_have_any_number_of_axes(path, rank, rng):  # noqa: F811
    shape = (2, 3, 2, 2, 3, 2, 5, 7)[-rank:]
    array = numbers(shape, "u2", rng)
    new = New(path, shape, names=("a", "b", "c", "d", "t", "z", "y", "x"))
    new.array.Write(array)
    new.close()
    np.testing.assert_array_equal(load(path), array)
    shown = open_array(path)
    assert [d.GetName() for d in shown.GetDimensions()] == ["a", "b", "c", "d", "t", "z", "y", "x"][-rank:]


def test_windows_of_any_steps_are_written(path, rng):  # noqa: F811
    array = numbers(SHAPE, "<u2", rng)
    save(path, array)
    shown = open_array(path, gdal.OF_UPDATE)
    for turn in range(100):
        start, count, step = [list(numbers) for numbers in random_window(rng, SHAPE)]
        step = [s or 1 for s in step]
        count = [min(c, (n - 1 - a) // s + 1 if s > 0 else a // -s + 1)
                 for c, s, a, n in zip(count, step, start, SHAPE)]
        values = rng.integers(0, 60000, count).astype("f8" if turn % 3 == 0 else "u2")
        assert shown.Write(values, start, array_step=step) == gdal.CE_None
        array[np.ix_(*([a + s * k for k in range(c)] for a, c, s in zip(start, count, step)))] = values
    np.testing.assert_array_equal(shown.ReadAsArray(), array)
    del shown
    np.testing.assert_array_equal(load(path), array)


@pytest.mark.parametrize("dtype", DTYPES)
def test_all_dtypes_are_updated(path, dtype, rng):  # noqa: F811
    array = numbers((2, 3, 4, 5), dtype, rng)
    save(path, array)
    shown = open_array(path, gdal.OF_UPDATE)
    part = shown.ReadAsArray([0, 0, 1, 1], [2, 3, 2, 2])
    shown.Write(part, [0, 0, 0, 3], array_step=[1, 1, 1, -1])
    del shown
    array[:, :, 0:2, 3:1:-1] = array[:, :, 1:3, 1:3].copy()
    np.testing.assert_array_equal(load(path), array)


def test_arrays_opened_for_reading_are_not_written(path, rng):  # noqa: F811
    shown = open_array(save(path, numbers(SHAPE, "u2", rng)))
    with pytest.raises(RuntimeError, match="[Rr]ead-only|not writable|update"):
        if shown.Write(np.zeros(SHAPE, "u2")) != gdal.CE_None:
            raise RuntimeError(gdal.GetLastErrorMsg())


def crs(code=4326):
    made = osr.SpatialReference()
    made.ImportFromEPSG(code)
    return made


def described(path):  # noqa: F811
    """A new array of which everything is said that can be."""
    new = New(path, dtype="i2")
    x = new.group.CreateMDArray("x", [new.dimensions[3]], gdal.ExtendedDataType.Create(gdal.GDT_Float64))
    x.Write(10.25 + 0.5 * np.arange(7))
    y = new.group.CreateMDArray("y", [new.dimensions[2]], gdal.ExtendedDataType.Create(gdal.GDT_Float64))
    y.Write(50 - 0.25 * (0.5 + np.arange(9)))
    time = new.group.CreateMDArray("t", [new.dimensions[0]], gdal.ExtendedDataType.Create(gdal.GDT_Int32))
    time.Write(np.array([0, 10, 40], "i4"))
    time.SetUnit("days since 2020-01-01")
    for number, variable in ((3, x), (2, y), (0, time)):
        new.dimensions[number].SetIndexingVariable(variable)
    new.array.SetSpatialRef(crs())
    new.array.SetNoDataValueDouble(-999)
    new.array.SetUnit("K")
    new.array.SetScale(0.1)
    new.array.SetOffset(273.15)
    number = new.array.CreateAttribute("number", [], gdal.ExtendedDataType.Create(gdal.GDT_Int32))
    number.Write(7)
    floats = new.array.CreateAttribute("floats", [2], gdal.ExtendedDataType.Create(gdal.GDT_Float64))
    floats.Write([1.5, 2.5])
    text = new.array.CreateAttribute("long_name", [], gdal.ExtendedDataType.CreateString())
    text.Write("Temperatur über Straßen")
    title = new.group.CreateAttribute("title", [], gdal.ExtendedDataType.CreateString())
    title.Write("a title")
    return new


def test_what_is_said_of_a_new_array_is_read_again(path, rng):  # noqa: F811
    array = numbers(SHAPE, "i2", rng)
    new = described(path)
    new.array.Write(array)
    new.close()
    shown = open_array(path)
    np.testing.assert_array_equal(shown.ReadAsArray(), array)
    dimensions = shown.GetDimensions()
    assert [d.GetType() for d in dimensions] == ["TEMPORAL", "", "HORIZONTAL_Y", "HORIZONTAL_X"]
    np.testing.assert_array_equal(dimensions[0].GetIndexingVariable().ReadAsArray(), [0, 10, 40])
    assert dimensions[0].GetIndexingVariable().GetUnit() == "days since 2020-01-01"
    classic = shown.AsClassicDataset(3, 2)
    np.testing.assert_allclose(classic.GetGeoTransform(), (10, 0.5, 0, 50, 0, -0.25))
    assert shown.GetSpatialRef().GetAuthorityCode(None) == "4326"
    assert shown.GetSpatialRef().GetDataAxisToSRSAxisMapping() == [3, 4]
    assert shown.GetNoDataValueAsDouble() == -999
    assert (shown.GetUnit(), shown.GetScale(), shown.GetOffset()) == ("K", 0.1, 273.15)
    attributes = {a.GetName(): a.Read() for a in shown.GetAttributes()}
    assert attributes.pop("floats") in ([1.5, 2.5], (1.5, 2.5))
    assert attributes == {"number": 7, "long_name": "Temperatur über Straßen", "title": "a title"}


def test_python_blosc2_reads_the_attributes_of_a_new_array(tmp_path):
    described(tmp_path / "scene.b2nd").close()
    stored = blosc2.open(str(tmp_path / "scene.b2nd"))
    attributes = stored.schunk.vlmeta
    assert attributes["number"] == 7 and attributes["floats"] == [1.5, 2.5]
    assert attributes["dimension_names"] == ["t", "z", "y", "x"]
    assert attributes["spatial:dimensions"] == ["y", "x"] and attributes["proj:code"] == "EPSG:4326"


def test_classic_datasets_show_what_was_said_of_a_new_array(tmp_path):
    described(tmp_path / "scene.b2nd").close()
    part = gdal.Open(gdal.Open(str(tmp_path / "scene.b2nd")).GetSubDatasets()[0][0])
    assert part.RasterCount == 4
    np.testing.assert_allclose(part.GetGeoTransform(), (10, 0.5, 0, 50, 0, -0.25))
    assert part.GetRasterBand(4).GetNoDataValue() == -999
    assert part.GetRasterBand(4).GetUnitType() == "K"


def test_unwritten_elements_are_nodata(tmp_path):
    new = New(tmp_path / "scene.b2nd", dtype="i2")
    new.array.SetNoDataValueDouble(-999)
    new.array.Write(np.ones((1, 1, 9, 7), "i2"), [1, 1, 0, 0])
    new.close()
    read = load(tmp_path / "scene.b2nd")
    assert (read[1, 1] == 1).all() and (read[2] == -999).all()


def test_more_attributes_than_blosc2_has_room_for_are_kept_as_text(tmp_path):
    new = New(tmp_path / "scene.b2nd")
    for number in range(20):
        new.array.CreateAttribute(f"name{number}", [], gdal.ExtendedDataType.CreateString()).Write(f"text {number}")
    new.close()
    shown = open_array(tmp_path / "scene.b2nd")
    assert {a.GetName(): a.Read() for a in shown.GetAttributes()} == {f"name{n}": f"text {n}" for n in range(20)}


def test_chunks_blocks_and_codecs_are_chosen(tmp_path):
    new = New(tmp_path / "scene.b2nd", options=["COMPRESS=LZ4", "LEVEL=9", "BLOCKSIZE=1,2,8,6", "BLOCKS=1,1,4,3"])
    assert list(new.array.GetBlockSize()) == [1, 2, 8, 6]
    new.close()
    stored = blosc2.open(str(tmp_path / "scene.b2nd"))
    assert stored.chunks == (1, 2, 8, 6) and stored.blocks == (1, 1, 4, 3)
    assert stored.schunk.cparams.codec == blosc2.Codec.LZ4


@pytest.mark.parametrize("options, message", [
    (["BLOCKSIZE=1,2"], "BLOCKSIZE: found 1,2, wanted 4 numbers"),
    (["BLOCKSIZE=1,2,3,0"], "BLOCKSIZE: found"),
    (["BLOCKSIZE=1,2,8,6", "BLOCKS=1,1,3,3"], "BLOCKS: found"),
    (["COMPRESS=NOTHING"], "COMPRESS: found NOTHING")])
def test_options_that_cannot_be_are_refused_before_a_file_is_made(tmp_path, options, message):
    with pytest.raises(RuntimeError, match=message):
        New(tmp_path / "scene.b2nd", options=options)
    assert not list(tmp_path.iterdir())


def test_a_second_array_is_refused(path):  # noqa: F811
    new = New(path)
    with pytest.raises(RuntimeError, match="arrays: found scene and other, wanted one for each file"):
        new.group.CreateMDArray("other", new.dimensions, gdal.ExtendedDataType.Create(gdal.GDT_Byte))
    new.close()
    assert open_array(path).GetName() == "scene"


def test_a_nodata_value_is_taken_back(path):  # noqa: F811
    new = New(path)
    new.array.SetNoDataValueDouble(7)
    assert new.array.GetNoDataValueAsDouble() == 7
    assert new.array.DeleteNoDataValue() == gdal.CE_None
    assert new.array.GetNoDataValueAsDouble() is None
    new.close()
    assert open_array(path).GetNoDataValueAsDouble() is None


@pytest.mark.parametrize("name", ["", "a/b"])
def test_arrays_and_dimensions_have_names_without_slashes(path, name):  # noqa: F811
    group = driver_of(path).CreateMultiDimensional(str(path)).GetRootGroup()
    x = group.CreateDimension("x", "", "", 5)
    with pytest.raises(RuntimeError, match="array: found"):
        group.CreateMDArray(name, [x], gdal.ExtendedDataType.Create(gdal.GDT_Byte))
    with pytest.raises(RuntimeError, match="dimension: found"):
        group.CreateDimension(name, "", "", 5)
    with pytest.raises(RuntimeError, match="dimension: found"):
        group.CreateDimension("x", "", "", 6)
    assert not path.exists()


def test_an_attribute_is_there_before_it_is_written(path):  # noqa: F811
    new = New(path)
    number = gdal.ExtendedDataType.Create(gdal.GDT_Float64)
    for owner in (new.array, new.group):
        made = owner.CreateAttribute("made", [2], number)
        assert owner.GetAttribute("made").GetName() == "made"
        assert list(made.Read()) == [0, 0] and made.Write([1.0, 2.5]) == gdal.CE_None
        assert list(made.Read()) == [1, 2.5] and list(owner.GetAttribute("made").Read()) == [1, 2.5]
        with pytest.raises(RuntimeError, match="attribute : found|attribute.*wanted"):
            owner.CreateAttribute("", [1], number)


def test_an_array_of_more_bytes_than_there_are_numbers_is_refused(path):  # noqa: F811
    group = driver_of(path).CreateMultiDimensional(str(path)).GetRootGroup()
    sides = [group.CreateDimension(name, "", "", 1 << 25) for name in "abc"]
    with pytest.raises(RuntimeError, match="shape: found .*less than 2.63 bytes|chunks"):
        group.CreateMDArray("large", sides, gdal.ExtendedDataType.Create(gdal.GDT_Byte))
    with pytest.raises(RuntimeError, match="dimension: found"):
        group.CreateDimension("larger", "", "", (1 << 64) - 1)
    assert not path.exists()


def test_texts_are_no_arrays(path):  # noqa: F811
    dataset = driver_of(path).CreateMultiDimensional(str(path))
    group = dataset.GetRootGroup()
    x = group.CreateDimension("x", "", "", 5)
    with pytest.raises(RuntimeError, match="array texts: found"):
        group.CreateMDArray("texts", [x], gdal.ExtendedDataType.CreateString())
    assert not path.exists()


def test_an_attribute_is_added_to_a_file(tmp_path, rng):
    name = save(tmp_path / "scene.b2nd", numbers(SHAPE, "u2", rng), {"kept": [1, 2]})
    shown = open_array(name, gdal.OF_UPDATE)
    shown.CreateAttribute("added", [], gdal.ExtendedDataType.Create(gdal.GDT_Float64)).Write(1.5)
    del shown
    stored = blosc2.open(name)
    attributes = stored.schunk.vlmeta
    assert attributes["added"] == 1.5 and attributes["kept"] == [1, 2]


def netcdf(path):  # noqa: F811
    """A file of netCDF's own, of one variable over time, y and x."""
    if gdal.GetDriverByName("netCDF") is None:
        pytest.skip("no driver netCDF")
    dataset = gdal.GetDriverByName("netCDF").CreateMultiDimensional(str(path))
    group = dataset.GetRootGroup()
    sizes = {"time": 3, "y": 20, "x": 30}
    dimensions = [group.CreateDimension(n, t, "", s)
                  for (n, s), t in zip(sizes.items(), ("TEMPORAL", "HORIZONTAL_Y", "HORIZONTAL_X"))]
    for dimension in dimensions:
        values = group.CreateMDArray(dimension.GetName(), [dimension], gdal.ExtendedDataType.Create(gdal.GDT_Float64))
        values.Write(np.arange(float(dimension.GetSize())) ** (2 if dimension.GetName() == "time" else 1) * 100)
    array = np.arange(3 * 20 * 30, dtype="f4").reshape(3, 20, 30)
    variable = group.CreateMDArray("temperature", dimensions, gdal.ExtendedDataType.Create(gdal.GDT_Float32))
    variable.SetNoDataValueDouble(-1)
    variable.SetUnit("K")
    variable.SetSpatialRef(crs(32632))
    variable.Write(array)
    return array


@pytest.mark.parametrize("program", ["gdalmdimtranslate", "gdal mdim convert"])
def test_gdals_programs_make_files_of_netcdfs(path, tmp_path, program):  # noqa: F811
    if shutil.which(program.split()[0]) is None or (" " in program and not has_mdim()):
        pytest.skip(f"no {program}")
    array = netcdf(tmp_path / "in.nc")
    words = ["--of" if program.startswith("gdal ") else "-of", path.suffix[1:].upper(), tmp_path / "in.nc", path]
    subprocess.run([*program.split(), *map(str, words)], check=True, capture_output=True)
    np.testing.assert_array_equal(load(path), array)
    shown = open_array(path)
    assert [d.GetName() for d in shown.GetDimensions()] == ["time", "y", "x"]
    np.testing.assert_array_equal(shown.GetDimensions()[0].GetIndexingVariable().ReadAsArray(), [0, 100, 400])
    assert shown.GetNoDataValueAsDouble() == -1 and shown.GetUnit() == "K"
    classic = gdal.Open(str(path))
    np.testing.assert_allclose(classic.GetGeoTransform(), (-50, 100, 0, -50, 0, 100))
    assert classic.GetSpatialRef().GetAuthorityCode(None) == "32632"
    np.testing.assert_array_equal(classic.ReadAsArray(), array)


def two_arrays():
    dataset = gdal.GetDriverByName("MEM").CreateMultiDimensional("")
    x = dataset.GetRootGroup().CreateDimension("x", "", "", 5)
    for name in ("first", "second"):
        dataset.GetRootGroup().CreateMDArray(name, [x], gdal.ExtendedDataType.Create(gdal.GDT_Byte))
    return dataset


def test_a_copy_of_two_arrays_leaves_no_file(path):  # noqa: F811
    with pytest.raises(RuntimeError, match="arrays: found first and second"):
        driver_of(path).CreateCopy(str(path), two_arrays())
    assert not path.exists()


def test_a_copy_that_fails_leaves_the_old_file(path, tmp_path, rng):  # noqa: F811
    array = numbers((4, 5), "u2", rng)
    save(path, array)
    with pytest.raises(RuntimeError, match="arrays: found first and second"):
        driver_of(path).CreateCopy(str(path), two_arrays())
    np.testing.assert_array_equal(gdal.Open(str(path)).ReadAsArray(), array)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_copy_takes_the_place_of_an_old_file_and_its_sidecars(path, tmp_path, rng):  # noqa: F811
    save(path, numbers((4, 5), "u2", rng))
    (tmp_path / f"{path.name}.aux.xml").write_text("<PAMDataset><Metadata><MDI key='old'>1</MDI></Metadata></PAMDataset>")
    array = numbers((3, 4, 2, 9), "u2", rng)
    source = save(tmp_path / "source.npy", array)
    gdal.MultiDimTranslate(str(path), source, format=driver_of(path).ShortName)
    np.testing.assert_array_equal(open_array(path).ReadAsArray(), array)
    assert "old" not in [attribute.GetName() for attribute in open_array(path).GetAttributes() or []]
    assert not [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")]


def test_options_of_a_copy_are_those_of_its_array(tmp_path, rng):
    array = numbers((2, 3, 4, 9, 7), "u2", rng)
    name = save(tmp_path / "in.npy", array)
    gdal.MultiDimTranslate(str(tmp_path / "out.b2nd"), name, format="B2ND",
                           creationOptions=["COMPRESS=LZ4", "BLOCKSIZE=1,3,2,9,7"])
    stored = blosc2.open(str(tmp_path / "out.b2nd"))
    assert stored.chunks == (1, 3, 2, 9, 7) and stored.schunk.cparams.codec == blosc2.Codec.LZ4
    np.testing.assert_array_equal(stored[...], array)


def test_a_copy_of_a_copy_has_the_same_elements(tmp_path, rng):
    array = numbers((2, 3, 4, 9, 7), "u2", rng)
    name = save(tmp_path / "in.b2nd", array, {"dimension_names": ["t", "z", "c", "y", "x"], "n": 7})
    gdal.MultiDimTranslate(str(tmp_path / "out.npy"), name, format="NPY")
    gdal.MultiDimTranslate(str(tmp_path / "out.b2nd"), str(tmp_path / "out.npy"), format="B2ND")
    np.testing.assert_array_equal(load(tmp_path / "out.b2nd"), array)
    shown = open_array(tmp_path / "out.b2nd")
    assert [d.GetName() for d in shown.GetDimensions()] == ["t", "z", "c", "y", "x"]
    assert shown.GetAttribute("n").Read() == 7
