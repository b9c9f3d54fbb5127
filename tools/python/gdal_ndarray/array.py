"""A raster file as an array that is not read before it is indexed."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _dataset, _facts, _indexing, _mapping, _reading, windows

if TYPE_CHECKING:
    from dask.array import Array as DaskArray
    from xarray import DataArray

MAX_OPEN_PARTS = 32  # of a stack, whose parts are datasets of their own


def open(path: str | os.PathLike[str], **open_options: Any) -> Array:
    """Opens any raster that GDAL reads, by a path or another name that GDAL knows.

    Open options are those of the driver: `open("scene.npy", axes="YXB", NUM_THREADS=2)`. A `.npy`
    gets a MAX_RESIDENT of its own in a process whose memory is limited (RLIMIT_AS, a cgroup, a
    worker of dask.distributed), unless one is given here or as NDARRAY_MAX_RESIDENT.

    FileNotFoundError, PermissionError or OSError where it cannot be read or is damaged; ValueError
    for what is not supported, wrong options, and files of several rasters (it names them).
    """
    name = os.fsdecode(path)
    if "\0" in name:
        raise ValueError(f"path: found a null character in {name!r}")
    if os.path.exists(name):
        name = os.path.abspath(name)  # workers may have another working directory
    options = _dataset.as_options(open_options)
    handles = _dataset.Handles(name, options)
    return Array(name, options, _facts.facts_of(handles, options), handles)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Array:
    """What open() returns. It does not change, may be used by any number of threads, and can be
    pickled: that takes its path, options and header, and opens nothing. Each process opens the file
    when it first reads, also after a fork.

    The axes are those of the file: `dims` are "y" (lines), "x" (pixels) and, where there are several
    bands, or the file has such an axis, "band", in the file's order. Four and more axes have the names
    that the file gives them (`dimension_names`), or else "axis_0" and so on before these three. NumPy
    functions that are given it read all of it (`np.asarray`).
    """

    path: str
    open_options: _dataset.Options
    facts: _facts.Facts
    _handles: _dataset.Handles | None = None
    _parts: collections.OrderedDict = dataclasses.field(default_factory=collections.OrderedDict)

    # --- the header

    @property
    def shape(self) -> tuple[int, ...]:
        """Elements along each axis of the file."""
        return self.facts.shape

    @property
    def dims(self) -> tuple[str, ...]:
        """A name for each axis."""
        return self.facts.dims

    @property
    def dtype(self) -> np.dtype:
        """Of the elements, in the byte order of this machine; one that holds all bands' values."""
        return self.facts.dtype

    @property
    def chunks(self) -> tuple[int, ...]:
        """Elements along each axis that are stored together: of a `.b2nd` its chunk, of other files
        GDAL's block."""
        return self.facts.chunks

    @property
    def ndim(self) -> int:
        return len(self.facts.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.facts.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements in memory."""
        return self.size * self.facts.dtype.itemsize

    @property
    def crs(self) -> str | None:
        """The coordinate reference system as WKT2, or None."""
        return self.facts.crs

    @property
    def transform(self) -> tuple[float, ...] | None:
        """a, b, c, d, e, f of x = a·column + b·line + c, y = d·column + e·line + f, in units of the
        CRS, for corners of pixels (`affine.Affine(*transform)`); None where there is none."""
        return self.facts.transform

    @property
    def nodata(self) -> int | float | None:
        """The value of pixels without data (of the first band), or None."""
        return self.facts.nodata

    def __len__(self) -> int:
        return self.facts.shape[0]

    def __repr__(self) -> str:
        return (f"<gdal_ndarray.Array {self.path!r} {self.shape} {self.dtype} dims={self.dims} "
                f"chunks={self.chunks}>")

    # --- pixels

    def __getitem__(self, key: Any) -> Any:
        """A read-only NumPy array of integers, slices with any steps, `...` and None, as NumPy's basic
        indexing; or a scalar. IndexError for other indices, OSError where the file cannot be read."""
        ranges, after = _indexing.parse(key, self.shape)
        pixels = np.empty([len(selected) for selected in ranges], self.dtype)
        self._read(ranges, pixels)
        if not all(isinstance(part, slice) for part in after):
            pixels = pixels[after]
        if isinstance(pixels, np.ndarray):
            pixels.flags.writeable = False
        return pixels

    def read_into(self, window: Any, out: np.ndarray) -> np.ndarray:
        """Reads what `self[window]` is into `out`, which has its shape, and returns it. `out` may have
        any strides; where its dtype is this one, nothing else is allocated. Other dtypes are cast as
        by np.copyto (TypeError where a cast is not of the same kind).
        """
        ranges, after = _indexing.parse(window, self.shape)
        lengths = [len(selected) for selected in ranges]
        wanted = _indexing.result_shape(ranges, after)
        if out.shape != wanted:
            raise ValueError(f"out: found shape {out.shape}, wanted {wanted}")
        if not out.flags.writeable:
            raise ValueError("out: found a read-only array")
        # The opposite of `after`: axes of None go, those of integers come back.
        target = out[(*(0 if part is None else slice(None) for part in after if part != 0), ...)]
        target = target[(*(None if part == 0 else slice(None) for part in after if part is not None), ...)]
        if out.dtype == self.dtype:
            self._read(ranges, target)
        else:
            if not np.can_cast(self.dtype, out.dtype, "same_kind"):
                raise TypeError(f"out: found dtype {out.dtype}, wanted one to which {self.dtype} can be cast")
            pixels = np.empty(lengths, self.dtype)
            self._read(ranges, pixels)
            np.copyto(target, pixels, casting="same_kind")
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All of it, read into new memory; with copy=False zero-copy, or ValueError."""
        if copy is False:
            mapped = self.view()
            if dtype is not None and mapped.dtype != np.dtype(dtype):
                raise ValueError(f"{self.path}: is {mapped.dtype}: another dtype needs a copy")
            return mapped
        wanted = self.dtype if dtype is None else np.dtype(dtype)
        pixels = np.empty(self.shape, self.dtype)
        self._read([range(length) for length in self.shape], pixels)
        return pixels.astype(wanted, copy=False)

    def view(self) -> np.ndarray:
        """The file itself, mapped into memory: a read-only array without a copy, in the file's byte
        order, that outlives this object. ValueError where that is not possible: everything but a local
        `.npy`. Its pages count as memory of the process while they are used, limited or not."""
        return _mapping.view(self.path, self.facts)

    def windows(self, size: int | tuple[int, int],
                overlap: int | tuple[int, int] = 0) -> Iterator[windows.Window]:
        """Keys that cover the image row by row: see windows.windows."""
        return windows.windows(self.shape, self.facts.roles, size, overlap)

    # --- other libraries

    def dask(self, chunks: Any = None) -> DaskArray:
        """A Dask array, read by its tasks without a lock. Chunks are multiples of the file's, of about
        Dask's `array.chunk-size`; or as many bytes as a text says ("64 MiB"); "file": the file's; or
        exactly those that are given, as dask.array.from_array takes them."""
        from . import dask as module
        return module.dask_array(self, chunks)

    def xarray(self, chunks: Any = None) -> DataArray:
        """A DataArray with coordinates of pixel centres, `spatial_ref`, nodata and the file's metadata,
        as rioxarray and odc-geo read them. Lazy; with `chunks` ("auto" or as for dask()) a Dask array."""
        from . import xarray as module
        return module.data_array(self, chunks)

    def coordinates(self) -> dict[str, tuple[np.ndarray, dict[str, str]]]:
        """Positions along axes (float64), by their names, with attributes such as "units": of four and more axes,
        where the file has some. Those of y and x, where these have a transform, are centres of pixels."""
        return self._find_handles().arrays().header().coordinates() if self.facts.is_array else {}

    def __dask_tokenize__(self) -> tuple:
        return type(self).__name__, self.path, self.open_options, self.facts.shape, self.stamp()

    def stamp(self) -> tuple:
        """Sizes and times of the files it is made of: changes when one of them does."""
        files = self.header().GetFileList() or [self.path]
        return tuple((name, _dataset.stamp(name)) for name in files)

    # --- handles

    def close(self) -> None:
        """Closes the file in this process. Reading opens it again."""
        if self._handles is not None:
            self._handles.close()
        self._parts.clear()

    def __enter__(self) -> Array:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> tuple:
        return self.path, self.open_options, self.facts

    def __setstate__(self, state: tuple) -> None:
        for name, value in zip(("path", "open_options", "facts"), state):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_handles", None)
        object.__setattr__(self, "_parts", collections.OrderedDict())

    def header(self) -> Any:
        """A dataset of GDAL's bindings, for what else its header says. Use it in this thread."""
        return self._find_handles().header()

    def _reading_dataset(self) -> Any:
        return self._find_handles().get()

    def _find_handles(self) -> _dataset.Handles:
        if self._handles is None:
            handles = _dataset.handles_for_unpickled(self.path, self.open_options, self.facts.driver)
            if handles.facts is None:
                handles.facts = _facts.facts_of(handles, self.open_options)
            found = handles.facts
            if (found.shape, found.dtype) != (self.shape, self.dtype):
                raise ValueError(f"{self.path}: found {found.shape} {found.dtype}, wanted {self.shape} "
                                 f"{self.dtype}: it was replaced since it was opened; open it again")
            object.__setattr__(self, "_handles", handles)
            return handles
        return self._handles

    def _part(self, index: tuple[int, ...]) -> Any:
        """The dataset of one part of a stack."""
        handles = self._parts.get(index)
        if handles is None:
            name = _facts.part_name(self.facts.driver, self.path, index)
            handles = self._parts[index] = _dataset.Handles(name, self.open_options, self.facts.driver)
            while len(self._parts) > MAX_OPEN_PARTS:
                self._parts.popitem(last=False)
        return handles.get()

    def _read(self, ranges: list[range], out: np.ndarray) -> None:
        depth = len(self.facts.stack)
        if out.size == 0:
            return
        if self.facts.is_array:
            self._find_handles().arrays().get().read(ranges, out)
            return
        if depth == 0:
            _reading.read(self.path, self._reading_dataset(), self.facts, ranges, out)
            return
        self._reading_dataset()
        for place in itertools.product(*(range(len(selected)) for selected in ranges[:depth])):
            index = tuple(selected[at] for selected, at in zip(ranges, place))
            _reading.read(self.path, self._part(index), self.facts, ranges[depth:], out[place])
