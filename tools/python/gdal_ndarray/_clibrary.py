"""The libgdal of a Python without osgeo, by ctypes: rasterio's. Other modules call `library.GDALOpenEx(...)`
and the like; GDAL's documentation of its C API says what these do."""

from __future__ import annotations

import ctypes
import os
import pathlib
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint64, c_void_p
from typing import Any

import numpy as np
import rasterio

from . import _plugin

_TEXTS = POINTER(c_char_p)  # ends with NULL
HANDLER = ctypes.CFUNCTYPE(None, c_int, c_int, c_char_p)

# Start, count, step and stride of each axis.
_WINDOW = (POINTER(c_uint64), POINTER(c_size_t), POINTER(c_int64), POINTER(c_int64))

# Functions by what they return: names, and the types of their arguments.
_FUNCTIONS: dict[object, dict[str, tuple]] = {
    None: {
        "GDALAllRegister": (), "GDALFlushCache": (c_void_p,), "CPLPopErrorHandler": (),
        "CPLPushErrorHandlerEx": (HANDLER, c_void_p), "CSLDestroy": (_TEXTS,), "VSIFree": (c_void_p,),
        "GDALGetBlockSize": (c_void_p, POINTER(c_int), POINTER(c_int)), "CPLErrorReset": (),
        "GDALSetDescription": (c_void_p, c_char_p), "OSRDestroySpatialReference": (c_void_p,),
        "OSRSetAxisMappingStrategy": (c_void_p, c_int), "OSRSetPROJSearchPaths": (_TEXTS,),
        "CPLSetConfigOption": (c_char_p, c_char_p), "GDALClose": (c_void_p,),
        "GDALInfoOptionsFree": (c_void_p,), "GDALTranslateOptionsFree": (c_void_p,),
        "GDALGroupRelease": (c_void_p,), "GDALMDArrayRelease": (c_void_p,), "GDALDimensionRelease": (c_void_p,),
        "GDALExtendedDataTypeRelease": (c_void_p,), "GDALAttributeRelease": (c_void_p,),
    },
    c_int: {
        "GDALGetDriverCount": (), "GDALGetRasterCount": (c_void_p,), "GDALGetRasterXSize": (c_void_p,),
        "GDALGetRasterYSize": (c_void_p,), "GDALGetRasterDataType": (c_void_p,),
        "GDALGetGeoTransform": (c_void_p, POINTER(c_double)), "GDALSetSpatialRef": (c_void_p, c_void_p),
        "GDALSetGeoTransform": (c_void_p, POINTER(c_double)), "OSRIsGeographic": (c_void_p,),
        "GDALSetRasterNoDataValue": (c_void_p, c_double), "CPLGetLastErrorType": (),
        "GDALSetRasterNoDataValueAsInt64": (c_void_p, c_int64),
        "GDALSetRasterNoDataValueAsUInt64": (c_void_p, c_uint64),
        "OSRSetFromUserInput": (c_void_p, c_char_p), "VSIUnlink": (c_char_p,), "VSIFCloseL": (c_void_p,),
        "GDALSetMetadataItem": (c_void_p, c_char_p, c_char_p, c_char_p),
        "VSIFSeekL": (c_void_p, c_uint64, c_int),
        "OSRExportToWktEx": (c_void_p, POINTER(c_void_p), _TEXTS),
        "GDALDatasetRasterIOEx": (c_void_p, c_int, c_int, c_int, c_int, c_int, c_void_p, c_int, c_int, c_int,
                                  c_int, POINTER(c_int), c_int64, c_int64, c_int64, c_void_p),
        "GDALMDArraySetSpatialRef": (c_void_p, c_void_p),
        "GDALMDArraySetNoDataValueAsDouble": (c_void_p, c_double),
        "GDALMDArraySetNoDataValueAsInt64": (c_void_p, c_int64),
        "GDALMDArraySetNoDataValueAsUInt64": (c_void_p, c_uint64),
        "GDALMDArrayRead": (c_void_p, *_WINDOW, c_void_p, c_void_p, c_void_p, c_size_t),
        "GDALMDArrayWrite": (c_void_p, *_WINDOW, c_void_p, c_void_p, c_void_p, c_size_t),
        "GDALExtendedDataTypeGetNumericDataType": (c_void_p,), "GDALAttributeWriteString": (c_void_p, c_char_p),
        "GDALRasterIOEx": (c_void_p, c_int, c_int, c_int, c_int, c_int, c_void_p, c_int, c_int, c_int,
                           c_int64, c_int64, c_void_p),
    },
    c_char_p: {
        "GDALVersionInfo": (c_char_p,), "GDALGetDriverShortName": (c_void_p,),
        "GDALGetDescription": (c_void_p,), "GDALGetMetadataItem": (c_void_p, c_char_p, c_char_p),
        "GDALGetRasterUnitType": (c_void_p,), "CPLGetConfigOption": (c_char_p, c_char_p),
        "GDALDimensionGetName": (c_void_p,), "GDALDimensionGetType": (c_void_p,),
        "GDALAttributeGetName": (c_void_p,), "GDALAttributeReadAsString": (c_void_p,),
    },
    c_double: {
        "GDALGetRasterNoDataValue": (c_void_p, POINTER(c_int)), "GDALGetRasterScale": (c_void_p, POINTER(c_int)),
        "GDALGetRasterOffset": (c_void_p, POINTER(c_int)),
        "GDALMDArrayGetNoDataValueAsDouble": (c_void_p, POINTER(c_int)),
        "OSRGetLinearUnits": (c_void_p, POINTER(c_char_p)),
    },
    c_int64: {"GDALGetRasterNoDataValueAsInt64": (c_void_p, POINTER(c_int)),
              "GDALMDArrayGetNoDataValueAsInt64": (c_void_p, POINTER(c_int))},
    c_uint64: {"GDALGetRasterNoDataValueAsUInt64": (c_void_p, POINTER(c_int)), "VSIFTellL": (c_void_p,),
               "GDALDimensionGetSize": (c_void_p,),
               "GDALMDArrayGetNoDataValueAsUInt64": (c_void_p, POINTER(c_int))},
    c_size_t: {"VSIFReadL": (c_char_p, c_size_t, c_size_t, c_void_p)},
    _TEXTS: {"GDALGetMetadata": (c_void_p, c_char_p), "GDALGetFileList": (c_void_p,),
             "GDALGroupGetMDArrayNames": (c_void_p, _TEXTS), "GDALGroupGetGroupNames": (c_void_p, _TEXTS),
             "GDALMDArrayGetStructuralInfo": (c_void_p,)},
    POINTER(c_void_p): {"GDALMDArrayGetDimensions": (c_void_p, POINTER(c_size_t)),
                        "GDALMDArrayGetAttributes": (c_void_p, POINTER(c_size_t), _TEXTS)},
    c_void_p: {
        "GDALGetDriverByName": (c_char_p,), "GDALIdentifyDriver": (c_char_p, _TEXTS),
        "GDALOpenEx": (c_char_p, c_int, _TEXTS, _TEXTS, _TEXTS), "GDALGetRasterBand": (c_void_p, c_int),
        "GDALCreate": (c_void_p, c_char_p, c_int, c_int, c_int, c_int, _TEXTS),
        "GDALGetDatasetDriver": (c_void_p,), "GDALGetSpatialRef": (c_void_p,),
        "OSRClone": (c_void_p,), "OSRNewSpatialReference": (c_char_p,), "VSIFOpenL": (c_char_p, c_char_p),
        "GDALInfoOptionsNew": (_TEXTS, c_void_p), "GDALInfo": (c_void_p, c_void_p),
        "GDALTranslateOptionsNew": (_TEXTS, c_void_p),
        "GDALCreateMultiDimensional": (c_void_p, c_char_p, _TEXTS, _TEXTS), "GDALDatasetGetRootGroup": (c_void_p,),
        "GDALGroupOpenMDArray": (c_void_p, c_char_p, _TEXTS), "GDALMDArrayGetSpatialRef": (c_void_p,),
        "GDALGroupCreateDimension": (c_void_p, c_char_p, c_char_p, c_char_p, c_uint64, _TEXTS),
        "GDALGroupCreateMDArray": (c_void_p, c_char_p, c_size_t, POINTER(c_void_p), c_void_p, _TEXTS),
        "GDALDimensionGetIndexingVariable": (c_void_p,), "GDALExtendedDataTypeCreateString": (c_size_t,),
        "GDALMDArrayCreateAttribute": (c_void_p, c_char_p, c_size_t, POINTER(c_uint64), c_void_p, _TEXTS),
        "GDALMDArrayGetDataType": (c_void_p,), "GDALExtendedDataTypeCreate": (c_int,),
        "GDALTranslate": (c_char_p, c_void_p, c_void_p, POINTER(c_int)),
    },
}


