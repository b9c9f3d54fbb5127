"""What the tests of host programs share: the arrays, their files and the check of the plugin.

Run by tests/run, which installs the hosts and points GDAL_DRIVER_PATH at the plugin's folder.
"""

import io
import os

import numpy as np
import pytest
from osgeo import gdal, gdal_array, osr

pytest.register_assert_rewrite("qgis_support")

EGM96_GRID = "egm96_15.gtx"  # of PROJ's own data: the geoid's height, 1440 x 721 float32

# What NumPy, GDAL 3.6 and rasterio 1.3 have in common. Not int64 and uint64: rasterio 1.3.5 takes
# one for the other, in a GeoTIFF as well.
RASTERIO_DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64",
                   "complex64", "complex128"]


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


# --- files of arrays, without GDAL ----------------------------------------------------------


def big_endian(array):
    """The same values, the most significant byte first."""
    return array.astype(array.dtype.newbyteorder(">"))


class NumpyFiles:
    """Files of the driver NPY, as NumPy writes and reads them."""

    driver, suffix = "NPY", ".npy"
    sidecars = (".aux.xml",)  # where the driver keeps georeferencing
    # The same numbers, laid out differently in the file. Fortran order of a colour image is each
    # colour apart, transposed.
    layouts = {
        "C order": lambda array: array,
        "big-endian": big_endian,
        "Fortran order": np.asfortranarray,
        "big-endian in Fortran order": lambda array: np.asfortranarray(big_endian(array)),
    }

    def __init__(self, folder, layout="C order"):
        self.folder = folder
        self.layout = self.layouts[layout]

    def path(self, name):
        return str(self.folder / (name + self.suffix))

    def save(self, array, name="array"):
        """Writes a file and gives its path."""
        np.save(self.path(name), self.layout(array))
        return self.path(name)

    def load(self, path):
        """The whole array."""
        return np.load(path)

    def parse(self, content):
        """The whole array of a file's bytes."""
        return np.load(io.BytesIO(content))

    def change_metadata(self, path, change):
        """Rewrites GDAL's metadata: `change` gets its XML and gives another."""
        with open(path + ".aux.xml", "r+", encoding="utf-8") as sidecar:
            text = change(sidecar.read())
            sidecar.seek(0)
            sidecar.truncate()
            sidecar.write(text)


class Blosc2Files:
    """Files of the driver B2ND, as python-blosc2 writes and reads them; the same methods."""

    driver, suffix = "B2ND", ".b2nd"
    sidecars = ()
    # The sides of chunks and of blocks, multiples of 16 as those of a TIFF's tiles must be.
    layouts = {
        "tiles": ((128, 128), (32, 32)),
        "big-endian tiles": ((128, 128), (32, 32)),
        "whole rows": ((40, 4096), (8, 4096)),
        "odd tiles, bands apart": ((112, 96), (48, 32)),
    }

    def __init__(self, folder, layout="tiles"):
        self.blosc2 = pytest.importorskip("blosc2")
        self.folder = folder
        self.layout = layout

    def path(self, name):
        return str(self.folder / (name + self.suffix))

    def save(self, array, name="array", **attributes):
        """`proj_code` is the attribute `proj:code`."""
        if self.layout.startswith("big-endian"):
            array = big_endian(array)
        chunks, blocks = (self.shape_of_pieces(array.shape, sides)
                          for sides in self.layouts[self.layout])
        compressed = self.blosc2.asarray(array, urlpath=self.path(name), mode="w",
                                         chunks=chunks, blocks=blocks)
        for key, value in attributes.items():
            compressed.schunk.vlmeta[key.replace("_", ":", 1)] = value
        return self.path(name)

    def shape_of_pieces(self, shape, sides):
        """The sides count lines and pixels; other axes have pieces of 1, but colours that are last
        stay together unless they are to be apart."""
        colours_last = len(shape) > 2 and shape[-1] <= 4
        others = 1 if "apart" in self.layout else shape[-1]
        sides = list(sides) + [others] * colours_last
        sides = [1] * (len(shape) - len(sides)) + sides
        return tuple(min(pair) for pair in zip(sides, shape))

    def load(self, path):
        return self.blosc2.open(path, mode="r")[:]

    def parse(self, content):
        return self.blosc2.ndarray_from_cframe(content, copy=True)[:]

    def change_metadata(self, path, change):
        array = self.blosc2.open(path, mode="a")  # in a name: attributes live no longer than it
        attributes = array.schunk.vlmeta
        attributes["gdal"] = {**attributes["gdal"], "pam": change(attributes["gdal"]["pam"])}


KINDS = {kind.driver: kind for kind in (NumpyFiles, Blosc2Files)}


@pytest.fixture(params=KINDS)
def files(request, tmp_path):
    """Files of either driver, in the test's folder."""
    return KINDS[request.param](tmp_path)


@pytest.fixture(params=[(name, layout) for name, kind in KINDS.items() for layout in kind.layouts],
                ids="-".join)
def files_laid_out(request, tmp_path):
    """The same in every layout."""
    name, layout = request.param
    return KINDS[name](tmp_path, layout)


@pytest.fixture
def blosc2_files(tmp_path):
    return Blosc2Files(tmp_path)


# --- files made without the driver under test -----------------------------------------------


def write_geotiff(path, array, block_size, geotransform=None, epsg=None, nodata=None):
    """The same pixels as a GeoTIFF, by way of GDAL. array: (Y, X) or (Y, X, B).

    Strips or tiles of the same size as the other dataset's blocks: GDAL's approximate histograms,
    on which QGIS bases its contrast, look at some of the blocks only.
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
    width, height = block_size
    blocks = [f"BLOCKYSIZE={height}"]
    if width < source.RasterXSize:
        blocks += ["TILED=YES", f"BLOCKXSIZE={width}"]
    copy = gdal.GetDriverByName("GTiff").CreateCopy(
        str(path), source, options=[*blocks, "INTERLEAVE=PIXEL"])
    assert copy is not None, gdal.GetLastErrorMsg()
    return str(path)


def srs_of(epsg):
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(epsg)
    srs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return srs


def block_size_of(path):
    dataset = gdal.Open(path)
    assert dataset is not None, gdal.GetLastErrorMsg()
    return dataset.GetRasterBand(1).GetBlockSize()


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
def egm96(egm96_grid, files):
    """A file of the test's own, as `gdal_translate -of DRIVER` makes it."""
    path = files.path("egm96")
    assert gdal.Translate(path, egm96_grid, format=files.driver) is not None, (
        gdal.GetLastErrorMsg())
    return Egm96(egm96_grid, path)
