"""The drivers for the GDALs of this process, out of the plugins that the wheel brings: one for each minor
version of GDAL that it was built for. Knows nothing of the package's other modules.

A plugin names the libgdal that it needs, and the loader knows libraries by these names. Wheels give theirs
names of their own, and two wheels may bring the same version. So each libgdal gets a copy of the plugin
in a folder of the user's cache, where that name is unique and a symbolic link to this very file: whoever
loads the copy gets the library that is loaded already. The folder is named after the library's inode, size
and time and the plugin's, so that a replaced one gets another.
"""

from __future__ import annotations

import atexit
import ctypes
import dataclasses
import hashlib
import importlib.util
import mmap
import os
import pathlib
import re
import shutil
import sys
import tempfile

PLUGINS = pathlib.Path(__file__).parent / "plugins"  # <major.minor>/gdal_ndarray.so; only in the wheel
LIBRARIES = pathlib.Path(__file__).parents[1] / "gdal_ndarray.libs"  # where these look for what they need
PLUGIN = "gdal_ndarray.so"
DRIVERS = ("NPY", "B2ND")
PLACEHOLDER = b"libgdal-ndarray-0000000000000000.so"  # as tools/package links it
SWITCH = "GDAL_NDARRAY_ENABLE"

_handles: list[ctypes.CDLL] = []  # of plugins: loaded until the end, as GDAL has their functions
_failed: dict[str, str] = {}  # why no plugin could be loaded into a libgdal


@dataclasses.dataclass(frozen=True)
class Gdal:
    """A libgdal of this process, and how enable() has left it."""

    library: str  # its file
    version: str  # "3.10.3"
    drivers: tuple[str, ...]  # of DRIVERS those that it has
    problem: str | None = None  # one sentence: why it has none


def enable() -> list[Gdal]:
    """Registers the drivers, now, with every GDAL that this process has loaded; where there is none, with
    that of osgeo, else of rasterio, which it imports. Nothing is done to those that have them.

    Returns what it has found. RuntimeError, with a sentence for each GDAL, where none has the drivers.
    `import gdal_ndarray` calls it; it is to be called again once another GDAL was imported.
    """
    if not loaded():
        _import_one()
    found = [_enable(library) for library in loaded()]
    if not any(gdal.drivers for gdal in found):
        raise RuntimeError(" ".join(gdal.problem or "" for gdal in found) or
                           f"No libgdal is loaded: the Python {sys.executable} has neither osgeo nor rasterio.")
    return found


def enable_at_import() -> None:
    """enable() for `import gdal_ndarray`, which does not fail: whoever needs a driver is told then."""
    if os.environ.get(SWITCH, "YES").upper() not in ("NO", "OFF", "FALSE", "0") and PLUGINS.is_dir():
        for library in loaded():
            _enable(library)


def problems() -> str:
    """Why GDALs of this process have no drivers: a sentence for each."""
    found = (_look(library) for library in loaded())
    return " ".join(gdal.problem for gdal in found if gdal.problem)


def folder(module: str = "") -> str:
    """For GDAL_DRIVER_PATH: where the GDAL of "osgeo" or "rasterio" (default: the first that is there)
    finds the plugin. RuntimeError with a sentence where there is none for it."""
    before = set(loaded())
    _import_one((module,) if module else ("osgeo", "rasterio"))
    for library in [path for path in loaded() if path not in before] or loaded():
        gdal = _look(library)
        if gdal.problem or not _plugin_of(gdal.version).exists():
            raise RuntimeError(gdal.problem or f"{_name(gdal)} has the drivers, from elsewhere.")
        return str(_make(gdal, _cache()).parent)
    raise RuntimeError(f"No libgdal is loaded by {module or 'osgeo or rasterio'}.")


