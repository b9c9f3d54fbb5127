"""Files that are made, by their plan, and pieces of them that other processes make."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import uuid
from collections.abc import Iterator

import numpy as np

from ._array_file import ArrayFile
from ._gdal import gdal
from ._new_file import Corner, NewFile, Plan, RasterFile


def create(plan: Plan, name: str, warn: bool = True) -> NewFile:
    """The file of a plan under another name. ValueError and OSError as those of gdal_ndarray.create()."""
    return (ArrayFile if plan.array else RasterFile)(plan, name, warn)


@contextlib.contextmanager
def compressed(plan: Plan, threads: str | None, start: Corner, box: np.ndarray) -> Iterator[str]:
    """The name of a `.b2nd` in memory of that plan in which only a box is written, whole chunks, by so many
    threads unless the plan says how many. Gone afterwards."""
    name = f"/vsimem/gdal_ndarray/{uuid.uuid4().hex}.b2nd"
    if threads is not None:
        plan = dataclasses.replace(plan, options={"NUM_THREADS": threads, **plan.options})
    try:
        file = create(plan, name, warn=False)
        file.write([range(first, first + length) for first, length in zip(start, box.shape)], box)
        file.flush()
        file.close()
        yield name
    finally:
        gdal.Unlink(name)


def content(name: str) -> bytes:
    """Of a file of GDAL's."""
    file = gdal.VSIFOpenL(name, "rb")
    try:
        gdal.VSIFSeekL(file, 0, os.SEEK_END)
        size_bytes = gdal.VSIFTellL(file)
        gdal.VSIFSeekL(file, 0, os.SEEK_SET)
        return gdal.VSIFReadL(1, size_bytes, file)
    finally:
        gdal.VSIFCloseL(file)


def write_bytes(file: int, offset: int, shape: Corner, start: Corner, box: np.ndarray) -> None:
    """Writes a box of an array in C order, from byte `offset` of an open file on. No byte of another
    element is read or written, so that others may write theirs at the same time, from any computer."""
    axis = box.ndim - 1
    while axis > 0 and box.shape[axis] == shape[axis]:
        axis -= 1
    strides = [int(np.prod(shape[after + 1:], dtype=np.int64)) * box.itemsize for after in range(box.ndim)]
    offsets = np.array([offset + start[axis] * strides[axis]])
    for before in range(axis):
        steps = (start[before] + np.arange(box.shape[before])) * strides[before]
        offsets = (offsets[:, None] + steps).ravel()
    rows = np.ascontiguousarray(box).reshape(len(offsets), -1).view(np.uint8)
    for at, row in zip(offsets.tolist(), rows):
        done = 0
        while done < len(row):
            done += os.pwrite(file, row[done:], at + done)
