"""What each reader is asked for: lists of windows, drawn from a seed and so the same for all."""

import dataclasses

import numpy as np

from peers.catalogue import OVERVIEW

SCAN_LINES = 2048  # of the image's first ones: all of it would only take longer


@dataclasses.dataclass(frozen=True)
class Workload:
    """`most` reads a turn at most, and none begins after `seconds` of reading; `turns` at most."""
    key: str
    name: str
    side: int = 0
    most: int = 1 << 30
    seconds: float = 1e9
    turns: int = 1 << 30


def workloads(image, quick):
    """Those that suit an image, in the order in which they run."""
    height, width = image["shape"][:2]
    seconds = 0.08 if quick else 0.25
    found = [Workload(f"{side}", f"{side}²", side, most, seconds)
             for side, most in ((64, 600), (256, 300), (512, 120), (2048, 12))
             if side <= min(height, width) // 2]
    if len(image["shape"]) == 3:
        found.append(Workload("pixel", "1 pixel", 1, 600, seconds))
    else:
        found += [Workload("rows", "rows"), Workload("tiles", "tiles")]
        if 512 <= min(height, width) // OVERVIEW:
            found.append(Workload("overview", "overview", 512, 60, seconds))
    return [*found, Workload("whole", "whole", turns=3)]


def scattered(height, width, side, most, turn):
    """Windows that do not overlap, unaligned, another draw each turn."""
    rng = np.random.default_rng(1000 * side + turn)
    rows, columns = max(height // side - 1, 1), max(width // side - 1, 1)
    chosen = rng.choice(rows * columns, min(most, rows * columns), replace=False)
    x, y = (int(start) for start in rng.integers(0, side, 2))
    for cell in chosen.tolist():
        yield (min(x + cell % columns * side, width - side),
               min(y + cell // columns * side, height - side), side, side)


def windows(workload, image, turn):
    """(x, y, width, height) of each read of a turn, of the overview's pixels where it reads that."""
    height, width = image["shape"][:2]
    lines = min(height, SCAN_LINES)
    if workload.key == "whole":
        return [(0, 0, width, height)]
    if workload.key == "rows":
        return [(0, y, width, min(64, lines - y)) for y in range(0, lines, 64)]
    if workload.key == "tiles":
        return [(x, y, min(512, width - x), min(512, lines - y))
                for y in range(0, lines, 512) for x in range(0, width, 512)]
    if workload.key == "overview":
        height, width = height // OVERVIEW, width // OVERVIEW
    return list(scattered(height, width, workload.side, workload.most, turn))
