"""`python -m gdal_ndarray`: versions, where the plugin is, and whether the GDAL of osgeo and that of
rasterio can load it. Exit status 1 where osgeo's cannot."""

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

PLUGIN = "gdal_ndarray.so"
DRIVERS = ("NPY", "B2ND")
OTHERS = ("numpy", "dask", "distributed", "xarray", "rioxarray", "rasterio", "blosc2")

# Run in a process of its own, since two GDALs in one do not go together. Prints JSON.
PROBE = """
import json, sys
name = sys.argv[1]
with open("/proc/self/maps") as maps:
    before = maps.read()
if name == "osgeo":
    from osgeo import gdal
    errors = []
    gdal.PushErrorHandler(lambda level, number, text: errors.append(text))
    gdal.AllRegister()
    version = gdal.VersionInfo("RELEASE_NAME")
    drivers = [d for d in sys.argv[2:] if gdal.GetDriverByName(d)]
else:
    import logging, rasterio
    errors = []
    class Keep(logging.Handler):
        def emit(self, record):
            errors.append(record.getMessage())
    logging.getLogger("rasterio").addHandler(Keep(logging.ERROR))
    with rasterio.Env() as environment:
        known = environment.drivers()
    version = rasterio.__gdal_version__
    drivers = [d for d in sys.argv[2:] if d in known]
with open("/proc/self/maps") as maps:
    files = sorted({line.split(maxsplit=5)[5].strip() for line in maps if line.count("/")})
print(json.dumps({"version": version, "drivers": drivers, "errors": errors,
                  "libraries": [f for f in files if "libgdal" in f],
                  "plugins": [f for f in files if f.endswith("gdal_ndarray.so")]}))
"""


def probe(module: str) -> dict | str:
    """What the GDAL of a module has, or why that cannot be said."""
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", PROBE, module, *DRIVERS],
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


def main() -> int:
    from . import _version  # not the package's datasets: osgeo may be what is missing
    print(f"gdal_ndarray {_version.version()}, {pathlib.Path(__file__).parent}")
    print(f"Python {platform.python_version()}, {sys.executable}")
    for name in OTHERS:
        try:
            print(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            print(f"{name}: not installed")
    print(f"GDAL_DRIVER_PATH: {os.environ.get('GDAL_DRIVER_PATH', 'not set')}")
    usable = report("osgeo")
    if importlib.util.find_spec("rasterio"):
        report("rasterio")
    return 0 if usable else 1


if __name__ == "__main__":
    sys.exit(main())