def _load() -> ctypes.CDLL:
    folder = pathlib.Path(rasterio.__file__).parent
    paths = _plugin.loaded()
    own = [path for path in paths if pathlib.Path(path).is_relative_to(folder.parent / "rasterio.libs")]
    if not (own or paths):
        raise ImportError("gdal_ndarray: rasterio is there, but the libgdal that it has loaded is not to be found")
    found = ctypes.CDLL((own or paths)[0])
    for result, functions in _FUNCTIONS.items():
        for name, arguments in functions.items():
            function = getattr(found, name)
            function.restype, function.argtypes = result, arguments
    # Where a wheel of rasterio has the files of GDAL and PROJ; rasterio itself says so in its Env only.
    if (folder / "gdal_data").is_dir() and not found.CPLGetConfigOption(b"GDAL_DATA", None):
        found.CPLSetConfigOption(b"GDAL_DATA", os.fsencode(folder / "gdal_data"))
    if (folder / "proj_data").is_dir() and not (os.environ.get("PROJ_DATA") or os.environ.get("PROJ_LIB")):
        found.OSRSetPROJSearchPaths(as_texts([str(folder / "proj_data")]))
    return found


def as_texts(texts: list[str] | None) -> ctypes.Array | None:
    """A list of strings as C's."""
    if not texts:
        return None
    return (c_char_p * (len(texts) + 1))(*(os.fsencode(text) for text in texts), None)


