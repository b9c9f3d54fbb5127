"""Fixtures of tests that run for both drivers."""

import pytest
from osgeo import gdal
from support import FORMATS


@pytest.fixture(params=FORMATS)
def driver(request):
    return gdal.GetDriverByName(request.param)


@pytest.fixture
def path(driver, tmp_path):
    """Of a file that the driver would write; there is none yet."""
    return str(tmp_path / f"image.{driver.GetMetadataItem(gdal.DMD_EXTENSION)}")
