"""Chunks that are no plain blocks: special values, dictionaries, stored bytes, rarer codecs."""

import os

import numpy as np
import pytest
from support.b2nd import (SHAPES, assert_same, bands_of, blosc2, chunk_headers, chunk_kinds,
                          details, read_bands, save)
from osgeo import gdal

Codec, Filter = blosc2.Codec, blosc2.Filter

DTYPES = ["?", "i1", "<i2", ">u2", "<u4", ">i8", "<u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8",
          "<c8", ">c8", "<c16", ">c16"]
ZEROS, NANS, REPEATED, UNINITIALISED = 1, 2, 3, 4


def new(tmp_path, make, *arguments, **parameters):
    """An array that python-blosc2 makes in a file; it is closed by then."""
    path = str(tmp_path / f"{make.__name__}.b2nd")
    make(*arguments, urlpath=path, mode="w", **SHAPES, **parameters)
    return path


def check(path, expected):
    """All pixels, and a window that crosses chunks and blocks."""
    bands = bands_of(expected)
    for threads in (1, 2):
        dataset = gdal.OpenEx(path, open_options=[f"NUM_THREADS={threads}"])
        assert_same(read_bands(dataset), bands)
        assert_same(read_bands(dataset, 13, 11, 31, 17), bands[:, 11:28, 13:44])
    return dataset


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_of_zeros_and_of_one_value(tmp_path, dtype):
    path = new(tmp_path, blosc2.zeros, (30, 50), dtype=dtype)
    assert chunk_kinds(path) == {ZEROS}
    assert details(check(path, np.zeros((30, 50), dtype)))["SPECIAL_CHUNKS"] == 6

    value = np.array(1 - 2j if np.dtype(dtype).kind == "c" else 1).astype(dtype)
    path = new(tmp_path, blosc2.full, (30, 50), value, dtype=dtype)
    assert chunk_kinds(path) == {REPEATED}
    check(path, np.full((30, 50), value, dtype))


@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<c8"])
def test_arrays_of_nans(tmp_path, dtype):
    path = new(tmp_path, blosc2.nans, (30, 50), dtype=dtype)
    assert chunk_kinds(path) == {NANS}
    got = check(path, blosc2.open(path)[...]).ReadAsArray()
    assert np.isnan(got).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_uninitialised_chunks_are_zeros(tmp_path, dtype):
    """python-blosc2 shows what was in memory."""
    path = new(tmp_path, blosc2.uninit, (30, 50), dtype=dtype)
    assert chunk_kinds(path) == {UNINITIALISED}
    check(path, np.zeros((30, 50), dtype))


@pytest.mark.parametrize("dtype", ["?", "i1", ">u2", "<f4", "<c16"])
def test_half_written_arrays(tmp_path, dtype, rng):
    path = str(tmp_path / "half.b2nd")
    array = blosc2.empty((60, 50), dtype=dtype, urlpath=path, mode="w", **SHAPES)
    written = rng.integers(0, 2, (27, 50)).astype(dtype)
    array[:27] = written
    del array
    expected = np.zeros((60, 50), dtype)
    expected[:27] = written
    assert details(check(path, expected))["SPECIAL_CHUNKS"] == 3


@pytest.mark.parametrize("make, value, dtype", [
    *[(blosc2.zeros, 0, dtype) for dtype in DTYPES], *[(blosc2.full, 1, dtype) for dtype in DTYPES],
    *[(blosc2.uninit, 0, dtype) for dtype in DTYPES],
    *[(blosc2.nans, np.nan, dtype) for dtype in ["<f4", "<f8", "<c8"]]],
    ids=lambda value: getattr(value, "__name__", value))
def test_chunks_replaced_by_special_ones(tmp_path, rng, make, value, dtype):
    """Plain and special chunks beside each other in one window."""
    path = str(tmp_path / "replaced.b2nd")
    values = rng.integers(0, 2, (60, 50)).astype(dtype)
    blosc2.asarray(values, urlpath=path, mode="w", **SHAPES)
    arguments = (value,) if make is blosc2.full else ()
    special = make(SHAPES["chunks"], *arguments, dtype=dtype, **SHAPES)
    array = blosc2.open(path, mode="a")
    for number in (1, 3, 8):
        array.schunk.update_chunk(number, special.schunk.get_chunk(0))
        top, left = number // 3 * 20, number % 3 * 20
        part = values[top:top + 20, left:left + 20]
        part[...] = special[:part.shape[0], :part.shape[1]] if make is blosc2.nans else value
    del array
    check(path, values)


