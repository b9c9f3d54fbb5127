"""New `.npy` and `.b2nd` files, written window by window, which are whole or absent."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import fcntl
import operator
import os
import pathlib
import shutil
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from . import _facts, _georeference, _indexing, _writing
from ._dataset import as_options
from ._new_file import NewFile, Plan, driver_of, sidecars

AXES_OF_INTERLEAVE = {"BAND": "BYX", "PIXEL": "YXB", "LINE": "YBX"}
MAX_LENGTH = (1 << 31) - 1
_keep: Any = object()
_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


def create(path: str | os.PathLike[str], shape: tuple[int, ...], dtype: Any, like: Any = None, *,
           dims: Sequence[str] | None = None, crs: Any = _keep, transform: Any = _keep, nodata: Any = _keep,
           **options: Any) -> Writer:
    """A new file of zeros (of nodata, where that is given, but for a `.npy` of one to three axes), to be
    written as `writer[window] = pixels`.

    `path` ends in `.npy` or `.b2nd`. `shape` is that of the file: (x,), (y, x), (band, y, x), or what `AXES`
    ("YXB") or `INTERLEAVE` say; three axes without them are as those of `like`, else (band, y, x) unless the
    last has at most 4 elements and the first more. Of four and more axes (up to 16 in a `.b2nd`, 64 in a
    `.npy`) those called "y" and "x" (or latitude and longitude, lat and lon) are lines and pixels, else the
    last two. bool becomes uint8.

    `dims` are the names of all axes, which the file keeps (`dimension_names`). Without them four and more
    axes have the names of those of `like`, if it has as many, else "axis_0" ... "band", "y", "x".
    `like` (an Array, a path, a DataArray) gives CRS, nodata, descriptions of bands and, where it has as many
    lines and pixels, the transform; of four and more axes also positions along those of the same name and
    length. `crs` (WKT, "EPSG:32633"), `transform` (six numbers, as Array.transform) and `nodata` override it,
    None too.
    All else are creation options of the driver; of four and more axes `BLOCKSIZE` (of chunks) and `BLOCKS`
    may be sequences of a number for each axis.

    The file takes its name when all is written, by leaving the `with` block or commit(); until then,
    and after an exception or the end of the process, what was there before is there. Where two write
    the same name at once, the second gets a BlockingIOError. ValueError for options, shapes, names and types
    that the driver refuses, OSError where files cannot be made.
    """
    name = os.fsdecode(path)
    if name.startswith("/vsi"):
        raise ValueError(f"path: found {name}, wanted a file of a local or mounted file system")
    like = _georeference.opened(like)
    reference = _georeference.georeference_of(like)
    dtype = np.dtype(dtype).newbyteorder("=")
    dtype = np.dtype(np.uint8) if dtype == np.bool_ else dtype
    if reference.nodata is not None and not _georeference.holds(dtype, reference.nodata):
        reference = dataclasses.replace(reference, nodata=None)
    if crs is not _keep:
        reference = dataclasses.replace(reference, crs=_text_of(crs))
    if transform is not _keep:
        reference = dataclasses.replace(reference, transform=_six_of(transform), lines=None, pixels=None)
    if nodata is not _keep:
        if nodata is not None and not isinstance(nodata, (int, float, np.integer, np.floating)):
            raise TypeError(f"nodata: found {nodata!r}, wanted a number")
        if nodata is not None and not _georeference.holds(dtype, nodata):
            raise ValueError(f"nodata: found {nodata}, wanted a value of {dtype}")
        reference = dataclasses.replace(reference, nodata=nodata)
    is_placed = reference.crs is not None or reference.transform is not None
    plan = _plan(os.path.abspath(name), tuple(map(operator.index, shape)), dtype, dims, like, is_placed,
                 dict(as_options(options)))
    return Writer(plan, reference)


class Writer:
    """What create() returns. Threads may write at the same time; one after the other does. A process
    made by fork cannot. Windows that cover whole `chunks` are compressed once."""

    def __init__(self, plan: Plan, reference: _georeference.Georeference):
        """Arguments as create() has checked them."""
        self.path = plan.path
        self.shape = plan.shape
        self.dtype = plan.dtype
        self.nodata = reference.nodata
        self.plan = plan  # of the file, for those who make pieces of it
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._file: NewFile | None = None  # until all is done
        self._folder = _PartialFolder(plan.path, sidecars(driver_of(plan.path)))
        _writers.add(self)
        try:
            self._folder.make()
            self._file = _writing.create(plan, self._folder.file)
            self._file.describe(reference)
            layout = self._file.layout()
        except BaseException:
            self.abort()
            raise
        chunks = ast.literal_eval(layout["CHUNKS"]) if "CHUNKS" in layout else (1,) * len(plan.shape)
        #: Elements along each axis that are compressed together; of a `.npy` one.
        self.chunks: tuple[int, ...] = tuple(min(pair) for pair in zip(chunks, plan.shape))
        # Of a `.npy`: where its elements begin.
        self._data_offset = int(layout["DATA_OFFSET"]) if "DATA_OFFSET" in layout else None

    @property
    def dims(self) -> tuple[str, ...]:
        """A name for each axis."""
        return self.plan.dims

    @property
    def folder(self) -> str:
        """Where the file is made; gone when it is complete."""
        return self._folder.name

    def __setitem__(self, key: Any, pixels: Any) -> None:
        """Writes a window: integers, slices with any steps, `...`. Pixels are broadcast and cast as NumPy
        does it; masked ones become nodata. ValueError for masked pixels where there is no nodata; OSError
        where the disk is full."""
        ranges, after = _indexing.parse(key, self.shape)
        if any(len(selected) == 0 for selected in ranges):
            return
        lengths = tuple(len(selected) for selected in ranges)
        pixels = np.broadcast_to(unmasked(pixels, self.nodata), _indexing.result_shape(ranges, after))
        box = pixels.reshape(lengths).astype(self.dtype, copy=False)
        with self._lock:
            self._opened().write(ranges, box)

    def commit(self) -> None:
        """Completes the file and gives it its name."""
        with self._lock:
            file = self._opened()
            try:
                file.flush()
                self._file = None
                file.close()
                self._folder.publish()
            except BaseException:
                self.abort()
                raise

    def abort(self) -> None:
        """Removes what was written; does nothing after commit()."""
        if self._process != os.getpid():
            return
        with self._lock:
            if self._file is not None:
                file, self._file = self._file, None
                with contextlib.suppress(OSError, ValueError, MemoryError):
                    file.close()
            self._folder.remove()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.abort()
        elif self._file is not None:
            self.commit()

    def __reduce__(self) -> Any:  # also of copy.copy: the end of a copy would remove the file
        raise TypeError("a Writer cannot be copied or pickled: only the process that made it can write")

    def __del__(self) -> None:
        if "_folder" in self.__dict__:
            self.abort()

    def _after_fork(self) -> None:
        """In a child, which neither closes the dataset, for that writes, nor keeps the lock."""
        if self._file is not None:
            self._file.disown()
        self._folder.forget()

    def _begin(self) -> None:
        """Before others write bytes of the file: GDAL has nothing left to write over these."""
        with self._lock:
            self._opened().flush()

    def _take_chunks(self, name: str, start: tuple[int, ...], stop: tuple[int, ...]) -> None:
        """The chunks of a box, out of a file of GDAL's (_writing.compressed)."""
        with self._lock:
            self._opened().take_chunks(name, start, stop)

    def _opened(self) -> NewFile:
        if self._process != os.getpid():
            raise ValueError(f"{self.path}: is written by another process than this one")
        if self._file is None:
            raise ValueError(f"{self.path}: is complete or given up: nothing can be written any more")
        return self._file


