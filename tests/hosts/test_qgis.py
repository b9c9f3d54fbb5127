"""QGIS, without a screen, shows .npy files as it shows the same pixels in a GeoTIFF."""

import gc
import os
import sys

import numpy as np
import pytest
from conftest import block_lines_of, make_photo, make_uint16, write_geotiff

# Before Qt starts: there is no screen where tests run.
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from qgis.core import (  # noqa: E402
    Qgis, QgsApplication, QgsCoordinateReferenceSystem, QgsCoordinateTransformContext,
    QgsMapRendererParallelJob, QgsMapRendererSequentialJob, QgsMapSettings, QgsPointXY,
    QgsProviderRegistry, QgsRaster, QgsRasterBandStats, QgsRasterFileWriter, QgsRasterLayer,
    QgsRasterPipe, QgsRectangle)
from qgis.PyQt import sip  # noqa: E402
from qgis.PyQt.QtCore import QSize  # noqa: E402
from qgis.PyQt.QtGui import QColor, QImage  # noqa: E402

BLANK = (1, 2, 3)  # the background of our maps, no colour of the images

# The same numbers, laid out differently in the file. Fortran order of a colour image is each
# colour apart, transposed.
LAYOUTS = {
    "C order": lambda array: array,
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "Fortran order": np.asfortranarray,
    "big-endian in Fortran order": lambda array: np.asfortranarray(
        array.astype(array.dtype.newbyteorder(">"))),
}

DATA_TYPES = {
    "uint8": Qgis.DataType.Byte, "uint16": Qgis.DataType.UInt16, "int16": Qgis.DataType.Int16,
    "uint32": Qgis.DataType.UInt32, "int32": Qgis.DataType.Int32,
    "float32": Qgis.DataType.Float32, "float64": Qgis.DataType.Float64,
}

# Pixels (row, column), the corners of a raster of any size among them.
PLACES = [(0, 0), (0, -1), (-1, 0), (-1, -1), (17, 3), (100, 150), (58, 91)]


@pytest.fixture(scope="session", autouse=True)
def qgis(tmp_path_factory):
    """QGIS with settings of its own, so that the default style is that of a new installation."""
    home = tmp_path_factory.mktemp("qgis-home")
    home.chmod(0o700)
    with pytest.MonkeyPatch.context() as environment:
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
            environment.setenv(name, str(home))
        application = QgsApplication([], False, str(home))
        application.initQgis()
        yield application
        # QGIS ends GDAL as well: nothing may use it afterwards, and no layer may be left, such as
        # in the last traceback of a failed test.
        sys.last_type = sys.last_value = sys.last_traceback = None
        gc.collect()
        application.exitQgis()


@pytest.fixture
def load():
    """Opens a raster layer, which does not outlive the test: QGIS crashes on one after its end."""
    layers = []

    def load_layer(name):
        layer = QgsRasterLayer(name, "layer", "gdal")
        layers.append(layer)
        assert layer.isValid(), layer.error().message()
        return layer

    yield load_layer
    for layer in layers:
        sip.delete(layer)


def pixel_centre(layer, row, column):
    extent = layer.extent()
    right = (column % layer.width() + 0.5) * layer.rasterUnitsPerPixelX()
    down = (row % layer.height() + 0.5) * layer.rasterUnitsPerPixelY()
    return QgsPointXY(extent.xMinimum() + right, extent.yMaximum() - down)


def identify(layer, row, column):
    """The values of all bands at a pixel."""
    result = layer.dataProvider().identify(pixel_centre(layer, row, column),
                                           QgsRaster.IdentifyFormatValue)
    assert result.isValid(), result.error().message()
    return [value for _, value in sorted(result.results().items())]


def bounds(rectangle):
    return (rectangle.xMinimum(), rectangle.yMinimum(), rectangle.xMaximum(),
            rectangle.yMaximum())


def render(layer, size, extent=None, crs=None, job=QgsMapRendererSequentialJob):
    """The picture of a layer in its default style, (height, width, 3) uint8."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setOutputSize(QSize(*size))
    settings.setOutputDpi(96)
    settings.setBackgroundColor(QColor(*BLANK))
    if crs is not None:
        settings.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    settings.setExtent(extent or layer.extent())
    rendering = job(settings)
    rendering.start()
    rendering.waitForFinished()
    assert [error.message for error in rendering.errors()] == []
    image = rendering.renderedImage().convertToFormat(QImage.Format_RGB888)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    lines = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine())
    return lines[:, :image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def save_picture(picture, path):
    """Next to the test's files, for whoever wants to look: pytest keeps the last folders."""
    height, width, _ = picture.shape
    assert QImage(picture.tobytes(), width, height, 3 * width, QImage.Format_RGB888).save(str(path))


def distinct_colours(picture):
    return len(np.unique(picture.reshape(-1, 3), axis=0))


def expect_same_picture(npy, tiff, folder, least_colours, **view):
    """Equal pixel by pixel: both layers have the same pixels and contrast, so no tolerance."""
    picture = render(npy, **view)
    save_picture(picture, folder / "picture.png")
    assert distinct_colours(picture) >= least_colours
    np.testing.assert_array_equal(picture, render(tiff, **view))
    return picture


