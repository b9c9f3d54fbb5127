"""rioxarray.open_rasterio(chunks=...) on our files: without the package, through rasterio."""

import numpy as np
import pytest
from osgeo import gdal

rioxarray = pytest.importorskip("rioxarray")
dask = pytest.importorskip("dask")
rasterio = pytest.importorskip("rasterio")

CHUNKS = {"x": 32, "y": 48}


@pytest.fixture(autouse=True)
def gdal_of_rasterio():
    if rasterio.__gdal_version__ != gdal.VersionInfo("RELEASE_NAME"):
        pytest.skip(f"rasterio has a GDAL of its own, {rasterio.__gdal_version__}")


@pytest.mark.parametrize("lock", [None, False], ids=["its lock", "no lock"])
@pytest.mark.parametrize("scheduler", ["sync", "threads"])
@pytest.mark.parametrize("chunks", [CHUNKS, True, "auto"], ids=str)
def test_chunks_are_read(image, lock, scheduler, chunks):
    opened, array = image
    with rioxarray.open_rasterio(opened.path, chunks=chunks, lock=lock) as data:
        assert data.chunks is not None
        if chunks is CHUNKS:
            assert data.data.chunksize[1:] == (48, 32)
        with dask.config.set(scheduler=scheduler, num_workers=4):
            np.testing.assert_array_equal(data.values, array)
            assert float(data.mean()) == pytest.approx(array.mean())
            np.testing.assert_array_equal(data[:, ::2, 5:7].values, array[:, ::2, 5:7])
        assert data.rio.crs.to_epsg() == 32633 and data.rio.nodata == 7


def test_overviews(image):
    opened, array = image
    opened.close()
    gdal.Open(opened.path).BuildOverviews("NEAREST", [2])
    with rioxarray.open_rasterio(opened.path, chunks=CHUNKS, overview_level=0) as data:
        assert data.shape == (3, 35, 45)
        np.testing.assert_array_equal(data.values, array[:, ::2, ::2])


@pytest.mark.parametrize("windowed", [True, False])
def test_what_it_has_read_in_chunks_it_writes(image, suffix, tmp_path, windowed):
    opened, array = image
    driver = opened.facts.driver
    path = str(tmp_path / ("copy" + suffix))
    with rioxarray.open_rasterio(opened.path, chunks=CHUNKS, lock=False) as data:
        data.rio.to_raster(path, driver=driver, windowed=windowed)
    with rioxarray.open_rasterio(path) as copy:
        np.testing.assert_array_equal(copy.values, array)
        assert copy.rio.transform() == data.rio.transform() and copy.rio.nodata == 7