def loaded() -> list[str]:
    """The files of all libgdal that this process has loaded."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            files = [line.rstrip("\n").split(maxsplit=5)[5] for line in maps if "libgdal" in line]
    except OSError:
        return []
    name = re.compile(r".*/libgdal[-\w]*\.so(\.\d+)*( \(deleted\))?")
    return list(dict.fromkeys(file for file in files if name.fullmatch(file)))


def _import_one(modules: tuple[str, ...] = ("osgeo", "rasterio")) -> None:
    for module in modules:
        if importlib.util.find_spec(module):
            __import__("osgeo.gdal" if module == "osgeo" else module)
            return


def _enable(library: str) -> Gdal:
    gdal = _look(library)
    if gdal.drivers or gdal.problem:
        return gdal
    for place in (_cache, _temporary):
        try:
            plugin = ctypes.CDLL(str(_make(gdal, place()) / PLUGIN))
        except OSError as error:
            _failed[library] = f"{_name(gdal)} cannot load the plugin: {error}."
            continue
        _failed.pop(library, None)
        _handles.append(plugin)
        plugin.GDALRegister_ndarray()
        break
    return _look(library)


def _look(library: str) -> Gdal:
    """What is to be seen from outside, without loading anything."""
    if library.endswith(" (deleted)"):
        return Gdal(library, "", (), f"{library[:-10]} was replaced since it was loaded: start Python anew.")
    try:
        handle = ctypes.CDLL(library)
        handle.GDALVersionInfo.restype = ctypes.c_char_p
        handle.GDALGetDriverByName.restype = ctypes.c_void_p
    except (AttributeError, OSError) as error:
        return Gdal(library, "", (), f"{library} does not show GDAL's functions: {error}.")
    version = handle.GDALVersionInfo(b"RELEASE_NAME").decode()
    if handle.GDALGetDriverCount() == 0 and _plugin_of(version).exists():
        handle.GDALAllRegister()  # it may find an installed plugin
    drivers = tuple(name for name in DRIVERS if handle.GDALGetDriverByName(name.encode()))
    gdal = Gdal(library, version, drivers)
    return gdal if drivers else dataclasses.replace(gdal, problem=_why_none(gdal))


def _why_none(gdal: Gdal) -> str | None:
    """A sentence, or None where nothing speaks against enable()."""
    if not PLUGINS.is_dir():
        return (f"{_name(gdal)} has not loaded the plugin, and this gdal_ndarray brings none: it was not"
                " installed from the wheel.")
    if _has_old_abi(gdal.library):
        return (f"{_name(gdal)} has the old C++ ABI, as in rasterio's wheels up to 1.4.3, with which no"
                " plugin can be built today: rasterio 1.4.4 has the new one.")
    if not _plugin_of(gdal.version).exists():
        minors = sorted((path.name for path in PLUGINS.iterdir() if path.is_dir()),
                        key=lambda name: [int(part) for part in name.split(".")])
        return f"{_name(gdal)}: this gdal_ndarray has plugins for GDAL {', '.join(minors)} only."
    return _failed.get(gdal.library)


def _name(gdal: Gdal) -> str:
    return f"GDAL {gdal.version} ({gdal.library})"


def _plugin_of(version: str) -> pathlib.Path:
    return PLUGINS / ".".join(version.split(".")[:2]) / PLUGIN


def _has_old_abi(library: str) -> bool:
    with open(library, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as content:
        return content.find(b"__cxx11") < 0


def _make(gdal: Gdal, place: pathlib.Path) -> pathlib.Path:
    """The folder of the plugin for this libgdal, made below `place` where it is not there yet. It and what
    it needs lie to each other as in the wheel. OSError where that cannot be written."""
    plugin = _plugin_of(gdal.version)
    key = _key(gdal.library, plugin)
    whole = place / key
    result = whole / plugin.parent.relative_to(PLUGINS.parents[1])
    if result.is_dir():
        return result
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.stat().st_uid != os.geteuid():
        raise PermissionError(f"{place} belongs to somebody else")
    _tidy(place)
    partial = pathlib.Path(tempfile.mkdtemp(prefix=".", dir=place))
    try:
        made = partial / result.relative_to(whole)
        made.mkdir(parents=True)
        name = PLACEHOLDER.replace(b"0" * 16, key.encode())
        (made / PLUGIN).write_bytes(plugin.read_bytes().replace(PLACEHOLDER, name))
        needed = partial / LIBRARIES.name
        needed.mkdir()
        (needed / name.decode()).symlink_to(gdal.library)
        for library in LIBRARIES.iterdir():
            (needed / library.name).symlink_to(library.resolve())
        partial.rename(whole)
    except FileExistsError:
        pass  # another process has made it
    except OSError:
        if not result.is_dir():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return result


def _key(library: str, plugin: pathlib.Path) -> str:
    """16 hexadecimal digits for two files, as they are now."""
    facts = [(str(path), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
             for path in (library, plugin.resolve()) for status in (os.stat(path),)]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _tidy(place: pathlib.Path) -> None:
    """Removes folders whose libgdal, or whose wheel, is gone."""
    for entry in place.iterdir():
        links = [link for link in entry.rglob("*") if link.is_symlink()]
        if links and not all(link.exists() for link in links):
            shutil.rmtree(entry, ignore_errors=True)


def _cache() -> pathlib.Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(home, "gdal-ndarray", "plugins")


def _temporary() -> pathlib.Path:
    """Where the cache cannot be written, or nothing in it be run: gone when this process ends."""
    place = tempfile.mkdtemp(prefix="gdal-ndarray-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return pathlib.Path(place)
