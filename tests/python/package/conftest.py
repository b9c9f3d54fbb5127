"""What the tests of the Python package share. It is tested as it is in the tree, not installed."""

import os
import pathlib
import sys

import pytest
from osgeo import gdal
from support.package import DIMS, SHAPE, options_of

PACKAGE = pathlib.Path(__file__).resolve().parents[3] / "tools" / "python"
sys.path.insert(0, str(PACKAGE))
# For workers and children, too.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")]))

FORMATS = [name for name in ("NPY", "B2ND") if gdal.GetDriverByName(name)]


@pytest.fixture(autouse=True)
def without_exceptions_of_gdal():
    """As GDAL is by default; other tests here use its exceptions."""
    gdal.DontUseExceptions()
    yield
    gdal.UseExceptions()


@pytest.fixture(params=FORMATS)
def suffix(request):
    return "." + request.param.lower()


@pytest.fixture
def georeferenced():
    """Keyword arguments of create()."""
    return {"crs": "EPSG:32633", "transform": (10.0, 0.0, 500000.0, 0.0, -10.0, 5400000.0)}


@pytest.fixture
def saved(tmp_path, georeferenced):
    """Saves an array as a georeferenced file and opens it."""
    import gdal_ndarray

    def save(array, name, **options):
        path = tmp_path / name
        with gdal_ndarray.create(path, array.shape, array.dtype, **{**georeferenced, **options}) as writer:
            writer[...] = array
        return gdal_ndarray.open(path)

    return save


@pytest.fixture
def image(saved, suffix, rng):
    """(3, 70, 90) uint16, chunks of 32 lines and pixels in a .b2nd, and its pixels."""
    array = rng.integers(0, 60000, (3, 70, 90), dtype="u2")
    chunks = {} if suffix == ".npy" else {"BLOCKSIZE": 16, "CHUNKXSIZE": 32, "CHUNKYSIZE": 32}
    return saved(array, "image" + suffix, nodata=7, **chunks), array


@pytest.fixture
def stack(tmp_path, suffix, rng, georeferenced):
    """(3, 4, 70, 90) uint16 called t, z, y, x, as it is opened, and its pixels."""
    import gdal_ndarray
    array = rng.integers(0, 60000, SHAPE, dtype="u2")
    with gdal_ndarray.create(tmp_path / ("stack" + suffix), SHAPE, "u2", dims=DIMS, nodata=7, **georeferenced,
                             **options_of(suffix)) as writer:
        writer[...] = array
    return gdal_ndarray.open(tmp_path / ("stack" + suffix)), array
