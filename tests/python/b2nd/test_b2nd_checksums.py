"""Checksums of a .b2nd: damage is an error, what others have changed is not, and others read it all.

The other readers are those of NDARRAY_BLOSC2_PYTHONS, Pythons that have versions of python-blosc2,
separated by ":"; without it that of the tests.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal
from support import memory_dataset
from support.b2nd import blosc2, chunk_offsets
from support.tool import PROGRAM, tool

SIDE = 256


def image_of(kind):
    rng = np.random.default_rng(7)
    noise = rng.integers(0, 65536, (2 * SIDE, 2 * SIDE)).astype("u2")
    if kind == "noise":
        return noise
    y, x = np.indices(noise.shape)
    image = (x * 5 + y * 3 + noise % 200).astype("u2")
    if kind == "half noise":  # ZSTD stores one of its planes
        return image & 0xFF00 | noise & 0xFF
    image[:SIDE, :SIDE], image[SIDE:, :SIDE] = 0, 7
    return image


def write(path, image, *options):
    source = memory_dataset(image)
    source.SetGeoTransform([1, 2, 0, 3, 0, -2])
    gdal.GetDriverByName("B2ND").CreateCopy(
        str(path), source, options=["BLOCKSIZE=64", f"CHUNKXSIZE={SIDE}", f"CHUNKYSIZE={SIDE}",
                                    *options])
    return str(path)


def checksums(path):
    return gdal.Open(path).GetMetadataItem("CHECKSUMS", "B2ND")


def damaged(path):
    """One bit of the last block of the last chunk."""
    content = bytearray(open(path, "rb").read())
    at = max(chunk_offsets(content))
    content[at + int.from_bytes(content[at + 12:at + 16], "little") - 9] ^= 16
    open(path, "wb").write(content)


READER = """
import sys, shutil
import blosc2, numpy as np
path, image_path = sys.argv[1:]
image = np.load(image_path)
for mode in {}, {"mmap_mode": "r"}:
    array = blosc2.open(path, mode="r", **mode)
    assert np.array_equal(array[:], image)
    for y in range(0, 512, 64):  # each block by itself
        for x in range(0, 512, 64):
            assert np.array_equal(array[y + 3:y + 5, x + 60:x + 70],
                                  image[y + 3:y + 5, x + 60:x + 70]), (mode, y, x)
    for number in range(array.schunk.nchunks):
        array.schunk.decompress_chunk(number)
    assert array.schunk.vlmeta["spatial:transform"] == [2, 0, 1, 0, -2, 3]
    for changes in ({}, {"chunks": (100, 130), "blocks": (50, 65)}):
        assert np.array_equal(array.copy(**changes)[:], image), changes