# --- what a layer says of itself ------------------------------------------------------------


def test_plain_array_is_a_layer_of_its_shape_without_crs(load, save, uint16_image):
    layer = load(save(uint16_image))
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


def test_colour_image_has_red_green_and_blue_bands(load, save, photo):
    layer = load(save(photo))
    assert (layer.height(), layer.width(), layer.bandCount()) == photo.shape
    provider = layer.dataProvider()
    assert [provider.dataType(band) for band in (1, 2, 3)] == [Qgis.DataType.Byte] * 3
    assert [provider.colorInterpretation(band) for band in (1, 2, 3)] == [
        QgsRaster.RedBand, QgsRaster.GreenBand, QgsRaster.BlueBand]
    assert layer.renderer().type() == "multibandcolor"


@pytest.mark.parametrize("dtype", DATA_TYPES)
def test_data_type_and_values_are_those_of_numpy(load, save, dtype):
    array = (make_uint16() // 4).astype(dtype)
    layer = load(save(array))
    assert layer.dataProvider().sourceDataType(1) == DATA_TYPES[dtype]
    for row, column in PLACES:
        assert identify(layer, row, column) == [array[row, column]]


# --- values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_identify_gives_the_values_of_numpy_in_every_layout(load, save, layout, photo):
    for array in (make_uint16(), photo):
        layer = load(save(LAYOUTS[layout](array), f"{array.ndim}.npy"))
        for row, column in PLACES:
            assert identify(layer, row, column) == list(np.atleast_1d(array[row, column]))


def test_identify_gives_the_heights_of_a_real_grid(load, egm96):
    layer = load(egm96.path)
    for row, column in PLACES:
        assert identify(layer, row, column) == [egm96.values[row, column]]
    # By coordinates rather than by pixel: the hollow of the geoid south of India.
    result = layer.dataProvider().identify(QgsPointXY(78.75, 4.75), QgsRaster.IdentifyFormatValue)
    assert result.results()[1] == egm96.values.min() < -100


def test_nodata_of_the_sidecar_hides_pixels(load, tmp_path, egm96):
    hidden = float(egm96.values[100, 150])
    sidecar = tmp_path / "egm96.npy.aux.xml"
    text = sidecar.read_text()
    start, end = text.index("<NoDataValue"), text.index("</NoDataValue>")
    sidecar.write_text(f"{text[:start]}<NoDataValue>{hidden!r}{text[end:]}")
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


@pytest.mark.parametrize("layout", LAYOUTS)
def test_histogram_is_that_of_numpy(load, save, layout, photo):
    provider = load(save(LAYOUTS[layout](photo))).dataProvider()
    for band in range(3):
        histogram = provider.histogram(band + 1, 256, -0.5, 255.5)
        assert histogram.valid
        assert histogram.histogramVector == list(np.bincount(photo[..., band].ravel(),
                                                             minlength=256))


# --- pictures -------------------------------------------------------------------------------


def test_colour_image_is_shown_as_it_is(load, save, tmp_path, photo):
    picture = render(load(save(photo)), size=(photo.shape[1], photo.shape[0]))
    save_picture(picture, tmp_path / "picture.png")
    assert distinct_colours(picture) > 1000
    np.testing.assert_array_equal(picture, photo)


@pytest.mark.parametrize("job", [QgsMapRendererSequentialJob, QgsMapRendererParallelJob])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("make_array, least_colours", [(make_photo, 1000), (make_uint16, 200)])
def test_picture_equals_that_of_a_geotiff(load, save, tmp_path, make_array, least_colours, layout,
                                          job):
    array = make_array()
    path = save(LAYOUTS[layout](array))
    npy = load(path)
    tiff = load(write_geotiff(tmp_path / "same.tif", array, block_lines_of(path)))
    assert npy.renderer().type() == tiff.renderer().type()
    assert bounds(npy.extent()) == bounds(tiff.extent())
    expect_same_picture(npy, tiff, tmp_path, least_colours, job=job,
                        size=(array.shape[1], array.shape[0]))


@pytest.mark.parametrize("make_array, least_colours", [(make_photo, 1000), (make_uint16, 200)])
def test_compressed_array_equals_a_geotiff(load, save_compressed, tmp_path, make_array,
                                           least_colours):
    array = make_array()
    compressed = load(save_compressed(array, proj_code="EPSG:32633",
                                      spatial_transform=[10, 0, 500000, 0, -10, 5000000]))
    tiff = load(write_geotiff(tmp_path / "same.tif", array, 128,
                              (500000, 10, 0, 5000000, 0, -10), 32633))
    assert compressed.crs() == tiff.crs() and compressed.crs().authid() == "EPSG:32633"
    assert bounds(compressed.extent()) == bounds(tiff.extent())
    for row, column in PLACES:
        assert identify(compressed, row, column) == list(np.atleast_1d(array[row, column]))
    expect_same_picture(compressed, tiff, tmp_path, least_colours,
                        size=(array.shape[1], array.shape[0]))


# Parts of the world, and how many greys they have at least: the geoid is smooth.
VIEWS = {
    "whole": (200, dict(size=(1440, 721))),
    "reduced": (200, dict(size=(500, 250))),
    "enlarged": (15, dict(size=(400, 300), extent=QgsRectangle(5.1, 44.2, 15.3, 51.7))),
    "beyond the edge": (30, dict(size=(400, 300), extent=QgsRectangle(150, -120, 210, -60))),
    "reprojected": (50, dict(size=(400, 400), crs="EPSG:3035",
                             extent=QgsRectangle(2500000, 1500000, 6500000, 5500000))),
}


@pytest.mark.parametrize("view", VIEWS)
def test_map_of_a_real_grid_equals_that_of_a_geotiff(load, tmp_path, egm96, view):
    npy = load(egm96.path)
    tiff = load(write_geotiff(tmp_path / "same.tif", egm96.values, block_lines_of(egm96.path),
                              egm96.geotransform, egm96.epsg, egm96.nodata))
    least_colours, map_view = VIEWS[view]
    picture = expect_same_picture(npy, tiff, tmp_path, least_colours, **map_view)
    is_background = (picture == BLANK).all(axis=-1)
    assert is_background.any() == (view == "beyond the edge")


# --- arrays of four axes --------------------------------------------------------------------


@pytest.fixture
def stack():
    return np.stack([make_photo() // (plane + 1) for plane in range(3)])


def test_part_of_a_4d_array_loads_by_name(load, save, stack):
    path = save(stack)
    layer = load(f'NPY:"{path}":[1]')
    assert (layer.height(), layer.width(), layer.bandCount()) == stack.shape[1:]
    for row, column in PLACES:
        assert identify(layer, row, column) == list(stack[1, row, column])
    np.testing.assert_array_equal(render(layer, size=(layer.width(), layer.height())), stack[1])


def test_qgis_lists_the_parts_of_a_4d_array(load, save, stack):
    path = save(stack)
    parts = QgsProviderRegistry.instance().querySublayers(path)
    assert len(parts) == 3
    for plane, part in zip(stack, parts):
        assert part.providerKey() == "gdal"
        assert identify(load(part.uri()), 17, 3) == list(plane[17, 3])


# --- files ----------------------------------------------------------------------------------


def test_qgis_offers_npy_files_in_its_dialogs_and_browser(save, photo):
    registry = QgsProviderRegistry.instance()
    assert "*.npy" in registry.fileRasterFilters()
    # What the browser asks of every file of a folder, by its name alone.
    found = registry.querySublayers(save(photo), Qgis.SublayerQueryFlag.FastScan)
    assert [part.providerKey() for part in found] == ["gdal"]


def test_looking_at_a_layer_leaves_its_array_alone(load, save, uint16_image):
    path = save(uint16_image)
    layer = load(path)
    render(layer, size=(300, 200))
    layer.dataProvider().bandStatistics(1, QgsRasterBandStats.All)
    layer.dataProvider().histogram(1)
    np.testing.assert_array_equal(np.load(path), uint16_image)
    # Also when opened again with what QGIS has left beside it.
    again = load(path)
    assert identify(again, 17, 3) == [uint16_image[17, 3]]
    assert bounds(again.extent()) == bounds(layer.extent())


def export_as_npy(layer, path):
    """QGIS's "Save As..." of the raw data."""
    pipe = QgsRasterPipe()
    assert pipe.set(layer.dataProvider().clone())
    writer = QgsRasterFileWriter(path)
    writer.setOutputFormat("NPY")
    outcome = writer.writeRaster(pipe, layer.width(), layer.height(), layer.extent(), layer.crs(),
                                 QgsCoordinateTransformContext())
    sip.delete(writer)
    sip.delete(pipe)
    assert outcome == QgsRasterFileWriter.NoError


def test_layer_exported_as_npy_is_the_same_array(load, tmp_path, egm96):
    path = str(tmp_path / "export.npy")
    export_as_npy(load(egm96.path), path)
    np.testing.assert_array_equal(np.load(path), egm96.values)


def test_layer_exported_as_npy_keeps_its_georeferencing(load, tmp_path, egm96):
    # QGIS removes the sidecar of a raster that it closes, taking it for mere statistics, unless
    # the sidecar was there before: the driver must have written it by then.
    layer = load(egm96.path)
    path = str(tmp_path / "export.npy")
    export_as_npy(layer, path)
    export = load(path)
    assert export.crs() == layer.crs()
    assert bounds(export.extent()) == pytest.approx(bounds(layer.extent()))
    assert export.dataProvider().sourceNoDataValue(1) == pytest.approx(egm96.nodata)


def test_broken_file_is_an_invalid_layer_that_says_why(tmp_path, save, uint16_image):
    path = save(uint16_image)
    os.truncate(path, os.path.getsize(path) - 1)
    layer = QgsRasterLayer(path, "layer", "gdal")
    assert not layer.isValid()
    assert "array.npy" in layer.error().message()
    sip.delete(layer)
