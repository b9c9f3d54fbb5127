"""As much of osgeo's multidimensional API as this package uses (see _capi): the same names, arguments and
results."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_int64, c_size_t, c_uint64, c_void_p
from typing import Any

import numpy as np

from ._capi_reference import SpatialReference
from ._clibrary import as_texts, from_texts, library, number_of, transfer


class _Counted:
    """A handle that is released with its last name; `of` NULL is None."""

    release = ""  # the function's name

    def __init__(self, handle: int):
        self.handle = handle
        self.thisown = True

    @classmethod
    def of(cls, handle: int | None) -> Any:
        return cls(handle) if handle else None

    def __del__(self) -> None:
        if self.thisown:
            getattr(library, self.release)(self.handle)


class ExtendedDataType(_Counted):
    release = "GDALExtendedDataTypeRelease"

    @classmethod
    def Create(cls, code: int) -> ExtendedDataType:
        return cls.of(library.GDALExtendedDataTypeCreate(code))

    @classmethod
    def CreateString(cls) -> ExtendedDataType:
        return cls.of(library.GDALExtendedDataTypeCreateString(0))


class Attribute(_Counted):
    release = "GDALAttributeRelease"

    def GetName(self) -> str:
        return library.GDALAttributeGetName(self.handle).decode()

    def ReadAsString(self) -> str:
        return (library.GDALAttributeReadAsString(self.handle) or b"").decode(errors="replace")

    def WriteString(self, text: str) -> int:
        return 0 if library.GDALAttributeWriteString(self.handle, text.encode()) else 3


class Dimension(_Counted):
    release = "GDALDimensionRelease"

    def GetName(self) -> str:
        return library.GDALDimensionGetName(self.handle).decode()

    def GetType(self) -> str:
        return (library.GDALDimensionGetType(self.handle) or b"").decode()

    def GetSize(self) -> int:
        return library.GDALDimensionGetSize(self.handle)

    def GetIndexingVariable(self) -> MDArray | None:
        return MDArray.of(library.GDALDimensionGetIndexingVariable(self.handle))


class Group(_Counted):
    release = "GDALGroupRelease"

    def GetMDArrayNames(self) -> list[str]:
        return _owned(library.GDALGroupGetMDArrayNames(self.handle, None))

    def GetGroupNames(self) -> list[str]:
        return _owned(library.GDALGroupGetGroupNames(self.handle, None))

    def OpenMDArray(self, name: str) -> MDArray | None:
        return MDArray.of(library.GDALGroupOpenMDArray(self.handle, name.encode(), None))

    def CreateDimension(self, name: str, kind: str, direction: str, size: int) -> Dimension | None:
        return Dimension.of(library.GDALGroupCreateDimension(
            self.handle, name.encode(), kind.encode(), direction.encode(), size, None))

    def CreateMDArray(self, name: str, dimensions: Sequence[Dimension], kind: ExtendedDataType,
                      options: Sequence[str] = ()) -> MDArray | None:
        handles = (c_void_p * len(dimensions))(*(dimension.handle for dimension in dimensions))
        return MDArray.of(library.GDALGroupCreateMDArray(
            self.handle, name.encode(), len(dimensions), handles, kind.handle, as_texts(list(options))))


class MDArray(_Counted):
    release = "GDALMDArrayRelease"

    def GetDimensions(self) -> list[Dimension]:
        count = c_size_t()
        return _each(Dimension, library.GDALMDArrayGetDimensions(self.handle, byref(count)), count.value)

    def GetAttributes(self) -> list[Attribute]:
        count = c_size_t()
        return _each(Attribute, library.GDALMDArrayGetAttributes(self.handle, byref(count), None), count.value)

    def CreateAttribute(self, name: str, sizes: Sequence[int], kind: ExtendedDataType) -> Attribute | None:
        return Attribute.of(library.GDALMDArrayCreateAttribute(
            self.handle, name.encode(), len(sizes), (c_uint64 * len(sizes))(*sizes), kind.handle, None))

    def GetStructuralInfo(self) -> dict[str, str]:
        items = from_texts(library.GDALMDArrayGetStructuralInfo(self.handle))
        return dict(item.split("=", 1) for item in items)

    def GetSpatialRef(self) -> SpatialReference | None:
        handle = library.GDALMDArrayGetSpatialRef(self.handle)
        return SpatialReference(handle) if handle else None

    def SetSpatialRef(self, reference: SpatialReference) -> int:
        return 0 if library.GDALMDArraySetSpatialRef(self.handle, reference.handle) else 3

    def GetNoDataValue(self) -> int | float | None:
        kind = ExtendedDataType(library.GDALMDArrayGetDataType(self.handle))
        function = {12: library.GDALMDArrayGetNoDataValueAsUInt64, 13: library.GDALMDArrayGetNoDataValueAsInt64}.get(
            library.GDALExtendedDataTypeGetNumericDataType(kind.handle), library.GDALMDArrayGetNoDataValueAsDouble)
        return number_of(function, self.handle)

    def SetNoDataValueDouble(self, value: float) -> int:
        return 0 if library.GDALMDArraySetNoDataValueAsDouble(self.handle, value) else 3

    def SetNoDataValueInt64(self, value: int) -> int:
        return 0 if library.GDALMDArraySetNoDataValueAsInt64(self.handle, value) else 3

    def SetNoDataValueUInt64(self, value: int) -> int:
        return 0 if library.GDALMDArraySetNoDataValueAsUInt64(self.handle, value) else 3

    def WriteArray(self, array: np.ndarray, array_start_idx: Sequence[int], array_step: Sequence[int]) -> int:
        return _move(library.GDALMDArrayWrite, self, array, array_start_idx, array_step)


def MDArrayReadAsArray(mdarray: MDArray, array_start_idx: Sequence[int], count: Sequence[int],
                       array_step: Sequence[int], buf_obj: np.ndarray) -> np.ndarray | None:
    if list(buf_obj.shape) != list(count):  # or memory outside it would be used
        raise ValueError(f"elements: found shape {buf_obj.shape}, wanted {tuple(count)}")
    return buf_obj if _move(library.GDALMDArrayRead, mdarray, buf_obj, array_start_idx, array_step) == 0 else None


def _move(function: Any, mdarray: MDArray, array: np.ndarray, start: Sequence[int], step: Sequence[int]) -> int:
    rank = array.ndim
    address, code = transfer(array)
    kind = ExtendedDataType.Create(code)
    strides = (c_int64 * rank)(*(stride // array.itemsize for stride in array.strides))
    done = function(mdarray.handle, (c_uint64 * rank)(*start), (c_size_t * rank)(*array.shape),
                    (c_int64 * rank)(*step), strides, kind.handle, address, None, 0)
    return 0 if done else 3  # CE_Failure


def _each(kind: type, handles: Any, count: int) -> list:
    """Of a list, the caller's like what is in it."""
    try:
        return [kind(handles[number]) for number in range(count)]
    finally:
        library.VSIFree(handles)


def _owned(texts: Any) -> list[str]:
    """Of a list that is the caller's."""
    try:
        return from_texts(texts)
    finally:
        library.CSLDestroy(texts)
