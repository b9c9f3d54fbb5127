"""What a key selects: NumPy's basic indexing, for a shape that is known."""

from __future__ import annotations

import operator
from typing import Any


def parse(key: Any, shape: tuple[int, ...]) -> tuple[list[range], tuple[Any, ...]]:
    """The elements along each axis, and what makes NumPy's result of the array of those: an index
    that removes axes of integers and adds those of None.

    IndexError for too many or wrong indices, and, by name, for lists, arrays and booleans.
    """
    keys = list(key) if isinstance(key, tuple) else [key]
    given, place = 0, len(keys)
    for at, part in enumerate(keys):
        if part is Ellipsis:
            if place < len(keys):
                raise IndexError("an index can only have a single ellipsis ('...')")
            place = at
        elif part is not None:
            given += 1
    if given > len(shape):
        raise IndexError(f"too many indices: the array has {len(shape)} axes, {given} were indexed")
    keys[place:place + 1] = [slice(None)] * (len(shape) - given)

    ranges: list[range] = []
    after: list[Any] = []
    for part in keys:
        if part is None:
            after.append(None)
            continue
        length = shape[len(ranges)]
        if isinstance(part, slice):
            ranges.append(range(*part.indices(length)))
            after.append(slice(None))
            continue
        ranges.append(_one(part, length, len(ranges)))
        after.append(0)
    return ranges, tuple(after)


def result_shape(ranges: list[range], after: tuple[Any, ...]) -> tuple[int, ...]:
    """What `after` makes of an array of these elements."""
    lengths = iter(ranges)
    shape = []
    for part in after:
        if part is None:
            shape.append(1)
            continue
        length = len(next(lengths))
        if part != 0:
            shape.append(length)
    return tuple(shape)


def _one(part: Any, length: int, axis: int) -> range:
    if isinstance(part, bool) or type(part).__name__ in ("bool_", "bool") or hasattr(part, "__len__"):
        raise IndexError(f"indices are integers, slices, ... and None; found {type(part).__name__} for axis "
                         f"{axis}: read with slices, and index the NumPy array with it")
    try:
        index = operator.index(part)
    except TypeError:
        raise IndexError("indices are integers, slices, ... and None; found "
                         f"{type(part).__name__} for axis {axis}") from None
    if not -length <= index < length:
        raise IndexError(f"index {index} is out of bounds for axis {axis} with size {length}")
    index %= length
    return range(index, index + 1)
