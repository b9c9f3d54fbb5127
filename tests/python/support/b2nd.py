"""Blosc2 arrays in files, and what GDAL must show of them. Skips where either side is missing."""

import struct

import numpy as np
import pytest
from osgeo import gdal
from support import as_bands, shown_dtype

blosc2 = pytest.importorskip("blosc2")
if gdal.GetDriverByName("B2ND") is None:
    pytest.skip("the plugin was built without c-blosc2", allow_module_level=True)

# Chunks that divide no axis of 50, blocks that divide no axis of the chunks.
SHAPES = {"chunks": (20, 20), "blocks": (7, 9)}


def codec_of(dataset):
    """COMPRESSION has no names that rasterio before 1.4.3 does not know, where GDAL is as old."""
    structure = dataset.GetMetadata("IMAGE_STRUCTURE")
    assert ("CODEC" in structure) != ("COMPRESSION" in structure)
    name = structure.get("CODEC", structure.get("COMPRESSION"))
    old = int(gdal.VersionInfo()) < 3100000
    assert ("CODEC" in structure) == (old and name not in ("ZSTD", "NONE"))
    return name


def save(path, array, **parameters):
    """Writes an array through python-blosc2, and returns the path as text."""
    path.write_bytes(blosc2.asarray(array, contiguous=True, **parameters).to_cframe())
    return str(path)


def bands_of(array):
    """An array of up to three axes as a stack of bands, with the types that GDAL has."""
    bands = as_bands(np.asarray(array))
    bands = bands if bands.ndim == 3 else bands[np.newaxis]
    return bands.astype(shown_dtype(bands.dtype))


def read_bands(dataset, *window, **arguments):
    """ReadAsArray, with a band axis even where there is one band."""
    got = dataset.ReadAsArray(*window, **arguments)
    return got if got.ndim == 3 else got[np.newaxis]


def chunk_headers(path):
    """The first 32 bytes of each chunk."""
    array = blosc2.open(path)  # in a name: its super-chunk lives no longer than it does
    return [array.schunk.get_chunk(number)[:32] for number in range(array.schunk.nchunks)]


def chunk_offsets(content):
    """Where the chunks of a frame are in its bytes; negative: chunks that take none."""
    header, = struct.unpack_from(">i", content, 11)
    chunks, = struct.unpack_from(">q", content, 39)
    offsets = np.frombuffer(blosc2.decompress2(content[header + chunks:]), "<i8")
    return np.where(offsets < 0, offsets, offsets + header)


def with_index(content, offsets):
    """The bytes of a frame with other offsets of its chunks (from the end of the header)."""
    header, = struct.unpack_from(">i", content, 11)
    chunks, = struct.unpack_from(">q", content, 39)
    trailer, = struct.unpack_from(">I", content, len(content) - 22)
    index = blosc2.compress2(np.asarray(offsets, "<i8"), typesize=8)
    changed = bytearray(content[:header + chunks] + index + content[-trailer:])
    struct.pack_into(">Q", changed, 16, len(changed))
    return bytes(changed)


def block_lengths(content, offset, blocks):
    """The compressed bytes of each block of the chunk there."""
    size, = struct.unpack_from("<i", content, offset + 12)
    starts = np.frombuffer(content, "<i4", blocks, offset + 32)
    # Threads write blocks in any order; each ends where the next one starts.
    ends = np.append(np.sort(starts), size)
    return ends[np.searchsorted(ends, starts) + 1] - starts


def chunk_kinds(path):
    """What the headers of a file's chunks say they are: 0 blocks, 1 zeros, 2 NaNs, 3 one value, 4
    never written."""
    return {header[31] >> 4 & 7 for header in chunk_headers(path)}


def assert_same(got, expected, message=""):
    """Equal in shape, type and every value; NaN equals NaN."""
    assert got.dtype == expected.dtype, message
    if got.shape == expected.shape and got.tobytes() == expected.tobytes():
        return
    np.testing.assert_array_equal(got, expected, err_msg=str(message))


def details(dataset):
    """The metadata domain B2ND, numbers as numbers."""
    return {key: int(value) if value.lstrip("-").isdigit() else value
            for key, value in dataset.GetMetadata("B2ND").items()}


def decoded_blocks(dataset, read):
    """How many blocks a call decodes."""
    before = details(dataset)["DECODED_BLOCKS"]
    read()
    return details(dataset)["DECODED_BLOCKS"] - before
