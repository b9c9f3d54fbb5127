#!/usr/bin/env python3
"""Makes golden/*.b2nd again, with the python-blosc2 of the Python that runs it.

    python3 data/golden_b2nd.py              # all but the files of other versions
    python3 data/golden_b2nd.py --version    # version_<that of python-blosc2>[_holes].b2nd
    python3 data/golden_b2nd.py --ours 1     # ours_1_....b2nd, by the plugin that GDAL finds

ours_0 is of the plugin before there were checksums, ours_1 with them (their version 1). Where that version
changes, files of the new one are added, and the old ones stay.

Those of other versions come from throw-away environments, none of which tests need:

    for version in 2.2.0 2.2.9 2.3.2 2.5.1 2.7.1 3.0.0 3.3.4 3.12.2 4.0.0 4.14.1; do
      python3 -m venv /tmp/blosc2-$version
      /tmp/blosc2-$version/bin/pip install --only-binary :all: "blosc2==$version" "numpy<2"
      /tmp/blosc2-$version/bin/python data/golden_b2nd.py --version
    done

(python-blosc2 2.0 and 2.1 have no arrays.)

Element number n, in C order, has the value n // 3 % 1000: as it is in integers (cut to their size),
its parity in bools, a quarter of it in floats and as real part, one more as imaginary part. So has
each field of a record. In version_..._holes all chunks but one are 0 instead, special_... says what
its elements are. tests/store/b2nd/b2nd_golden_test.cpp compares each file with that.
"""

import pathlib
import sys

import blosc2
import numpy as np
from blosc2 import Codec, Filter

GOLDEN = pathlib.Path(__file__).parent / "golden"
DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
SHAPE, CHUNKS, BLOCKS = (50, 60), (20, 32), (10, 16)


def formula(dtype, shape):
    dtype = np.dtype(dtype)
    n = np.arange(np.prod(shape), dtype="i8").reshape(shape) // 3 % 1000
    if dtype.kind == "b":
        n = n % 2
    elif dtype.kind == "f":
        n = n / 4
    elif dtype.kind == "c":
        n = n / 4 + 1j * (n / 4 + 1)
    return np.ascontiguousarray(n.astype(dtype))


def how(name, chunks, blocks, codec=Codec.ZSTD, level=5, filters=(Filter.SHUFFLE,), metas=None,
        **cparams):
    cparams = dict(codec=codec, clevel=level, filters=list(filters), nthreads=1,
                   filters_meta=list(metas or [0] * len(filters)), **cparams)
    path = GOLDEN / f"{name}.b2nd"
    if path.exists():
        path.unlink()
    return dict(chunks=chunks, blocks=blocks, cparams=cparams, urlpath=str(path))


def save(name, array, chunks=CHUNKS, blocks=BLOCKS, **more):
    return blosc2.asarray(array, **how(name, chunks, blocks, **more))


def of_this_version():
    name = f"version_{blosc2.__version__}"
    array = save(name, formula("<u2", SHAPE))
    array.schunk.vlmeta["text"] = "Grüße"
    array.schunk.vlmeta["numbers"] = [1, 2.5, -3]
    # One chunk is written, the others never were.
    array = blosc2.zeros(SHAPE, dtype=np.dtype("<u2"), **how(name + "_holes", CHUNKS, BLOCKS))
    array[20:40, 32:60] = np.ascontiguousarray(formula("<u2", SHAPE)[20:40, 32:60])


def of_codecs():
    for codec in (Codec.BLOSCLZ, Codec.LZ4, Codec.LZ4HC, Codec.ZLIB, Codec.ZSTD):
        save(f"codec_{codec.name.lower()}", formula("<u2", SHAPE), codec=codec)
    save("codec_ndlz", formula("u1", SHAPE), codec=Codec.NDLZ, filters=[], codec_meta=4)
    save("codec_none", formula("<u2", SHAPE), level=0)
    save("codec_zstd_9", formula("<u2", SHAPE), level=9)
    save("codec_dictionary", formula("<u2", (200, 60)), (200, 60), (10, 60), use_dict=True)
    shuffle = Filter.SHUFFLE
    for name, filters, metas in [
            ("none", [], None), ("bitshuffle", [Filter.BITSHUFFLE], None),
            ("delta", [Filter.DELTA, shuffle], None), ("ndcell", [Filter.NDCELL], [4]),
            ("bytedelta", [shuffle, Filter.BYTEDELTA], None),
            ("int_trunc", [Filter.INT_TRUNC, shuffle], [16, 0])]:
        save(f"filter_{name}", formula("<u2", SHAPE), filters=filters, metas=metas)
    # Bytes, of which python-blosc2 4.14 keeps the first filter only, whatever is asked for.
    save("filter_grouped", formula("u1", (20, 30, 3)), (20, 30, 3), (10, 15, 3),
         filters=[shuffle, Filter.BYTEDELTA], metas=[3, 3])


