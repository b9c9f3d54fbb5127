"""FILTER=AUTO: each chunk has the filters that suit it, and every reader takes them from there.

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
from support.b2nd import blosc2, chunk_headers, details
from support.tool import tool

SIDE = 1024  # of a chunk


def picture(rng, lines):
    slope = np.add.outer(np.arange(lines), 2 * np.arange(2 * SIDE)) // 8 % 200
    return (slope + rng.integers(0, 4, slope.shape)).astype("u1")


def land_cover(rng, lines):
    """Patches of classes in any order."""
    patches = rng.integers(0, 200, (lines // 20 + 1, 2 * SIDE // 30 + 2), dtype="u1")
    y, x = np.ogrid[:lines, :2 * SIDE]
    return patches[y // 20, (x + y % 20) // 30]


@pytest.fixture(scope="module")
def mixed():
    """A row of two chunks of a picture over one of land cover, with a border that is cut off."""
    rng = np.random.default_rng(1)
    return np.concatenate([picture(rng, SIDE), land_cover(rng, SIDE - 30)])


def write(path, image, *options):
    gdal.GetDriverByName("B2ND").CreateCopy(str(path), memory_dataset(image), options=list(options))
    return str(path)


def chunk_filters(path):
    """The text of each chunk's own filters."""
    found = []
    for header in chunk_headers(path):
        pairs = zip(header[16:22], header[24:30])
        names = [blosc2.Filter(number).name + (f"({meta})" if meta else "")
                 for number, meta in pairs if number]
        found.append(",".join(names) or "NONE")
    return found


def test_each_half_has_its_filters_and_is_as_small_as_with_the_best(tmp_path, mixed):
    path = write(tmp_path / "auto.b2nd", mixed)
    assert chunk_filters(path) == 2 * ["BYTEDELTA(1)"] + 2 * ["NONE"]
    best = 0
    for half in (mixed[:SIDE], mixed[SIDE:]):
        best += min(os.path.getsize(write(tmp_path / "one.b2nd", half, f"FILTER={name}"))
                    for name in ("NONE", "SHUFFLE", "BITSHUFFLE", "BYTEDELTA"))
    assert os.path.getsize(path) <= 1.01 * best
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), mixed)


def test_metadata_names_auto_and_counts_filters(tmp_path, mixed):
    path = write(tmp_path / "auto.b2nd", mixed)
    dataset = gdal.Open(path)
    assert dataset.GetMetadataItem("FILTERS", "IMAGE_STRUCTURE") == "AUTO"
    assert dataset.GetMetadataItem("CHUNK_FILTERS", "B2ND") == "2 BYTEDELTA(1), 2 NONE"
    fixed = gdal.Open(write(tmp_path / "fixed.b2nd", mixed, "FILTER=BITSHUFFLE"))
    assert fixed.GetMetadataItem("FILTERS", "IMAGE_STRUCTURE") == "BITSHUFFLE"
    assert fixed.GetMetadataItem("CHUNK_FILTERS", "B2ND") == "4 BITSHUFFLE"
    stored = gdal.Open(write(tmp_path / "stored.b2nd", mixed, "COMPRESS=NONE"))
    assert stored.GetMetadataItem("FILTERS", "IMAGE_STRUCTURE") == "NONE"
    assert stored.GetMetadataItem("CHUNK_FILTERS", "B2ND") == "4 NONE"


@pytest.mark.parametrize("codec", ["ZSTD", "LZ4"])
def test_the_same_image_gives_the_same_file_with_any_threads(tmp_path, mixed, codec):
    image = np.concatenate([mixed, mixed[::-1]])
    files = []
    for threads in (1, 2, 5):
        path = write(tmp_path / f"{threads}.b2nd", image, f"COMPRESS={codec}",
                     f"NUM_THREADS={threads}")
        files.append(open(path, "rb").read())
    assert files[0] == files[1] == files[2]