def from_texts(texts: object) -> list[str]:
    """The opposite; of NULL none."""
    found: list[str] = []
    while texts and texts[len(found)] is not None:  # type: ignore[index]
        found.append(os.fsdecode(texts[len(found)]))  # type: ignore[index]
    return found


def taken(text: int | None) -> str | None:
    """A string that the caller is to free."""
    if not text:
        return None
    try:
        return os.fsdecode(ctypes.string_at(text))
    finally:
        library.VSIFree(text)


library = _load()
RELEASE_NAME = library.GDALVersionInfo(b"RELEASE_NAME").decode()
VERSION = tuple(int(part) for part in RELEASE_NAME.split(".")[:2])

# NumPy's types of GDAL's, by their numbers, and the reverse.
DTYPES = {1: np.uint8, 2: np.uint16, 3: np.int16, 4: np.uint32, 5: np.int32, 6: np.float32, 7: np.float64,
          10: np.complex64, 11: np.complex128, 12: np.uint64, 13: np.int64}
if VERSION >= (3, 7):
    DTYPES[14] = np.int8
if VERSION >= (3, 11):
    DTYPES[15] = np.float16
CODES = {np.dtype(dtype): code for code, dtype in DTYPES.items()}


def number_of(function: Callable, *arguments: Any) -> Any:
    """What a function returns that says by its last argument whether there is such a number, or None."""
    there = c_int()
    value = function(*arguments, byref(there))
    return value if there.value else None


def transfer(array: np.ndarray) -> tuple[int, int]:
    """Address and type of pixels."""
    code = CODES.get(array.dtype)
    if code is None:
        raise TypeError(f"pixels: found {array.dtype}, which GDAL {RELEASE_NAME} does not have")
    return array.ctypes.data, code
