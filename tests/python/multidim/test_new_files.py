"""Datasets of the multidimensional API: the geotransform of x and y, and chunks taken out of other files."""

import json
import zipfile

import numpy as np
import pytest
from multidim.test_reading import GDAL, open_array
from multidim.test_reading import path  # noqa: F401
from multidim.test_writing import SHAPE, New, load
from osgeo import gdal

blosc2 = pytest.importorskip("blosc2")
CUT = ["BLOCKSIZE=2,2,4,4", "BLOCKS=1,1,2,4"]
WINDOW = {"start": [2, 0, 4, 0], "stop": [3, 4, 9, 7]}
ROTATED = (1 / 3, 7.1, 0.5, 9.3, -0.25, 1 / 7)


@pytest.mark.parametrize("names", [("t", "z", "y", "x"), ("t", "z", "lat", "lon"), ("y", "x", "t", "z")])
def test_the_geotransform_is_kept_to_the_last_bit(path, names):  # noqa: F811
    new = New(path, names=names)
    assert new.dataset.GetGeoTransform(can_return_null=True) is None
    assert new.dataset.SetGeoTransform(ROTATED) == gdal.CE_None
    new.close()
    opened = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER)
    assert opened.GetGeoTransform() == ROTATED
    types = {d.GetName(): d.GetType() for d in open_array(path).GetDimensions()}
    y, x = (names[0], names[1]) if names[0] == "y" else names[2:]
    assert (types[y], types[x], types["z"]) == ("HORIZONTAL_Y", "HORIZONTAL_X", "")


def test_the_geotransform_of_a_file_that_is_there_is_not_changed(path):  # noqa: F811
    New(path).close()
    dataset = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER | gdal.OF_UPDATE)
    with pytest.raises(RuntimeError, match="geotransform: found no new array, wanted one"):
        dataset.SetGeoTransform(ROTATED)
    empty = gdal.GetDriverByName("NPY").CreateMultiDimensional(str(path))
    with pytest.raises(RuntimeError, match="geotransform: found no new array"):
        empty.SetGeoTransform(ROTATED)


def test_signed_bytes_are_made_by_all_versions(path, rng):  # noqa: F811
    group = gdal.GetDriverByName(path.suffix[1:]).CreateMultiDimensional(str(path)).GetRootGroup()
    sides = [group.CreateDimension(name, "", "", size) for name, size in zip("tzyx", SHAPE)]
    code, options = (gdal.GDT_Byte, ["PIXELTYPE=SIGNEDBYTE"]) if GDAL < 3070000 else (gdal.GDT_Int8, [])
    array = group.CreateMDArray("array", sides, gdal.ExtendedDataType.Create(code), options)
    array.SetNoDataValueDouble(-128)
    values = rng.integers(-127, 128, SHAPE[1:], "i1")
    array.Write(values[np.newaxis].astype("i2"), [1, 0, 0, 0])
    del array, sides, group
    read = load(path)
    assert read.dtype == np.int8
    np.testing.assert_array_equal(read[1], values)
    assert path.suffix == ".npy" or (read[2] == -128).all()


@pytest.fixture
def files(tmp_path, rng):
    """A new file that is open, another of the same cut, and the pixels of both."""
    arrays = rng.integers(0, 60000, (2, *SHAPE), dtype="u2")
    made = [New(tmp_path / name, options=CUT) for name in ("one.b2nd", "two.b2nd")]
    for new, array in zip(made, arrays):
        new.array.Write(array)
    made[1].close()
    return made[0], tmp_path / "two.b2nd", arrays


def take(dataset, name, domain="B2ND", **window):
    return dataset.SetMetadataItem("TAKE_CHUNKS", json.dumps({"path": str(name), **WINDOW, **window}), domain)


@pytest.mark.parametrize("opened", ["new", "again"])
def test_a_box_of_chunks_is_taken(files, tmp_path, opened):
    new, other, (array, others) = files
    if opened == "again":
        new.close()
        new.dataset = gdal.OpenEx(str(tmp_path / "one.b2nd"), gdal.OF_MULTIDIM_RASTER | gdal.OF_UPDATE)
    dataset = new.dataset
    assert take(dataset, other) == gdal.CE_None
    array[2:, :, 4:] = others[2:, :, 4:]
    group = dataset.GetRootGroup()
    np.testing.assert_array_equal(group.OpenMDArray(group.GetMDArrayNames()[0]).ReadAsArray(), array)
    del group, dataset
    new.close()
    stored, source = blosc2.open(str(tmp_path / "one.b2nd")), blosc2.open(str(other))
    np.testing.assert_array_equal(stored[...], array)
    assert stored.schunk.get_chunk(stored.schunk.nchunks - 1) == source.schunk.get_chunk(source.schunk.nchunks - 1)


def test_what_cannot_be_taken_is_an_error(files, tmp_path):
    new, other, (array, others) = files
    New(tmp_path / "cut.b2nd").close()
    New(tmp_path / "type.b2nd", dtype="i4", options=CUT).close()
    with zipfile.ZipFile(tmp_path / "all.b2z", "w") as archive:
        archive.write(other, "one.b2nd")
        archive.write(other, "two.b2nd")
    for name, window, message in (
            (tmp_path / "none.b2nd", {}, "none.b2nd"), (tmp_path / "cut.b2nd", {}, "another shape, type or chunks"),
            (tmp_path / "type.b2nd", {}, "another shape, type or chunks"),
            (tmp_path / "all.b2z", {}, "a file of one array"),
            (other, {"start": [2, 0, 3, 0]}, "wanted whole chunks"), (other, {"stop": [2, 2]}, "a window of shape"),
            (other, {"start": "all"}, "TAKE_CHUNKS: found")):
        with pytest.raises(RuntimeError, match=message):
            take(new.dataset, name, **window)
    new.close()
    np.testing.assert_array_equal(load(tmp_path / "one.b2nd"), array)
    with pytest.raises(RuntimeError, match="read-only"):
        take(gdal.OpenEx(str(tmp_path / "one.b2nd"), gdal.OF_MULTIDIM_RASTER), other)


def test_a_npy_takes_no_chunks(tmp_path):
    New(tmp_path / "other.npy").close()
    with pytest.raises(RuntimeError, match="chunks"):
        take(New(tmp_path / "one.npy").dataset, tmp_path / "other.npy", "NPY")