def test_pixels_assigned_in_place(tmp_path, rng):
    """Chunks grow and shrink: the rest of the file moves, and what is open now is read anew."""
    path = str(tmp_path / "edited.b2nd")
    values = np.zeros((60, 50), "u2")
    blosc2.asarray(values, urlpath=path, mode="w", **SHAPES)
    older = gdal.Open(path)  # stays open: its index must not be taken for that of the new content
    array = blosc2.open(path, mode="a")
    clock = os.stat(path).st_mtime_ns
    for _ in range(20):
        y, x = rng.integers(0, 40, 2)
        patch = rng.integers(0, 60000, (18, 9)) if rng.random() < 0.7 else rng.integers(0, 9)
        values[y:y + 18, x:x + 9] = patch
        array[y:y + 18, x:x + 9] = values[y:y + 18, x:x + 9].copy()
        clock += 1  # whatever the file system's clock and its ticks
        os.utime(path, ns=(clock, clock))
        check(path, values)
    del older


@pytest.mark.parametrize("shape", [(90, 50), (31, 77), (45, 45), (60, 49)])
def test_resized_arrays(tmp_path, rng, shape):
    path = str(tmp_path / "resized.b2nd")
    values = rng.integers(1, 60000, (60, 50), dtype="u2")
    blosc2.asarray(values, urlpath=path, mode="w", **SHAPES)
    blosc2.open(path, mode="a").resize(shape)
    expected = np.zeros(shape, "u2")
    kept = tuple(slice(0, min(sides)) for sides in zip(shape, values.shape))
    expected[kept] = values[kept]
    check(path, expected)


def test_runs_of_bytes_within_blocks(tmp_path):
    """Streams of a block that are one byte over and over take no codec."""
    values = np.zeros((60, 50), "<u4")
    values[:, 20:] = 0x01010101
    values[25:, :] |= 0x00FF0000
    for codec in (Codec.BLOSCLZ, Codec.ZSTD):
        for filters in ([Filter.SHUFFLE], [Filter.NOFILTER]):
            path = save(tmp_path / "runs.b2nd", values, **SHAPES,
                        cparams={"codec": codec, "filters": filters})
            check(path, values)


# ASan stops python-blosc2 where it writes these: it copies between places that overlap.
LZ4_DICTIONARIES = [pytest.param(codec, marks=pytest.mark.slow)
                    for codec in (Codec.LZ4, Codec.LZ4HC)]


@pytest.mark.parametrize("codec", [Codec.ZSTD, *LZ4_DICTIONARIES])
@pytest.mark.parametrize("block", [16, 60])
def test_chunks_with_dictionaries(tmp_path, rng, codec, block):
    texture = np.tile(rng.integers(0, 50, (300, 64), dtype="u2"), (1, 8))
    parameters = {"chunks": (200, 256), "blocks": (block, block)}
    cparams = {"codec": codec, "clevel": 5, "filters": [Filter.SHUFFLE]}
    path = save(tmp_path / "dictionary.b2nd", texture, **parameters,
                cparams={**cparams, "use_dict": True})
    # The writer made use of one: it is in bit 0 of the last byte of a chunk's header.
    assert all(header[31] & 1 for header in chunk_headers(path))
    check(path, texture)
    # The dictionary of one file is not taken for that of another, nor for that of none.
    plain = rng.permuted(texture, axis=1)
    other = save(tmp_path / "plain.b2nd", plain, **parameters, cparams=cparams)
    another = save(tmp_path / "another.b2nd", plain, **parameters,
                   cparams={**cparams, "use_dict": True})
    for _ in range(2):
        for name, expected in [(path, texture), (other, plain), (another, plain)]:
            check(name, expected)


