"""What the header of a file says, as it is when the file is opened: no pixels, no handles.

A raster is shown as the array that is in the file: of `.npy` and `.b2nd` the file's own axes in their
order; of every other raster (y, x), or (band, y, x) where it has several bands.
"""

from __future__ import annotations

import ast
import dataclasses
from typing import Any

import numpy as np
from . import _errors
from ._dataset import Handles, Options
from ._gdal import gdal, gdal_array

OURS = ("NPY", "B2ND")
DIMS = {"B": "band", "Y": "y", "X": "x"}
HAS_INT8 = hasattr(gdal, "GDT_Int8")
GRANULE_BYTES = 256 << 10
HAS_FLOAT16 = hasattr(gdal, "GDT_Float16")


@dataclasses.dataclass(frozen=True)
class Facts:
    """`axes` has a letter (B, Y, X) for each of the last axes; `stack` are the sizes of those before
    them, which are subdatasets to GDAL. Where an array is read by GDAL's multidimensional API there is no
    stack, and "." in `axes` stands for what is none of these. `shape`, `chunks` and `dims` have all axes, in
    array order."""

    driver: str
    shape: tuple[int, ...]
    dtype: np.dtype
    chunks: tuple[int, ...]
    axes: str
    stack: tuple[int, ...]
    bands: int
    crs: str | None  # WKT2
    transform: tuple[float, ...] | None  # a, b, c, d, e, f: x = a column + b line + c, y = ...
    nodata: int | float | None
    layout: dict[str, str]  # GDAL's metadata domain IMAGE_STRUCTURE
    names: tuple[str, ...] = ()  # of the axes, where the file has some and they are more than three

    @property
    def dims(self) -> tuple[str, ...]:
        return self.names or self.roles

    @property
    def roles(self) -> tuple[str, ...]:
        """What axes are to a raster, whatever they are called: "y", "x", "band", and "axis_0" and so on."""
        return roles_of("." * len(self.stack) + self.axes)

    @property
    def is_array(self) -> bool:
        """Whether it is read by the multidimensional API."""
        return not self.stack and len(self.axes) > 3

    @property
    def is_raster(self) -> bool:
        """Whether it is one dataset with bands."""
        return not self.stack and not self.is_array

    @property
    def is_records(self) -> bool:
        return self.layout.get("DTYPE", "").startswith("[") and self.driver in OURS


def roles_of(axes: str) -> tuple[str, ...]:
    return tuple(DIMS.get(letter, f"axis_{axis}") for axis, letter in enumerate(axes))


def axes_of_shape(shape: tuple[int, ...]) -> str:
    """As the drivers take them where nobody says which: (pixels), (lines, pixels), (bands, lines, pixels), or
    (lines, pixels, bands) where the last of three has at most 4 elements and the first more."""
    if len(shape) < 3:
        return "YX"[-len(shape):]
    return "." * (len(shape) - 3) + ("YXB" if shape[-1] <= 4 < shape[-3] else "BYX")


def axes_of_names(dims: tuple[str, ...]) -> str | None:
    """By names that mean lines and pixels; the axis of bands is left out. None where there are none."""
    for y, x in (("y", "x"), ("latitude", "longitude"), ("lat", "lon")):
        if y in dims and x in dims:
            return "".join({y: "Y", x: "X"}.get(dim, ".") for dim in dims)
    return None


def part_name(driver: str, path: str, index: tuple[int, ...]) -> str:
    """The dataset of one part of a stack."""
    quoted = path.replace('"', '\\"')
    return f'{driver}:"{quoted}":{",".join(map(str, index))}'


def facts_of(handles: Handles, options: Options) -> Facts:
    """Reads them. ValueError for a file of several rasters that are no stack, naming them."""
    path = handles.path
    dataset = handles.header()
    driver = dataset.GetDriver().ShortName
    layout = dataset.GetMetadata("IMAGE_STRUCTURE") or {}
    if driver in OURS and any(name == "OVERVIEW_LEVEL" for name, _ in options):
        layout = _layout_of_overview(path, options, driver)
    if dataset.RasterCount > 0:
        return _facts(path, dataset, driver, layout, ())
    if driver not in OURS or "SHAPE" not in layout:
        names = [name for name, _ in dataset.GetSubDatasets()]
        raise ValueError(f"{path}: has no bands of its own; open one of its subdatasets: {names}"
                         if names else f"{path}: has no bands")
    shape = ast.literal_eval(layout["SHAPE"])
    if not layout["DTYPE"].startswith("[") and (opened := handles.arrays().header()) is not None:
        return _facts_of_array(path, opened, driver, shape, dict(options))
    stack = shape[:-3]
    part = Handles(part_name(driver, path, (0,) * len(stack)), options, driver).header()
    return _facts(path, part, driver, part.GetMetadata("IMAGE_STRUCTURE"), stack)


