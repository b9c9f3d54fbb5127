"""Windows that cover an image, for programs that go through it piece by piece."""

from __future__ import annotations

import itertools
from collections.abc import Iterator


class Window(tuple):
    """A key: slices of all axes of an array, `image[window]`. Half-open, without steps.

    `core` is the same without the overlap: the keys of all cores cover the array once. `crop` cuts
    the core out of what was read: `image[window][window.crop]` equals `image[window.core]`.
    """

    core: tuple[slice, ...]
    crop: tuple[slice, ...]

    def __new__(cls, outer: tuple[slice, ...], core: tuple[slice, ...]) -> Window:
        window = super().__new__(cls, outer)
        window.core = core
        window.crop = tuple(slice(inside.start - whole.start, inside.stop - whole.start)
                            for whole, inside in zip(outer, core))
        return window

    def __getnewargs__(self):
        return tuple(self), self.core

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is read."""
        return tuple(part.stop - part.start for part in self)


def windows(shape: tuple[int, ...], dims: tuple[str, ...], size: int | tuple[int, int],
            overlap: int | tuple[int, int] = 0) -> Iterator[Window]:
    """Windows of `size` lines and pixels (one number: of both), row by row, with all bands. Those at
    the far borders are smaller. With an overlap each reaches so many lines and pixels further on
    every side, as far as the array goes. ValueError for sizes below 1 and negative overlaps.
    """
    sizes, overlaps = _pair(size), _pair(overlap)
    if min(sizes) < 1 or min(overlaps) < 0:
        raise ValueError(f"size: found {size}, wanted 1 or more; overlap: found {overlap}, wanted 0 or more")
    steps = [{"y": sizes[0], "x": sizes[1]}.get(dim, length) for dim, length in zip(dims, shape)]
    margins = [{"y": overlaps[0], "x": overlaps[1]}.get(dim, 0) for dim in dims]
    starts = [range(0, length, max(step, 1)) for length, step in zip(shape, steps)]
    for corner in itertools.product(*starts):
        core = tuple(slice(start, min(start + step, length))
                     for start, step, length in zip(corner, steps, shape))
        outer = tuple(slice(max(part.start - margin, 0), min(part.stop + margin, length))
                      for part, margin, length in zip(core, margins, shape))
        yield Window(outer, core)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    first, second = (value, value) if not isinstance(value, (tuple, list)) else value
    return int(first), int(second)