class _PartialFolder:
    """A folder beside the file that is to be, `.NAME.writing`: the file is made in it under its own
    name, with its sidecars. What a process left there that was killed goes with the next writer."""

    def __init__(self, path: str, sidecars: tuple[str, ...]):
        self.target = pathlib.Path(path)
        self.sidecars = sidecars
        self.name = str(self.target.with_name(f".{self.target.name}.writing"))
        self.file = os.path.join(self.name, self.target.name)
        self._lock: int | None = None

    def make(self) -> None:
        if self.target.is_dir():
            raise IsADirectoryError(f"{self.target}: is a folder")
        while self._lock is None:
            try:
                os.mkdir(self.name)
            except FileExistsError:
                pass
            except OSError as error:  # missing, not a folder, not writable, a full disk
                raise OSError(error.errno, error.strerror, str(self.target)) from None
            with contextlib.suppress(FileNotFoundError):  # another writer has just completed
                self._lock = self._locked()
        for entry in os.scandir(self.name):
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)

    def _locked(self) -> int:
        """The open folder. FileNotFoundError where it went in the meantime; another OSError where it is no
        folder: what a link leads to, which anybody can put into a shared folder, is not removed."""
        folder = os.open(self.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(folder)
            raise BlockingIOError(f"{self.target}: another process is writing it") from None
        except OSError:
            pass  # a file system without locks: two writers at once are the user's to avoid
        try:
            if os.path.samestat(os.fstat(folder), os.stat(self.name)):
                return folder
        except FileNotFoundError:
            pass
        os.close(folder)
        raise FileNotFoundError(self.name)

    def publish(self) -> None:
        """Moves the file, synced, to its name. Old sidecars go before that, new ones come after it; where
        there is no old file, new ones come before it, so that it is never without."""
        moved = [suffix for suffix in self.sidecars if os.path.exists(self.file + suffix)]
        for name in [self.file, *(self.file + suffix for suffix in moved)]:
            _sync(name)
        replaces = self.target.exists()
        for suffix in self.sidecars:
            if suffix in moved and not replaces:
                os.replace(self.file + suffix, str(self.target) + suffix)
            elif os.path.lexists(str(self.target) + suffix):
                os.unlink(str(self.target) + suffix)
        os.replace(self.file, self.target)
        for suffix in moved if replaces else ():
            os.replace(self.file + suffix, str(self.target) + suffix)
        _sync(self.target.parent)
        self.remove()

    def remove(self) -> None:
        if self._lock is None:
            return
        shutil.rmtree(self.name, ignore_errors=True)
        self.forget()

    def forget(self) -> None:
        """Gives the lock up: this process's share of it, after a fork."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _after_fork() -> None:
    for writer in list(_writers):
        writer._after_fork()


os.register_at_fork(after_in_child=_after_fork)


def _sync(path: str | os.PathLike[str]) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def unmasked(pixels: Any, nodata: int | float | None) -> np.ndarray:
    """Pixels as an array, nodata where they are masked. ValueError where there is none for those."""
    if isinstance(pixels, np.ma.MaskedArray) and np.ma.is_masked(pixels):
        if nodata is None:
            raise ValueError("pixels: found masked ones, wanted a nodata value for them: give nodata=")
        return pixels.filled(nodata)
    return np.asarray(pixels)


def _text_of(crs: Any) -> str | None:
    """A CRS of pyproj or rasterio as WKT; text as it is. TypeError for anything else."""
    for name in ("to_wkt", "ExportToWkt"):
        if hasattr(crs, name):
            return getattr(crs, name)()
    if crs is not None and not isinstance(crs, (str, int)):
        raise TypeError(f"crs: found {type(crs).__name__}, wanted text, an EPSG number or a CRS of pyproj")
    return f"EPSG:{crs}" if isinstance(crs, int) else crs


def _six_of(transform: Any) -> tuple[float, ...] | None:
    """The numbers of an Affine, which has nine, or six that are given. ValueError where there are fewer."""
    if transform is None:
        return None
    numbers = tuple(float(number) for number in transform)
    if len(numbers) not in (6, 9):
        raise ValueError(f"transform: found {len(numbers)} numbers, wanted six (a, b, c, d, e, f)")
    return numbers[:6]


def _plan(path: str, shape: tuple[int, ...], dtype: np.dtype, dims: Sequence[str] | None, like: Any,
          is_placed: bool, options: dict[str, str]) -> Plan:
    """`is_placed`: lines and pixels have a CRS or a transform."""
    if len(shape) < 1 or min(shape) < 1:
        raise ValueError(f"shape: found {shape}, wanted one axis or more, of at least 1 element each")
    names = None if dims is None else _checked(dims, shape)
    usual = set(_facts.DIMS.values())
    if len(shape) <= 3 and (names is None or set(names) <= usual):
        axes = _axes(shape, options, names, getattr(like, "dims", ()))
        return Plan(path, shape, dtype, axes, _facts.roles_of(axes), options)
    for option in ("AXES", "INTERLEAVE"):
        if option in options:
            raise ValueError(f"{option}: found {options[option]}, wanted none of it: dims= names these axes")
    for option in ("CHUNKXSIZE", "CHUNKYSIZE", "BLOCKXSIZE", "BLOCKYSIZE"):
        if option in options:
            raise ValueError(f"{option}: found {options[option]}, wanted BLOCKSIZE= (chunks) and BLOCKS= (of these), "
                             f"a number for each of {len(shape)} axes")
    if names is None:
        others = tuple(getattr(like, "dims", ()))
        names = _checked(others, shape) if len(others) == len(shape) else _facts.roles_of(_facts.axes_of_shape(shape))
    axes = _facts.axes_of_names(names) or (
        "." * (len(shape) - 2) + "YX"[-len(shape):] if is_placed else "." * len(shape))
    return Plan(path, shape, dtype, axes, names, options, array=True)


def _checked(dims: Sequence[str], shape: tuple[int, ...]) -> tuple[str, ...]:
    names = tuple(dims)
    if len(set(names)) != len(shape) or len(names) != len(shape) or not all(
            isinstance(name, str) and name and "/" not in name for name in names):
        raise ValueError(f"dims: found {names}, wanted different names without slashes for the {len(shape)} axes")
    return names


def _axes(shape: tuple[int, ...], options: dict[str, str], names: tuple[str, ...] | None,
          others: tuple[str, ...]) -> str:
    """A letter for each of one to three axes, by their names, the options, or the names of others. ValueError
    where there are none, or an axis is too long."""
    if max(shape) > MAX_LENGTH:
        raise ValueError(f"shape: found {shape}, wanted at most {MAX_LENGTH} along an axis, as GDAL")
    letters = {dim: letter for letter, dim in _facts.DIMS.items()}
    if names is not None:
        if "x" not in names or {"AXES", "INTERLEAVE"} & set(options):
            raise ValueError(f"dims: found {names}, wanted one called x, and no AXES or INTERLEAVE besides")
        return "".join(letters[name] for name in names)
    if "AXES" in options:
        axes = options.pop("AXES").upper()
        if len(axes) != len(shape) or sorted(axes) != sorted(set(axes) & set("BYX")) or "X" not in axes:
            raise ValueError(f"AXES: found {axes}, wanted B, Y and X for the {len(shape)} axes of {shape}")
        return axes
    if "INTERLEAVE" in options and len(shape) == 3:
        interleave = options.pop("INTERLEAVE").upper()
        if interleave not in AXES_OF_INTERLEAVE:
            raise ValueError(f"INTERLEAVE: found {interleave}, wanted one of {', '.join(AXES_OF_INTERLEAVE)}")
        return AXES_OF_INTERLEAVE[interleave]
    if len(shape) == 3 and len(others) == 3 and set(others) == set(letters):
        return "".join(letters[dim] for dim in others)
    return _facts.axes_of_shape(shape)
