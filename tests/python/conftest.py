"""What all tests of the plugin through GDAL's Python bindings share."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal

sys.path.insert(0, str(pathlib.Path(__file__).parent))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes seconds; left out of sanitizer runs and of tests/run, "
                            "but not of tests/run all")


@pytest.fixture(autouse=True, scope="session")
def plugin():
    gdal.UseExceptions()
    driver = gdal.GetDriverByName("NPY")
    assert driver is not None, "no driver NPY: is GDAL_DRIVER_PATH the folder of gdal_ndarray.so?"
    return driver


@pytest.fixture
def errors():
    """GDAL's errors and warnings during the test, as texts, instead of exceptions."""
    raised = []
    gdal.DontUseExceptions()
    gdal.PushErrorHandler(lambda level, number, text: raised.append(text))
    yield raised
    gdal.PopErrorHandler()
    gdal.UseExceptions()


@pytest.fixture
def rng():
    return np.random.default_rng(20261123)


@pytest.fixture
def npy(tmp_path):
    """Saves an array as .npy in the test's folder and returns the path."""

    def save(array, name="array.npy"):
        path = tmp_path / name
        np.save(path, array)
        return str(path)

    return save


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MiB. Needs root, as in a container; elsewhere a limit on file size."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder],
                             capture_output=True).returncode == 0
    if mounted:
        yield folder
        subprocess.run(["umount", "-l", folder], check=True)
    else:
        yield None
