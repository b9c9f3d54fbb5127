"""As much of osgeo's modules gdal, gdal_array and osr as this package uses, for Pythons without them: the same
names, arguments and results (None or a number where a call fails), over GDAL's C API."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from ctypes import byref, c_int
from typing import Any

import numpy as np

from ._capi_multidim import ExtendedDataType, Group, MDArrayReadAsArray  # noqa: F401
from ._capi_reference import SpatialReference
from ._clibrary import CODES, DTYPES, HANDLER, VERSION, as_texts, from_texts, library, number_of, taken, transfer
from ._clibrary import RELEASE_NAME as __version__  # noqa: F401

CE_Warning, CE_Failure = 2, 3
CPLE_AppDefined, CPLE_OutOfMemory, CPLE_OpenFailed, CPLE_IllegalArg, CPLE_NotSupported = 1, 2, 4, 5, 6
CPLE_UserInterrupt, CPLE_ObjectNull = 9, 10
OF_RASTER, OF_UPDATE, OF_MULTIDIM_RASTER, OF_VERBOSE_ERROR = 2, 1, 0x10, 0x40
OAMS_TRADITIONAL_GIS_ORDER = 0
GDT_Unknown, GDT_Byte, GDT_Float64 = 0, 1, 7
_READ, _WRITE = 0, 1

if VERSION >= (3, 7):
    GDT_Int8 = 14
if VERSION >= (3, 10):
    OF_THREAD_SAFE = 0x800
if VERSION >= (3, 11):
    GDT_Float16 = 15
_OF_COMPLEX_INTEGERS = {8: np.complex64, 9: np.complex64, 16: np.complex64}


def GDALTypeCodeToNumericTypeCode(code: int) -> Any:
    return DTYPES.get(code) or _OF_COMPLEX_INTEGERS.get(code)


def NumericTypeCodeToGDALTypeCode(dtype: Any) -> int | None:
    return CODES.get(np.dtype(dtype))


# --- errors and options

_handlers = threading.local()


def PushErrorHandler(handler: Callable[[int, int, str], Any] | str) -> int:
    def call(level: int, number: int, text: bytes) -> None:
        if callable(handler):
            handler(level, number, text.decode(errors="replace"))
    if not hasattr(_handlers, "stack"):
        _handlers.stack = []
    _handlers.stack.append(HANDLER(call))  # GDAL keeps no reference
    library.CPLPushErrorHandlerEx(_handlers.stack[-1], None)
    return 0


def PopErrorHandler() -> None:
    library.CPLPopErrorHandler()
    _handlers.stack.pop()


def GetConfigOption(name: str, otherwise: str | None = None) -> str | None:
    value = library.CPLGetConfigOption(name.encode(), None)
    return otherwise if value is None else value.decode()


def VersionInfo(what: str = "VERSION_NUM") -> str:
    return library.GDALVersionInfo(what.encode()).decode()


def AllRegister() -> None:
    library.GDALAllRegister()


def GetDriverCount() -> int:
    return library.GDALGetDriverCount()


# --- virtual files


def VSIStatL(path: str) -> None:
    """Nothing is known of virtual files."""


def Unlink(path: str) -> int:
    return library.VSIUnlink(_path(path))


def VSIFOpenL(path: str, mode: str) -> int | None:
    return library.VSIFOpenL(_path(path), mode.encode())


def VSIFSeekL(file: int, offset: int, whence: int) -> int:
    return library.VSIFSeekL(file, offset, whence)


def VSIFTellL(file: int) -> int:
    return library.VSIFTellL(file)


def VSIFReadL(size_bytes: int, count: int, file: int) -> bytes:
    buffer = ctypes.create_string_buffer(size_bytes * count)
    return buffer.raw[:size_bytes * library.VSIFReadL(buffer, size_bytes, count, file)]


def VSIFCloseL(file: int) -> int:
    return library.VSIFCloseL(file)


# --- drivers and datasets


def GetDriverByName(name: str) -> Driver | None:
    return Driver.of(library.GDALGetDriverByName(name.encode()))


def IdentifyDriver(path: str) -> Driver | None:
    return Driver.of(library.GDALIdentifyDriver(_path(path), None))


def OpenEx(path: str, flags: int = 0, open_options: Sequence[str] = ()) -> Dataset | None:
    return Dataset.of(library.GDALOpenEx(_path(path), flags, None, as_texts(list(open_options)), None))


def Info(path: str, options: list[str]) -> str | None:
    dataset = OpenEx(path, OF_RASTER | OF_VERBOSE_ERROR)
    if dataset is None:
        return None
    parsed = library.GDALInfoOptionsNew(as_texts(options), None)
    try:
        return taken(library.GDALInfo(dataset.handle, parsed)) if parsed else None
    finally:
        library.GDALInfoOptionsFree(parsed)


def Translate(target: str, source: str, options: list[str]) -> Dataset | None:
    dataset = OpenEx(source, OF_RASTER | OF_VERBOSE_ERROR)
    parsed = library.GDALTranslateOptionsNew(as_texts(options), None) if dataset else None
    try:
        return Dataset.of(library.GDALTranslate(_path(target), dataset.handle, parsed, byref(c_int()))) \
            if dataset and parsed else None
    finally:
        library.GDALTranslateOptionsFree(parsed)


def _path(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


class _Object:
    """A handle of the C API; `of` NULL is None."""

    def __init__(self, handle: int):
        self.handle = handle

    @classmethod
    def of(cls, handle: int | None, *more: Any) -> Any:
        return cls(handle, *more) if handle else None

    def GetDescription(self) -> str:
        return library.GDALGetDescription(self.handle).decode()

    def GetMetadata(self, domain: str = "") -> dict[str, str]:
        items = from_texts(library.GDALGetMetadata(self.handle, domain.encode()))
        return dict(item.split("=", 1) for item in items if "=" in item)

    def GetMetadataItem(self, name: str, domain: str = "") -> str | None:
        value = library.GDALGetMetadataItem(self.handle, name.encode(), domain.encode())
        return None if value is None else value.decode()

    def SetMetadataItem(self, name: str, value: str, domain: str = "") -> int:
        return library.GDALSetMetadataItem(self.handle, name.encode(), value.encode(), domain.encode())


class Driver(_Object):
    @property
    def ShortName(self) -> str:
        return library.GDALGetDriverShortName(self.handle).decode()

    def Create(self, path: str, width: int, height: int, bands: int, code: int,
               options: Sequence[str] = ()) -> Dataset | None:
        return Dataset.of(library.GDALCreate(self.handle, _path(path), width, height, bands, code,
                                             as_texts(list(options))))

    def CreateMultiDimensional(self, path: str, options: Sequence[str] = ()) -> Dataset | None:
        return Dataset.of(library.GDALCreateMultiDimensional(self.handle, _path(path), None,
                                                             as_texts(list(options))))


class Dataset(_Object):
    thisown = True  # closed with its last name

    def __del__(self) -> None:
        if self.thisown:
            self.Close()

    def Close(self) -> None:
        handle, self.handle = self.handle, 0
        if handle:
            library.GDALClose(handle)

    def FlushCache(self) -> None:
        library.GDALFlushCache(self.handle)

    @property
    def RasterCount(self) -> int:
        return library.GDALGetRasterCount(self.handle)

    @property
    def RasterXSize(self) -> int:
        return library.GDALGetRasterXSize(self.handle)

    @property
    def RasterYSize(self) -> int:
        return library.GDALGetRasterYSize(self.handle)

    def GetDriver(self) -> Driver:
        return Driver(library.GDALGetDatasetDriver(self.handle))

    def GetRootGroup(self) -> Group | None:
        return Group.of(library.GDALDatasetGetRootGroup(self.handle))

    def GetRasterBand(self, number: int) -> Band | None:
        return Band.of(library.GDALGetRasterBand(self.handle, number), self)

    def GetFileList(self) -> list[str] | None:
        files = library.GDALGetFileList(self.handle)
        try:
            return from_texts(files) or None
        finally:
            library.CSLDestroy(files)

    def GetSubDatasets(self) -> list[tuple[str, str]]:
        items = self.GetMetadata("SUBDATASETS")
        return [(items[f"SUBDATASET_{number}_NAME"], items.get(f"SUBDATASET_{number}_DESC", ""))
                for number in range(1, len(items) + 1) if f"SUBDATASET_{number}_NAME" in items]

    def GetGeoTransform(self, can_return_null: bool = False) -> tuple[float, ...] | None:
        six = (ctypes.c_double * 6)()
        failed = library.GDALGetGeoTransform(self.handle, six) != 0
        return None if failed and can_return_null else tuple(six)

    def SetGeoTransform(self, six: Sequence[float]) -> int:
        return library.GDALSetGeoTransform(self.handle, (ctypes.c_double * 6)(*six))

    def GetSpatialRef(self) -> SpatialReference | None:
        reference = library.GDALGetSpatialRef(self.handle)
        return SpatialReference(library.OSRClone(reference)) if reference else None

    def SetSpatialRef(self, reference: SpatialReference) -> int:
        return library.GDALSetSpatialRef(self.handle, reference.handle)

    def ReadAsArray(self, x: int, y: int, width: int, height: int, buf_obj: np.ndarray,
                    band_list: list[int] | None = None) -> np.ndarray | None:
        return buf_obj if self._move(_READ, x, y, width, height, buf_obj, band_list) == 0 else None

    def WriteArray(self, pixels: np.ndarray, x: int = 0, y: int = 0) -> int:
        planes = pixels if pixels.ndim == 3 else pixels[np.newaxis]
        return self._move(_WRITE, x, y, planes.shape[2], planes.shape[1], planes, None)

    def _move(self, direction: int, x: int, y: int, width: int, height: int, planes: np.ndarray,
              bands: list[int] | None) -> int:
        numbers = bands or range(1, self.RasterCount + 1)
        if planes.shape != (len(numbers), height, width):  # or memory outside it would be used
            raise ValueError(f"pixels: found shape {planes.shape}, wanted {(len(numbers), height, width)}")
        address, code = transfer(planes)
        band_step, line_step, pixel_step = planes.strides
        return library.GDALDatasetRasterIOEx(
            self.handle, direction, x, y, width, height, address, width, height, code, len(numbers),
            (c_int * len(numbers))(*numbers), pixel_step, line_step, band_step, None)


class Band(_Object):
    def __init__(self, handle: int, dataset: Dataset):
        super().__init__(handle)
        self._dataset = dataset  # which lives as long as this

    @property
    def DataType(self) -> int:
        return library.GDALGetRasterDataType(self.handle)

    def SetDescription(self, text: str) -> None:
        library.GDALSetDescription(self.handle, text.encode())

    def GetBlockSize(self) -> list[int]:
        width, height = c_int(), c_int()
        library.GDALGetBlockSize(self.handle, byref(width), byref(height))
        return [width.value, height.value]

    def GetUnitType(self) -> str:
        return (library.GDALGetRasterUnitType(self.handle) or b"").decode()

    def GetScale(self) -> float | None:
        return number_of(library.GDALGetRasterScale, self.handle)

    def GetOffset(self) -> float | None:
        return number_of(library.GDALGetRasterOffset, self.handle)

    def GetNoDataValue(self) -> int | float | None:
        function = {12: library.GDALGetRasterNoDataValueAsUInt64,
                    13: library.GDALGetRasterNoDataValueAsInt64}.get(self.DataType,
                                                                      library.GDALGetRasterNoDataValue)
        return number_of(function, self.handle)

    def SetNoDataValue(self, value: int | float) -> int:
        if self.DataType == 12:
            return library.GDALSetRasterNoDataValueAsUInt64(self.handle, int(value))
        if self.DataType == 13:
            return library.GDALSetRasterNoDataValueAsInt64(self.handle, int(value))
        return library.GDALSetRasterNoDataValue(self.handle, float(value))

    def ReadAsArray(self, x: int, y: int, width: int, height: int, buf_obj: np.ndarray) -> np.ndarray | None:
        return buf_obj if self._move(_READ, x, y, width, height, buf_obj) == 0 else None

    def WriteArray(self, pixels: np.ndarray, x: int = 0, y: int = 0) -> int:
        return self._move(_WRITE, x, y, pixels.shape[1], pixels.shape[0], pixels)

    def _move(self, direction: int, x: int, y: int, width: int, height: int, pixels: np.ndarray) -> int:
        if pixels.shape != (height, width):
            raise ValueError(f"pixels: found shape {pixels.shape}, wanted {(height, width)}")
        address, code = transfer(pixels)
        line_step, pixel_step = pixels.strides
        return library.GDALRasterIOEx(self.handle, direction, x, y, width, height, address, width, height,
                                      code, pixel_step, line_step, None)
