"""What each rule of the block cache brings, on the workload that it is there for.

A part of b2nd_windows.py. Each turn opens the file anew and reads the same windows with all rules
and with one of them switched off, one thread, processor time; figures are medians of ratios. A
rule that does not bring 5 % on any workload should go.
"""

import ctypes
import os
import statistics

import blosc2
import numpy as np

TURNS = 7
RETURNS, MUCH_LEFT, SLABS, EACH, WHOLE = 1, 2, 4, 8, 16
ALL = RETURNS | MUCH_LEFT | SLABS | WHOLE
VARIANTS = {"no rule of returns": ALL - RETURNS, "each part kept": EACH | WHOLE,
            "no rule of much left": ALL - MUCH_LEFT, "no rule of slabs": ALL - SLABS,
            "no whole blocks": ALL - WHOLE}
SIDE = 6144


def boxes(windows):
    """(x, y, width, height) of a 2-D array."""
    return np.array([[y, x, y + h, x + w] for x, y, w, h in windows], dtype=np.int64)


def random_windows(side, count, seed):
    cells = SIDE // side - 1
    chosen = np.random.default_rng(seed).permutation(cells * cells)[:count]
    return [(c % cells * side + side // 3, c // cells * side + side // 5, side, side)
            for c in chosen.tolist()]


def row_of_windows(y, step, side, x=13):
    return [(x, y, side, side) for x in range(x, SIDE - side, step)]


def workloads(files):
    """(name, file, boxes of a turn)."""
    zstd, lz4 = files["zstd"], files["lz4"]

    def panning(turn):
        return boxes(row_of_windows(531 * turn, 64, 512))

    def redrawn(turn):
        return boxes([w for w in random_windows(700, 6, turn) for _ in range(5)])

    def sweep(side):
        return lambda turn: boxes([w for y in range(7 + turn, 2055, side)
                                   for w in row_of_windows(y, side, side)])

    yield "lines one by one", zstd, lambda turn: boxes(
        [(0, y, SIDE, 1) for y in range(256 * turn, 256 * turn + 256)])
    yield "strips of 200 lines", zstd, lambda turn: boxes(
        [(0, y, SIDE, 200) for y in range(turn, SIDE - 400, 200)])
    yield "sweep of 300²", zstd, sweep(300)
    yield "panning: 512² by steps of 64", zstd, panning
    yield "the same, LZ4", lz4, panning
    yield "panning from block to block, LZ4", lz4, lambda turn: boxes(
        row_of_windows(640 * turn, 128, 512, 0))
    yield "a window of 700² read 5 times", zstd, redrawn
    yield "the same, LZ4", lz4, redrawn
    yield "one of 3500² read 3 times, LZ4", lz4, lambda turn: boxes([(0, 0, 3500, 3500)] * 3)
    yield "whole image 3 times, LZ4", lz4, lambda turn: boxes([(0, 0, SIDE, SIDE)] * 3)
    yield "random 64², LZ4", lz4, lambda turn: boxes(random_windows(64, 600, turn))
    yield "random 200², LZ4", lz4, lambda turn: boxes(random_windows(200, 300, turn))
    yield "panning, blocks of 512², LZ4", files["lz4 512"], panning
    yield "pixels side by side, 50 bands a block", files["pixels"], lambda turn: np.array(
        [[40 + turn, x, 0, 41 + turn, x + 1, 50] for start in range(5, 900, 50)
         for x in range(start, start + 3)], dtype=np.int64)
    yield "sweep of 512², blocks of 4 rows", files["slabs"], sweep(512)


def make_files(folder, image):
    def made(name, array, **shapes):
        path = os.path.join(folder, f"rules-{name.replace(' ', '')}.b2nd")
        codec = blosc2.Codec.LZ4 if name.startswith("lz4") else blosc2.Codec.ZSTD
        level = 5 if name.startswith("lz4") else 1
        shuffle = blosc2.Filter.BITSHUFFLE if name.startswith("lz4") else blosc2.Filter.SHUFFLE
        if not os.path.exists(path):
            blosc2.asarray(array, urlpath=path, mode="w", **shapes, cparams={
                "codec": codec, "clevel": level, "filters": [shuffle]})
        return path

    squares = {"chunks": (1024, 1024), "blocks": (128, 128)}
    tiles = np.stack([image[y:y + 1000, :1000] for y in range(0, 5000, 100)], axis=2)
    return {"zstd": made("zstd", image, **squares), "lz4": made("lz4", image, **squares),
            "lz4 512": made("lz4 512", image, chunks=(1024, 1024), blocks=(512, 512)),
            "slabs": made("slabs", image, chunks=(64, SIDE), blocks=(4, SIDE)),
            "pixels": made("pixels", tiles, chunks=(256, 256, 50), blocks=(64, 64, 50))}


def bench_rules(folder, image, limit_library):
    read_boxes = ctypes.CDLL(limit_library).read_boxes
    read_boxes.restype = ctypes.c_double

    def seconds(path, windows, rules):
        found = read_boxes(path.encode(), ctypes.c_void_p(windows.ctypes.data), len(windows),
                           windows.shape[1] // 2, rules)
        assert found > 0, found
        return found

    files = make_files(folder, np.ascontiguousarray(image[:SIDE, :SIDE]))
    print("\nblock cache, time without a rule as a multiple of that with all of them:\n\n| | " +
          " | ".join(VARIANTS) + " |\n| --- |" + " ---: |" * len(VARIANTS))
    for name, path, windows_of in workloads(files):
        ratios = {variant: [] for variant in VARIANTS}
        for turn in range(TURNS):
            windows = windows_of(turn)
            seconds(path, windows, ALL)  # to warm up
            for variant, rules in VARIANTS.items():
                both = seconds(path, windows, rules) / seconds(path, windows, ALL)
                ratios[variant].append(both)
        print(f"| {name} | " + " | ".join(
            f"{statistics.median(values):.2f}" for values in ratios.values()) + " |", flush=True)
