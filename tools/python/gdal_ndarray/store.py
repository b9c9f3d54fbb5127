"""A Dask array into one file, by the threads, processes or cluster that compute it.

One process makes the file: the one that calls store(). Tasks in its own threads hand it their blocks;
tasks in other processes put theirs as `.npy` files into a folder beside the new file, from which it
takes them: that needs no connection, no locks and no memory, only that they see the same folder. A
task waits while MAX_WAITING blocks lie there, so that their disk space is bounded, and gives up when
the process that should take them is gone.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
import weakref
from typing import Any

import numpy as np

from .array import Array
from .array import open as open_array
from .create import Writer, create, unmasked

MAX_WAITING = 16
POLL_SECONDS = 0.02
SIGN_OF_LIFE_SECONDS = 2.0
MAX_SILENCE_SECONDS = 120.0

_writers: weakref.WeakValueDictionary[str, _Inbox] = weakref.WeakValueDictionary()


def store(array: Any, path: str | os.PathLike[str], like: Any = None, *, progress: bool = False,
          **options: Any) -> Array:
    """Computes an array and writes it as `.npy` or `.b2nd`, and returns the new file, opened.

    `array`: a Dask array, a DataArray (whose `like` it is, too), an Array or a NumPy array. `like` and
    options as for create(). The scheduler is the one that Dask uses now; memory holds the blocks being
    computed, and here up to 256 MB that wait for being compressed. Blocks are first made multiples of
    the file's chunks, unless they are. `progress` shows Dask's progress bar.

    The file is complete or, after any error or kill, not there. Exceptions as of create(), and those of
    the tasks.
    """
    if hasattr(array, "data_vars"):
        raise TypeError(f"array: found a Dataset, wanted one of its variables: {list(array.data_vars)}")
    if hasattr(array, "coords") and hasattr(array, "dims"):  # a DataArray
        like = array if like is None else like
        if array.dims == ("x", "y"):
            array = array.transpose("y", "x")
        if "AXES" not in options and len(array.dims) == 3 and set(array.dims) == {"band", "y", "x"}:
            options["AXES"] = "".join(dim[0].upper() for dim in array.dims)
        array = array.data
    import dask.array as da
    array = array.dask() if isinstance(array, Array) else array if isinstance(array, da.Array) \
        else da.from_array(np.asanyarray(array), chunks="auto")
    if any(length != length for length in array.shape):
        raise ValueError(f"array: found shape {array.shape}: its compute_chunk_sizes() finds the lengths")
    with create(path, array.shape, array.dtype, like, **options) as writer:
        blocks = aligned_chunks(array.chunks, writer.chunks)
        if blocks != array.chunks:
            array = array.rechunk(blocks)
        inbox = _Inbox(writer, int(np.prod(array.numblocks)))
        with inbox:
            target: Any = Target(inbox)
            tasks = da.store(array, target, lock=False, compute=False)
            _compute(tasks, progress)
            inbox.finish()
    return open_array(path)


def aligned_chunks(chunks: tuple[tuple[int, ...], ...],
                   unit: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Blocks like those of `chunks` that begin at multiples of the file's chunks."""
    result = []
    for sizes, step in zip(chunks, unit):
        ends = np.cumsum(sizes)
        length = int(ends[-1])
        if all(end % step == 0 for end in ends[:-1]):
            result.append(tuple(sizes))
            continue
        size = max(step, round(max(sizes) / step) * step)
        starts = range(0, length, size)
        result.append(tuple(min(size, length - start) for start in starts))
    return tuple(result)


