"""What a new file says of its pixels besides their values, and where that is taken from."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np
from . import _errors
from ._gdal import osr
from .array import Array
from .array import open as open_array


@dataclasses.dataclass(frozen=True)
class Georeference:
    """`crs` as text that GDAL understands, `transform` as Array.transform, `lines` and `pixels` of
    the raster that it is of (None: of any). `coordinates`: positions along axes, by their names, with attributes
    that are texts, such as "units"."""

    crs: str | None = None
    transform: tuple[float, ...] | None = None
    nodata: int | float | None = None
    descriptions: tuple[str, ...] = ()
    lines: int | None = None
    pixels: int | None = None
    coordinates: dict[str, tuple[np.ndarray, dict[str, str]]] = dataclasses.field(default_factory=dict)

    def fits(self, lines: int, pixels: int) -> bool:
        """Whether the transform is that of a raster of this size, too."""
        return self.lines in (None, lines) and self.pixels in (None, pixels)


def opened(like: Any) -> Any:
    """An Array where it is a path, else itself."""
    return open_array(like) if isinstance(like, (str, os.PathLike)) else like


def georeference_of(like: Any) -> Georeference:
    """Of an Array, or a DataArray with `spatial_ref` as rioxarray makes it; of None none. TypeError for
    anything else."""
    if like is None:
        return Georeference()
    if isinstance(like, Array):
        sizes = dict(zip(like.facts.roles, like.shape))
        descriptions: tuple[str, ...] = ()
        if like.facts.is_raster:
            dataset = like.header()
            descriptions = tuple(dataset.GetRasterBand(number + 1).GetDescription()
                                 for number in range(like.facts.bands))
        return Georeference(like.crs, like.transform, like.nodata, descriptions,
                            sizes.get("y", 1), sizes.get("x", 1), like.coordinates())
    if hasattr(like, "coords") and hasattr(like, "dims"):
        return _of_data_array(like)
    raise TypeError(f"like: found {type(like).__name__}, wanted a gdal_ndarray.Array, a path or a DataArray")


def with_usual_dims(array: Any) -> Any:
    """A DataArray whose axes of longitudes and latitudes are called x and y, as GDAL has them."""
    for names in (("longitude", "latitude"), ("lon", "lat")):
        if set(names) <= set(array.dims) and not {"x", "y"} & {*array.dims, *array.coords}:
            return array.rename(dict(zip(names, ("x", "y"))))
    return array


def _of_data_array(array: Any) -> Georeference:
    coordinates = _coordinates(array)
    array = with_usual_dims(array)
    name = array.encoding.get("grid_mapping", array.attrs.get("grid_mapping", "spatial_ref"))
    reference = array.coords[name].attrs if name in array.coords else {}
    sizes = dict(zip(array.dims, array.shape))
    transform = None
    if "GeoTransform" in reference:
        c, a, b, f, d, e = (float(number) for number in reference["GeoTransform"].split())
        transform = (a, b, c, d, e, f)
    # Coordinates say where the pixels are after a selection, which leaves GeoTransform as it was.
    x, y = (np.asarray(array.coords[dim]) if dim in array.coords else np.empty(0) for dim in ("x", "y"))
    if len(x) and len(y) and (transform is not None or "crs_wkt" in reference):
        known = transform[::4] if transform else (None, None)
        a, e = (_step(part, step) for part, step in zip((x, y), known))
        transform = (a, 0.0, float(x[0]) - a / 2, 0.0, e, float(y[0]) - e / 2) if a and e else None
    # It is in the encoding where xarray or rioxarray have put NaN for it.
    nodata = array.attrs.get("_FillValue", np.nan if "_FillValue" in array.encoding else None)
    return Georeference(reference.get("crs_wkt", reference.get("spatial_ref")), transform,
                        None if nodata is None else np.asarray(nodata).item(), (),
                        sizes.get("y"), sizes.get("x"), coordinates)


def _coordinates(array: Any) -> dict[str, tuple[np.ndarray, dict[str, str]]]:
    """Of the axes of a DataArray, dates as numbers of CF's; texts and the like are left out."""
    from xarray.conventions import encode_cf_variable
    found = {}
    for dim in array.dims:
        variable = array.coords[dim].variable if dim in array.coords else None
        if variable is not None and variable.dtype.kind in "mM":
            variable = encode_cf_variable(variable.to_base_variable())
        if variable is not None and variable.ndim == 1 and variable.dtype.kind in "iuf":
            texts = {str(name): value for name, value in variable.attrs.items() if isinstance(value, str)}
            found[str(dim)] = np.asarray(variable.values, np.float64), texts
    return found


def _step(coordinates: np.ndarray, known: float | None) -> float | None:
    """From one pixel to the next: `known` where there is one pixel; None where steps differ."""
    if len(coordinates) == 1:
        return known
    step = float(coordinates[-1] - coordinates[0]) / (len(coordinates) - 1)
    return step if np.allclose(np.diff(coordinates), step, rtol=1e-3, atol=0) else None


def spatial_reference(path: str, crs: str) -> osr.SpatialReference:
    """Of GDAL's. ValueError for text that GDAL does not know."""
    reference = osr.SpatialReference()
    try:
        _errors.call(path, reference.SetFromUserInput, crs)
    except OSError:
        raise ValueError(f"crs: found {crs!r}, wanted WKT, \"EPSG:32633\" or what else GDAL knows") from None
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def holds(dtype: np.dtype, nodata: int | float) -> bool:
    """Whether pixels can have that value."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return nodata == nodata and limits.min <= nodata <= limits.max and float(nodata).is_integer()
    return dtype.kind in "fc"
