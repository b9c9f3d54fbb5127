"""What is no readable array gives one error that names the file and what is wrong with it."""

import os
import pathlib
import re
import struct

import numpy as np
import pytest
from support.b2nd import assert_same, blosc2, chunk_offsets, save
from osgeo import gdal

ARRAY = np.arange(600, dtype="u2").reshape(20, 30)


def assert_refused(path, errors, pattern, access=gdal.GA_ReadOnly):
    assert gdal.Open(str(path), access) is None
    assert len(errors) == 1, errors
    assert re.search(f"^{re.escape(str(path))}: .*{pattern}", errors[0]), errors[0]
    errors.clear()


def assert_unreadable(path, errors, pattern):
    """Opens, since only chunks are wrong; reading gives the one error."""
    dataset = gdal.Open(str(path))
    assert dataset is not None and errors == []
    assert dataset.ReadAsArray() is None
    assert len(errors) == 1 and errors[0].startswith(f"{path}: "), errors
    assert re.search(pattern, errors[0]), errors[0]
    errors.clear()


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "other.b2nd")


def fill(store, values):
    for value in values:
        store.append(value)
    if hasattr(store, "flush"):
        store.flush()


def save_proxy(path):
    source = blosc2.asarray(ARRAY, urlpath=path.replace("other", "source"))
    blosc2.Proxy(source, urlpath=path, mode="w")


def save_expression(path):
    operand = blosc2.asarray(ARRAY, urlpath=path.replace("other", "operand"))
    (operand + operand * 2).save(path)


def save_function(path):
    operand = blosc2.asarray(ARRAY, urlpath=path.replace("other", "operand"))

    def twice(inputs, output, _):
        output[:] = inputs[0] * 2

    blosc2.lazyudf(twice, (operand,), np.uint16).save(path)


# Whatever else python-blosc2 keeps in a file; what it calls them differs between its versions.
OTHERS = {
    "super-chunk": lambda path: blosc2.SChunk(data=b"x" * 500, contiguous=True, urlpath=path),
    "tensor": lambda path: blosc2.save_tensor(ARRAY, path, mode="w"),
    "pickle": lambda path: blosc2.save_array(ARRAY, path, mode="w"),
    "expression": save_expression,
    "function": save_function,
    "proxy": save_proxy,
    "objects": lambda path: fill(blosc2.ObjectArray(urlpath=path, mode="w", contiguous=True),
                                 [{"a": 1}, "text", None]),
    "batches": lambda path: fill(blosc2.BatchArray(urlpath=path, mode="w", contiguous=True),
                                 [[1, 2], [3, 4, 5]]),
    "lists": lambda path: fill(blosc2.ListArray(blosc2.list(blosc2.int64()), urlpath=path,
                                                mode="w"), [[1, 2], [3]]),
    "no lists": lambda path: blosc2.ListArray(blosc2.list(blosc2.int64()), urlpath=path, mode="w"),
    "store": lambda path: blosc2.EmbedStore(urlpath=path, mode="w").__setitem__("/a", ARRAY),
}


@pytest.mark.parametrize("name", OTHERS)
def test_frames_that_are_no_arrays(path, errors, name):
    try:
        OTHERS[name](path)
    except AttributeError as error:
        pytest.skip(f"not in this python-blosc2: {error}")
    assert os.path.isfile(path)
    assert_refused(path, errors, "content: found a .*, wanted a b2nd array")


def test_sparse_frames(path, errors):
    """Folders with a file for each chunk."""
    blosc2.asarray(ARRAY, urlpath=path, contiguous=False)
    assert os.path.isdir(path)
    assert_refused(path, errors, "frame: found a sparse one .*, wanted a contiguous one")
    assert_refused(f"{path}/chunks.b2frame", errors, "frame: found a sparse one")


def test_other_folders_are_left_to_others(tmp_path, errors):
    (tmp_path / "folder").mkdir()
    assert gdal.Open(str(tmp_path / "folder")) is None
    assert not any("frame" in error for error in errors)


