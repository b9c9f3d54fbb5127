"""Small files that claim, or unpack to, as much as they can. `tests/run bench limits` prints what each
costs; tests bound it."""

import struct
import sys

from support import DATA

sys.path.insert(0, str(DATA))
from malformed_b2nd import b2nd, chunk, frame, metalayers, special  # noqa: E402

GIB_2 = (1 << 31) - 64
SIDE = 1 << 13  # SIDE**2 chunks are as many as are read


def npy(descr, shape, data=b"", text=None):
    text = (text or f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n").encode()
    return b"\x93NUMPY\2\0" + struct.pack("<I", len(text)) + text + data


def run(nbytes, byte=0, padding=0):
    """A chunk of blocks of 256 MiB whose only streams are runs of one byte: 36 bytes and 8 or 9 for
    each block."""
    stream = struct.pack("<i", -byte) + (b"\1" if byte else b"")
    block = min(nbytes, 1 << 28)
    count = -(-nbytes // block)
    starts = b"".join(struct.pack("<i", 32 + 4 * count + i * len(stream)) for i in range(count))
    return chunk(starts + count * stream + bytes(padding), nbytes=nbytes, block=block)


def array(shape, chunks, blocks, dtype=b"|u1", size=1, data=(), **changes):
    """A frame of zeros: one value for all chunks, in an index of 40 bytes."""
    count, chunk_bytes = 1, size
    for side, cut, block in zip(shape, chunks, blocks):
        count *= -(-side // cut)
        chunk_bytes *= -(-cut // block) * block
    index = chunk(struct.pack("<q", special(1)), nbytes=min(8 * count, GIB_2), kind=3)
    parts = dict(meta=b2nd(shape, chunks, blocks, dtype), chunks=list(data), index=index, typesize=size,
                 chunksize=chunk_bytes, nbytes=min(count * chunk_bytes, (1 << 63) - 1))
    return frame(**{**parts, **changes})


def with_attributes(attributes, content=None):
    """The same, small, with attributes of these names whose values are packed already."""
    content = content or array((64, 64), (64, 64), (64, 64))
    trailer = b"\x94\x01" + metalayers(attributes, 2)
    trailer += b"\xce" + struct.pack(">I", len(trailer) + 23) + b"\xd8" + bytes(17)
    start = content[:-35]  # without its own trailer
    whole = start[:16] + struct.pack(">Q", len(start) + len(trailer)) + start[24:]
    return whole + trailer


def value(msgpack):
    return chunk(msgpack, 0x17, len(msgpack), len(msgpack))


def mask(content):
    return value(b"\xc6" + struct.pack(">I", len(content)) + content)


def bombs():
    """File name to content, and what it is."""
    fields = "('a', 'u1', (65536,))"
    deep_names = "'u1'"
    for _ in range(12):
        deep_names = f"[('{'n' * 200}', {deep_names}, (2,))]"
    return {
        "bands_10_million.npy": npy("'|u1'", "(10000000, 1, 5)"),
        "bands_65536.npy": npy("'|u1'", "(65536, 1, 5)", bytes(5 * 65536)),
        "fields_65536.npy": npy(f"[{fields}]", "(1, 1)", bytes(65536)),
        "fields_multiply.npy": npy(deep_names, "(1,)", bytes(4096)),
        "shape_of_500_000_axes.npy": npy("'|u1'", "(" + "1," * 500_000 + ")"),
        "list_of_90_000_fields.npy": npy("[" + "('a','u1')," * 90_000 + "]", "(1,)"),
        "axes_64.npy": npy("'|u1'", "(" + "1," * 64 + ")", b"x"),
        "parts_65536.npy": npy("'|u1'", "(256, 256, 1, 1, 1)", bytes(65536)),
        "chunks_2_31.b2nd": array((1 << 31, 1), (1, 1), (1, 1)),
        "chunks_2_26.b2nd": array((SIDE, SIDE), (1, 1), (1, 1)),
        "chunks_2_26_of_2_gib.b2nd": array((SIDE << 15, SIDE << 15), (1 << 15, (1 << 16) - 1),
                                           (1 << 15, (1 << 16) - 1)),
        "index_of_one_value.b2nd": array((SIDE, SIDE), (1, 1), (1, 1),
                                         index=run(8 * SIDE**2, 0x81, 131_072)),
        "index_of_one_chunk.b2nd": array((SIDE, SIDE), (1, 1), (1, 1), data=[run(1)],
                                         index=run(8 * SIDE**2, 0, 131_072)),
        "index_too_short.b2nd": array((SIDE, SIDE), (1, 1), (1, 1), index=run(8 * SIDE**2, 0x81)),
        "chunk_of_2_gib.b2nd": array((1 << 15, 7 << 13), (1 << 15, 7 << 13), (1 << 15, 1 << 13),
                                     index=chunk(bytes(8), 0x17, 8, 8), data=[run(7 << 28)]),
        "blocks_2_31.b2nd": array((1, GIB_2), (1, GIB_2), (1, 1)),
        "bands_65536.b2nd": array((65536, 1, 5), (65536, 1, 5), (1, 1, 5)),
        "bands_10_million.b2nd": array((10_000_000, 1, 5), (10_000_000, 1, 5), (1, 1, 5)),
        "fields_65536.b2nd": array((1, 1), (1, 1), (1, 1), f"[{fields}]".encode(), 65536),
        "axes_16.b2nd": array((1,) * 16, (1,) * 16, (1,) * 16),
        "attribute_of_2_gib.b2nd": with_attributes({b"a": run(GIB_2)}),
        "attributes_of_2_gib.b2nd": with_attributes({b"a%d" % i: run(1 << 20) for i in range(2000)}),
        "attributes_1500.b2nd": with_attributes({b"name%027d" % i: value(b"\xc0") for i in range(1500)}),
        "attribute_of_nils.b2nd": with_attributes(
            {b"gdal": value(b"\xdd" + struct.pack(">I", 1_000_000) + b"\xc0" * 1_000_000)}),
        "attribute_deep.b2nd": with_attributes({b"gdal": value(b"\x91" * 500_000 + b"\xc0")}),
        "attribute_claims_array.b2nd": with_attributes({b"gdal": value(b"\xdd\xff\xff\xff\xff")}),
        "attribute_of_xml.b2nd": with_attributes(
            {b"gdal": value(b"\x81\xa3pam\xdb" + struct.pack(">I", 3 * 300_000) + b"<a>" * 300_000)}),
        "mask_of_2_gib.b2nd": with_attributes({b"gdal:mask": run(GIB_2)}),
        "mask_of_2_26_chunks.b2nd": with_attributes(
            {b"gdal:mask": mask(array((SIDE, SIDE), (1, 1), (1, 1)))},
            array((SIDE, SIDE), (SIDE, SIDE), (SIDE, SIDE))),
        "mask_in_a_mask.b2nd": with_attributes(
            {b"gdal:mask": mask(with_attributes({b"gdal:mask": mask(with_attributes({}))}))}),
    }


# What may take more than others, and why: a file that has it rightly must be read, too.
LARGE = {
    # A chunk is decoded as one where that is how it was written: 2 GiB at most.
    ("chunk_of_2_gib.b2nd", "window"), ("chunk_of_2_gib.b2nd", "update"),
    ("chunk_of_2_gib.b2nd", "verify"), ("chunks_2_26_of_2_gib.b2nd", "update"),
    # An index of 2^26 chunks is half a gigabyte, of which a file has at least an 4096th.
    *((f"index_of_one_{what}.b2nd", operation) for what in ("value", "chunk")
      for operation in ("open", "info", "window", "update", "verify")),
    # Whoever writes a chunk of so many writes their index.
    ("chunks_2_26.b2nd", "update"),
}
