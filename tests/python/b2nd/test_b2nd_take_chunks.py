"""Chunks that a dataset takes out of another file as they are: the item TAKE_CHUNKS."""

import json
import os

import numpy as np
import pytest
from osgeo import gdal
from support.b2nd import blosc2
from support.tool import tool

OPTIONS = ["BLOCKSIZE=16", "CHUNKXSIZE=32", "CHUNKYSIZE=32", "NUM_THREADS=1"]


@pytest.fixture
def files(tmp_path, rng):
    """Two files of the same cut, and their pixels."""
    arrays = rng.integers(0, 60000, (2, 2, 70, 90), dtype="u2")
    paths = [str(tmp_path / name) for name in ("one.b2nd", "two.b2nd")]
    for path, array in zip(paths, arrays):
        dataset = gdal.GetDriverByName("B2ND").Create(path, 90, 70, 2, gdal.GDT_UInt16, options=OPTIONS)
        dataset.WriteArray(array)
    return paths, arrays


def take(dataset, path, start, stop):
    return dataset.SetMetadataItem("TAKE_CHUNKS", json.dumps({"path": path, "start": start, "stop": stop}), "B2ND")


def test_a_window_of_chunks_is_taken(files):
    (path, other), (pixels, others) = files
    dataset = gdal.Open(path, gdal.GA_Update)
    block = dataset.GetRasterBand(2).ReadBlock(3, 2)  # which GDAL keeps
    dataset.SetMetadataItem("author", "me")
    assert take(dataset, other, [1, 32, 32], [2, 70, 90]) == gdal.CE_None
    pixels[1, 32:, 32:] = others[1, 32:, 32:]
    np.testing.assert_array_equal(dataset.ReadAsArray(), pixels)
    assert dataset.GetRasterBand(2).ReadBlock(3, 2) != block
    dataset.WriteArray(np.zeros((2, 1, 90), "u2"), 0, 40)
    pixels[:, 40] = 0
    del dataset
    array, source = blosc2.open(path), blosc2.open(other)
    np.testing.assert_array_equal(array[:], pixels)
    number = 3 * 3 + 2 * 3 + 1  # of the chunk at (1, 2, 1)
    assert array.schunk.get_chunk(number) == source.schunk.get_chunk(number)
    assert gdal.Open(path).GetMetadata() == {"author": "me"}
    assert sorted(os.listdir(os.path.dirname(path))) == ["one.b2nd", "two.b2nd"]


@pytest.mark.parametrize("request_, message", [
    ("", "wanted {\"path\""), ("[]", "TAKE_CHUNKS: found []"),
    ('{"path": 3, "start": [0], "stop": [1]}', "wanted {\"path\""),
    ({"stop": [2, 70.5, 90]}, "wanted {\"path\""), ({"stop": [2, 70]}, "a window of shape (2, 70, 90)"),
    ({"start": [0, -32, 0]}, "a window of shape"), ({"stop": [2, 71, 90]}, "a window of shape"),
    ({"start": [0, 32, 0], "stop": [1, 32, 90]}, "a window of shape"), ({"start": [0] * 99}, "wanted {\"path\""),
    ({"start": [0, 8, 0]}, "wanted whole chunks of (1, 32, 32)"), ({"path": "none.b2nd"}, "none.b2nd"),
    ({"path": "."}, "."), ({"start": [1 << 70, 0, 0]}, "TAKE_CHUNKS: found")], ids=str)
def test_requests_that_are_none(files, errors, request_, message):
    (path, other), (pixels, _) = files
    dataset = gdal.Open(path, gdal.GA_Update)
    if isinstance(request_, dict):
        request_ = json.dumps({"path": other, "start": [0, 0, 0], "stop": [2, 70, 90], **request_})
    assert dataset.SetMetadataItem("TAKE_CHUNKS", request_, "B2ND") == gdal.CE_Failure
    assert message in errors[0]
    np.testing.assert_array_equal(dataset.ReadAsArray(), pixels)


def test_arrays_that_are_cut_otherwise(files, tmp_path, errors):
    (path, _), (pixels, _) = files
    dataset = gdal.Open(path, gdal.GA_Update)
    blocks = ["BLOCKSIZE=32"]
    others = [(90, 70, gdal.GDT_Int16, OPTIONS), (90, 71, gdal.GDT_UInt16, OPTIONS),
              (90, 70, gdal.GDT_UInt16, [*blocks, *OPTIONS[1:]]), (90, 70, gdal.GDT_UInt16, blocks)]
    for number, (width, height, dtype, options) in enumerate(others):
        other = str(tmp_path / f"other{number}.b2nd")
        gdal.GetDriverByName("B2ND").Create(other, width, height, 2, dtype, options=options).FlushCache()
        assert take(dataset, other, [0, 0, 0], [2, 70, 90]) == gdal.CE_Failure
        assert errors.pop() == f"array of {other}: found another shape, type or chunks, wanted those of {path}"
    np.testing.assert_array_equal(dataset.ReadAsArray(), pixels)


def test_only_an_update_takes(files, tmp_path, errors):
    (path, other), _ = files
    assert take(gdal.Open(path), other, [0, 0, 0], [2, 70, 90]) == gdal.CE_Failure
    assert errors == [f"{path}: access: found read-only, wanted update"]


def test_chunks_without_checksums_are_no_damage(files, tmp_path, rng):
    (path, _), (pixels, _) = files
    plain = rng.integers(0, 60000, pixels.shape, dtype="u2")
    other = str(tmp_path / "plain.b2nd")
    dataset = gdal.GetDriverByName("B2ND").Create(other, 90, 70, 2, gdal.GDT_UInt16,
                                                  options=[*OPTIONS, "CHECKSUM=NO"])
    dataset.WriteArray(plain)
    del dataset
    first, second = gdal.Open(path, gdal.GA_Update), gdal.Open(path, gdal.GA_Update)
    assert take(first, other, [1, 32, 32], [2, 70, 90]) == gdal.CE_None
    pixels[1, 32:, 32:] = plain[1, 32:, 32:]
    np.testing.assert_array_equal(first.ReadAsArray(), pixels)
    second.WriteArray(np.zeros((2, 1, 90), "u2"))  # committed in between
    pixels[:, 0] = 0
    del second, first
    dataset = gdal.Open(path)
    np.testing.assert_array_equal(dataset.ReadAsArray(), pixels)
    assert dataset.GetMetadataItem("CHECKSUMS", "B2ND") == "14 of 18 chunks"
    assert "no damage" in tool("verify", path)


def test_a_damaged_chunk_is_not_taken(files, errors):
    (path, other), (pixels, _) = files
    source = blosc2.open(other)
    first = source.schunk.get_chunk(0)
    with open(other, "rb+") as file:
        file.seek(file.read().index(first) + 4)  # the chunk's size
        file.write(b"\xff\xff\xff\x7f")
    dataset = gdal.Open(path, gdal.GA_Update)
    assert take(dataset, other, [0, 0, 0], [1, 32, 32]) == gdal.CE_Failure
    assert "uncompressed size" in errors[0] or "chunk 0" in errors[0]
    np.testing.assert_array_equal(dataset.ReadAsArray(), pixels)
