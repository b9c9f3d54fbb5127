"""An array that GDAL's multidimensional API has opened for reading."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _errors
from ._gdal import gdal, gdal_array


class OpenedArray:
    """The one array of a file. To be used by one thread at a time."""

    def __init__(self, path: str, dataset: Any, group: Any, array: Any):
        self._path = path
        self._dataset = dataset
        self._group = group
        self._array = array

    @classmethod
    def of(cls, path: str, dataset: Any) -> OpenedArray | None:
        """None where the file has other arrays, or groups."""
        group = dataset.GetRootGroup()
        names = group.GetMDArrayNames() or []
        array = group.OpenMDArray(names[0]) if names and not group.GetGroupNames() else None
        if array is None or not set(names[1:]) <= {dimension.GetName() for dimension in array.GetDimensions()}:
            return None
        return cls(path, dataset, group, array)

    def layout(self) -> dict[str, str]:
        """GDAL's metadata domain IMAGE_STRUCTURE."""
        return dict(self._array.GetStructuralInfo())

    def dimensions(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Their names, and their types ("HORIZONTAL_X" ...)."""
        dimensions = self._array.GetDimensions()
        return (tuple(dimension.GetName() for dimension in dimensions),
                tuple(dimension.GetType() for dimension in dimensions))

    def coordinates(self) -> dict[str, tuple[np.ndarray, dict[str, str]]]:
        """Positions along axes, by their names, with attributes that are texts; where the file has some."""
        found = {}
        for dimension in self._array.GetDimensions():
            variable = dimension.GetIndexingVariable()
            if variable is not None:
                values = np.empty(dimension.GetSize(), np.float64)
                _errors.call(self._path, gdal_array.MDArrayReadAsArray, variable, [0], [len(values)], [1],
                             buf_obj=values)
                texts = {attribute.GetName(): attribute.ReadAsString() for attribute in variable.GetAttributes()}
                found[dimension.GetName()] = values, texts
        return found

    def spatial_reference(self) -> Any:
        return self._array.GetSpatialRef()

    def geotransform(self) -> tuple[float, ...] | None:
        """GDAL's, of the axes x and y."""
        return self._dataset.GetGeoTransform(can_return_null=True)

    def nodata(self) -> int | float | None:
        return self._array.GetNoDataValue()

    def read(self, ranges: list[range], out: np.ndarray) -> None:
        """Reads the elements at these places of each axis, none of which is empty. `out` has their shape, any
        strides, and the file's dtype."""
        values = out.view(np.uint8) if out.dtype == np.bool_ else out
        moved = moved_as(values.dtype)
        fits = moved == values.dtype and not any(stride % values.itemsize for stride in values.strides)
        target = values if fits else np.empty(out.shape, moved)
        _errors.call(self._path, gdal_array.MDArrayReadAsArray, self._array,
                     [selected.start for selected in ranges], list(out.shape),
                     [selected.step if len(selected) > 1 else 1 for selected in ranges], buf_obj=target)
        if not fits:
            values[...] = target


def moved_as(dtype: np.dtype) -> np.dtype:
    """The type that this version of GDAL has for elements of that type."""
    if dtype == np.int8 and not hasattr(gdal, "GDT_Int8"):
        return np.dtype(np.int16)
    return np.dtype(np.float32) if dtype == np.float16 and not hasattr(gdal, "GDT_Float16") else dtype
