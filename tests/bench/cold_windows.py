"""Windows of which nothing is in memory: the system is told to forget a file before each.

Needs no root: `posix_fadvise(POSIX_FADV_DONTNEED)` drops the pages of a file that are on the disk and that
nobody has mapped. How far a machine below this one still has them is not known: figures are for
ratios within a run.
"""

import ctypes
import mmap
import os
import statistics
import time

import numpy as np

WINDOWS = {64: 60, 512: 40, 2048: 8}
SWEEP = 512  # side of the windows of a sweep, over so many rows of them
SWEEP_ROWS = 4


def settle(path):
    """What is not on the disk yet cannot be forgotten."""
    descriptor = os.open(path, os.O_RDWR)
    os.fsync(descriptor)
    os.close(descriptor)


def evict(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def resident_share(path):
    """The share of a file's pages that are in memory, by mincore()."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as pages:
        count = -(-len(pages) // mmap.PAGESIZE)
        states = np.empty(count, dtype="u1")
        first = ctypes.c_char.from_buffer(pages)
        failed = libc.mincore(ctypes.c_void_p(ctypes.addressof(first)),
                              ctypes.c_size_t(len(pages)), ctypes.c_void_p(states.ctypes.data))
        del first
        assert not failed, os.strerror(ctypes.get_errno())
    return np.count_nonzero(states & 1) / count


def memmap_reader(path):
    image = np.load(path, mmap_mode="r")
    return lambda x, y, w, h: np.array(image[y:y + h, x:x + w])


def seconds(path, make, windows):
    """Of reading these windows one after the other, the first of a file that is not in memory."""
    read = make(path)
    evict(path)
    start = time.perf_counter()
    for x, y, side in windows:
        read(x, y, side, side)
    elapsed = time.perf_counter() - start
    read = None  # pages that are mapped are not forgotten
    return elapsed


def bench_cold(contenders, size):
    """contenders: {name: (path, function that makes a reader of it)}, the first of which the others
    are compared with. Prints milliseconds a window."""
    for path in {path for path, _ in contenders.values()}:
        settle(path)
        evict(path)
        share = resident_share(path)
        assert share < 0.01, f"{path}: {share:.0%} is still in memory after it was evicted"
    times = {name: {} for name in contenders}
    rng = np.random.default_rng(3)
    for side, count in WINDOWS.items():
        corners = rng.integers(0, size - side, (count, 2)).tolist()
        for x, y in corners:
            for name, (path, make) in contenders.items():
                times[name].setdefault(side, []).append(seconds(path, make, [(x, y, side)]))
    sweep = [(x, y, SWEEP) for y in range(0, SWEEP_ROWS * SWEEP, SWEEP)
             for x in range(0, size - SWEEP + 1, SWEEP)]
    for _ in range(5):
        for name, (path, make) in contenders.items():
            times[name].setdefault("sweep", []).append(seconds(path, make, sweep) / len(sweep))
    columns = [*WINDOWS, "sweep"]
    print("\n| evicted, ms a window | " + " | ".join(
        f"{column}²" if column != "sweep" else f"sweep of {SWEEP}²" for column in columns) +
        " |\n| --- |" + " ---: |" * len(columns))
    first = next(iter(times.values()))
    for name, mine in times.items():
        cells = [f"{1e3 * statistics.median(mine[c]):.2f} "
                 f"({statistics.median(mine[c]) / statistics.median(first[c]):.2f})"
                 for c in columns]
        print(f"| {name} | " + " | ".join(cells) + " |")
