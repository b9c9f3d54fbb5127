""".b2nd files that must be refused: frames made byte by byte, each with one thing wrong. Those named
chunk_... open, and cannot be read. See generate.py."""

import struct

# What messages say of damaged files before what is wrong with them.
COPY = r"damaged \(copy it again\): "
LOST = r"damaged \(gdal_ndarray verify lists what is lost\): "

# The numbers 0 to 47 as (6, 8) of uint16, in 4 chunks (4, 4) of 2 blocks (2, 4).
SHAPE, CHUNKS, BLOCKS = (6, 8), (4, 4), (2, 4)


def chunk(content, flags=0x15, nbytes=32, block=16, cbytes=None, filters=bytes(6), version=5,
          kind=0, more=0, special=None):
    """A chunk: its header, and what follows. Flags 0x17 are those of elements that are stored."""
    cbytes = 32 + len(content) if cbytes is None else cbytes
    head = struct.pack("<4B3i", version, 1, flags, 2, nbytes, block, cbytes)
    last = kind << 4 if special is None else special
    return head + filters + bytes(8) + bytes([more, last]) + content


def elements(number):
    """The elements of a chunk in the order of its blocks. Rows below the sixth are padding."""
    y, x = number // 2 * 4, number % 2 * 4
    return struct.pack("<16H", *[(y + row) * 8 + x + column if y + row < 6 else 21845
                                 for row in range(4) for column in range(4)])


def blocks_of(content, starts=(40, 60), lengths=(16, 16)):
    """The starts of two blocks, then each after its length."""
    packed = struct.pack("<2i", *starts)
    for number, length in enumerate(lengths):
        packed += struct.pack("<i", length) + content[16 * number:16 * number + 16]
    return packed


def numbers(marker, form, shape):
    return bytes([0x90 + len(shape)]) + b"".join(
        bytes([marker]) + struct.pack(form, count) for count in shape)


def b2nd(shape=SHAPE, chunks=CHUNKS, blocks=BLOCKS, dtype=b"<u2", axes=None, dtype_format=0):
    axes = len(shape) if axes is None else axes
    return (bytes([0x97, 0, axes]) + numbers(0xd3, ">q", shape) + numbers(0xd2, ">i", chunks) +
            numbers(0xd2, ">i", blocks) + bytes([dtype_format]) + b"\xdb" +
            struct.pack(">I", len(dtype)) + dtype)


def metalayers(layers, at):
    size = 7 + sum(6 + len(name) for name in layers)
    names, contents = b"", b""
    for name, content in layers.items():
        offset = at + size + 3 + len(contents)
        names += bytes([0xa0 + len(name)]) + name + b"\xd2" + struct.pack(">I", offset)
        contents += b"\xc6" + struct.pack(">I", len(content)) + content
    count = struct.pack(">H", len(layers))
    return (b"\x93\xcd" + struct.pack(">H", size) + b"\xde" + count + names + b"\xdc" + count +
            contents)


def frame(meta=None, layer=b"b2nd", more=None, chunks=None, offsets=None, index=None, flags=0x12,
          frame_type=0, typesize=2, chunksize=32, nbytes=None, cbytes=None, header_bytes=None,
          frame_bytes=None, trailer_bytes=None):
    """A frame. What is not given is right."""
    layers = metalayers({layer: b2nd() if meta is None else meta, **(more or {})}, 87)
    chunks = [chunk(blocks_of(elements(n))) for n in range(4)] if chunks is None else chunks
    if offsets is None:
        offsets = [sum(map(len, chunks[:n])) for n in range(len(chunks))]
    packed = struct.pack(f"<{len(offsets)}q", *offsets)
    index = chunk(packed, 0x17, len(packed), len(packed)) if index is None else index
    data = b"".join(chunks)
    trailer = b"\x94\x01" + metalayers({}, 2)
    size = len(trailer) + 23
    trailer += b"\xce" + struct.pack(">I", size if trailer_bytes is None else trailer_bytes)
    trailer += b"\xd8" + bytes(17)
    whole = 87 + len(layers) + len(data) + len(index) + len(trailer)
    head = b"\x9e\xa8b2frame\0\xd2" + struct.pack(
        ">I", 87 + len(layers) if header_bytes is None else header_bytes)
    head += b"\xcf" + struct.pack(">Q", whole if frame_bytes is None else frame_bytes)
    head += b"\xa4" + bytes([flags, frame_type, 0x50, 0])
    head += b"\xd3" + struct.pack(">q", len(offsets) * chunksize if nbytes is None else nbytes)
    head += b"\xd3" + struct.pack(">q", len(data) if cbytes is None else cbytes)
    head += b"".join(b"\xd2" + struct.pack(">i", n) for n in (typesize, 16, chunksize))
    head += b"\xd1\0\1\xd1\0\1\xc2\xd8\6" + bytes(16)
    return head + layers + data + index + trailer


