"""New datasets and the pixels of their windows, from memory whose axes are those of the file."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterator

import numpy as np

from . import _errors, _facts, _reading
from ._gdal import gdal, gdal_array

DRIVERS = {".npy": "NPY", ".b2nd": "B2ND"}

Corner = tuple[int, ...]


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


def create(name: str, path: str, shape: Corner, dtype: np.dtype, axes: str,
           options: dict[str, str], warn: bool = True) -> gdal.Dataset:
    """A new dataset of that name, for the file `path` in messages. ValueError and OSError as those of
    gdal_ndarray.create()."""
    driver = driver_of(path)
    sizes = dict(zip(axes, shape))
    texts = {**options, "AXES": axes}
    texts.pop("INTERLEAVE", None)
    band_type, more = _band_type(path, dtype)
    return _errors.call(
        path, driver.Create, name, sizes["X"], sizes.get("Y", 1), sizes.get("B", 1), band_type,
        options=[f"{option}={value}" for option, value in {**texts, **more}.items()], warn=warn)


def write(path: str, dataset: gdal.Dataset, axes: str, start: Corner, box: np.ndarray) -> None:
    """Writes a box of elements of the dataset's type."""
    if box.ndim and min(box.strides) <= 0:  # a stride of 0, as of what was broadcast, means another thing to GDAL
        box = np.array(box, order="C")
    along = dict(zip(axes, start))
    buffer = _reading.transport(_reading.as_planes(box, axes))
    assert buffer is not None  # types without a transport cannot be created
    x, y, first = along["X"], along.get("Y", 0), along.get("B", 0)
    if len(buffer) == dataset.RasterCount:
        whole = buffer[0] if len(buffer) == 1 else buffer
        _errors.call(path, dataset.WriteArray, whole, x, y)
        return
    for number, plane in enumerate(buffer):
        _errors.call(path, dataset.GetRasterBand(first + number + 1).WriteArray, plane, x, y)


def close(path: str, dataset: gdal.Dataset) -> int:
    if hasattr(dataset, "Close"):
        _errors.call(path, dataset.Close, void=True)
    else:  # before GDAL 3.8 a dataset is closed when its last name is gone
        _errors.call(path, dataset.__swig_destroy__, dataset, void=True)
        dataset.this = None
    return 0


@contextlib.contextmanager
def compressed(path: str, shape: Corner, dtype: np.dtype, axes: str, options: dict[str, str],
               start: Corner, box: np.ndarray) -> Iterator[str]:
    """The name of a `.b2nd` in memory with the shape and options of the file `path`, in which only that
    box is written: whole chunks. Gone afterwards."""
    name = f"/vsimem/gdal_ndarray/{uuid.uuid4().hex}.b2nd"
    try:
        dataset = create(name, path, shape, dtype, axes, options, warn=False)
        write(path, dataset, axes, start, box)
        _errors.call(path, dataset.FlushCache, void=True)
        close(path, dataset)
        yield name
    finally:
        gdal.Unlink(name)


def content(name: str) -> bytes:
    """Of a file of GDAL's."""
    file = gdal.VSIFOpenL(name, "rb")
    try:
        gdal.VSIFSeekL(file, 0, os.SEEK_END)
        size_bytes = gdal.VSIFTellL(file)
        gdal.VSIFSeekL(file, 0, os.SEEK_SET)
        return gdal.VSIFReadL(1, size_bytes, file)
    finally:
        gdal.VSIFCloseL(file)


def take_chunks(path: str, dataset: gdal.Dataset, name: str, start: Corner, stop: Corner) -> None:
    """The chunks of a box become those of the file `name`, of the same shape and options, which are
    copied as they are."""
    request = json.dumps({"path": name, "start": start, "stop": stop})
    _errors.call(path, dataset.SetMetadataItem, "TAKE_CHUNKS", request, "B2ND")


def write_bytes(file: int, offset: int, shape: Corner, start: Corner, box: np.ndarray) -> None:
    """Writes a box of an array in C order, from byte `offset` of an open file on. No byte of another
    element is read or written, so that others may write theirs at the same time, from any computer."""
    axis = box.ndim - 1
    while axis > 0 and box.shape[axis] == shape[axis]:
        axis -= 1
    strides = [int(np.prod(shape[after + 1:], dtype=np.int64)) * box.itemsize for after in range(box.ndim)]
    offsets = np.array([offset + start[axis] * strides[axis]])
    for before in range(axis):
        steps = (start[before] + np.arange(box.shape[before])) * strides[before]
        offsets = (offsets[:, None] + steps).ravel()
    rows = np.ascontiguousarray(box).reshape(len(offsets), -1).view(np.uint8)
    for at, row in zip(offsets.tolist(), rows):
        done = 0
        while done < len(row):
            done += os.pwrite(file, row[done:], at + done)


def _band_type(path: str, dtype: np.dtype) -> tuple[int, dict[str, str]]:
    """GDAL's type, and the creation options that it needs."""
    if dtype == np.int8 and not _facts.HAS_INT8:
        return gdal.GDT_Byte, {"PIXELTYPE": "SIGNEDBYTE"}
    found = gdal_array.NumericTypeCodeToGDALTypeCode(dtype.type)
    if found is None or found == gdal.GDT_Unknown:
        raise ValueError(f"{path}: found {dtype}, wanted a type that GDAL {gdal.__version__} can write")
    return found, {}