def _facts_of_array(path: str, opened: Any, driver: str, shape: tuple[int, ...],
                    options: dict[str, str]) -> Facts:
    layout = opened.layout()
    names, types = opened.dimensions()
    if names == tuple(f"dim_{axis}" for axis in range(len(shape))):
        names = ()  # what GDAL shows where the file has none
    rule = options.get("AXES", "").upper() or axes_of_shape(shape)
    axes = axes_of_names(names) or "." * (len(shape) - len(rule)) + rule
    if "HORIZONTAL_Y" in types and "HORIZONTAL_X" in types:
        letters = {"HORIZONTAL_Y": "Y", "HORIZONTAL_X": "X"}
        axes = "".join(letters.get(kind, "." if letter in "YX" else letter) for kind, letter in zip(types, axes))
    dtype = np.dtype(layout["DTYPE"]).newbyteorder("=")
    chunks = ast.literal_eval(layout["CHUNKS"]) if "CHUNKS" in layout else _granule(shape, dtype, layout["ORDER"])
    return Facts(
        driver=driver, shape=shape, dtype=dtype, chunks=tuple(min(pair) for pair in zip(chunks, shape)), axes=axes,
        stack=(), bands=1, crs=_wkt_of(path, opened.spatial_reference()),
        transform=_in_our_order(opened.geotransform()), nodata=_scalar(opened.nodata(), dtype), layout=layout,
        names=names)


def _granule(shape: tuple[int, ...], dtype: np.dtype, order: str) -> tuple[int, ...]:
    """Elements of a `.npy` that lie together, as many as the driver's blocks of a raster have."""
    left = max(GRANULE_BYTES // dtype.itemsize, 1)
    sides = [1] * len(shape)
    for axis in range(len(shape)) if order == "F" else reversed(range(len(shape))):
        sides[axis] = min(shape[axis], left)
        left //= sides[axis]
    return tuple(sides)


def _layout_of_overview(path: str, options: Options, driver: str) -> dict[str, str]:
    """Axes and type of the file, which its overviews share; not what is about its pixels' place there."""
    others = tuple((name, value) for name, value in options if name != "OVERVIEW_LEVEL")
    layout = Handles(path, others, driver).header().GetMetadata("IMAGE_STRUCTURE") or {}
    return {name: value for name, value in layout.items() if name in ("AXES", "DTYPE", "INTERLEAVE")}


def _facts(path: str, dataset: gdal.Dataset, driver: str, layout: dict[str, str],
           stack: tuple[int, ...]) -> Facts:
    bands = [dataset.GetRasterBand(number + 1) for number in range(dataset.RasterCount)]
    axes = layout.get("AXES", "") if driver in OURS else ""
    if not axes or (len(bands) > 1 and "B" not in axes):  # records have a band for each field
        axes = "BYX" if len(bands) > 1 else "YX"
    lengths = {"B": len(bands), "Y": dataset.RasterYSize, "X": dataset.RasterXSize}
    block_x, block_y = bands[0].GetBlockSize()
    together = layout.get("INTERLEAVE") in ("PIXEL", "LINE")
    chunk = {"B": len(bands) if together else 1, "Y": block_y, "X": block_x}
    shape = tuple(lengths[axis] for axis in axes)
    chunks = tuple(chunk[axis] for axis in axes)
    if "CHUNKS" in layout and driver in OURS:
        stored = ast.literal_eval(layout["CHUNKS"])
        chunks = stored[len(stored) - len(axes):]
        stack_chunks = stored[:len(stack)]
    else:
        stack_chunks = (1,) * len(stack)
    reference = dataset.GetSpatialRef()
    dtype = _dtype(driver, layout, bands)
    return Facts(
        driver=driver, shape=stack + shape, dtype=dtype,
        chunks=tuple(min(pair) for pair in zip((*stack_chunks, *chunks), stack + shape)),
        axes=axes, stack=stack, bands=len(bands),
        crs=_wkt_of(path, reference),
        transform=_in_our_order(dataset.GetGeoTransform(can_return_null=True)),
        nodata=_scalar(bands[0].GetNoDataValue(), dtype), layout=dict(layout))


def _wkt_of(path: str, reference: Any) -> str | None:
    return _errors.call(path, reference.ExportToWkt, ["FORMAT=WKT2_2019"]) if reference else None


def _in_our_order(six: tuple[float, ...] | None) -> tuple[float, ...] | None:
    return tuple(six[i] for i in (1, 2, 0, 4, 5, 3)) if six else None


def _dtype(driver: str, layout: dict[str, str], bands: list[gdal.Band]) -> np.dtype:
    """Of the elements of the file in this machine's byte order, or one that holds those of all bands."""
    if driver in OURS and not layout.get("DTYPE", "[").startswith("["):
        return np.dtype(layout["DTYPE"]).newbyteorder("=")
    return np.result_type(*{_band_dtype(band) for band in bands})


def _band_dtype(band: gdal.Band) -> np.dtype:
    if not HAS_INT8 and band.GetMetadataItem("PIXELTYPE", "IMAGE_STRUCTURE") == "SIGNEDBYTE":
        return np.dtype(np.int8)
    return np.dtype(gdal_array.GDALTypeCodeToNumericTypeCode(band.DataType))


def _scalar(value: Any, dtype: np.dtype) -> int | float | None:
    if value is not None and dtype.kind in "iub" and value == value and float(value).is_integer():
        return int(value)
    return value
