"""python -m gdal_ndarray: the drivers of .npy and .b2nd in this Python's GDAL.

    python -m gdal_ndarray                                      versions, and which GDALs have the drivers
    python -m gdal_ndarray path [osgeo | rasterio]              the plugin's folder, for GDAL_DRIVER_PATH
    python -m gdal_ndarray info FILE [OPTION...]                as gdalinfo
    python -m gdal_ndarray convert SOURCE TARGET [OPTION...]    as gdal_translate; the format by TARGET's name
    python -m gdal_ndarray help                                 the document of the drivers: options, limits

Exit status 1 where something failed; without arguments, where the GDAL that this package uses (osgeo's, else
rasterio's) has no driver. 2: wrong usage.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

from . import _errors, _plugin, _version
from ._gdal import gdal
from ._plugin import DRIVERS, PLUGIN
from ._new_file import DRIVERS as FORMATS

DOCUMENT = pathlib.Path(__file__).with_name("drivers.md")  # only in the wheel
OTHERS = ("numpy", "dask", "distributed", "xarray", "rioxarray", "rasterio", "blosc2")

# Run in a process of its own, since two GDALs in one do not go together. Prints JSON.
PROBE = """
import importlib.util, json, os, sys
name, helper, names = sys.argv[1], sys.argv[2], sys.argv[3:]
spec = importlib.util.spec_from_file_location("_plugin", helper)  # alone: the package may import another GDAL
sys.modules["_plugin"] = plugin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plugin)
if name == "osgeo":
    from osgeo import gdal
    errors = []
    gdal.PushErrorHandler(lambda level, number, text: errors.append(text))
    gdal.AllRegister()
    plugin.enable_at_import()
    version = gdal.VersionInfo("RELEASE_NAME")
    drivers = [d for d in names if gdal.GetDriverByName(d)]
else:
    import logging, rasterio
    errors = []
    class Keep(logging.Handler):
        def emit(self, record):
            errors.append(record.getMessage())
    logging.getLogger("rasterio").addHandler(Keep(logging.ERROR))
    with rasterio.Env() as environment:
        plugin.enable_at_import()
        known = environment.drivers()
    version = rasterio.__gdal_version__
    drivers = [d for d in names if d in known]
with open("/proc/self/maps") as maps:
    files = sorted({line.split(maxsplit=5)[5].strip() for line in maps if line.count("/")})
print(json.dumps({"version": version, "drivers": drivers, "errors": errors, "problems": plugin.problems(),
                  "libraries": [f for f in files if "libgdal" in f],
                  "plugins": [f for f in files if f.endswith("gdal_ndarray.so")]}))
"""


def probe(module: str) -> dict | str:
    """What the GDAL of a module has, or why that cannot be said."""
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", PROBE, module, _plugin.__file__, *DRIVERS],
                         capture_output=True, text=True)
    if run.returncode:
        return (run.stderr.strip().splitlines() or [f"exit status {run.returncode}"])[-1]
    found = json.loads(run.stdout.splitlines()[-1])
    found["errors"] += re.findall(r"(?m)^ERROR \d+: (.*)$", run.stderr)  # of importing it
    return found


def folders(version: str, library: str | None) -> list[pathlib.Path]:
    """Where this GDAL looks for plugins: as its driver manager does it."""
    configured = os.environ.get("GDAL_DRIVER_PATH") or os.environ.get("OGR_DRIVER_PATH")
    if configured:
        found = [pathlib.Path(part) for part in configured.split(":") if part and part != "disable"]
    else:
        found = [pathlib.Path(library).parent / "gdalplugins"] if library else []
    minor = ".".join(version.split(".")[:2])
    return [folder / minor if (folder / minor).is_dir() else folder for folder in found]


def report(module: str) -> bool:
    """Prints about one module's GDAL; whether it has loaded the plugin."""
    found = probe(module)
    if isinstance(found, str):
        print(f"{module}: cannot be imported: {found}")
        return False
    library = found["libraries"][0] if found["libraries"] else None
    print(f"{module}: GDAL {found['version']}, {library or 'library not found'}")
    if found["drivers"]:
        print(f"  drivers: {', '.join(found['drivers'])}; plugin: {', '.join(found['plugins'])}")
        for driver in DRIVERS:
            if driver not in found["drivers"]:
                print(f"  no driver {driver}: the plugin was built without it")
        return True
    print("  has not loaded the plugin")
    for text in dict.fromkeys(found["errors"]):
        print(f"  GDAL says: {text}")
    if found["problems"] and _plugin.PLUGINS.is_dir():
        print(f"  {found['problems']}")
    looked = folders(found["version"], library)
    if not looked:
        print("  it looks for plugins nowhere: set GDAL_DRIVER_PATH to the folder of " + PLUGIN)
    for folder in looked:
        plugin = folder / PLUGIN
        print(f"  looked in {folder}: {'there is ' + PLUGIN if plugin.exists() else 'there is none'}")
        if plugin.exists() and not found["errors"]:
            print(f"  {why_not(plugin)}")
    return False


def why_not(plugin: pathlib.Path) -> str:
    """What the system's loader says of a plugin that GDAL did not load."""
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        return f"it cannot be loaded: {error}"
    return "it can be loaded, but not by this GDAL: it was built for another one"


def versions() -> int:
    print(f"gdal_ndarray {_version.version()}, {pathlib.Path(__file__).parent}")
    print(f"Python {platform.python_version()}, {sys.executable}")
    for name in OTHERS:
        try:
            print(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            print(f"{name}: not installed")
    print(f"GDAL_DRIVER_PATH: {os.environ.get('GDAL_DRIVER_PATH', 'not set')}")
    found = [report(module) for module in ("osgeo", "rasterio") if importlib.util.find_spec(module)]
    return 0 if found[0] else 1


def path(module: str = "") -> int:
    print(_plugin.folder(module))
    return 0


def info(file: str, *options: str) -> int:
    text = _errors.call(file, gdal.Info, file, options=list(options))
    print(text if isinstance(text, str) else json.dumps(text, indent=2))  # osgeo parses what -json gives
    return 0


def convert(source: str, target: str, *options: str) -> int:
    wanted = list(options)
    driver = FORMATS.get(os.path.splitext(target)[1].lower())
    if driver and "-of" not in wanted:
        wanted += ["-of", driver]
    dataset = _errors.call(target, gdal.Translate, target, source, options=wanted)
    _errors.call(target, dataset.FlushCache, void=True)
    return 0


def show_document() -> int:
    installed = pathlib.Path(gdal.GetDriverByName("NPY").GetMetadataItem("DMD_HELPTOPIC"))
    found = DOCUMENT if DOCUMENT.exists() else installed
    print(found.read_text(encoding="utf-8"), end="")
    return 0


# Functions, and how many arguments they take.
COMMANDS = {"path": (path, 0, 1), "info": (info, 1, None), "convert": (convert, 2, None),
            "help": (show_document, 0, 0)}


def run(name: str = "", *arguments: str) -> int:
    if not name:
        return versions()
    if name in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    command, least, most = COMMANDS.get(name, (None, 0, None))
    if command is None or len(arguments) < least or (most is not None and len(arguments) > most):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        return command(*arguments)
    except BrokenPipeError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        print(f"python -m gdal_ndarray {name}: {error}", file=sys.stderr)
        return 1


def main() -> int:
    try:
        status = run(*sys.argv[1:])
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # who reads has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at exit
        return 1


if __name__ == "__main__":
    sys.exit(main())