@pytest.mark.parametrize("dtype", ["S5", "U3", "M8[s]", "m8[D]", "O", "V7", "f16", "c32"])
def test_elements_that_are_no_numbers(path, errors, dtype):
    blosc2.zeros((20, 30), dtype=dtype, urlpath=path)
    text = re.escape(np.dtype(dtype).str)
    assert_refused(path, errors, f"dtype: found '{text}' .*, wanted a bool, .*int8 to .*int64, float")


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3, 4)])
def test_axes_of_size_zero(path, errors, shape):
    blosc2.zeros(shape, dtype="u1", urlpath=path)
    assert_refused(path, errors, re.escape(f"shape: found {shape}, wanted no axis of size 0"))


def test_scalars(path, errors):
    blosc2.zeros((), dtype="u1", urlpath=path)
    assert_refused(path, errors, re.escape("shape: found (), wanted at least one axis"))


def test_pixels_cannot_be_written(tmp_path, errors):
    path = save(tmp_path / "array.b2nd", ARRAY)
    dataset = gdal.Open(path)
    assert dataset.GetRasterBand(1).WriteArray(ARRAY) != gdal.CE_None
    assert len(errors) == 1 and os.path.basename(path) in errors[0]
    assert_same(gdal.Open(path).ReadAsArray(), ARRAY)


def patched(tmp_path, array, changes, **parameters):
    """Changes bytes of the first chunk: {place within it: value}."""
    path = save(tmp_path / "patched.b2nd", array, **parameters)
    content = bytearray((tmp_path / "patched.b2nd").read_bytes())
    start = int(chunk_offsets(content)[0])
    for at, value in changes.items():
        content[start + at:start + at + len(value)] = value
    (tmp_path / "patched.b2nd").write_bytes(content)
    return path


PLUGIN_CODEC = 6  # the codec's number is in a byte of its own
FLAGS = PLUGIN_CODEC << 5 | 5  # of a chunk; that byte is its 22nd


@pytest.mark.parametrize("number, name", [(36, "OPENHTJ2K"), (37, "GROK"), (38, "OPENZL"),
                                          (39, "J2K"), (250, "codec 250")])
def test_codec_of_a_missing_plugin(tmp_path, errors, number, name):
    changes = {2: [FLAGS], 22: [number]}
    path = patched(tmp_path, ARRAY, changes)
    assert_unreadable(path, errors, f"chunk 0 at byte .*: codec: found {name}, which a plugin of "
                                    "c-blosc2 decodes, wanted a codec that is part of c-blosc2")


def test_filter_of_a_missing_plugin(tmp_path, errors):
    path = patched(tmp_path, ARRAY, {16: [200]})
    assert_unreadable(path, errors, "chunk 0 at byte .*: filter: found filter 200, which a plugin")


@pytest.mark.parametrize("at, value, message", [
    (0, b"\x63", "chunk version: found 99"),
    (2, b"\x00", "chunk: found one of Blosc 1"),
    (4, struct.pack("<i", 77), "uncompressed size: found 77"),
    (4, struct.pack("<i", -1), "uncompressed size: found -1"),
    (8, struct.pack("<i", 0), "block size: found 0"),
    (12, struct.pack("<i", 7), "compressed size: found 7"),
    (12, struct.pack("<i", 1 << 30), "compressed size: found 1073741824"),
    (31, b"\x70", "special value: found 7"),
    (31, b"\x30", "repeated value"),
])
def test_damaged_header_of_a_chunk(tmp_path, errors, at, value, message):
    path = patched(tmp_path, ARRAY, {at: value})
    assert_unreadable(path, errors, f"chunk 0 at byte .*{message}")


def test_damaged_block(tmp_path, errors, rng):
    noise = rng.integers(0, 999, (200, 300), dtype="u4")
    cparams = {"codec": blosc2.Codec.ZSTD, "filters": [blosc2.Filter.NOFILTER], "nthreads": 1}
    shapes = {"chunks": (200, 300), "blocks": (100, 300)}
    # Past the header, where two blocks start, and the first's length: its compressed bytes.
    path = patched(tmp_path, noise, {44: bytes(64)}, cparams=cparams, **shapes)
    assert_unreadable(path, errors, r"chunk 0 at byte .*block 0, array\[0:100, 0:300\]: compressed data: found ")
    assert_same(gdal.Open(path).ReadAsArray(0, 100, 300, 100), noise[100:])


