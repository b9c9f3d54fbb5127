"""Structured dtypes: a band for each field, at each place of the band axis."""

import numpy as np
import pytest
from support.b2nd import assert_same, blosc2, read_bands
from osgeo import gdal
from support import shown_dtype

DTYPES = {
    "plain": [("red", "u1"), ("height", "<f4"), ("flags", ">u2")],
    "aligned": np.dtype([("a", "u1"), ("b", "<f8"), ("c", "i2")], align=True),
    "gaps": {"names": ["x", "y"], "formats": ["<i4", ">f8"], "offsets": [4, 13], "itemsize": 31},
    "backwards": {"names": ["late", "early"], "formats": ["<u2", "<u2"], "offsets": [6, 1],
                  "itemsize": 9},
    "overlapping": {"names": ["word", "byte"], "formats": ["<u2", "u1"], "offsets": [0, 1]},
    "one field": [("only", "<c8")],
    "half": [("h", "<f2"), ("h2", ">f2"), ("signed", "i1")],
    "bool": [("valid", "?"), ("value", "<u2")],
    "unicode": [("höhe", "<u2"), ("日本", ">i8")],
    "titled": [(("what it is", "name"), "<f4")],
    "wide": [(f"f{i}", "<f8") for i in range(40)],  # more bytes than Blosc counts in one
}


def save(path, records, **parameters):
    """Not through asarray, which forgets gaps between fields."""
    parameters = {"chunks": (24, 16), "blocks": (9, 16), **parameters}
    array = blosc2.empty(records.shape, records.dtype, urlpath=str(path), mode="w", **parameters)
    array[...] = records
    return str(path)


def numbered(shape, start=0):
    return ((np.arange(np.prod(shape)) * 31 + start) % 101).reshape(shape)


def check(path, fields):
    """fields: what each band shows, by its name."""
    dataset = gdal.Open(path)
    bands = [dataset.GetRasterBand(number + 1) for number in range(dataset.RasterCount)]
    assert [band.GetDescription() for band in bands] == list(fields)
    for band, expected in zip(bands, fields.values()):
        expected = expected.astype(shown_dtype(expected.dtype))
        assert_same(band.ReadAsArray(), expected)
        assert_same(band.ReadAsArray(7, 11, 30, 25), expected[11:36, 7:37])
    if len({expected.dtype for expected in fields.values()}) == 1:
        np.testing.assert_array_equal(read_bands(dataset), np.stack(list(fields.values())))


@pytest.mark.parametrize("name", DTYPES)
def test_fields_are_bands(tmp_path, name):
    records = np.zeros((50, 40), DTYPES[name])
    for number, field in enumerate(records.dtype.names):
        values = numbered(records.shape, number)
        records[field] = values > 50 if records.dtype[field] == np.bool_ else values
    path = save(tmp_path / "records.b2nd", records)
    read = blosc2.open(path)[...]
    assert read.tobytes() == records.tobytes()
    check(path, {field: read[field] for field in records.dtype.names})


@pytest.mark.parametrize("align", [False, True])
def test_nested_fields_and_arrays_within(tmp_path, align):
    point = np.dtype([("x", "<i4"), ("y", ">i2")], align=align)
    records = np.zeros((50, 40), np.dtype([("point", point), ("rgb", "u1", 3),
                                           ("m", "<u2", (2, 2))], align=align))
    numbers = numbered(records.shape)
    records["point"]["x"], records["point"]["y"] = numbers, numbers + 1
    records["rgb"] = numbers[..., None] + np.arange(3)
    records["m"] = numbers[..., None, None] + np.arange(4).reshape(2, 2)
    path = save(tmp_path / "nested.b2nd", records)
    check(path, {
        "point.x": records["point"]["x"], "point.y": records["point"]["y"],
        **{f"rgb[{i}]": records["rgb"][..., i] for i in range(3)},
        **{f"m[{2 * i + j}]": records["m"][..., i, j] for i in range(2) for j in range(2)}})


def test_stacks_of_records(tmp_path):
    records = np.zeros((3, 50, 40), [("a", "<u2"), ("b", "<u2")])
    records["a"], records["b"] = numbered(records.shape), numbered(records.shape, 7)
    path = save(tmp_path / "stack.b2nd", records, chunks=(2, 24, 16), blocks=(1, 9, 16))
    check(path, {f"{field}[{place}]": records[field][place] for place in range(3)
                 for field in "ab"})


def test_lines_of_records(tmp_path):
    records = np.zeros(1000, [("a", "<u2"), ("b", ">f8")])
    records["a"], records["b"] = numbered(1000), numbered(1000, 7)
    path = save(tmp_path / "line.b2nd", records, chunks=(300,), blocks=(70,))
    dataset = gdal.Open(path)
    for number, field in enumerate("ab"):
        got = dataset.GetRasterBand(number + 1).ReadAsArray(300, 0, 600, 1)
        assert_same(got, records[field][np.newaxis, 300:900].astype(got.dtype))


@pytest.mark.parametrize("make", [blosc2.zeros, blosc2.uninit])
def test_special_chunks(tmp_path, make):
    path = str(tmp_path / "zeros.b2nd")
    make((50, 40), dtype=[("a", "u1"), ("b", "<f4")], urlpath=path)
    check(path, {"a": np.zeros((50, 40), "u1"), "b": np.zeros((50, 40), "f4")})


def test_one_value(tmp_path):
    dtype = np.dtype([("a", "u1"), ("b", ">f4")])
    path = str(tmp_path / "full.b2nd")
    blosc2.full((50, 40), np.array((7, 2.5), dtype), dtype=dtype, urlpath=path)
    check(path, {"a": np.full((50, 40), 7, "u1"), "b": np.full((50, 40), 2.5, "f4")})


def test_structure_of_records(tmp_path):
    path = save(tmp_path / "records.b2nd", np.zeros((50, 40), DTYPES["plain"]))
    structure = gdal.Open(path).GetMetadata("IMAGE_STRUCTURE")
    assert structure["DTYPE"] == "[('red', 'u1'), ('height', '<f4'), ('flags', '>u2')]"
    assert structure["INTERLEAVE"] == "PIXEL"


@pytest.mark.parametrize("dtype, message", [
    ([("a", "S3"), ("b", "<f4")], "'S3'"), ([("a", "<M8[s]")], "'<M8[s]'"),
    ([("a", "<f4"), ("rest", "V7")], "'V7'"), ([("deep", [("name", "<U2")])], "'<U2'")])
def test_fields_that_are_no_numbers_are_refused(tmp_path, errors, dtype, message):
    path = save(tmp_path / "text.b2nd", np.zeros((50, 40), dtype))
    assert gdal.Open(path) is None
    assert len(errors) == 1 and errors[0].startswith(f"{path}: ") and message in errors[0], errors
