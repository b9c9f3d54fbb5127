"""Pixels of a dataset, into memory whose axes are those of the file."""

from __future__ import annotations

import functools

import numpy as np
from . import _errors
from ._facts import HAS_FLOAT16, HAS_INT8, Facts
from ._gdal import gdal

# A window with steps is read whole, in strips of lines of so many bytes, and thinned out.
MAX_STRIP_BYTES = 32 << 20


def read(path: str, dataset: gdal.Dataset, facts: Facts, ranges: list[range], out: np.ndarray) -> None:
    """Reads the elements of `ranges`, one for each of `facts.axes`, with any steps. `out` has their
    shape, any strides and the dtype of the facts."""
    for axis, selected in enumerate(ranges):
        if len(selected) == 0:
            return
        if selected.step < 0:
            ranges = [*ranges[:axis], selected[::-1], *ranges[axis + 1:]]
            out = np.flip(out, axis)
    along = dict(zip(facts.axes, ranges))
    bands = along.get("B", range(facts.bands))
    lines = along.get("Y", range(1))
    pixels = along["X"]
    planes = as_planes(out, facts.axes)
    if lines.step == 1 or len(lines) == 1:
        step = max(1, MAX_STRIP_BYTES // _line_bytes(facts, bands, pixels)) if pixels.step > 1 else len(lines)
    else:
        step = _lines_at_once(facts, bands, lines, pixels)
    for first in range(0, len(lines), step):
        _read_box(path, dataset, facts, bands, lines[first:first + step], pixels,
                  planes[:, first:first + step])


def as_planes(array: np.ndarray, axes: str) -> np.ndarray:
    """A view with the axes bands, lines, pixels; axes that the file has not are of size 1."""
    order, new_axes = _order(axes)
    return array.transpose(order)[new_axes]


@functools.lru_cache
def _order(axes: str) -> tuple[list[int], tuple[slice | None, ...]]:
    return ([axes.index(axis) for axis in "BYX" if axis in axes],
            tuple(slice(None) if axis in axes else None for axis in "BYX"))


def transport(array: np.ndarray) -> np.ndarray | None:
    """A view that GDAL's bindings can fill or read in place of the array; None: there is none."""
    if array.dtype == np.bool_ or (array.dtype == np.int8 and not HAS_INT8):
        return array.view(np.uint8)
    return None if array.dtype == np.float16 and not HAS_FLOAT16 else array


def _line_bytes(facts: Facts, bands: range, pixels: range) -> int:
    return max(1, len(bands) * (pixels[-1] + 1 - pixels[0]) * facts.dtype.itemsize)


def _lines_at_once(facts: Facts, bands: range, lines: range, pixels: range) -> int:
    """How many lines of a range with a step to read in one window, those between them included."""
    decoded_together = facts.chunks[facts.axes.index("Y")] if facts.driver != "NPY" else 8
    if lines.step >= decoded_together:
        return 1
    return max(1, MAX_STRIP_BYTES // (_line_bytes(facts, bands, pixels) * lines.step))


def _read_box(path: str, dataset: gdal.Dataset, facts: Facts, bands: range, lines: range, pixels: range,
              planes: np.ndarray) -> None:
    height, width = lines[-1] + 1 - lines[0], pixels[-1] + 1 - pixels[0]
    if height != len(lines) or width != len(pixels):
        whole = np.empty((len(bands), height, width), facts.dtype)
        _read_box(path, dataset, facts, bands, range(lines[0], lines[-1] + 1),
                  range(pixels[0], pixels[-1] + 1), whole)
        planes[...] = whole[:, ::lines.step, ::pixels.step]
        return
    buffer = transport(planes)
    target = np.empty(planes.shape, np.float32) if buffer is None else buffer
    if len(bands) == 1:
        band = dataset.GetRasterBand(bands[0] + 1)
        _errors.call(path, band.ReadAsArray, pixels[0], lines[0], width, height, buf_obj=target[0])
    else:
        numbers = [band + 1 for band in bands]
        _errors.call(path, dataset.ReadAsArray, pixels[0], lines[0], width, height, buf_obj=target,
                     band_list=None if len(numbers) == facts.bands else numbers)
    if buffer is None:
        planes[...] = target