class Target:
    """Where tasks write to: goes to them by pickle, and finds out where it is."""

    def __init__(self, inbox: _Inbox):
        self._token = inbox.token
        self._folder = inbox.folder
        self.shape = inbox.writer.shape
        self.dtype = inbox.writer.dtype
        self._nodata = inbox.writer.nodata

    def __setitem__(self, key: tuple[slice, ...], block: Any) -> None:
        """Hands a block over. OSError where the writer is gone, or its folder not to be seen from here;
        ValueError where it is not of the shape that Dask has expected."""
        block = unmasked(block, self._nodata)
        wanted = tuple(part.stop - part.start for part in key)
        if block.shape != wanted:
            raise ValueError(f"block: found shape {block.shape}, wanted {wanted}, as the Dask array says "
                             "(map_blocks, map_overlap: chunks=, trim=)")
        inbox = _writers.get(self._token)
        if inbox is not None and inbox.process == os.getpid():
            inbox.take(tuple(part.start for part in key), block)
            return
        if not os.path.isdir(self._folder):
            raise OSError(f"{self._folder}: cannot be seen from here, or its writer is gone: the workers "
                          "need the folder of the new file, under the same path")
        self._wait_for_room()
        own = os.path.join(self._folder, uuid.uuid4().hex)
        with open(own, "wb") as file:
            np.lib.format.write_array(file, block.astype(self.dtype, copy=False), allow_pickle=False)
        name = "_".join(str(part.start) for part in key) + ".npy"
        os.replace(own, os.path.join(self._folder, name))

    def _wait_for_room(self) -> None:
        sign = None
        since = time.monotonic()
        while sum(entry.endswith(".npy") for entry in os.listdir(self._folder)) >= MAX_WAITING:
            seen = os.stat(os.path.join(self._folder, "alive")).st_mtime_ns
            if seen != sign:
                sign, since = seen, time.monotonic()
            elif time.monotonic() - since > MAX_SILENCE_SECONDS:
                raise TimeoutError(f"{self._folder}: its writer has given no sign of life for "
                                   f"{MAX_SILENCE_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)


class _Inbox:
    """Takes blocks from threads and from the folder, until `count` different ones have come."""

    def __init__(self, writer: Writer, count: int):
        self.writer = writer
        self.token = uuid.uuid4().hex
        self.folder = os.path.join(writer.folder, self.token)
        self.process = os.getpid()
        self._count = count
        self._done: set[tuple[int, ...]] = set()
        self._error: BaseException | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gdal_ndarray.store", daemon=True)

    def take(self, start: tuple[int, ...], block: np.ndarray) -> None:
        self.writer[tuple(slice(first, first + length) for first, length in zip(start, block.shape))] = block
        self._done.add(start)

    def __enter__(self) -> _Inbox:
        os.mkdir(self.folder)
        self._sign()
        _writers[self.token] = self
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        _writers.pop(self.token, None)
        if self._error is not None and kind is not None and issubclass(kind, Exception):
            raise self._error  # tasks failed since their blocks could not be written

    def finish(self) -> None:
        """Waits until all blocks are here: those of other computers may show late."""
        deadline = time.monotonic() + MAX_SILENCE_SECONDS
        while len(self._done) < self._count and self._error is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.writer.path}: {len(self._done)} of {self._count} blocks have come")
            time.sleep(POLL_SECONDS)
        if self._error is not None:
            raise self._error

    def _sign(self) -> None:
        with open(os.path.join(self.folder, "alive"), "w", encoding="ascii"):
            os.utime(os.path.join(self.folder, "alive"))

    def _run(self) -> None:
        signed = time.monotonic()
        try:
            while not self._closing.wait(POLL_SECONDS):
                for name in sorted(os.listdir(self.folder)):
                    if name.endswith(".npy"):
                        path = os.path.join(self.folder, name)
                        start = tuple(map(int, name[:-4].split("_")))
                        self.take(start, np.load(path, mmap_mode="r"))
                        os.unlink(path)
                if time.monotonic() - signed > SIGN_OF_LIFE_SECONDS:
                    self._sign()
                    signed = time.monotonic()
        except BaseException as error:
            self._error = error
            with contextlib.suppress(OSError):  # tasks see that nobody waits for them
                os.rename(self.folder, self.folder + ".failed")


def _compute(tasks: Any, progress: bool) -> None:
    """On Dask's scheduler of the moment."""
    if not progress:
        tasks.compute()
        return
    client = _client()
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