def of_dtypes():
    for code in DTYPES:
        for order, prefix in [("little", "<"), ("big", ">")]:
            if np.dtype(code).itemsize == 1 and order == "big":
                continue  # a byte has no order
            name = f"dtype_{np.dtype(code).name}_{order}"
            save(name, formula(prefix + code, (3, 5, 7)), (2, 4, 5), (1, 3, 5))


def of_records():
    fields = [("r", "u1"), ("h", ">f4"), ("p", "<i2", (2,)), ("flag", "?")]
    array = np.zeros((20, 30), fields)
    for field in array.dtype.names:
        values = formula(array.dtype[field].base, (20, 30))
        array[field] = values[..., np.newaxis] if field == "p" else values
    save("record", array, (12, 30), (5, 16))


def of_shapes():
    for shape, chunks, blocks in [
            ((11,), (4,), (3,)), ((1, 1), (1, 1), (1, 1)), ((5, 6), (50, 60), (50, 60)),
            ((40, 60), (20, 20), (20, 20)), ((50, 60), (1, 60), (1, 60)),
            ((9, 8, 3), (4, 8, 3), (4, 4, 3)), ((3, 20, 30), (1, 20, 30), (1, 10, 10)),
            ((2, 3, 4, 5), (1, 3, 4, 5), (1, 2, 2, 5)), ((2, 1, 3, 4, 5), (2, 1, 2, 3, 4),
                                                         (1, 1, 2, 2, 3)),
            ((1,) * 12 + (3, 4), (1,) * 12 + (2, 4), (1,) * 12 + (2, 3))]:
        save("shape_" + "x".join(map(str, shape)), formula("<u2", shape), chunks, blocks)


def of_specials():
    shape, grids = (50, 60), (CHUNKS, BLOCKS)
    blosc2.zeros(shape, dtype="<u2", **how("special_zeros", *grids))
    blosc2.full(shape, 1234, dtype="<u2", **how("special_full_1234", *grids))
    blosc2.nans(shape, dtype="<f4", **how("special_nans_4", *grids))
    blosc2.nans(shape, dtype="<f8", **how("special_nans_8", *grids))


def of_ours(version):
    from osgeo import gdal
    gdal.UseExceptions()
    arrays = {codec.lower(): (formula("<u2", SHAPE), f"COMPRESS={codec}")
              for codec in ("ZSTD", "LZ4", "ZLIB", "NONE")}
    arrays["special_full_1234"] = np.full(SHAPE, 1234, "<u2"), "COMPRESS=ZSTD"
    arrays["3x50x60_pixel"] = formula("<u2", (50, 60, 3)).transpose(2, 0, 1), "INTERLEAVE=PIXEL"
    for name, (array, option) in arrays.items():
        bands = array.reshape(-1, 50, 60)
        source = gdal.GetDriverByName("MEM").Create("", 60, 50, len(bands), gdal.GDT_UInt16)
        source.WriteArray(bands if len(bands) > 1 else array)
        source.SetGeoTransform([400000, 10, 0, 5000000, 0, -10])
        source.SetMetadataItem("name", "Grüße")
        if len(bands) == 1:
            source.CreateMaskBand(gdal.GMF_PER_DATASET)
            source.GetRasterBand(1).GetMaskBand().WriteArray((array % 5 > 0) * np.uint8(255))
        gdal.GetDriverByName("B2ND").CreateCopy(
            str(GOLDEN / f"ours_{version}_{name}.b2nd"), source,
            options=[option, "BLOCKXSIZE=16", "BLOCKYSIZE=10", "CHUNKXSIZE=32", "CHUNKYSIZE=20"])


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    if sys.argv[1:2] == ["--ours"]:
        of_ours(sys.argv[2])
    elif sys.argv[1:] == ["--version"]:
        of_this_version()
    else:
        for make in (of_codecs, of_dtypes, of_records, of_shapes, of_specials):
            make()
