"""GDAL for the other modules: `gdal`, `gdal_array` and `osr` of GDAL's own bindings (osgeo) or, where this
Python has none, the same functions over the libgdal that rasterio brings. Importing this module gives the
drivers to it."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

from . import _plugin

gdal: Any
gdal_array: Any
osr: Any

try:
    from osgeo import gdal, gdal_array, osr
except ImportError as error:
    if importlib.util.find_spec("rasterio") is None:
        raise ImportError(f"gdal_ndarray needs GDAL's Python bindings with NumPy, or rasterio, of the Python"
                          f" {sys.executable} (Debian: python3-gdal): {error}") from error
    from . import _capi
    gdal = gdal_array = osr = _capi

_plugin.enable_at_import()
