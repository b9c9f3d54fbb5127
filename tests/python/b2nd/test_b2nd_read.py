"""Every .b2nd that python-blosc2 writes is a raster with the same pixels, however it was packed."""

import dataclasses
import itertools

import numpy as np
import pytest
from support.b2nd import assert_same, bands_of, blosc2, read_bands, save
from osgeo import gdal

Codec, Filter = blosc2.Codec, blosc2.Filter

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
CODECS = [Codec.BLOSCLZ, Codec.LZ4, Codec.LZ4HC, Codec.ZLIB, Codec.ZSTD]
CASES_PER_SEED = 25


@dataclasses.dataclass
class Case:
    """One way to write an array, and one to read it."""

    dtype: str
    shape: tuple
    chunks: tuple
    blocks: tuple
    codec: Codec
    level: int
    filters: list  # (filter, meta)
    writer_threads: int
    reader_threads: int

    @property
    def is_lossy(self):
        return any(name == Filter.TRUNC_PREC for name, _ in self.filters)

    def cparams(self):
        filters = self.filters or [(Filter.NOFILTER, 0)]
        return {"codec": self.codec, "clevel": self.level, "nthreads": self.writer_threads,
                "filters": [name for name, _ in filters],
                "filters_meta": [meta for _, meta in filters]}


def random_filters(rng, dtype):
    size = np.dtype(dtype).itemsize
    choices = [(Filter.NOFILTER, 0), (Filter.SHUFFLE, 0), (Filter.SHUFFLE, rng.integers(1, 17)),
               (Filter.BITSHUFFLE, 0), (Filter.DELTA, 0), (Filter.BYTEDELTA, 0),
               (Filter.BYTEDELTA, rng.integers(1, 17))]
    if np.dtype(dtype).kind in "fc" and size in (4, 8):
        choices.append((Filter.TRUNC_PREC, rng.integers(1, 20)))
    chosen = [choices[i] for i in rng.integers(0, len(choices), rng.integers(0, 3))]
    names = [name for name, _ in chosen]
    # What deltas of shortened numbers should give, python-blosc2 does not say: see expected_pixels.
    if Filter.DELTA in names and Filter.TRUNC_PREC in names:
        chosen = chosen[:1]
    return [(name, int(meta)) for name, meta in chosen]


def random_case(rng):
    axes = int(rng.integers(1, 4))
    # Now and then enough for several threads.
    longest = (300_000, 600, 70) if rng.random() < 0.1 else (3000, 70, 24)
    shape = tuple(int(n) for n in rng.integers(1, longest[axes - 1], axes))
    chunks = tuple(int(rng.integers(1, 3 * n // 2 + 2)) for n in shape)
    # Not thousands of blocks, which would make most cases slow.
    chunks = tuple(max(c, n // 12) for c, n in zip(chunks, shape))
    blocks = tuple(max(int(rng.integers(1, c + 1)), c // 12) for c in chunks)
    dtype = np.dtype(str(rng.choice(DTYPES))).newbyteorder(str(rng.choice(["<", ">"]))).str
    return Case(dtype, shape, chunks, blocks, CODECS[rng.integers(0, len(CODECS))],
                int(rng.integers(0, 10)), random_filters(rng, dtype), *rng.integers(1, 3, 2))


def random_values(rng, shape, dtype):
    """Noise, runs, a ramp or one value: what different codecs make different chunks of."""
    dtype = np.dtype(dtype)
    count = int(np.prod(shape))
    kind = rng.integers(0, 4)
    if kind == 0:
        raw = rng.integers(0, 256, count * dtype.itemsize, dtype="u1")
    elif kind == 1:
        raw = np.repeat(rng.integers(0, 4, count // 7 + 1, dtype="u1"), 7 * dtype.itemsize)
        raw = raw[:count * dtype.itemsize]
    else:
        ramp = np.arange(count) % 251 if kind == 2 else np.full(count, rng.integers(0, 100))
        raw = np.frombuffer(ramp.astype(dtype).tobytes(), "u1")
    if dtype.kind == "b":
        raw = raw & 1
    return np.frombuffer(raw.tobytes(), dtype).reshape(shape)


def expected_pixels(case, path, written):
    """python-blosc2's own slice. Where nothing is lost, that must be what was written; except for
    DELTA, of which python-blosc2 4.14 takes some blocks to be deltas of the wrong one."""
    if any(name == Filter.DELTA for name, _ in case.filters):
        return written
    sliced = blosc2.open(path)[...]
    if not case.is_lossy:
        assert sliced.tobytes() == written.tobytes(), case
    return sliced


def check_window(dataset, bands, rng, case):
    count, height, width = bands.shape
    x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
    w, h = int(rng.integers(1, width - x + 1)), int(rng.integers(1, height - y + 1))
    expected = bands[:, y:y + h, x:x + w]
    assert_same(read_bands(dataset, x, y, w, h), expected, case)

    number = int(rng.integers(0, count))
    step_y, step_x = (int(n) for n in rng.integers(1, 4, 2))
    memory = np.full((h * step_y + 1, w * step_x + 1), 1, bands.dtype)
    untouched = memory.copy()
    target = memory[:h * step_y:step_y, :w * step_x:step_x]
    dataset.GetRasterBand(number + 1).ReadAsArray(x, y, w, h, buf_obj=target)
    assert_same(target, expected[number], case)
    target[...] = 1
    assert memory.tobytes() == untouched.tobytes(), case


@pytest.mark.parametrize("seed", range(40))
def test_random_arrays_equal_python_blosc2(tmp_path, seed):
    rng = np.random.default_rng(seed)
    for number in range(CASES_PER_SEED):
        case = random_case(rng)
        written = random_values(rng, case.shape, case.dtype)
        path = save(tmp_path / f"{number}.b2nd", written, chunks=case.chunks, blocks=case.blocks,
                    cparams=case.cparams())
        bands = bands_of(expected_pixels(case, path, written))
        dataset = gdal.OpenEx(path, open_options=[f"NUM_THREADS={case.reader_threads}"])
        assert_same(read_bands(dataset), bands, case)
        for band in range(0, len(bands), 5):
            assert_same(dataset.GetRasterBand(band + 1).ReadAsArray(), bands[band], case)
        for _ in range(2):
            check_window(dataset, bands, rng, case)


def test_random_cases_reach_everything():
    """The generator above must not lose what it is for."""
    cases = [random_case(np.random.default_rng([seed, 7])) for seed in range(1000)]
    assert {case.dtype[1:] for case in cases} == {np.dtype(code).str[1:] for code in DTYPES}
    assert {case.dtype[0] for case in cases} == {"<", ">", "|"}
    assert {len(case.shape) for case in cases} == {1, 2, 3}
    assert {case.level for case in cases} == set(range(10))
    assert {case.codec for case in cases} == set(CODECS)
    pairs = {tuple(name for name, _ in case.filters) for case in cases}
    singles = [Filter.NOFILTER, Filter.SHUFFLE, Filter.BITSHUFFLE, Filter.DELTA, Filter.BYTEDELTA]
    assert pairs >= set(itertools.product(singles, repeat=2))
    for name in (Filter.SHUFFLE, Filter.BYTEDELTA):
        metas = [meta for case in cases for of, meta in case.filters if of == name]
        assert 0 in metas and any(metas)
    assert any(case.is_lossy for case in cases)
    assert any(c > n for case in cases for c, n in zip(case.chunks, case.shape))
    assert any(c % b for case in cases for c, b in zip(case.chunks, case.blocks))
