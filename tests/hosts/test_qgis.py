"""QGIS, without a screen, shows our files as it shows the same pixels in a GeoTIFF."""

import re

import numpy as np
import pytest
from conftest import block_size_of, make_photo, make_uint16, write_geotiff
from qgis_support import (
    BLANK, PLACES, bounds, distinct_colours, expect_same_picture, identify, render, save_picture)
from qgis.core import (
    Qgis, QgsMapRendererParallelJob, QgsMapRendererSequentialJob, QgsPointXY,
    QgsProviderRegistry, QgsRaster, QgsRasterBandStats, QgsRectangle)

pytest_plugins = ["qgis_support"]

DATA_TYPES = {
    "uint8": Qgis.DataType.Byte, "uint16": Qgis.DataType.UInt16, "int16": Qgis.DataType.Int16,
    "uint32": Qgis.DataType.UInt32, "int32": Qgis.DataType.Int32,
    "float32": Qgis.DataType.Float32, "float64": Qgis.DataType.Float64,
}


# --- what a layer says of itself ------------------------------------------------------------


def test_plain_array_is_a_layer_of_its_shape_without_crs(load, files, uint16_image):
    layer = load(files.save(uint16_image))
    assert (layer.height(), layer.width()) == uint16_image.shape
    assert layer.bandCount() == 1
    assert layer.dataProvider().dataType(1) == Qgis.DataType.UInt16
    assert not layer.crs().isValid()
    # QGIS counts rows downwards from zero where there is no georeferencing.
    assert bounds(layer.extent()) == (0, -200, 300, 0)


def test_georeferenced_array_has_its_crs_extent_and_nodata(load, egm96):
    layer = load(egm96.path)
    assert (layer.height(), layer.width()) == egm96.values.shape
    assert layer.bandCount() == 1
    assert layer.dataProvider().dataType(1) == Qgis.DataType.Float32
    assert layer.crs().authid() == "EPSG:4326"
    assert bounds(layer.extent()) == (-180.125, -90.125, 179.875, 90.125)
    assert layer.dataProvider().sourceHasNoDataValue(1)
    assert layer.dataProvider().sourceNoDataValue(1) == pytest.approx(egm96.nodata)


def test_colour_image_has_red_green_and_blue_bands(load, files, photo):
    layer = load(files.save(photo))
    assert (layer.height(), layer.width(), layer.bandCount()) == photo.shape
    provider = layer.dataProvider()
    assert [provider.dataType(band) for band in (1, 2, 3)] == [Qgis.DataType.Byte] * 3
    assert [provider.colorInterpretation(band) for band in (1, 2, 3)] == [
        QgsRaster.RedBand, QgsRaster.GreenBand, QgsRaster.BlueBand]
    assert layer.renderer().type() == "multibandcolor"


