"""New files while they are written, in GDAL's classic datasets: rasters of one to three axes. Those of more are
_array_file.ArrayFile."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from typing import Any

import numpy as np

from . import _errors, _facts, _georeference, _reading
from ._gdal import gdal, gdal_array

DRIVERS = {".npy": "NPY", ".b2nd": "B2ND"}

Corner = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a new file is to be, as create() has checked it. Goes to other processes by pickle.

    `axes` has a letter for each axis: Y, X, B (bands) or "." (any other); `dims` their names, which the file
    keeps where it is an `array` (of GDAL's multidimensional API); else it is a raster."""

    path: str
    shape: Corner
    dtype: np.dtype
    axes: str
    dims: tuple[str, ...]
    options: dict[str, str]
    array: bool = False

    @property
    def roles(self) -> tuple[str, ...]:
        return _facts.roles_of(self.axes)

    def length(self, letter: str) -> int:
        """Of the axis of a letter; 1 where there is none."""
        return self.shape[self.axes.index(letter)] if letter in self.axes else 1


class NewFile:
    """One that GDAL has open for writing, to be used by one thread at a time. Its errors are about `path`."""

    def __init__(self, path: str, dataset: Any):
        self.path = path
        self.dataset = dataset

    def layout(self) -> dict[str, str]:
        """GDAL's metadata domain IMAGE_STRUCTURE."""
        raise NotImplementedError

    def describe(self, given: _georeference.Georeference) -> None:
        """What the file says besides values, before these. ValueError for a CRS that GDAL does not know."""
        raise NotImplementedError

    def georeference(self, owner: Any, plan: Plan, given: _georeference.Georeference) -> None:
        """CRS, of which `owner` (of GDAL) is told, and transform, where there are as many lines and pixels."""
        path = self.path
        if given.crs:
            _errors.call(path, owner.SetSpatialRef, _georeference.spatial_reference(path, given.crs))
        if given.transform and given.fits(plan.length("Y"), plan.length("X")):
            a, b, c, d, e, f = given.transform
            _errors.call(path, self.dataset.SetGeoTransform, (c, a, b, f, d, e))

    def write(self, ranges: list[range], box: np.ndarray) -> None:
        """Writes elements, of the file's dtype, at these places of each axis, none of which is empty."""
        raise NotImplementedError

    def take_chunks(self, name: str, start: Corner, stop: Corner) -> None:
        """The chunks of a box become those of the file `name`, of the same plan, which are copied as they
        are."""
        request = json.dumps({"path": name, "start": start, "stop": stop})
        _errors.call(self.path, self.dataset.SetMetadataItem, "TAKE_CHUNKS", request, "B2ND")

    def flush(self) -> None:
        _errors.call(self.path, self.dataset.FlushCache, void=True)

    def close(self) -> None:
        """Once, whether or not it fails."""
        dataset, self.dataset = self.dataset, None
        if hasattr(dataset, "Close"):
            _errors.call(self.path, dataset.Close, void=True)
        else:  # before GDAL 3.8 a dataset is closed when its last name is gone
            _errors.call(self.path, dataset.__swig_destroy__, dataset, void=True)
            dataset.this = None

    def disown(self) -> None:
        """In a process made by fork: the file is the parent's to flush and close."""
        self.dataset.thisown = False


