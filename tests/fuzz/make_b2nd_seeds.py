"""Makes the seeds in corpus/b2nd and, of single chunks, in corpus/block, with python-blosc2:
python3 tests/fuzz/make_b2nd_seeds.py"""

import pathlib

import blosc2
import numpy as np
from blosc2 import Codec, Filter

folder = pathlib.Path(__file__).parent / "corpus" / "b2nd"
RAMP = np.arange(600, dtype="<u2").reshape(20, 30) // 7


def save(name, array, chunks=(12, 20), blocks=(5, 20), codec=Codec.ZSTD, level=5,
         filters=(Filter.SHUFFLE,), metas=None, vlmeta=None, change=None, **cparams):
    cparams = blosc2.CParams(codec=codec, clevel=level, filters=list(filters), nthreads=1,
                             filters_meta=list(metas or [0] * len(filters)), **cparams)
    # On disk, since frames in memory are of another kind.
    path = folder / f"{name}.b2nd"
    made = blosc2.asarray(array, chunks=chunks, blocks=blocks, cparams=cparams, urlpath=str(path),
                          mode="w") if isinstance(array, np.ndarray) else array(
                              chunks=chunks, blocks=blocks, cparams=cparams, urlpath=str(path),
                              mode="w")
    if change:
        change(made)
    for key, value in (vlmeta or {}).items():
        made.schunk.vlmeta[key] = value
    assert path.stat().st_size <= 4096, (name, path.stat().st_size)


blocks = folder.parent / "block"
for made in (folder, blocks):
    made.mkdir(parents=True, exist_ok=True)
for codec in (Codec.BLOSCLZ, Codec.LZ4, Codec.LZ4HC, Codec.ZLIB, Codec.ZSTD):
    save(f"codec_{codec.name.lower()}", RAMP, codec=codec)
save("level_0", RAMP[:8, :10].copy(), (4, 10), (2, 10), level=0)
save("no_filter", RAMP, codec=Codec.LZ4, filters=[])
save("bitshuffle", RAMP, codec=Codec.LZ4, filters=[Filter.BITSHUFFLE])
save("delta", RAMP, codec=Codec.LZ4, filters=[Filter.DELTA, Filter.SHUFFLE])
save("bytedelta", RAMP, filters=[Filter.SHUFFLE, Filter.BYTEDELTA])
save("bytedelta_grouped", np.repeat(RAMP[..., None], 3, 2).astype("u1"), (12, 20, 3), (5, 20, 3),
     filters=[Filter.SHUFFLE, Filter.BYTEDELTA], metas=[3, 3])
save("trunc_prec", RAMP.astype("<f4"), filters=[Filter.TRUNC_PREC, Filter.SHUFFLE], metas=[10, 0])
save("ndcell", RAMP, codec=Codec.LZ4, filters=[Filter.NDCELL], metas=[4])
save("ndlz", RAMP.astype("u1"), codec=Codec.NDLZ, filters=[], codec_meta=4)
save("zfp_acc", RAMP.astype("<f4"), codec=Codec.ZFP_ACC, filters=[], codec_meta=1)
save("zfp_prec", RAMP.astype("<f8"), codec=Codec.ZFP_PREC, filters=[], codec_meta=20)
save("zfp_rate", RAMP.astype("<f8"), codec=Codec.ZFP_RATE, filters=[], codec_meta=20)
save("dictionary", np.tile(RAMP, (6, 2)), (60, 60), (6, 60), use_dict=True)
save("unsplit", RAMP, splitmode=blosc2.SplitMode.NEVER_SPLIT)
save("split", RAMP, splitmode=blosc2.SplitMode.ALWAYS_SPLIT)
save("padded", RAMP, (7, 11), (3, 4))
save("zeros", lambda **how: blosc2.zeros((90, 90), dtype="<u2", **how))
save("full", lambda **how: blosc2.full((90, 90), 258, dtype="<u2", **how))
save("nans", lambda **how: blosc2.nans((90, 90), dtype="<f8", **how))
save("unwritten", lambda **how: blosc2.uninit((40, 40), dtype="<u2", **how))


def write_some(array):
    array[0:12, 0:20] = RAMP[:12, :20].copy()


save("some_chunks", lambda **how: blosc2.zeros((40, 40), dtype="<u2", **how), change=write_some)
save("vlmeta", RAMP[:4, :4].copy(), (4, 4), (4, 4),
     vlmeta={"gdal": {"nodata": 0, "axes": "YX"}, "proj:code": "EPSG:32633",
             "spatial:transform": [10.0, 0.0, 5e5, 0.0, -10.0, 4e6]})
save("mask", RAMP[:4, :4].copy(), (4, 4), (4, 4),
     vlmeta={"gdal:mask": blosc2.asarray((RAMP[:4, :4] > 1).astype("u1")).to_cframe()})
save("one_axis", RAMP.reshape(-1), (100,), (33,))
save("five_axes", RAMP.reshape(2, 5, 3, 2, 10), (1, 5, 2, 2, 10), (1, 3, 2, 1, 10))
save("big_endian", RAMP.astype(">i4"))
save("complex", RAMP.astype("<c16")[:6, :6].copy(), (6, 6), (3, 6))
save("record", np.zeros((4, 5), [("r", "u1"), ("h", "<f4"), ("m", ">i2", (2,))]), (4, 5), (2, 5))
save("wide_blocks", np.tile(RAMP, (2, 8))[:40, :200].copy(), (40, 200), (20, 100), Codec.LZ4)

# Chunks by themselves, which are decoded here: each of their filters, of several and of one stream,
# with blocks of zeros, of one byte and of noise, and a last block that is shorter.
MIXED = np.concatenate([np.arange(256) // 5, np.zeros(128), np.full(128, 0x0707), np.arange(100) * 3
                        ]).astype("<u2")
MIXED[:64] = np.random.default_rng(1).integers(0, 1 << 16, 64)
PIPELINES = {"none": ([], []), "shuffle": ([Filter.SHUFFLE], [0]),
             "bitshuffle": ([Filter.BITSHUFFLE], [0]),
             "delta": ([Filter.SHUFFLE, Filter.BYTEDELTA], [2, 2]),
             "mixed": ([Filter.TRUNC_PREC, Filter.SHUFFLE, Filter.BITSHUFFLE, Filter.BYTEDELTA,
                        Filter.SHUFFLE], [20, 4, 0, 2, 0])}
for codec in (Codec.LZ4, Codec.ZSTD):
    for split in (blosc2.SplitMode.ALWAYS_SPLIT, blosc2.SplitMode.NEVER_SPLIT):
        for name, (filters, metas) in PIPELINES.items():
            elements = MIXED.astype("<f4") if name == "mixed" else MIXED
            chunk = blosc2.compress2(elements, codec=codec, clevel=5, splitmode=split, nthreads=1,
                                     blocksize=(512 if name == "bitshuffle" else 128) *
                                     elements.itemsize, typesize=elements.itemsize,
                                     filters=filters, filters_meta=metas)
            kind = split.name.split("_")[0].lower()
            (blocks / f"chunk_{codec.name.lower()}_{kind}_{name}.blosc").write_bytes(chunk)
save("text", np.full((4, 5), "ab"), (4, 5), (2, 5))