@pytest.mark.parametrize("dtype", DATA_TYPES)
def test_data_type_and_values_are_those_of_numpy(load, files, dtype):
    array = (make_uint16() // 4).astype(dtype)
    layer = load(files.save(array))
    assert layer.dataProvider().sourceDataType(1) == DATA_TYPES[dtype]
    for row, column in PLACES:
        assert identify(layer, row, column) == [array[row, column]]


# --- values ---------------------------------------------------------------------------------


def test_identify_gives_the_values_of_numpy_in_every_layout(load, files_laid_out, photo):
    for array in (make_uint16(), photo):
        layer = load(files_laid_out.save(array, f"{array.ndim}axes"))
        for row, column in PLACES:
            assert identify(layer, row, column) == list(np.atleast_1d(array[row, column]))


def test_identify_gives_the_heights_of_a_real_grid(load, egm96):
    layer = load(egm96.path)
    for row, column in PLACES:
        assert identify(layer, row, column) == [egm96.values[row, column]]
    # By coordinates rather than by pixel: the hollow of the geoid south of India.
    result = layer.dataProvider().identify(QgsPointXY(78.75, 4.75), QgsRaster.IdentifyFormatValue)
    assert result.results()[1] == egm96.values.min() < -100


def test_nodata_hides_pixels(load, files, egm96):
    hidden = float(egm96.values[100, 150])
    files.change_metadata(egm96.path, lambda text: re.sub(
        "<NoDataValue[^<]*", f"<NoDataValue>{hidden!r}", text))
    layer = load(egm96.path)
    assert identify(layer, 100, 150) == [None]
    assert identify(layer, 101, 151) == [egm96.values[101, 151]]
    is_background = (render(layer, size=(1440, 721)) == BLANK).all(axis=-1)
    np.testing.assert_array_equal(is_background, egm96.values == np.float32(hidden))


def test_statistics_are_those_of_numpy(load, egm96):
    statistics = load(egm96.path).dataProvider().bandStatistics(1, QgsRasterBandStats.All)
    values = egm96.values.astype(np.float64)
    assert statistics.minimumValue == values.min()
    assert statistics.maximumValue == values.max()
    assert statistics.mean == pytest.approx(values.mean())
    assert statistics.stdDev == pytest.approx(values.std())


def test_histogram_is_that_of_numpy(load, files_laid_out, photo):
    provider = load(files_laid_out.save(photo)).dataProvider()
    for band in range(3):
        histogram = provider.histogram(band + 1, 256, -0.5, 255.5)
        assert histogram.valid
        assert histogram.histogramVector == list(np.bincount(photo[..., band].ravel(),
                                                             minlength=256))


# --- pictures -------------------------------------------------------------------------------


def test_colour_image_is_shown_as_it_is(load, files, tmp_path, photo):
    picture = render(load(files.save(photo)), size=(photo.shape[1], photo.shape[0]))
    save_picture(picture, tmp_path / "picture.png")
    assert distinct_colours(picture) > 1000
    np.testing.assert_array_equal(picture, photo)


@pytest.mark.parametrize("job", [QgsMapRendererSequentialJob, QgsMapRendererParallelJob])
@pytest.mark.parametrize("make_array, least_colours", [(make_photo, 1000), (make_uint16, 200)])
def test_picture_equals_that_of_a_geotiff(load, files_laid_out, tmp_path, make_array,
                                          least_colours, job):
    array = make_array()
    path = files_laid_out.save(array)
    ours = load(path)
    tiff = load(write_geotiff(tmp_path / "same.tif", array, block_size_of(path)))
    assert ours.renderer().type() == tiff.renderer().type()
    assert bounds(ours.extent()) == bounds(tiff.extent())
    expect_same_picture(ours, tiff, tmp_path, least_colours, job=job,
                        size=(array.shape[1], array.shape[0]))


def test_attributes_of_an_array_are_its_georeferencing(load, blosc2_files, tmp_path, photo):
    compressed = load(blosc2_files.save(photo, proj_code="EPSG:32633",
                                        spatial_transform=[10, 0, 500000, 0, -10, 5000000]))
    tiff = load(write_geotiff(tmp_path / "same.tif", photo, (128, 128),
                              (500000, 10, 0, 5000000, 0, -10), 32633))
    assert compressed.crs() == tiff.crs() and compressed.crs().authid() == "EPSG:32633"
    assert bounds(compressed.extent()) == bounds(tiff.extent())
    expect_same_picture(compressed, tiff, tmp_path, 1000, size=(320, 240))


# Parts of the world, and how many greys they have at least: the geoid is smooth.
VIEWS = {
    "whole": (200, dict(size=(1440, 721))),
    "reduced": (200, dict(size=(500, 250))),
    "enlarged": (15, dict(size=(400, 300), extent=QgsRectangle(125.1, -33.2, 135.3, -25.7))),
    "beyond the edge": (30, dict(size=(400, 300), extent=QgsRectangle(150, -120, 210, -60))),
    "reprojected": (50, dict(size=(400, 400), crs="EPSG:3035",
                             extent=QgsRectangle(2500000, 1500000, 6500000, 5500000))),
}


@pytest.mark.parametrize("view", VIEWS)
def test_map_of_a_real_grid_equals_that_of_a_geotiff(load, tmp_path, egm96, view):
    ours = load(egm96.path)
    tiff = load(write_geotiff(tmp_path / "same.tif", egm96.values, block_size_of(egm96.path),
                              egm96.geotransform, egm96.epsg, egm96.nodata))
    least_colours, map_view = VIEWS[view]
    picture = expect_same_picture(ours, tiff, tmp_path, least_colours, **map_view)
    is_background = (picture == BLANK).all(axis=-1)
    assert is_background.any() == (view == "beyond the edge")


# --- arrays of four axes --------------------------------------------------------------------


@pytest.fixture
def stack():
    return np.stack([make_photo() // (plane + 1) for plane in range(3)])


def test_part_of_a_4d_array_loads_by_name(load, files, stack):
    path = files.save(stack)
    layer = load(f'{files.driver}:"{path}":[1]')
    assert (layer.height(), layer.width(), layer.bandCount()) == stack.shape[1:]
    for row, column in PLACES:
        assert identify(layer, row, column) == list(stack[1, row, column])
    np.testing.assert_array_equal(render(layer, size=(layer.width(), layer.height())), stack[1])


def test_qgis_lists_the_parts_of_a_4d_array(load, files, stack):
    path = files.save(stack)
    parts = QgsProviderRegistry.instance().querySublayers(path)
    assert len(parts) == 3
    for plane, part in zip(stack, parts):
        assert part.providerKey() == "gdal"
        assert identify(load(part.uri()), 17, 3) == list(plane[17, 3])
