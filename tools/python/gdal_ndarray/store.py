"""A Dask array into one file, by the threads, processes or cluster that compute it.

One process has the file: the one that calls store(). The tasks do the work, wherever they run:

- of a `.npy` they write the bytes of their blocks, which no two have in common;
- of a `.b2nd` they compress whole chunks, in files of their own with the shape and options of the new
  one. Those of its own threads are in memory, those of other processes in a folder beside the new file.
  The one process appends their chunks as they are.

That needs no connection, no locks and little memory, only that all see the same folder. A task waits
while MAX_WAITING files lie there, so that their disk space is bounded, and gives up when the process
that should take them is gone.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import threading
import time
import uuid
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import _georeference, _process, _writing
from .array import Array
from .array import open as open_array
from .create import Writer, create, unmasked
from .dask import grown

MAX_WAITING = 16
MAX_PART_BYTES = 32 << 20  # of pixels, that are handed over together
MAX_GROWTH = 1.5
MIN_ROW_BYTES = 512
SUFFIX = ".b2nd"
POLL_SECONDS = 0.02
SIGN_OF_LIFE_SECONDS = 2.0
MAX_SILENCE_SECONDS = 120.0

_inboxes: weakref.WeakValueDictionary[str, _Inbox] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def store(array: Any, path: str | os.PathLike[str], like: Any = None, *, progress: bool = False,
          **options: Any) -> Array:
    """Computes an array and writes it as `.npy` or `.b2nd`, and returns the new file, opened.

    `array`: a Dask array, a DataArray (whose `like` it is, too), an Array or a NumPy array, of any number of
    axes. `like`, `dims` and options as for create(). The scheduler is the one that Dask uses now; memory
    holds the blocks being computed, and of each up to 32 MB that are being compressed (or a chunk, where that
    is larger). What is not a Dask array is read in blocks that suit the new file. Those of a Dask array are
    first made multiples of the file's chunks, unless they are; those of a `.npy` only where less than 512 bytes
    of them would lie together in the file. `progress` shows Dask's progress bar.

    The file is complete or, after any error or kill, not there. Exceptions as of create(), and those of
    the tasks; RuntimeError where Dask would start processes that run a script again without a guard.
    """
    import dask.array as da
    if hasattr(array, "data_vars"):
        raise TypeError(f"array: found a Dataset, wanted one of its variables: {list(array.data_vars)}")
    if hasattr(array, "coords") and hasattr(array, "dims"):  # a DataArray
        if len(array.dims) < 4:
            array = _georeference.with_usual_dims(array)
        elif "dims" not in options:
            options["dims"] = array.dims
        like = array if like is None else like
        if array.dims == ("x", "y"):
            # What is turned before it is read, xarray reads with an index for each pixel.
            array = (array.chunk("auto") if array.chunks is None else array).transpose("y", "x")
        if "AXES" not in options and len(array.dims) == 3 and {"y", "x"} < set(array.dims):
            options["AXES"] = "".join({"y": "Y", "x": "X"}.get(dim, "B") for dim in array.dims)
    elif not isinstance(array, (Array, da.Array)):
        array = np.asanyarray(array)
    if any(length != length for length in array.shape):
        raise ValueError(f"array: found shape {array.shape}: its compute_chunk_sizes() finds the lengths")
    if _starts_processes():
        _process.check_main_is_guarded()
    with create(path, array.shape, array.dtype, like, **options) as writer:
        pixels = _as_dask(array, writer)
        unit = writer.chunks
        if writer._data_offset is not None:
            writer._begin()
            unit = row_unit(pixels.chunks, writer.shape, writer.dtype.itemsize)
        blocks = aligned_chunks(pixels.chunks, unit)
        if blocks != pixels.chunks:
            pixels = pixels.rechunk(blocks)
        inbox = _Inbox(writer)
        with inbox:
            target: Any = Target(inbox)
            tasks = da.store(pixels, target, lock=False, compute=False)
            _compute(tasks, progress)
            inbox.finish()
    return open_array(path)


def _as_dask(array: Any, writer: Writer) -> Any:
    """A Dask array, that itself where it is one. Others, which may be larger than memory, are read in blocks
    of whole chunks of the new file, and of the chunks of their own file where both fit in a block."""
    import dask
    import dask.array as da
    import dask.utils
    if isinstance(array, da.Array):
        return array
    is_data_array = hasattr(array, "coords")
    if is_data_array and array.chunks is not None:
        return array.data
    own: Any = (1,) * array.ndim
    if isinstance(array, Array):
        own = array.chunks
    elif is_data_array:
        preferred = array.encoding.get("preferred_chunks", {})
        own = [preferred.get(dim, 1) for dim in array.dims]
    elements = dask.utils.parse_bytes(dask.config.get("array.chunk-size")) // writer.dtype.itemsize
    both = tuple(min(-(-one // other) * other, length)
                 for one, other, length in zip(own, writer.chunks, array.shape))
    blocks = grown(both if math.prod(both) <= elements else writer.chunks, array.shape, writer.plan.roles, elements)
    if isinstance(array, Array):
        return array.dask(blocks)
    if is_data_array:
        return array.chunk(dict(zip(array.dims, blocks))).data
    return da.from_array(array, chunks=blocks)


def aligned_chunks(chunks: tuple[tuple[int, ...], ...],
                   unit: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Blocks like those of `chunks` that begin at multiples of the file's chunks, and have at most MAX_GROWTH
    times as many elements, unless a chunk of the file has more: what gets higher gets less wide."""
    fits = [all(end % step == 0 for end in np.cumsum(sizes[:-1])) for sizes, step in zip(chunks, unit)]
    largest = [max(sizes) for sizes in chunks]
    size = [length if fit else max(step, round(length / step) * step)
            for length, step, fit in zip(largest, unit, fits)]
    steps = [-(-length // step) for length, step in zip(size, unit)]
    while max(steps) > 1 and math.prod(size) > MAX_GROWTH * math.prod(largest):
        axis = steps.index(max(steps))
        steps[axis] = -(-steps[axis] // 2)
        size[axis] = steps[axis] * unit[axis]
    result = []
    for sizes, fit, length in zip(chunks, fits, size):
        starts = range(0, sum(sizes), length)
        result.append(tuple(sizes) if fit and length >= max(sizes)
                      else tuple(min(length, sum(sizes) - start) for start in starts))
    return tuple(result)


def row_unit(chunks: tuple[tuple[int, ...], ...], shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """What blocks of a `.npy` must be multiples of, so that at least MIN_ROW_BYTES of them lie together:
    pixels of a pixel-interleaved file are not written band by band. (1, 1 ...) where they do anyway."""
    unit = [1] * len(shape)
    together = itemsize
    for axis in reversed(range(len(shape))):
        together *= max(chunks[axis])
        if max(chunks[axis]) < shape[axis]:
            break
    row = together if together >= MIN_ROW_BYTES else itemsize
    for axis in reversed(range(len(shape))):
        if row < MIN_ROW_BYTES:
            unit[axis] = min(-(-MIN_ROW_BYTES // row), shape[axis])
            row *= unit[axis]
    return tuple(unit)


class Target:
    """Where tasks write to: goes to them by pickle, and finds out where it is."""

    def __init__(self, inbox: _Inbox):
        writer = inbox.writer
        self._token = inbox.token
        self._folder = inbox.folder
        self._plan = writer.plan
        self._path = writer.path
        self.shape = writer.shape
        self.dtype = writer.dtype
        self._nodata = writer.nodata
        self._chunks = writer.chunks
        self._data_offset = writer._data_offset

    def __setitem__(self, key: tuple[slice, ...], block: Any) -> None:
        """Writes a block, or hands it over. OSError where the writer is gone, or its folder not to be
        seen from here; ValueError where it is not of the shape that Dask has expected."""
        block = unmasked(block, self._nodata)
        wanted = tuple(part.stop - part.start for part in key)
        if block.shape != wanted:
            raise ValueError(f"block: found shape {block.shape}, wanted {wanted}, as the Dask array says "
                             "(map_blocks, map_overlap: chunks=, trim=)")
        start = tuple(part.start for part in key)
        if self._data_offset is not None:
            self._write_bytes(self._data_offset, start, block.astype(self.dtype, copy=False))
            return
        for part in parts(start, block.shape, self._chunks, MAX_PART_BYTES // self.dtype.itemsize):
            first = tuple(selected.start for selected in part)
            box = block[tuple(slice(selected.start - origin, selected.stop - origin)
                              for selected, origin in zip(part, start))]
            self._hand_over(first, box.astype(self.dtype, copy=False))

    def _write_bytes(self, data_offset: int, start: tuple[int, ...], block: np.ndarray) -> None:
        """Into the file itself. Closing it makes the bytes visible to other computers that have the
        folder from a network file system; the writer syncs them in the end."""
        try:
            # Not for reading: then a network file system never writes back what others have written.
            file = os.open(os.path.join(os.path.dirname(self._folder), os.path.basename(self._path)),
                           os.O_WRONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise self._gone() from None
        try:
            if not os.path.isdir(self._folder):  # which the next writer of the name removes before it begins
                raise self._gone()
            try:
                _writing.write_bytes(file, data_offset, self.shape, start, block)
            except OSError as error:
                raise OSError(error.errno, error.strerror, self._path) from None
        finally:
            os.close(file)

    def _hand_over(self, start: tuple[int, ...], box: np.ndarray) -> None:
        """Compresses whole chunks, and hands them to the process that has the file."""
        inbox = _inboxes.get(self._token)
        stop = tuple(first + length for first, length in zip(start, box.shape))
        threads = None
        if inbox is not None and inbox.process != os.getpid():
            inbox = None  # this process has been made by fork
        if inbox is None:
            threads = "1"  # others do the same beside this one
            if not os.path.isdir(self._folder):
                raise self._gone()
        with _writing.compressed(self._plan, threads, start, box) as name:
            if inbox is not None:
                inbox.take(name, start, stop)
                return
            chunks = _writing.content(name)
        self._wait_for_room()
        own = os.path.join(self._folder, uuid.uuid4().hex)
        try:
            with open(own, "wb") as file:
                file.write(chunks)
        except FileNotFoundError:
            raise self._gone() from None
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._path) from None
        corners = "-".join("_".join(map(str, corner)) for corner in (start, stop))
        os.replace(own, os.path.join(self._folder, corners + SUFFIX))

    def _gone(self) -> OSError:
        return OSError(f"{self._folder}: cannot be seen from here, or its writer is gone: the workers "
                       "need the folder of the new file, under the same path")

    def _wait_for_room(self) -> None:
        sign = None
        since = time.monotonic()
        while sum(entry.endswith(SUFFIX) for entry in os.listdir(self._folder)) >= MAX_WAITING:
            seen = os.stat(os.path.join(self._folder, "alive")).st_mtime_ns
            if seen != sign:
                sign, since = seen, time.monotonic()
            elif time.monotonic() - since > MAX_SILENCE_SECONDS:
                raise TimeoutError(f"{self._folder}: its writer has given no sign of life for "
                                   f"{MAX_SILENCE_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)


def parts(start: tuple[int, ...], shape: tuple[int, ...], chunks: tuple[int, ...],
          max_elements: int) -> Iterator[tuple[range, ...]]:
    """Cuts a block that begins at `start` into boxes of whole chunks, of at most so many elements unless
    a chunk has more: rows of chunks along the last axis, as many of them as fit."""
    size = list(chunks)
    for axis in reversed(range(len(shape))):
        rest = int(np.prod(size[:axis] + size[axis + 1:], dtype=np.int64)) * chunks[axis]
        size[axis] = min(max(max_elements // rest, 1), -(-shape[axis] // chunks[axis])) * chunks[axis]
        if size[axis] < shape[axis]:
            break
    along = [[range(first + at, first + min(at + step, length)) for at in range(0, length, step)]
             for first, length, step in zip(start, shape, size)]
    return itertools.product(*along)


class _Inbox:
    """Takes chunks from threads and from the folder, until there is one for each place."""

    def __init__(self, writer: Writer):
        self.writer = writer
        self.token = uuid.uuid4().hex
        self.folder = os.path.join(writer.folder, self.token)
        self.process = os.getpid()
        self._done: set[tuple[int, ...]] = set()
        self._missing = int(np.prod(writer.shape, dtype=np.int64)) if writer._data_offset is None else 0
        self._error: BaseException | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gdal_ndarray.store", daemon=True)

    def take(self, name: str, start: tuple[int, ...], stop: tuple[int, ...]) -> None:
        """From the file `name`. A task that Dask runs twice brings the same chunks again."""
        self.writer._take_chunks(name, start, stop)
        with _lock:
            if start not in self._done:
                self._done.add(start)
                self._missing -= int(np.prod(np.subtract(stop, start)))

    def __enter__(self) -> _Inbox:
        os.mkdir(self.folder)
        self._sign()
        _inboxes[self.token] = self
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        _inboxes.pop(self.token, None)
        self._hide()
        if self._error is not None and kind is not None and issubclass(kind, Exception):
            raise self._error  # tasks failed since their chunks could not be written

    def finish(self) -> None:
        """Waits until all chunks are here: those of other computers may show late."""
        missing, since = self._missing, time.monotonic()
        while self._missing > 0 and self._error is None:
            if self._missing != missing:
                missing, since = self._missing, time.monotonic()
            if time.monotonic() - since > MAX_SILENCE_SECONDS:
                raise TimeoutError(f"{self.writer.path}: {self._missing} pixels have not come")
            time.sleep(POLL_SECONDS)
        if self._error is not None:
            raise self._error

    def _hide(self) -> None:
        """Tasks see that nobody waits for them, and can put nothing into a folder that is removed."""
        with contextlib.suppress(OSError):
            os.rename(self.folder, self.folder + ".gone")

    def _sign(self) -> None:
        with open(os.path.join(self.folder, "alive"), "w", encoding="ascii"):
            os.utime(os.path.join(self.folder, "alive"))

    def _run(self) -> None:
        signed = time.monotonic()
        try:
            while not self._closing.wait(POLL_SECONDS):
                for name in sorted(os.listdir(self.folder)):
                    if name.endswith(SUFFIX):
                        path = os.path.join(self.folder, name)
                        start, stop = (tuple(map(int, corner.split("_")))
                                       for corner in name.removesuffix(SUFFIX).split("-"))
                        self.take(path, start, stop)
                        os.unlink(path)
                if time.monotonic() - signed > SIGN_OF_LIFE_SECONDS:
                    self._sign()
                    signed = time.monotonic()
        except BaseException as error:
            self._error = error
            self._hide()


def _starts_processes() -> bool:
    """Whether Dask would start processes now that run the main script again."""
    import dask
    import dask.base
    import dask.multiprocessing
    return (dask.base.get_scheduler() is dask.multiprocessing.get and not dask.config.get("pool", None)
            and dask.multiprocessing.get_context().get_start_method() != "fork")


def _compute(tasks: Any, progress: bool) -> None:
    """On Dask's scheduler of the moment."""
    client = _client()
    if client is not None and client.asynchronous:
        raise RuntimeError("store() waits for its result, which an asynchronous client does not: make another one, "
                           "and call store() in a thread (asyncio.to_thread)")
    if not progress:
        tasks.compute()
        return
    if client is None:
        from dask.diagnostics import ProgressBar
        with ProgressBar():
            tasks.compute()
        return
    from distributed import progress as progress_bar
    future = client.compute(tasks)
    progress_bar(future, notebook=False)
    future.result()


def _client() -> Any:
    """Of a cluster, if Dask would use one now."""
    import dask.base
    import sys
    distributed = sys.modules.get("distributed")
    get = dask.base.get_scheduler()
    owner = getattr(get, "__self__", None)
    return owner if distributed is not None and isinstance(owner, distributed.Client) else None
