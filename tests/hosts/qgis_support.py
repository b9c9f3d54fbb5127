"""QGIS without a screen: its start and end, layers, their values and pictures. A pytest plugin."""

import gc
import os
import sys

import numpy as np
import pytest

# Before Qt starts: there is no screen where tests run.
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from qgis.core import (  # noqa: E402
    QgsApplication, QgsCoordinateReferenceSystem, QgsMapRendererSequentialJob, QgsMapSettings,
    QgsPointXY, QgsRaster, QgsRasterLayer)
from qgis.PyQt import sip  # noqa: E402
from qgis.PyQt.QtCore import QSize  # noqa: E402
from qgis.PyQt.QtGui import QColor, QImage  # noqa: E402

BLANK = (1, 2, 3)  # the background of our maps, no colour of the images

# Pixels (row, column), the corners of a raster of any size among them.
PLACES = [(0, 0), (0, -1), (-1, 0), (-1, -1), (17, 3), (100, 150), (58, 91)]


@pytest.fixture(scope="session")
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
def load(qgis):
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


def expect_same_picture(ours, tiff, folder, least_colours, **view):
    """Equal pixel by pixel: both layers have the same pixels and contrast, so no tolerance."""
    picture = render(ours, **view)
    save_picture(picture, folder / "picture.png")
    assert distinct_colours(picture) >= least_colours
    np.testing.assert_array_equal(picture, render(tiff, **view))
    return picture
