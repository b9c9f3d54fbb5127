"""TIFF files of several pages, written byte by byte: what is in them owes nothing to libtiff."""

import struct
import zlib

import numpy as np
from osgeo import gdal, gdal_array

SAMPLE_FORMATS = {"u": 1, "i": 2, "f": 3, "c": 6}


def entry(big, order, tag, values):
    """One field of a directory, of numbers that fit into it, or of one text or number beyond it."""
    kind, letter = (16, "Q") if big else (4, "I")
    room = 8 if big else 4
    head = struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, 1)
    if isinstance(values, tuple):  # a text: its offset and length
        head = struct.pack(order + ("HHQ" if big else "HHI"), tag, 2, values[1])
        return head + struct.pack(order + letter, values[0])
    return head + struct.pack(order + letter, values).ljust(room, b"\0")


def packed(page, bits):
    """The lowest bits of whole numbers, one sample after another from the highest bit of the first
    byte on; each line starts with a byte."""
    lines = page.reshape(page.shape[0], -1).astype("u8")
    each = lines[..., None] >> np.arange(bits - 1, -1, -1, dtype="u8") & 1
    return np.packbits(each.astype("u1").reshape(len(lines), -1), axis=1).tobytes()


def write_stack(path, pages, *, big=False, order="<", deflate=False, description=None,
                directories=None, fields=None, next_offset=None, bits=None, encoded=None):
    """Writes pages of (y, x) or (y, x, sample), each as one strip, or as one a plane where a page is
    a list of planes. `directories`: how many pages get one; `fields`: more of page n, {n: {tag:
    value}}; `next_offset`: where the last one leads; `bits` of a sample, packed; `encoded`: the bytes
    of all pages, instead of their own."""
    out = bytearray(b"II" if order == "<" else b"MM")
    out += struct.pack(order + "HHHQ", 43, 8, 0, 0) if big else struct.pack(order + "HI", 42, 0)
    link = 8 if big else 4  # where the offset of the next directory goes
    letter = "Q" if big else "I"
    text = None
    if description is not None:
        data = description.encode() + b"\0"
        text = (len(out), len(data))
        out += data + b"\0" * (len(data) % 2)
    offsets = []
    for number, page in enumerate(pages):
        page = np.asarray(page)
        data = page.astype(page.dtype.newbyteorder(order)).tobytes()
        if bits is not None and encoded is None:
            data = packed(page, bits)
        if encoded is not None:
            data = encoded[number]
        if deflate:
            data = zlib.compress(data)
        at = len(out)
        out += data + b"\0" * (len(data) % 2)
        if directories is not None and number >= directories:
            continue
        samples = page.shape[2] if page.ndim == 3 else 1
        table = {256: page.shape[1], 257: page.shape[0], 258: bits or page.dtype.itemsize * 8,
                 259: 8 if deflate else 1, 262: 1, 273: at, 277: samples, 278: page.shape[0],
                 279: len(data), 339: SAMPLE_FORMATS[page.dtype.kind]}
        if samples > 1:  # one value for all samples: libtiff takes the first for the others
            table[284] = 1
        if text is not None and number == 0:
            table[270] = text
        table.update((fields or {}).get(number, {}))
        struct.pack_into(order + letter, out, link, len(out))
        offsets.append(len(out))
        out += struct.pack(order + ("Q" if big else "H"), len(table))
        for tag in sorted(table):
            out += entry(big, order, tag, table[tag])
        link = len(out)
        out += struct.pack(order + letter, 0)
    if next_offset is not None:
        where = offsets[next_offset] if isinstance(next_offset, int) else next_offset[0]
        struct.pack_into(order + letter, out, link, where)
    path.write_bytes(out)
    return path


def gdal_stack(path, pages, options=()):
    """Pages of (band, y, x) or (y, x) written by GDAL, one after another."""
    driver = gdal.GetDriverByName("GTiff")
    for number, page in enumerate(pages):
        source = gdal_array.OpenArray(np.ascontiguousarray(page))
        append = ["APPEND_SUBDATASET=YES"] if number else []
        driver.CreateCopy(str(path), source, options=[*options, *append])
    return path