class RasterFile(NewFile):
    def __init__(self, plan: Plan, name: str, warn: bool = True):
        """Makes the file `name`. ValueError and OSError as those of gdal_ndarray.create()."""
        self._plan = plan
        code, more = band_type(plan.path, plan.dtype)
        texts = {**plan.options, "AXES": plan.axes, **more}
        texts.pop("INTERLEAVE", None)
        super().__init__(plan.path, _errors.call(
            plan.path, driver_of(plan.path).Create, name, plan.length("X"), plan.length("Y"), plan.length("B"),
            code, options=as_list(texts), warn=warn))

    def layout(self) -> dict[str, str]:
        return self.dataset.GetMetadata("IMAGE_STRUCTURE")

    def describe(self, given: _georeference.Georeference) -> None:
        path, dataset = self.path, self.dataset
        self.georeference(dataset, self._plan, given)
        for number in range(dataset.RasterCount):
            band = dataset.GetRasterBand(number + 1)
            if given.nodata is not None:
                _errors.call(path, band.SetNoDataValue, given.nodata)
            if len(given.descriptions) == dataset.RasterCount and given.descriptions[number]:
                _errors.call(path, band.SetDescription, given.descriptions[number], void=True)

    def write(self, ranges: list[range], box: np.ndarray) -> None:
        for axis, selected in enumerate(ranges):
            if selected.step < 0:
                ranges = [*ranges[:axis], selected[::-1], *ranges[axis + 1:]]
                box = np.flip(box, axis)
        steps = [axis for axis, selected in enumerate(ranges) if selected.step > 1 and len(selected) > 1]
        last = len(ranges) - 1
        if not steps:
            self._move(True, [selected.start for selected in ranges], box)
            return
        hull = [*(len(selected) for selected in ranges[:-1]), ranges[-1][-1] + 1 - ranges[-1][0]]
        if steps[0] != last:
            self._write_parts(ranges, box, steps[0], 1)
        elif math.prod(hull) * box.itemsize > _reading.MAX_STRIP_BYTES:
            axis = int(np.argmax(hull))
            self._write_parts(ranges, box, axis, -(-len(ranges[axis]) // 2))
        else:  # GDAL has no steps: what is between them is read, and written as it was
            whole = np.empty(hull, box.dtype)
            start = [selected.start for selected in ranges]
            self._move(False, start, whole)
            whole[..., ::ranges[-1].step] = box
            self._move(True, start, whole)

    def _write_parts(self, ranges: list[range], box: np.ndarray, axis: int, length: int) -> None:
        """Cut along an axis."""
        for first in range(0, len(ranges[axis]), length):
            part = slice(first, first + length)
            self.write([*ranges[:axis], ranges[axis][part], *ranges[axis + 1:]],
                       box[(slice(None),) * axis + (part,)])

    def _move(self, writes: bool, start: list[int], box: np.ndarray) -> None:
        """Between the file and elements that begin at `start`, which are side by side along each axis."""
        along = dict(zip(self._plan.axes, start))
        buffer = _reading.transport(_reading.as_planes(positive(box) if writes else box, self._plan.axes))
        assert buffer is not None  # types without a transport cannot be created
        x, y, first = along["X"], along.get("Y", 0), along.get("B", 0)
        if writes and len(buffer) == self.dataset.RasterCount:
            _errors.call(self.path, self.dataset.WriteArray, buffer[0] if len(buffer) == 1 else buffer, x, y)
            return
        for number, plane in enumerate(buffer):
            band = self.dataset.GetRasterBand(first + number + 1)
            if writes:
                _errors.call(self.path, band.WriteArray, plane, x, y)
            else:
                _errors.call(self.path, band.ReadAsArray, x, y, plane.shape[1], plane.shape[0], buf_obj=plane)


def positive(box: np.ndarray) -> np.ndarray:
    """With strides above 0: one of 0, as of what was broadcast, means another thing to GDAL."""
    return np.array(box, order="C") if box.ndim and min(box.strides) <= 0 else box


def as_list(options: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in options.items()]


def driver_of(path: str) -> gdal.Driver:
    """The one that writes files of that name. ValueError for another name, OSError where GDAL does not
    have it, or one of an older version than this package."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in DRIVERS:
        raise ValueError(f"{path}: found a name that ends in {suffix!r}, wanted .npy or .b2nd")
    driver = gdal.GetDriverByName(DRIVERS[suffix])
    if driver is None:
        raise OSError(_errors.no_driver(path, DRIVERS[suffix]))
    if not sidecars(driver):
        raise OSError(f"{path}: the plugin with the driver {DRIVERS[suffix]} is older than this package; "
                      "install both from the same version")
    return driver


def sidecars(driver: gdal.Driver) -> tuple[str, ...]:
    """What the names of files end in that belong to one of the driver's, after its own name."""
    return tuple((driver.GetMetadataItem("SIDECARS", "NDARRAY") or "").split())


def band_type(path: str, dtype: np.dtype) -> tuple[int, dict[str, str]]:
    """GDAL's type, and the creation options that it needs."""
    if dtype == np.int8 and not _facts.HAS_INT8:
        return gdal.GDT_Byte, {"PIXELTYPE": "SIGNEDBYTE"}
    found = gdal_array.NumericTypeCodeToGDALTypeCode(dtype.type)
    if found is None or found == gdal.GDT_Unknown:
        raise ValueError(f"{path}: found {dtype}, wanted a type that GDAL {gdal.__version__} can write")
    return found, {}
