"""Rasters larger than memory as arrays: NumPy windows, Dask and xarray, and new files from them.

    image = gdal_ndarray.open("scene.b2nd")
    image[0, 2000:2512, 1000:1512]
    gdal_ndarray.store(image.dask() * 2, "twice.b2nd", like=image)

Any raster that GDAL reads can be opened; `.npy` and `.b2nd` can be written, by the drivers of the
plugin gdal-ndarray. The wheel brings plugins for the GDALs of osgeo and rasterio, which importing the
package registers (GDAL_NDARRAY_ENABLE=NO: only enable() does). `python -m gdal_ndarray` says whether this
Python's GDAL has the drivers.
"""

from . import _version
from ._plugin import enable
from .array import Array, open
from .create import Writer, create
from .store import store
from .windows import Window

__version__ = _version.version()
__all__ = ["Array", "Window", "Writer", "create", "enable", "open", "store"]
