"""Dask arrays of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from dask.array import Array as DaskArray

    from .array import Array


def dask_array(image: Array, chunks: Any = None) -> DaskArray:
    """Array.dask. ImportError where there is no Dask."""
    import dask.array
    return dask.array.from_array(
        image, chunks=chunk_shape(image, chunks), lock=False, asarray=False, fancy=False,
        meta=np.empty((0,) * image.ndim, image.dtype), inline_array=True)


def chunk_shape(image: Array, chunks: Any = None) -> Any:
    """The `chunks` of from_array that those of Array.dask mean."""
    import dask
    import dask.utils
    if isinstance(chunks, str) and chunks == "file":
        return image.chunks
    if chunks is None or isinstance(chunks, str):
        size = dask.config.get("array.chunk-size") if chunks in (None, "auto") else chunks
        return grown(image.chunks, image.shape, image.facts.roles,
                     dask.utils.parse_bytes(size) // image.dtype.itemsize)
    return chunks


def grown(chunk: tuple[int, ...], shape: tuple[int, ...], dims: tuple[str, ...],
          elements: int) -> tuple[int, ...]:
    """A multiple of a chunk of at most so many elements, unless the chunk has more: doubled along the
    shorter of y and x until both are covered, then along the other axes, the last one first."""
    grown_chunk = list(chunk)
    spatial = [axis for axis, dim in enumerate(dims) if dim in ("y", "x")]
    others = [axis for axis in reversed(range(len(shape))) if axis not in spatial]
    while True:
        axes = [axis for axis in spatial if grown_chunk[axis] < shape[axis]]
        axes = [min(axes, key=lambda axis: grown_chunk[axis])] if axes else [
            axis for axis in others if grown_chunk[axis] < shape[axis]][:1]
        if not axes:
            return tuple(grown_chunk)
        larger = list(grown_chunk)
        larger[axes[0]] = min(2 * larger[axes[0]], shape[axes[0]])
        if np.prod(larger, dtype=float) > elements:
            return tuple(grown_chunk)
        grown_chunk = larger
