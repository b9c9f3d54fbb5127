"""DataArrays of files, and the engine "gdal_ndarray" of xarray.open_dataset."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from . import _errors
from ._gdal import osr
from .array import Array
from .array import open as open_array

NAME = "band_data"  # of the variable of a Dataset, as of rioxarray's engine


def data_array(image: Array, chunks: Any = None) -> xarray.DataArray:
    """Array.xarray."""
    return _dataset(image, chunks)[NAME]  # a DataArray made of a lazy variable would read it


def _dataset(image: Array, chunks: Any) -> xarray.Dataset:
    return xarray.Dataset({NAME: _variable(image, chunks)}, coords=_coordinates(image))


def _variable(image: Array, chunks: Any) -> xarray.Variable:
    data = indexing.LazilyIndexedArray(_LazyArray(image)) if chunks is None else image.dask(chunks)
    variable = xarray.Variable(image.dims, data, _attributes(image))
    variable.encoding = {"grid_mapping": "spatial_ref", "source": image.path,
                         "preferred_chunks": dict(zip(image.dims, image.chunks)),
                         "dtype": image.dtype}
    return variable


class _LazyArray(BackendArray):
    """What xarray reads through. Threads may share it."""

    def __init__(self, image: Array):
        self.image = image
        self.shape = image.shape
        self.dtype = image.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        # What xarray 2023.01 makes of slices with negative steps begins at another place.
        if isinstance(key, indexing.BasicIndexer):
            return self.image[key.tuple]
        if isinstance(key, indexing.OuterIndexer):
            key = indexing.OuterIndexer(tuple(
                np.arange(*part.indices(length)) if isinstance(part, slice) and (part.step or 1) < 0 else part
                for part, length in zip(key.tuple, self.shape)))
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self.image.__getitem__)


def _attributes(image: Array) -> dict[str, Any]:
    """Metadata items, and those of the bands under the names of CF; several values where bands differ."""
    dataset = image.header() if image.facts.is_raster else None
    attributes: dict[str, Any] = {}
    if dataset is not None:
        attributes.update(dataset.GetMetadata() or {})
        bands = [dataset.GetRasterBand(number + 1) for number in range(image.facts.bands)]
        for name, values, absent in (
                ("long_name", [band.GetDescription() for band in bands], ""),
                ("units", [band.GetUnitType() for band in bands], ""),
                ("scale_factor", [band.GetScale() for band in bands], 1.0),
                ("add_offset", [band.GetOffset() for band in bands], 0.0)):
            values = [absent if value is None else value for value in values]
            if set(values) == {absent}:
                continue
            # CF's scale is one number: rioxarray's names for several.
            name = {"scale_factor": "scales", "add_offset": "offsets"}.get(name, name) \
                if len(set(values)) > 1 else name
            attributes[name] = values[0] if len(set(values)) == 1 else tuple(values)
    if image.nodata is not None:
        attributes["_FillValue"] = image.dtype.type(image.nodata) if image.dtype.kind in "iufc" \
            else image.nodata
    return attributes


def _centres(start: float, step: float, length: int) -> np.ndarray:
    """Of pixels. To the last bit as rioxarray's: xarray drops pixels whose coordinates differ."""
    return np.arange(length) * step + (step * 0.5 + start)


def _coordinates(image: Array) -> dict[str, Any]:
    axes = {role: (dim, length) for role, dim, length in zip(image.facts.roles, image.dims, image.shape)}
    coordinates: dict[str, Any] = {}
    positions = image.coordinates()
    a, b, c, d, e, f = image.transform or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    if b == 0 and d == 0:
        attributes = _axis_attributes(image.crs)
        for role, start, step in (("x", c, a), ("y", f, e)):
            dim, length = axes.get(role, (None, 0))
            if dim is not None and (image.transform or (dim == role and dim not in positions)):
                coordinates[dim] = (dim, _centres(start, step, length), attributes.get(role))
    for dim, (values, texts) in positions.items():
        coordinates.setdefault(dim, (dim, values, texts))
    if "band" in image.dims:
        coordinates.setdefault("band", ("band", np.arange(1, image.shape[image.dims.index("band")] + 1)))
    reference: dict[str, Any] = {}
    if image.crs:
        reference.update(crs_wkt=image.crs, spatial_ref=image.crs)
    if image.transform:
        reference["GeoTransform"] = " ".join(repr(float(number)) for number in (c, a, b, f, d, e))
    coordinates["spatial_ref"] = ((), 0, reference)
    return coordinates


def _axis_attributes(crs: str | None) -> dict[str, dict[str, str]]:
    """CF's attributes of the coordinates, by which cf-xarray and rioxarray know them."""
    if not crs:
        return {}
    reference = osr.SpatialReference()
    _errors.call("CRS", reference.ImportFromWkt, crs)
    if reference.IsGeographic():
        return {"x": {"axis": "X", "long_name": "longitude", "standard_name": "longitude",
                      "units": "degrees_east"},
                "y": {"axis": "Y", "long_name": "latitude", "standard_name": "latitude",
                      "units": "degrees_north"}}
    units = reference.GetLinearUnitsName() or "metre"
    return {dim: {"axis": dim.upper(), "long_name": f"{dim} coordinate of projection",
                  "standard_name": f"projection_{dim}_coordinate", "units": units}
            for dim in ("x", "y")}


class GdalNdarrayBackend(BackendEntrypoint):
    """`xarray.open_dataset(path, engine="gdal_ndarray")`: one variable, `band_data`. Opens any raster
    that GDAL reads; chosen by itself for `.npy` and `.b2nd`."""

    description = "Open .npy, .b2nd and other rasters through GDAL"
    url = "https://gdal.org/"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "mask_and_scale", "open_options")

    def open_dataset(self, filename_or_obj: Any, *, drop_variables: str | Iterable[str] | None = None,
                     mask_and_scale: bool = True,
                     open_options: dict[str, Any] | None = None) -> xarray.Dataset:
        """`mask_and_scale`: NaN where pixels have no data, and scale and offset applied. ValueError and
        OSError as gdal_ndarray.open."""
        image = open_array(filename_or_obj, **(open_options or {}))
        dataset = _dataset(image, None)
        dropped = [drop_variables] if isinstance(drop_variables, str) else list(drop_variables or ())
        dataset = dataset.drop_vars([name for name in dropped if name in dataset.variables])
        if mask_and_scale:
            dataset = xarray.decode_cf(dataset, mask_and_scale=True, decode_times=False,
                                       decode_coords=False)
        dataset.set_close(image.close)
        return dataset

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        try:
            name = os.fspath(filename_or_obj)
        except TypeError:
            return False
        return os.path.splitext(str(name))[1].lower() in (".npy", ".b2nd")
