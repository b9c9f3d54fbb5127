"""New arrays of any number of axes while they are written, through GDAL's multidimensional API."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _errors, _georeference
from ._gdal import gdal
from ._new_file import NewFile, Plan, as_list, band_type, driver_of, positive
from ._opened_array import moved_as


class ArrayFile(NewFile):
    """A new file of one array."""

    def __init__(self, plan: Plan, name: str, warn: bool = True):
        """Makes the file `name`. ValueError and OSError as those of gdal_ndarray.create()."""
        path = plan.path
        self._plan = plan
        code, more = band_type(path, plan.dtype)
        super().__init__(path, _errors.call(path, driver_of(path).CreateMultiDimensional, name,
                                            options=as_list(plan.options), warn=warn))
        group = self.dataset.GetRootGroup()
        types = {"Y": "HORIZONTAL_Y", "X": "HORIZONTAL_X"}
        dimensions = [_errors.call(path, group.CreateDimension, dim, types.get(letter, ""), "", length)
                      for dim, letter, length in zip(plan.dims, plan.axes, plan.shape)]
        # Of no name in the file; one that a dimension has is of its positions.
        array = "array" if "array" not in plan.dims else max(plan.dims, key=len) + "_"
        self._array = _errors.call(path, group.CreateMDArray, array, dimensions,
                                   gdal.ExtendedDataType.Create(code), as_list(more), warn=warn)
        self._group: Any = group
        self._dimensions: Any = dimensions

    def layout(self) -> dict[str, str]:
        return self._array.GetStructuralInfo()

    def describe(self, given: _georeference.Georeference) -> None:
        path, array = self.path, self._array
        self.georeference(array, self._plan, given)
        if given.nodata is not None:
            kind = {np.dtype(np.int64): "Int64", np.dtype(np.uint64): "UInt64"}.get(self._plan.dtype, "Double")
            _errors.call(path, getattr(array, f"SetNoDataValue{kind}"), given.nodata)
        # Lines and pixels have the transform, if there is one or it was taken away.
        has_transform = given.transform is not None or given.lines is None
        for dim, letter, dimension in zip(self._plan.dims, self._plan.axes, self._dimensions):
            values, texts = given.coordinates.get(dim, (np.empty(0), {}))
            if len(values) == dimension.GetSize() and not (letter in "YX" and has_transform):
                self._place(dim, dimension, values, texts)

    def _place(self, dim: str, dimension: Any, values: np.ndarray, texts: dict[str, str]) -> None:
        """Positions along an axis."""
        variable = _errors.call(self.path, self._group.CreateMDArray, dim, [dimension],
                                gdal.ExtendedDataType.Create(gdal.GDT_Float64))
        _errors.call(self.path, variable.WriteArray, values, [0], [1])
        for name, text in texts.items():
            attribute = _errors.call(self.path, variable.CreateAttribute, name, [],
                                     gdal.ExtendedDataType.CreateString())
            _errors.call(self.path, attribute.WriteString, text)

    def write(self, ranges: list[range], box: np.ndarray) -> None:
        _errors.call(self.path, self._array.WriteArray, positive(box.astype(moved_as(box.dtype), copy=False)),
                     [selected.start for selected in ranges],
                     [selected.step if len(selected) > 1 else 1 for selected in ranges])

    def close(self) -> None:
        self._array = self._group = self._dimensions = None
        super().close()

    def disown(self) -> None:
        for one in (self._array, self._group, *self._dimensions):
            one.thisown = False
        super().disown()