READER = """
import sys
import blosc2, numpy as np
path, image_path = sys.argv[1:]
image = np.load(image_path)
if image.ndim == 3 and tuple(map(int, blosc2.__version__.split(".")[:2])) < (4, 1):
    sys.exit()  # SHUFFLE of groups came with c-blosc2 2.23.1
for mode in {}, {"mmap_mode": "r"}:
    array = blosc2.open(path, mode="r", **mode)
    assert np.array_equal(array[:], image)
    for cut in [np.s_[100:140, 30:90], np.s_[1000:1100, 1000:1050], np.s_[1500:1501, :],
                np.s_[:, 1030:1031], np.s_[1900:, 7:]]:
        assert np.array_equal(array[cut], image[cut]), (mode, cut)
    for number in range(array.schunk.nchunks):
        array.schunk.decompress_chunk(number)
array = blosc2.open(path, mode="r")
for changes in ({}, {"chunks": (500, 700) + image.shape[2:], "blocks": (100, 70) + image.shape[2:]}):
    assert np.array_equal(array.copy(**changes)[:], image), changes
array = blosc2.open(path, mode="a")
image[700:1300, 900:1200] = 3
array[700:1300, 900:1200] = np.ascontiguousarray(image[700:1300, 900:1200])
assert np.array_equal(array[:], image)
np.save(image_path, image)
"""


@pytest.mark.parametrize("dtype, interleave, options", [
    ("u1", "BAND", []), ("u1", "PIXEL", []), ("f4", "BAND", []), ("u2", "BAND", ["COMPRESS=LZ4"])])
def test_other_readers_take_filters_from_each_chunk(tmp_path, mixed, dtype, interleave, options):
    image = mixed.astype(dtype)
    if dtype == "f4":
        image[SIDE:] *= 0.3048  # few values, all bits in use
    if interleave == "PIXEL":
        image = np.stack([image, image + np.uint8(9), image])
    path = str(tmp_path / "auto.b2nd")
    for python in os.environ.get("NDARRAY_BLOSC2_PYTHONS", sys.executable).split(":"):
        write(path, image, f"INTERLEAVE={interleave}", *options)
        np.save(tmp_path / "image.npy", np.moveaxis(image, 0, -1) if image.ndim == 3 else image)
        assert len(set(chunk_filters(path))) == 2
        done = subprocess.run([python, "-c", READER, path, tmp_path / "image.npy"],
                              capture_output=True, text=True)
        assert done.returncode == 0, (python, done.stderr)
        # What it has changed is compressed with the filters of the header, and read by GDAL.
        changed = np.load(tmp_path / "image.npy")
        found = gdal.Open(path).ReadAsArray()
        np.testing.assert_array_equal(np.moveaxis(found, 0, -1) if found.ndim == 3 else found,
                                      changed)


def test_updates_choose_again(tmp_path, mixed):
    path = write(tmp_path / "auto.b2nd", mixed)
    dataset = gdal.Open(path, gdal.GA_Update)
    band = dataset.GetRasterBand(1)
    band.WriteArray(np.ascontiguousarray(mixed[SIDE:SIDE + 900, :SIDE]), 0, 0)
    band.WriteArray(mixed[900:SIDE, :SIDE], 0, 900)
    band.WriteArray(mixed[:SIDE - 30, :SIDE], 0, SIDE)
    dataset = band = None
    assert chunk_filters(path) == ["NONE", "BYTEDELTA(1)", "BYTEDELTA(1)", "NONE"]
    fixed = write(tmp_path / "fixed.b2nd", mixed, "FILTER=SHUFFLE")
    gdal.Open(fixed, gdal.GA_Update).WriteArray(mixed[::-1])
    assert set(chunk_filters(fixed)) == {"NONE"}, "SHUFFLE of single bytes"


def test_a_file_that_is_made_empty_chooses_when_it_is_filled(tmp_path, mixed):
    path = str(tmp_path / "made.b2nd")
    dataset = gdal.GetDriverByName("B2ND").Create(path, *mixed.shape[::-1], 1, gdal.GDT_Byte)
    dataset.WriteArray(mixed)
    dataset = None
    assert chunk_filters(path) == 2 * ["BYTEDELTA(1)"] + 2 * ["NONE"]
    assert gdal.Open(path).GetMetadataItem("FILTERS", "IMAGE_STRUCTURE") == "AUTO"


def test_compacting_keeps_chunks_as_they_are(tmp_path, mixed):
    path = write(tmp_path / "auto.b2nd", mixed)
    gdal.Open(path, gdal.GA_Update).WriteArray(mixed[:200, :200] // 2)
    filters, facts = chunk_filters(path), details(gdal.Open(path))
    assert facts["DEAD_BYTES"] > 0
    tool("compact", path)
    assert details(gdal.Open(path))["DEAD_BYTES"] == 0
    assert chunk_filters(path) == filters
    assert gdal.Open(path).GetMetadataItem("FILTERS", "IMAGE_STRUCTURE") == "AUTO"
