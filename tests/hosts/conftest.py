"""What the tests of host programs share: the arrays, their files and the check of the plugin.

Run by tests/run, which installs the hosts and points GDAL_DRIVER_PATH at the plugin's folder.
"""

import os

import numpy as np
import pytest
from osgeo import gdal, gdal_array, osr

EGM96_GRID = "egm96_15.gtx"  # of PROJ's own data: the geoid's height, 1440 x 721 float32


def pytest_configure():
    """One message, rather than every test failing, when GDAL does not load the plugin."""
    if gdal.GetDriverByName("NPY") is None:
        folder = os.environ.get("GDAL_DRIVER_PATH")
        reason = f"it is {os.path.abspath(folder)}" if folder else "it is not set"
        raise pytest.UsageError(
            "GDAL has no driver NPY: GDAL_DRIVER_PATH must be the folder of gdal_ndarray.so, "
            f"and {reason}")


# --- arrays ---------------------------------------------------------------------------------


def smooth_image(height, width, seed=0):
    """Values in [0, 1] like a photograph's: shades, waves, edges and a little noise."""
    y, x = np.mgrid[0:height, 0:width]
    shade = 0.5 * x / width + 0.3 * y / height
    waves = 0.1 * np.sin(x / 17.0 + seed) * np.cos(y / 11.0)
    disc = 0.15 * ((x - width / 3) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2)
    noise = np.random.default_rng(seed).normal(0, 0.01, (height, width))
    return np.clip(shade + waves + disc + noise, 0, 1)


def make_photo(height=240, width=320):
    """(Y, X, 3) uint8, no two colours alike."""
    colours = [smooth_image(height, width, seed) for seed in (0, 1, 2)]
    colours[1] = colours[1][::-1]
    colours[2] = 1 - colours[2]
    return np.rint(np.stack(colours, axis=-1) * 255).astype(np.uint8)


def make_uint16(height=200, width=300):
    """(Y, X) uint16 over nearly all of its range, so that wrong byte order shows."""
    return np.rint(smooth_image(height, width) * 65000).astype(np.uint16)


@pytest.fixture
def photo():
    return make_photo()


@pytest.fixture
def uint16_image():
    return make_uint16()


@pytest.fixture
def save(tmp_path):
    """Saves an array with NumPy and gives the path."""
    def save_array(array, name="array.npy"):
        path = str(tmp_path / name)
        np.save(path, array)
        return path
    return save_array


@pytest.fixture
def save_compressed(tmp_path):
    """Saves an array with python-blosc2, with attributes, and gives the path."""
    blosc2 = pytest.importorskip("blosc2")

    def save_array(array, name="array.b2nd", **attributes):
        path = str(tmp_path / name)
        rest = array.shape[2:]
        compressed = blosc2.asarray(array, urlpath=path, mode="w", chunks=(128, 128) + rest,
                                    blocks=(32, 32) + rest)
        for key, value in attributes.items():
            compressed.schunk.vlmeta[key.replace("_", ":", 1)] = value
        return path
    return save_array


# --- files made without the driver under test -----------------------------------------------


def write_geotiff(path, array, block_lines, geotransform=None, epsg=None, nodata=None):
    """The same pixels as a GeoTIFF, by way of GDAL. array: (Y, X) or (Y, X, B).

    Strips of the same height as the other dataset's blocks: GDAL's approximate histograms, on
    which QGIS bases its contrast, look at some of the blocks only.
    """
    planes = array if array.ndim == 2 else np.moveaxis(array, -1, 0)
    planes = planes.astype(array.dtype.newbyteorder("="), order="C")
    source = gdal_array.OpenArray(planes)
    if geotransform is not None:
        source.SetGeoTransform(geotransform)
    if epsg is not None:
        source.SetSpatialRef(srs_of(epsg))
    if nodata is not None:
        for band in range(1, source.RasterCount + 1):
            source.GetRasterBand(band).SetNoDataValue(nodata)
    copy = gdal.GetDriverByName("GTiff").CreateCopy(
        str(path), source, options=[f"BLOCKYSIZE={block_lines}", "INTERLEAVE=PIXEL"])
    assert copy is not None, gdal.GetLastErrorMsg()
    return str(path)


def srs_of(epsg):
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(epsg)
    srs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return srs


def block_lines_of(path):
    dataset = gdal.Open(path)
    assert dataset is not None, gdal.GetLastErrorMsg()
    return dataset.GetRasterBand(1).GetBlockSize()[1]


# --- a real georeferenced raster ------------------------------------------------------------


class Egm96:
    """EGM96 heights: `values` as NumPy alone reads the grid, `path` as the driver wrote it."""

    geotransform = (-180.125, 0.25, 0.0, 90.125, 0.0, -0.25)
    epsg = 4326
    nodata = -88.8888

    def __init__(self, grid, path):
        self.path = path
        # .gtx: four doubles, rows and columns, then lines from south to north, all big-endian.
        rows, columns = np.fromfile(grid, ">i4", 2, offset=32)
        lines = np.fromfile(grid, ">f4", offset=40).reshape(rows, columns)
        self.values = lines[::-1].astype(np.float32)


@pytest.fixture(scope="session")
def egm96_grid():
    for folder in osr.GetPROJSearchPaths():
        path = os.path.join(folder, EGM96_GRID)
        if os.path.exists(path):
            return path
    return pytest.fail(f"PROJ has no {EGM96_GRID} in {osr.GetPROJSearchPaths()}: "
                       "install the package proj-data")


@pytest.fixture
def egm96(egm96_grid, tmp_path):
    """A file of the test's own, as `gdal_translate -of NPY` makes it."""
    path = str(tmp_path / "egm96.npy")
    assert gdal.Translate(path, egm96_grid, format="NPY") is not None, gdal.GetLastErrorMsg()
    return Egm96(egm96_grid, path)
