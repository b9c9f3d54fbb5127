"""Datasets of GDAL that are open in this process: opened when they are first used, by whoever may.

Where GDAL can (3.10 and newer), one dataset serves all threads; otherwise each thread has its own. A
process made by fork opens its own and never touches, nor closes, those of its parent. All of this
module may be used by any number of threads.
"""

from __future__ import annotations

import collections
import os
import sys
import threading
import weakref
from typing import Any

from . import _errors, _process
from ._gdal import gdal
from ._opened_array import OpenedArray

Options = tuple[tuple[str, str], ...]

# Without this, the first threads to open something would do it, at the same time.
if gdal.GetDriverCount() == 0:
    gdal.AllRegister()

# Sets of handles that stay open although the arrays of a worker are gone: Dask unpickles an array for
# each task.
MAX_KEPT = 4

_everything: weakref.WeakSet[Handles] = weakref.WeakSet()
_by_key: weakref.WeakValueDictionary[tuple, Handles] = weakref.WeakValueDictionary()
_kept: collections.deque[Handles] = collections.deque(maxlen=MAX_KEPT)
_pool_lock = threading.Lock()
_inherited: list[object] = []


def option_text(value: object) -> str:
    """A value of Python as GDAL's options spell it."""
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if isinstance(value, (tuple, list)):
        return ",".join(map(str, value))
    return str(value)


def as_options(named: dict[str, object]) -> Options:
    """Keyword arguments as options of GDAL; None leaves one out."""
    return tuple(sorted((name.upper(), option_text(value))
                        for name, value in named.items() if value is not None))


class Handles:
    """The open datasets of one file with the same open options."""

    def __init__(self, path: str, options: Options, driver: str | None = None):
        """`driver`: its name, where it is known; found out otherwise. Opens nothing."""
        self.path = path
        self.facts: Any = None  # once somebody has read them
        self._options = options
        self._driver = driver
        self._shared: gdal.Dataset | None = None
        self._by_thread: dict[int, gdal.Dataset] = {}
        self._can_share = hasattr(gdal, "OF_THREAD_SAFE")
        self._layout: tuple | None = None  # of the file that was opened first
        self._lock = threading.Lock()
        self._arrays: ArrayHandles | None = None
        _everything.add(self)

    def arrays(self) -> ArrayHandles:
        """Those of the same file, opened through the multidimensional API."""
        if self._arrays is None:
            with self._lock:
                self._arrays = self._arrays or ArrayHandles(self.path, self._options, self._driver)
        return self._arrays

    def get(self) -> gdal.Dataset:
        """A dataset that this thread may use until the next call. OSError and ValueError as open()."""
        if self._shared is not None:
            return self._shared
        dataset = self._by_thread.get(threading.get_ident())
        return self._open() if dataset is None else dataset

    def close(self) -> None:
        """Closes all of them, those that other threads are reading from as soon as they have read.
        The next use opens again."""
        with self._lock:
            self._shared = None
            self._by_thread = {}
        if self._arrays is not None:
            self._arrays.close()

    def header(self) -> gdal.Dataset:
        """A dataset to ask for metadata, which those for all threads do not have in full (GDAL 3.13)."""
        if not self._can_share:
            return self.get()
        with self._lock:
            return self._open_one(0)

    def _open_one(self, flags: int) -> gdal.Dataset:
        """Under the lock, since drivers may load themselves when they are first used."""
        dataset = self._open_dataset(gdal.OF_RASTER | flags)
        self._check_layout((dataset.RasterCount, dataset.RasterYSize, dataset.RasterXSize,
                            *(dataset.GetRasterBand(band + 1).DataType for band in range(dataset.RasterCount))))
        return dataset

    def _open_dataset(self, flags: int) -> gdal.Dataset:
        """A dataset with the open options that suit this process now."""
        if self._driver is None:
            driver = _errors.quietly(gdal.IdentifyDriver, self.path)
            self._driver = driver.ShortName if driver else ""
        options = _process.default_open_options(self._driver)
        if gdal.GetConfigOption("NDARRAY_MAX_RESIDENT"):
            options.pop("MAX_RESIDENT", None)
        if gdal.GetConfigOption("GDAL_NUM_THREADS"):
            options.pop("NUM_THREADS", None)
        options.update(self._options)
        return _errors.call(self.path, gdal.OpenEx, self.path, gdal.OF_VERBOSE_ERROR | flags,
                            open_options=[f"{name}={value}" for name, value in options.items()])

    def _check_layout(self, layout: tuple) -> None:
        if self._layout not in (None, layout):
            raise ValueError(f"{self.path}: was replaced by a raster of another shape or type since it was "
                             "opened; open it again")
        self._layout = layout

    def _open(self) -> gdal.Dataset:
        with self._lock:
            if self._shared is not None:
                return self._shared
            if self._can_share:
                try:
                    self._shared = self._open_one(gdal.OF_THREAD_SAFE)
                    return self._shared
                except (OSError, ValueError):
                    self._can_share = False  # or the file cannot be opened at all, as is seen now
            dataset = self._open_one(0)
            alive = sys._current_frames()
            self._by_thread = {thread: opened for thread, opened in self._by_thread.items()
                               if thread in alive}
            self._by_thread[threading.get_ident()] = dataset
            return dataset

    def _after_fork(self) -> None:
        _inherited.extend((self._shared, self._by_thread))
        self._shared = None
        self._by_thread = {}
        self._lock = threading.Lock()


class ArrayHandles(Handles):
    """The same of a file that is one array of any number of axes: `get` and `header` are an OpenedArray, or
    None where the file has several. Each thread has its own; all share the file."""

    def __init__(self, path: str, options: Options, driver: str | None):
        super().__init__(path, tuple(option for option in options if option[0] != "AXES"), driver)
        self._can_share = False

    def _open_one(self, flags: int) -> OpenedArray | None:
        opened = OpenedArray.of(self.path, self._open_dataset(gdal.OF_MULTIDIM_RASTER | flags))
        self._check_layout((opened.layout()["SHAPE"], opened.layout()["DTYPE"]) if opened else ())
        return opened


def handles_for_unpickled(path: str, options: Options, driver: str) -> Handles:
    """Handles that all arrays of this process share which came with the same arguments and find the
    same file; some stay open when these arrays are gone."""
    key = (path, options, stamp(path))
    with _pool_lock:
        handles = _by_key.get(key)
        if handles is None:
            handles = _by_key[key] = Handles(path, options, driver)
        if handles not in _kept:
            _kept.append(handles)
        return handles


def stamp(path: str) -> tuple[int, int] | None:
    """Size in bytes and time of change in ns of a local file, or of a virtual one in seconds."""
    try:
        found = os.stat(path)
        return found.st_size, found.st_mtime_ns
    except OSError:
        virtual = _errors.quietly(gdal.VSIStatL, path)
        return (virtual.size, virtual.mtime) if virtual else None


def _after_fork() -> None:
    global _pool_lock
    _pool_lock = threading.Lock()
    for handles in list(_everything):
        handles._after_fork()


os.register_at_fork(after_in_child=_after_fork)