def with_chunk(*args, number=0, **changes):
    """A frame of which one chunk is made by chunk(*args, **changes)."""
    chunks = [chunk(blocks_of(elements(n))) for n in range(4)]
    chunks[number] = chunk(*args, **changes)
    return frame(chunks=chunks)


def special(kind):
    return (0x80 | kind) - 256 << 56


def cases():
    """Name to content and the message that is wanted, a regular expression."""
    good = frame()
    first = good.index(b"<u2") + 3
    stored = elements(0)
    halves = blocks_of(stored)
    return {
        "frame_cut_header": (good[:100], r"cut short: \d+ of at least \d+ bytes; copy it again"),
        "frame_cut_fixed_part": (good[:50], r"cut short: 50 of at least 87 bytes; copy it again"),
        "frame_cut": (good[:-1], r"cut short: \d+ of \d+ bytes; copy it again"),
        "frame_version": (frame(flags=0x14), r"frame version: found 4, wanted at most 3"),
        "frame_sparse": (frame(frame_type=1), r"frame: found a sparse one .*, wanted a contiguous"),
        "frame_header_huge": (frame(header_bytes=(16 << 20) + 1),
                              COPY + r"header length: found 16777217 bytes, wanted 87 to 16777216"),
        "frame_header_short": (frame(header_bytes=86), COPY + r"header length: found 86 bytes, wanted 87"),
        "frame_length_zero": (frame(frame_bytes=0), COPY + r"frame length: found 0 bytes, wanted more"),
        "frame_length_huge": (frame(frame_bytes=(1 << 64) - 1),
                              COPY + r"frame length: found 18446744073709551615 bytes, wanted at most"),
        "frame_marker": (good[:38] + b"\xcf" + good[39:], COPY + r"header: found other markers, wanted"),
        "sizes_compressed": (frame(cbytes=1 << 40),
                             COPY + r"compressed size: found 1099511627776 bytes, wanted 0 to \d+"),
        "sizes_negative": (frame(cbytes=-1), COPY + r"compressed size: found -1 bytes, wanted 0 to"),
        "sizes_uncompressed": (frame(nbytes=129),
                               COPY + r"uncompressed size: found 129 bytes, wanted 4 chunks of 32"),
        "sizes_element": (frame(typesize=4),
                          COPY + r"element size: found 4 bytes, wanted 2 of dtype <u2"),
        "sizes_element_zero": (frame(typesize=0),
                               COPY + r"uncompressed sizes: found .* element 0, wanted none negative"),
        "sizes_chunk": (frame(chunksize=64, nbytes=128),
                        COPY + r"chunk size: found 64 bytes, wanted 32 for chunks \(4, 4\) of blocks"),
        "layer_none": (frame(layer=b"other"),
                       r"content: found a super-chunk without a shape, wanted a b2nd array"),
        "layer_lazy": (frame(more={b"LazyArray": b"\xc0"}),
                       r"content: found a lazy expression .*, wanted a b2nd array"),
        "layer_offset": (good.replace(b"\xa4b2nd\xd2\0\0\0", b"\xa4b2nd\xd2\x7f\0\0"),
                         COPY + r"metalayers: found other bytes, wanted names, offsets and contents"),
        "layer_length": (good.replace(b"\xc6\0\0\0", b"\xc6\0\0\xff"),
                         COPY + r"metalayers 'b2nd': found \d+ bytes at \d+, wanted a content within"),
        "meta_no_msgpack": (frame(b"\xc1" * 20), COPY + r"metalayer b2nd: content: found 20 bytes"),
        "meta_six_values": (frame(b"\x96" + b2nd()[1:-8]),
                            COPY + r"metalayer b2nd: content: found"),
        "meta_axes": (frame(b2nd(axes=3)), COPY + r"metalayer b2nd: content: found 53 bytes"),
        "meta_17_axes": (frame(b2nd(axes=17)), r"shape: found 17 axes, wanted at most 16"),
        "meta_no_axes": (frame(b2nd((), (), ())), r"shape: found \(\), wanted at least one axis"),
        "meta_dtype_format": (frame(b2nd(dtype_format=1)), r"dtype format: found 1, wanted 0"),
        "shape_negative": (frame(b2nd((-6, 8))), COPY + r".*shape: found \(-6, 8\), wanted integers that"),
        "shape_zero": (frame(b2nd((6, 0))), r"shape: found \(6, 0\), wanted no axis of size 0"),
        "shape_overflow": (frame(b2nd((1 << 32, 1 << 31))),
                           COPY + r".*shape: found \(4294967296, 2147483648\), wanted less than 2\^63"),
        "shape_more_chunks": (frame(b2nd((6, 9))), COPY + r"uncompressed size: found 128 bytes, wanted 6"),
        "shape_too_many_chunks": (frame(b2nd((1 << 28, 1 << 28)), nbytes=1 << 57),
                                  r"chunks: found 4503599627370496, wanted at most 67108864"),
        "chunks_zero": (frame(b2nd(chunks=(0, 4))),
                        COPY + r".*chunks and blocks: found \(0, 4\) and \(2, 4\), wanted axes of 1 to"),
        "chunks_2_gib": (frame(b2nd((1 << 20, 1 << 20), (1 << 15, 1 << 15))),
                         COPY + r".*chunks and blocks: found .*, wanted chunks of less than 2 GiB"),
        "blocks_zero": (frame(b2nd(blocks=(2, 0))), COPY + r".*chunks and blocks: found .* and \(2, 0\)"),
        "dtype_object": (frame(b2nd(dtype=b"|O")),
                         r"dtype: found '\|O' \(Python objects\), wanted"),
        "dtype_no_number": (frame(b2nd(dtype=b"<U4")), r"dtype: found '<U4' \(text\), wanted"),
        "dtype_open_list": (frame(b2nd(dtype=b"[('a', '<u2'")), COPY + r".*dtype: .*found"),
        "trailer_length": (frame(trailer_bytes=1 << 30),
                           COPY + r"trailer length: found 1073741824 bytes, wanted 25 to \d+"),
        "trailer_marker": (good[:-18] + b"\0" + good[-17:],
                           COPY + r"trailer: found other bytes, wanted the end of a Blosc2 frame"),
        "index_count": (frame(offsets=[0, 0, 0], nbytes=128),
                        COPY + r"chunk offsets: found 24 bytes, wanted 32 for 4 chunks"),
        "index_blosc1": (frame(index=b"\2\1\3\2" + good[first:][4:32] + bytes(32)),
                         r"chunk offsets: .*found"),
        "index_beyond": (frame(offsets=[0, 80, 160, 240 + 49]),
                         COPY + r"offset of chunk 3: found 289, wanted a special value, or room"),
        "index_special": (frame(offsets=[0, special(3), 160, 240]),
                          COPY + r"offset of chunk 1: found -\d+, wanted a special value"),
        "chunk_uncompressed": (with_chunk(halves, nbytes=31),
                               LOST + r"chunk 0 at byte 165: uncompressed size: found 31 bytes"),
        "chunk_compressed": (with_chunk(halves, number=3, cbytes=81),
                             LOST + r"chunk 3 at byte \d+: compressed size: found 81, wanted 32 to 80"),
        "chunk_block_zero": (with_chunk(halves, block=0),
                             LOST + r".*block size: found 0, wanted at least 1 byte"),
        "chunk_starts": (with_chunk(bytes(4)), LOST + r".*compressed size: found 36, wanted room for the"),
        "chunk_stored": (with_chunk(stored + b"x", 0x17),
                         LOST + r".*compressed size: found 65, wanted 64 when stored"),
        "chunk_repeated": (with_chunk(b"abc", kind=3),
                           LOST + r".*repeated value: found 3, wanted bytes that divide the chunk"),
        "chunk_special": (with_chunk(b"", kind=6), LOST + r".*special value: found 6, wanted 0 to 4"),
        "chunk_nan_of_integers": (frame(offsets=[special(2), 80, 160, 240]),
                                  LOST + r".*NaN elements: found 2 bytes, wanted 4 or 8"),
        "chunk_lazy": (with_chunk(halves, special=8), LOST + r".*chunk: found one without its blocks"),
        "chunk_version": (with_chunk(halves, version=9), r"chunk version: found 9, wanted at most"),
        "chunk_varying": (with_chunk(halves, more=1), r"chunk: found blocks of varying length"),
        "chunk_codec": (with_chunk(halves, 0xB5), r"codec: found codec 5, .*wanted a codec that"),
        "chunk_filter": (with_chunk(halves, filters=bytes([0, 0, 0, 0, 0, 99])),
                         r"filter: found filter 99, .*wanted a filter that"),
        "chunk_start_beyond": (with_chunk(blocks_of(stored, (1 << 30, 60))),
                               LOST + r"chunk 0 at byte 165: block 0, array\[0:2, 0:4\]: compressed data: found"),
        "chunk_start_negative": (with_chunk(blocks_of(stored, (-8, 60))),
                                 LOST + r"chunk 0 at byte 165: block 0, array\[0:2, 0:4\]: compressed data: found"),
        "chunk_stream_long": (with_chunk(blocks_of(stored, lengths=(16, 1 << 20))),
                              LOST + r"chunk 0 at byte 165: block 1, array\[2:4, 0:4\]: compressed data: found"),
    }