def test_damaged_chunk_costs_only_its_own_pixels(tmp_path, errors):
    path = patched(tmp_path, ARRAY, {2: [FLAGS], 22: [38]}, chunks=(10, 30), blocks=(5, 30))
    dataset = gdal.Open(path)
    assert dataset.ReadAsArray(0, 9, 30, 11) is None
    assert len(errors) == 1
    assert_same(dataset.ReadAsArray(0, 10, 30, 10), ARRAY[10:])


@pytest.mark.parametrize("parameters", [{}, {"chunks": (6, 7), "blocks": (3, 5)}],
                         ids=["one chunk", "chunks"])
def test_truncation_at_every_length(tmp_path, errors, parameters):
    whole = tmp_path / "whole.b2nd"
    save(whole, ARRAY, **parameters)
    content = whole.read_bytes()
    for length in range(len(content)):
        path = tmp_path / f"{length}.b2nd"
        path.write_bytes(content[:length])
        assert gdal.Open(str(path)) is None
        assert len(errors) == 1, (length, errors)
        # Below ten bytes nothing says that this is a frame.
        wanted = f"{re.escape(str(path))}: cut short: {length} of (at least )?\\d+ bytes; copy it again"
        assert length < 10 or re.fullmatch(wanted, errors[0]), (length, errors)
        assert length < 300 or f"of {len(content)} bytes" in errors[0]
        errors.clear()
        path.unlink()


def test_bytes_after_the_frame_are_ignored(tmp_path):
    path = tmp_path / "long.b2nd"
    save(path, ARRAY)
    path.write_bytes(path.read_bytes() + b"rest" * 1000)
    assert_same(gdal.Open(str(path)).ReadAsArray(), ARRAY)


@pytest.mark.parametrize("flip", [0xFF, 0x01, 0x80])
def test_any_damaged_byte_is_survived(tmp_path, errors, flip):
    """There are no checksums in a frame: an error, or other pixels."""
    path = tmp_path / "damaged.b2nd"
    array = np.tile(np.arange(30, dtype="u2"), (20, 1))
    save(path, array, chunks=(15, 20), blocks=(7, 20))
    written = blosc2.open(str(path), mode="a")
    written.schunk.vlmeta["note"] = {"some": ["metadata", 1, 2.5]}
    del written
    content = bytearray(path.read_bytes())
    for at in range(len(content)):
        content[at] ^= flip
        damaged = tmp_path / f"{at}.b2nd"  # a new name: old content is nowhere kept
        damaged.write_bytes(content)
        content[at] ^= flip
        dataset = gdal.Open(str(damaged))
        if dataset is None or dataset.RasterCount == 0:
            continue
        dataset.ReadRaster(0, 0, min(30, dataset.RasterXSize), min(20, dataset.RasterYSize),
                           band_list=[1])
        damaged.unlink()


def test_file_that_shrinks_while_open(tmp_path, errors, rng):
    path = save(tmp_path / "array.b2nd", rng.integers(0, 60000, (500, 500), dtype="u2"),
                chunks=(100, 100))
    dataset = gdal.Open(path)
    os.truncate(path, os.stat(path).st_size // 2)
    assert dataset.ReadAsArray() is None
    assert len(errors) == 1 and errors[0].startswith(f"{path}: ") and "shrank" in errors[0]


# Bytes of the frame's header: codec and level; filters, then the codec's number where it is no common one.
CODEC_AT, FILTERS_AT = 27, 71


@pytest.mark.parametrize("codec, name", [(39, "J2K"), (200, "codec 200")])
def test_no_plugin_is_loaded_to_write(tmp_path, errors, codec, name, monkeypatch):
    """c-blosc2 looks for plugins by running a Python: one that would leave a file behind."""
    path = pathlib.Path(save(tmp_path / "a.b2nd", ARRAY))
    content = bytearray(path.read_bytes())
    content[CODEC_AT] = content[CODEC_AT] & 0xf0 | PLUGIN_CODEC
    content[FILTERS_AT + 6] = codec
    path.write_bytes(content)
    for program in ("python", "python3"):
        (tmp_path / program).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert_refused(path, errors, f"codec: found {name}, which a plugin of c-blosc2 decodes", gdal.GA_Update)
    assert not (tmp_path / "ran").exists()
    assert_same(gdal.Open(str(path)).ReadAsArray(), ARRAY)  # its chunks are of another codec
