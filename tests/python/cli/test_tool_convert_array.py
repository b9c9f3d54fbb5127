"""gdal_ndarray convert of arrays with four and more axes, between .npy and .b2nd."""

import os
import pathlib
import re
import signal
import subprocess
import time

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal
from support.tool import PROGRAM, error, tool

DTYPES = ["?", "i1", "u1", "<i2", ">u2", "<i4", ">u4", "<i8", ">u8", "<f2", ">f2", "<f4", ">f4",
          "<f8", ">f8", "<c8", ">c8", "<c16"]


def make(rng, shape, dtype="<f4"):
    dtype = np.dtype(dtype)
    values = rng.integers(-1000, 1000, shape)
    if dtype.kind == "c":
        return (values + 1j * values[::-1]).astype(dtype)
    return (values & 1 if dtype.kind == "b" else values).astype(dtype)


def save(path, array, **storage):
    if path.suffix == ".npy":
        np.save(path, array)
    else:
        blosc2.asarray(array, urlpath=str(path), mode="w", **storage)
    return path


def load(path):
    return np.load(path) if path.suffix == ".npy" else blosc2.open(str(path))[:]


@pytest.fixture
def paths(tmp_path):
    """All ways between the two layouts."""
    return [(tmp_path / f"from{a}", tmp_path / f"{a[1:]}_to{b}")
            for a in (".npy", ".b2nd") for b in (".npy", ".b2nd")]


def check_all_ways(paths, array, expected=None, **storage):
    expected = array if expected is None else expected
    for source, destination in paths:
        save(source, array, **storage)
        assert tool("convert", source, destination) == ""
        found = load(destination)
        assert found.dtype == expected.dtype and found.shape == array.shape
        assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_keeps_its_values(paths, rng, dtype):
    array = make(rng, (3, 4, 5, 6), dtype)
    check_all_ways(paths, array, array.astype(array.dtype.newbyteorder("=")))


@pytest.mark.parametrize("shape", [
    (2, 3, 4, 5), (1, 1, 1, 1), (1, 40, 50, 60), (70, 3, 5, 2), (2, 3, 4, 5, 6), (5, 6, 7, 8, 3),
    (2, 1, 3, 1, 2, 4), (2,) * 11, (1, 2) * 8])
def test_every_number_of_axes(paths, rng, shape):
    check_all_ways(paths, make(rng, shape, "u2"))


@pytest.mark.parametrize("chunks, blocks", [
    ((1, 7, 9, 11), (1, 3, 4, 5)), ((2, 30, 1, 30), (1, 8, 1, 8)), ((2, 5, 40, 50), (2, 5, 7, 50))])
def test_chunks_and_blocks_of_any_shape(paths, rng, chunks, blocks):
    check_all_ways(paths, make(rng, (2, 30, 40, 50)), chunks=chunks, blocks=blocks)


def test_fortran_order(tmp_path, rng):
    array = np.asfortranarray(make(rng, (3, 40, 50, 20), ">i4"))
    np.save(tmp_path / "f.npy", array)
    assert np.load(tmp_path / "f.npy").flags.f_contiguous
    for name in ("o.npy", "o.b2nd"):
        tool("convert", tmp_path / "f.npy", tmp_path / name)
        np.testing.assert_array_equal(load(tmp_path / name), array)