@pytest.mark.parametrize("dtype", ["u1", ">u2", "<c16"])
@pytest.mark.parametrize("level", [0, 1])
def test_stored_chunks(tmp_path, rng, dtype, level):
    size = np.dtype(dtype).itemsize
    noise = np.frombuffer(rng.bytes(70 * 90 * size), dtype).reshape(70, 90)
    path = save(tmp_path / "noise.b2nd", noise, chunks=(32, 45), blocks=(32, 45),
                cparams={"clevel": level, "filters": [Filter.NOFILTER]})
    assert chunk_headers(path)[0][2] & 2
    check(path, noise)


@pytest.mark.parametrize("split", blosc2.SplitMode, ids=lambda split: split.name)
@pytest.mark.parametrize("codec", [Codec.BLOSCLZ, Codec.LZ4, Codec.ZSTD], ids=lambda c: c.name)
def test_split_streams(tmp_path, rng, codec, split):
    values = rng.integers(0, 300, (60, 50), dtype="<u4")
    check(save(tmp_path / "split.b2nd", values, **SHAPES,
               cparams={"codec": codec, "splitmode": split, "filters": [Filter.SHUFFLE]}), values)


class TestCodecsAndFiltersOfTheLibrary:
    """Beside the common ones; most of them lose something, all ask for the shape of blocks."""

    @pytest.fixture(params=[(16, 16), (15, 13)], ids=["even", "odd"])
    def blocks(self, request):
        return {"chunks": (40, 41), "blocks": request.param}

    @pytest.fixture
    def waves(self):
        y, x = np.mgrid[0:60, 0:70]
        return 100 + 100 * np.sin(x / 9) * np.cos(y / 7)

    @pytest.mark.parametrize("meta", [4, 8])
    def test_ndlz(self, tmp_path, blocks, waves, meta):
        path = save(tmp_path / "ndlz.b2nd", waves.astype("u1"), **blocks, cparams={
            "codec": Codec.NDLZ, "codec_meta": meta, "filters": [Filter.NOFILTER]})
        check(path, waves.astype("u1"))

    @pytest.mark.parametrize("dtype", ["f4", "f8"])
    @pytest.mark.parametrize("codec, meta", [(Codec.ZFP_RATE, 37), (Codec.ZFP_PREC, 12),
                                             (Codec.ZFP_ACC, 253)])
    def test_zfp(self, tmp_path, blocks, waves, dtype, codec, meta):
        path = save(tmp_path / "zfp.b2nd", waves.astype(dtype), **blocks, cparams={
            "codec": codec, "codec_meta": meta, "filters": [Filter.NOFILTER]})
        check(path, blosc2.open(path)[...])
        assert np.abs(gdal.Open(path).ReadAsArray() - waves).max() < 1

    @pytest.mark.parametrize("axes", [1, 2, 3])
    def test_zfp_of_a_fixed_rate_in_blocks_of_one_cell(self, tmp_path, axes):
        """c-blosc2 does not decode such a block alone."""
        array = np.arange(13.0 ** axes).reshape((13,) * axes)
        path = save(tmp_path / "cells.b2nd", array, chunks=(8,) * axes, blocks=(4,) * axes, cparams={
            "codec": Codec.ZFP_RATE, "codec_meta": 37, "filters": [Filter.NOFILTER]})
        bands = bands_of(blosc2.open(path)[...])
        assert_same(read_bands(gdal.Open(path)), bands)
        assert_same(read_bands(gdal.Open(path), 3, 0, 7, 1), bands[:, :1, 3:10])

    @pytest.mark.parametrize("name, meta, dtype", [
        (Filter.NDCELL, 4, "u1"), (Filter.NDCELL, 4, "f4"), (Filter.NDMEAN, 4, "f4"),
        (Filter.NDMEAN, 4, "f8"), (Filter.INT_TRUNC, 4, "i4"), (Filter.INT_TRUNC, 5, "u1")])
    def test_filters(self, tmp_path, blocks, waves, name, meta, dtype):
        path = save(tmp_path / "filter.b2nd", waves.astype(dtype), **blocks,
                    cparams={"filters": [name], "filters_meta": [meta]})
        check(path, blosc2.open(path)[...])