shutil.copy(path, path + ".resized")
blosc2.open(path + ".resized", mode="a").resize((500, 512))
array = blosc2.open(path, mode="a")
image[100:200, 300:400] = 3
array[100:200, 300:400] = np.ascontiguousarray(image[100:200, 300:400])
assert np.array_equal(array[:], image)
del array
np.save(image_path, image)
"""


@pytest.mark.parametrize("kind, codec", [
    ("mixed", "ZSTD"), ("mixed", "LZ4"), ("half noise", "ZSTD"), ("noise", "ZSTD"),
    ("noise", "LZ4"), ("mixed", "NONE")])
def test_other_readers_pass_over_them(tmp_path, kind, codec):
    for python in os.environ.get("NDARRAY_BLOSC2_PYTHONS", sys.executable).split(":"):
        image = image_of(kind)
        path = write(tmp_path / "a.b2nd", image, f"COMPRESS={codec}")
        assert checksums(path) == "YES"
        np.save(tmp_path / "image.npy", image)
        done = subprocess.run([python, "-c", READER, path, tmp_path / "image.npy"],
                              capture_output=True, text=True)
        assert done.returncode == 0, (python, done.stderr)
        # What it has changed is not compared, and so not damaged; the rest still is.
        np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), np.load(tmp_path / "image.npy"))
        assert "of 3 chunks" in checksums(path) or "of 4 chunks" in checksums(path)
        resized = gdal.Open(path + ".resized")
        np.testing.assert_array_equal(resized.ReadAsArray(), image[:500])
        assert "changed since" in tool("verify", path + ".resized")
        damaged(path)
        with pytest.raises(RuntimeError, match="checksum of bytes"):
            gdal.Open(path).ReadAsArray()


@pytest.mark.parametrize("codec", ["ZSTD", "LZ4", "NONE"])
def test_damage_is_an_error_unless_nobody_wants_to_know(tmp_path, codec):
    image = image_of("mixed")
    path = write(tmp_path / "a.b2nd", image, f"COMPRESS={codec}")
    damaged(path)
    dataset = gdal.Open(path)
    with pytest.raises(RuntimeError, match=r"a\.b2nd: damaged .*chunk 3 at byte \d+: block 15, "
                       r"array\[448:512, 448:512\]: checksum of bytes \d+\.\.\d+ of the chunk"):
        dataset.ReadAsArray()
    np.testing.assert_array_equal(dataset.ReadAsArray(0, 0, 448, 448), image[:448, :448])
    unchecked = gdal.OpenEx(path, open_options=["VERIFY=NO"])
    if codec == "NONE":  # others may notice that they cannot decode it
        assert (unchecked.ReadAsArray() != image).sum() in range(1, 64 * 64 + 1)


def test_a_damaged_header_opens_where_nobody_compares(tmp_path):
    path = write(tmp_path / "a.b2nd", image_of("mixed"))
    content = bytearray(open(path, "rb").read())
    content[content.index(b"<u2")] ^= 2  # the other byte order
    open(path, "wb").write(content)
    with pytest.raises(RuntimeError, match="checksum of header and index"):
        gdal.Open(path)
    assert gdal.OpenEx(path, open_options=["VERIFY=NO"]).RasterCount == 1
    done = subprocess.run([PROGRAM, "verify", path], capture_output=True, text=True)
    assert done.returncode == 1 and "damage: header or index" in done.stdout


def test_updates_and_compact_add_them(tmp_path):
    image = image_of("half noise")
    path = str(tmp_path / "theirs.b2nd")
    blosc2.asarray(image, chunks=(SIDE, SIDE), blocks=(64, 64), urlpath=path)
    assert checksums(path) == "NO"
    gdal.Open(path, gdal.GA_Update).WriteArray(image[:9, :9])
    assert checksums(path) == "1 of 4 chunks"
    tool("compact", path)
    assert checksums(path) == "YES"
    assert "nothing to reclaim" in tool("compact", path)
    np.testing.assert_array_equal(blosc2.open(path)[:], image)


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_blocks_of_a_few_bytes_can_go_without(tmp_path, side):
    image = (image_of("noise")[:256, :256] & 0xFF).astype("u1")
    theirs, ours = str(tmp_path / "theirs.b2nd"), str(tmp_path / "ours.b2nd")
    blosc2.asarray(image, chunks=(256, 128), blocks=(side, side), urlpath=theirs)
    chunk = 128 * side
    gdal.GetDriverByName("B2ND").CreateCopy(ours, memory_dataset(image), options=[
        f"BLOCKSIZE={side}", f"CHUNKXSIZE={chunk}", f"CHUNKYSIZE={chunk}"])
    image[:9, :9] = image[9:18, 9:18]
    for path in theirs, ours:
        gdal.Open(path, gdal.GA_Update).WriteArray(image[:9, :9])
        tool("compact", path)
        np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), image)
        np.testing.assert_array_equal(blosc2.open(path)[:], image)
        assert "nothing to reclaim" in tool("compact", path)
        assert checksums(path) == ("NO" if side < 4 else "YES")


def test_files_can_go_without(tmp_path):
    image = image_of("mixed")
    path = write(tmp_path / "none.b2nd", image, "CHECKSUM=NO")
    assert checksums(path) == "NO"
    gdal.Open(path, gdal.GA_Update).WriteArray(image[:9, :9])
    tool("compact", path)
    assert checksums(path) == "NO"
    size = os.path.getsize(path)
    assert size < os.path.getsize(write(tmp_path / "all.b2nd", image)) < 1.01 * size