def nnunet_shapes(shape, patch, element_bytes, cache=(32768, 1 << 20)):
    """Blocks of half an L1 cache, chunks of an L3 cache's share, cubes of the patch's shape, as the
    files of nnU-Net v2 have them."""
    block = np.array((shape[0], *[2 ** max(0, int(np.ceil(np.log2(side)))) for side in patch]))
    while block.prod() * element_bytes > cache[0] * 0.8:
        axis = int(np.argmax(block[1:] / patch)) + 1
        block[axis] = max(block[axis] // 2, 1)
    block = np.minimum(block, shape)
    chunk = block.copy()
    while chunk.prod() * element_bytes < cache[1] * 0.8 and (chunk < shape)[1:].any():
        for axis in range(1, 4):
            chunk[axis] = min(chunk[axis] + block[axis], shape[axis])
    return tuple(map(int, chunk)), tuple(map(int, block))


@pytest.mark.parametrize("dtype, channels", [("<f4", 2), ("i1", 1), ("<i2", 1)])
def test_nnunet_files(paths, rng, dtype, channels):
    shape = (channels, 61, 83, 79)
    array = make(rng, shape, dtype) % 7
    chunks, blocks = nnunet_shapes(shape, (48, 64, 64), array.itemsize)
    storage = {"chunks": chunks, "blocks": blocks,
               "cparams": {"codec": blosc2.Codec.ZSTD, "clevel": 8}}
    check_all_ways(paths, array, **storage)
    for source, destination in paths:
        tool("verify", destination, "--against", source, "-q")
    again = blosc2.open(str(paths[3][1]))
    assert (again.chunks, again.blocks) == (chunks, blocks)  # those that suit its reader


def test_default_chunks_grow_over_small_planes(tmp_path, rng):
    for shape, chunks, blocks in [
            ((2, 3, 2000, 1500), (1, 1, 1024, 1024), (1, 1, 128, 128)),
            ((3, 20, 256, 512), (1, 8, 256, 512), (1, 1, 128, 128)),
            ((6, 5, 64, 64), (6, 5, 64, 64), (1, 5, 64, 64)),
            ((40, 30, 20, 20, 3), None, (1, 27, 20, 20, 3))]:
        array = make(rng, shape, "u2")
        tool("convert", save(tmp_path / "a.npy", array), tmp_path / "o.b2nd")
        found = blosc2.open(str(tmp_path / "o.b2nd"))
        np.testing.assert_array_equal(found[:], array)
        assert found.blocks == blocks
        if chunks is not None:
            assert all(c >= min(w, s) for c, w, s in zip(found.chunks, chunks, shape))
        assert np.prod(found.chunks) * 2 <= 2.5e6


def test_creation_options_count(tmp_path, rng):
    array = make(rng, (3, 4, 60, 70), "u2")
    source = save(tmp_path / "a.b2nd", array, chunks=(1, 2, 30, 70), blocks=(1, 1, 30, 35))
    tool("convert", source, tmp_path / "o.b2nd", "-co", "COMPRESS=LZ4", "-co", "LEVEL=3", "-co",
         "FILTER=SHUFFLE")
    found = blosc2.open(str(tmp_path / "o.b2nd"))
    np.testing.assert_array_equal(found[:], array)
    assert found.schunk.cparams.codec == blosc2.Codec.LZ4 and found.schunk.cparams.clevel == 3
    assert found.chunks == (1, 2, 30, 70) and found.blocks == (1, 1, 30, 35)
    tool("convert", source, tmp_path / "o.b2nd", "-co", "BLOCKXSIZE=16", "-co", "BLOCKYSIZE=8",
         "-co", "CHUNKXSIZE=32", "-co", "CHUNKYSIZE=24")
    found = blosc2.open(str(tmp_path / "o.b2nd"))
    assert found.chunks == (1, 1, 24, 32) and found.blocks == (1, 1, 8, 16)
    np.testing.assert_array_equal(found[:], array)
    tool("convert", source, tmp_path / "o.b2nd", "--access", "window=32")
    found = blosc2.open(str(tmp_path / "o.b2nd"))
    assert found.blocks == (1, 1, 32, 32)
    np.testing.assert_array_equal(found[:], array)
    text = error("convert", source, tmp_path / "o.b2nd", "-co", "LEVEL=10", code=2)
    assert text == f"{tmp_path / 'o.b2nd'}: LEVEL: found 10, wanted 1 to 9 (ZSTD_LEVEL has 1 to 22)"


def test_attributes_of_a_b2nd_go_along(tmp_path, rng):
    array = make(rng, (2, 3, 4, 5))
    source = save(tmp_path / "a.b2nd", array)
    opened = blosc2.open(str(source), mode="a")
    attributes = opened.schunk.vlmeta
    kept = {"spatial:dimensions": ["c", "z", "y", "x"], "spacing": [1.0, 0.5, 0.5],
            "nested": {"a": [1, None, True], "b": "text"}, "raw": b"\0\1"}
    for name, value in kept.items():
        attributes[name] = value
    tool("convert", source, tmp_path / "o.b2nd")
    copy = blosc2.open(str(tmp_path / "o.b2nd"))
    found = copy.schunk.vlmeta
    assert {name: found[name] for name in kept} == kept


def test_records_keep_their_fields(tmp_path, rng):
    dtype = np.dtype([("id", ">u2"), ("place", [("x", "<f4"), ("y", ">f8")]), ("v", "i1", (3,))])
    array = np.frombuffer(rng.bytes(120 * dtype.itemsize), dtype).reshape(2, 3, 4, 5)
    source = save(tmp_path / "a.npy", array)
    tool("convert", source, tmp_path / "o.b2nd")
    tool("convert", tmp_path / "o.b2nd", tmp_path / "o.npy")
    tool("convert", tmp_path / "o.b2nd", tmp_path / "p.b2nd")
    for name in ("o.b2nd", "o.npy", "p.b2nd"):
        found = load(tmp_path / name)
        assert found.dtype == dtype and found.tobytes() == array.tobytes()


def test_long_records(tmp_path, rng):
    dtype = np.dtype([(f"feld_ä{i}", "<f8") for i in range(40)])
    array = np.frombuffer(rng.bytes(24 * dtype.itemsize), dtype).reshape(1, 2, 3, 4)
    with pytest.warns(UserWarning):  # that names beyond Latin-1 make it version 3
        source = save(tmp_path / "a.npy", array.astype([(f"{n}Ω", "<f8") for n in dtype.names]))
    tool("convert", source, tmp_path / "o.npy")
    assert np.load(tmp_path / "o.npy").tobytes() == array.tobytes()
    assert "found records of 320 bytes, wanted at most 255" in error(
        "convert", source, tmp_path / "o.b2nd")


def test_what_makes_no_sense_for_an_array_is_refused(tmp_path, rng):
    source = save(tmp_path / "a.npy", make(rng, (2, 3, 4, 5)))
    start = f"{source}: is an array of 4 axes, for which there is no "
    target = tmp_path / "o.b2nd"
    assert error("convert", source, target, "--bands", "1") == (
        f'{start}--bands (NPY:"{source}":0 is a part that has bands)')
    assert error("convert", source, target, "-co", "AXES=BYX") == f"{start}-co AXES"
    assert error("convert", source, target, "--overviews").startswith(f"{start}--overviews")
    assert [found.name for found in tmp_path.iterdir()] == ["a.npy"]


def test_more_axes_than_a_b2nd_has_are_refused(tmp_path, rng):
    source = save(tmp_path / "a.npy", make(rng, (1,) * 15 + (2, 3)))
    assert error("convert", source, tmp_path / "o.b2nd") == (
        f"{source}: found 17 axes, wanted at most 16, as a .b2nd has")
    tool("convert", source, tmp_path / "o.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), np.load(source))


def test_source_is_not_overwritten_by_itself(tmp_path, rng):
    source = save(tmp_path / "a.npy", make(rng, (2, 3, 4, 5)))
    (tmp_path / "b.npy").symlink_to(source)
    for name in ("a.npy", "b.npy"):
        error("convert", source, tmp_path / name)
    assert np.load(source).shape == (2, 3, 4, 5)


def test_parts_are_rasters(tmp_path, rng):
    array = make(rng, (2, 3, 4, 5))
    source = save(tmp_path / "a.npy", array)
    tool("convert", f'NPY:"{source}":[1]', tmp_path / "o.b2nd")
    np.testing.assert_array_equal(load(tmp_path / "o.b2nd"), array[1])
    assert gdal.Open(str(tmp_path / "o.b2nd")).RasterCount == 3


def test_damage_is_an_error_and_the_old_file_stays(tmp_path, rng):
    array = make(rng, (2, 30, 40, 50))
    source = save(tmp_path / "a.b2nd", array)
    data = bytearray(source.read_bytes())
    header_bytes = int.from_bytes(data[11:15], "big")
    part = slice(header_bytes, len(data) * 3 // 4)  # the headers of chunks, too: pixels have no checksum
    data[part] = b"\xff" * (part.stop - part.start)
    source.write_bytes(data)
    (tmp_path / "o.npy").write_bytes(b"old")
    assert str(source) in error("convert", source, tmp_path / "o.npy")
    assert (tmp_path / "o.npy").read_bytes() == b"old"
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a.b2nd", "o.npy"]


def peak_megabytes(*arguments):
    """Of resident memory. (What wait4 says counts the parent's, too.)"""
    process = subprocess.Popen([PROGRAM, *map(str, arguments)])
    peak = 0
    while process.poll() is None:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        if found and "gdal_ndarray" in status:
            peak = int(found[1]) / 1024
        time.sleep(0.002)
    assert process.returncode == 0 and peak > 0
    return peak


@pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="its own memory")
@pytest.mark.parametrize("chunks", [(1, 64, 64, 64), (2, 160, 8, 8)])
def test_memory_is_bounded(tmp_path, chunks):
    shape = (2, 160, 500, 800)  # 512 MB
    source = blosc2.full(shape, 7, dtype="<f4", urlpath=str(tmp_path / "a.b2nd"), mode="w",
                         chunks=chunks, blocks=tuple(min(c, 32) for c in chunks))
    source[1, 5, 7] = np.arange(800)
    assert peak_megabytes("convert", tmp_path / "a.b2nd", tmp_path / "o.npy", "-q") < 250
    found = np.load(tmp_path / "o.npy", mmap_mode="r")
    np.testing.assert_array_equal(found[1, 5, 7], np.arange(800))
    assert (found[0, ::40] == 7).all() and (found[1, 6:100:40] == 7).all()


def test_interruption_leaves_nothing(tmp_path):
    np.lib.format.open_memmap(tmp_path / "a.npy", "w+", "<f4", (4, 400, 10000, 10000))  # 640 GB, sparse
    process = subprocess.Popen([PROGRAM, "convert", tmp_path / "a.npy", tmp_path / "o.b2nd"],
                               stderr=subprocess.PIPE, text=True)
    while not (tmp_path / ".o.b2nd.partial").exists():
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == "gdal_ndarray convert: interrupted\n"
    assert process.returncode == 1
    assert [found.name for found in tmp_path.iterdir()] == ["a.npy"]
