"""QGIS offers our files, exports layers to them, changes their pixels and builds their pyramids."""

import os
import re

import numpy as np
import pytest
from conftest import KINDS, make_photo, make_uint16
from qgis_support import PLACES, bounds, identify, render
from qgis.analysis import QgsRasterCalculator, QgsRasterCalculatorEntry
from qgis.core import (
    Qgis, QgsCoordinateReferenceSystem, QgsCoordinateTransformContext, QgsProject,
    QgsProviderRegistry, QgsRaster, QgsRasterBandStats, QgsRasterBlock, QgsRasterFileWriter,
    QgsRasterLayer, QgsRasterNuller, QgsRasterPipe, QgsRasterProjector,
    QgsRasterRange, QgsRectangle)
from qgis.PyQt import sip

pytest_plugins = ["qgis_support"]


def export(layer, path, driver, options=(), stages=(), size=None, extent=None, crs=None,
           rendered=False):
    """QGIS's "Save As...", of the raw data or of the picture; returns QGIS's outcome.

    stages: what stands in the pipe behind the layer's data.
    """
    pipe = QgsRasterPipe()
    assert pipe.set(layer.dataProvider().clone())
    if rendered:
        assert pipe.set(layer.renderer().clone())
    for stage in stages:
        assert pipe.insert(pipe.size(), stage)
    writer = QgsRasterFileWriter(path)
    writer.setOutputFormat(driver)
    writer.setCreateOptions(list(options))
    outcome = writer.writeRaster(pipe, *(size or (layer.width(), layer.height())),
                                 extent or layer.extent(), crs or layer.crs(),
                                 QgsCoordinateTransformContext())
    sip.delete(writer)
    sip.delete(pipe)
    return outcome


def export_well(*arguments, **keywords):
    assert export(*arguments, **keywords) == QgsRasterFileWriter.NoError


# --- dialogs and browser --------------------------------------------------------------------


def test_qgis_offers_files_in_its_dialogs_and_browser(qgis, files, photo):
    registry = QgsProviderRegistry.instance()
    name = {"NPY": "NumPy array", "B2ND": "Blosc2 NDim array"}[files.driver]
    assert re.search(rf"(^|;;){name} +\(\*\{files.suffix}( [^)]*)?\)(;;|$)", registry.fileRasterFilters())
    # What the browser asks of every file of a folder, by its name alone.
    found = registry.querySublayers(files.save(photo), Qgis.SublayerQueryFlag.FastScan)
    assert [part.providerKey() for part in found] == ["gdal"]


def test_save_as_offers_the_format_with_its_extension(qgis, files):
    formats = QgsRasterFileWriter.supportedFiltersAndFormats()
    assert files.driver in [each.driverName for each in formats]
    assert QgsRasterFileWriter.extensionsForFormat(files.driver)[0] == files.suffix[1:]  # then those of archives
    assert QgsRasterFileWriter.driverForExtension(files.suffix) == files.driver


def test_creation_options_are_checked_before_an_export(load, files, uint16_image):
    provider = load(files.save(uint16_image)).dataProvider()
    good = ["INTERLEAVE=PIXEL"] + ["COMPRESS=LZ4", "LEVEL=3"] * (files.driver == "B2ND")
    assert provider.validateCreationOptions(good, files.driver) == ""
    assert provider.validateCreationOptions(["INTERLEAVE=TILE"], files.driver) != ""


def test_looking_at_a_layer_leaves_its_array_alone(load, files, uint16_image):
    path = files.save(uint16_image)
    with open(path, "rb") as file:
        content = file.read()
    layer = load(path)
    render(layer, size=(300, 200))
    layer.dataProvider().bandStatistics(1, QgsRasterBandStats.All)
    layer.dataProvider().histogram(1)
    np.testing.assert_array_equal(files.load(path), uint16_image)
    # Also when opened again with what QGIS has left beside it.
    again = load(path)
    assert identify(again, 17, 3) == [uint16_image[17, 3]]
    assert bounds(again.extent()) == bounds(layer.extent())
    with open(path, "rb") as file:
        assert file.read() == content


def test_broken_file_is_an_invalid_layer_that_says_why(qgis, files, uint16_image):
    path = files.save(uint16_image)
    os.truncate(path, os.path.getsize(path) - 1)
    layer = QgsRasterLayer(path, "layer", "gdal")
    assert not layer.isValid()
    assert os.path.basename(path) in layer.error().message()
    sip.delete(layer)


# --- export ---------------------------------------------------------------------------------


def test_exported_layer_is_the_same_array(load, files, egm96):
    path = files.path("export")
    export_well(load(egm96.path), path, files.driver)
    np.testing.assert_array_equal(files.load(path), egm96.values)


def test_exported_layer_keeps_its_georeferencing(load, files, egm96):
    # QGIS removes the sidecar of a raster that it closes, taking it for mere statistics, unless
    # the sidecar was there before: a driver that needs one must have written it by then.
    layer = load(egm96.path)
    path = files.path("export")
    export_well(layer, path, files.driver)
    for sidecar in files.sidecars:
        assert os.path.exists(path + sidecar)
    again = load(path)
    assert again.crs() == layer.crs()
    assert bounds(again.extent()) == pytest.approx(bounds(layer.extent()))
    assert again.dataProvider().sourceNoDataValue(1) == pytest.approx(egm96.nodata)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "int32", "float32",
                                   "float64"])
def test_exported_layer_keeps_its_data_type(load, files, dtype):
    array = (make_uint16() // 256).astype(dtype)
    path = files.path("export")
    export_well(load(files.save(array)), path, files.driver)
    exported = files.load(path)
    assert exported.dtype == array.dtype
    np.testing.assert_array_equal(exported, array)


@pytest.mark.parametrize("interleave, to_bands_last", [
    ("BAND", lambda array: np.moveaxis(array, 0, -1)), ("PIXEL", lambda array: array),
    ("LINE", lambda array: np.moveaxis(array, 1, -1))])
def test_exported_colours_are_laid_out_as_the_creation_option_says(load, files, photo, interleave,
                                                                   to_bands_last):
    path = files.path("export")
    export_well(load(files.save(photo)), path, files.driver, [f"INTERLEAVE={interleave}"])
    np.testing.assert_array_equal(to_bands_last(files.load(path)), photo)
    again = load(path)
    for row, column in PLACES:
        assert identify(again, row, column) == list(photo[row, column])


@pytest.mark.parametrize("codec", ["ZSTD", "LZ4", "LZ4HC", "ZLIB", "BLOSCLZ"])
def test_creation_options_of_an_export_reach_the_file(load, blosc2_files, uint16_image, codec):
    path = blosc2_files.path("export")
    export_well(load(blosc2_files.save(uint16_image)), path, "B2ND",
                [f"COMPRESS={codec}", "LEVEL=4", "FILTER=SHUFFLE", "BLOCKXSIZE=32",
                 "BLOCKYSIZE=16", "CHUNKXSIZE=96", "CHUNKYSIZE=64"])
    array = blosc2_files.blosc2.open(path, mode="r")
    assert (array.chunks, array.blocks) == ((64, 96), (16, 32))
    assert array.cparams.codec.name == codec
    np.testing.assert_array_equal(array[:], uint16_image)


def test_impossible_creation_option_fails_the_export_and_leaves_nothing(load, blosc2_files,
                                                                        uint16_image):
    layer = load(blosc2_files.save(uint16_image))
    path = blosc2_files.path("export")
    outcome = export(layer, path, "B2ND", ["BLOCKXSIZE=32", "CHUNKXSIZE=33"])
    assert outcome == QgsRasterFileWriter.CreateDatasourceError
    assert os.listdir(blosc2_files.folder) == ["array.b2nd"]


def test_export_replaces_an_older_file(load, files, photo, uint16_image):
    path = files.save(photo, "export")
    export_well(load(files.save(uint16_image)), path, files.driver)
    np.testing.assert_array_equal(files.load(path), uint16_image)


def test_export_between_both_formats(load, files, tmp_path, egm96):
    other, = (kind(tmp_path) for name, kind in KINDS.items() if name != files.driver)
    path = other.path("other")
    export_well(load(egm96.path), path, other.driver)
    np.testing.assert_array_equal(other.load(path), egm96.values)
    assert load(path).crs().authid() == "EPSG:4326"


def test_exported_part_of_a_map(load, files, egm96):
    path = files.path("export")
    # Pixel edges are at -180.125 + 0.25 n.
    export_well(load(egm96.path), path, files.driver, size=(80, 40),
                extent=QgsRectangle(4.875, 40.125, 24.875, 50.125))
    np.testing.assert_array_equal(files.load(path), egm96.values[160:200, 740:820])
    assert bounds(load(path).extent()) == pytest.approx((4.875, 40.125, 24.875, 50.125))


def test_exported_reprojection_equals_that_to_geotiff(load, files, tmp_path, egm96):
    layer = load(egm96.path)
    europe = QgsCoordinateReferenceSystem("EPSG:3035")
    paths = {files.driver: files.path("export"), "GTiff": str(tmp_path / "export.tif")}
    for driver, path in paths.items():
        projector = QgsRasterProjector()
        projector.setCrs(layer.crs(), europe, QgsCoordinateTransformContext())
        export_well(layer, path, driver, stages=[projector], size=(200, 150), crs=europe,
                    extent=QgsRectangle(2500000, 2000000, 6500000, 5000000))
    ours, tiff = (load(path) for path in paths.values())
    assert ours.crs() == tiff.crs() == europe
    blocks = [layer.dataProvider().block(1, layer.extent(), 200, 150) for layer in (ours, tiff)]
    pixels = np.frombuffer(blocks[0].data(), np.float32).reshape(150, 200)
    assert blocks[0].data() == blocks[1].data()
    assert len(np.unique(pixels)) > 1000
    np.testing.assert_array_equal(files.load(paths[files.driver]), pixels)


def test_exported_picture_is_what_the_layer_shows(load, files, photo):
    path = files.path("export")
    export_well(load(files.save(photo)), path, files.driver, rendered=True)
    bands = files.load(path)
    assert bands.dtype == np.uint8 and bands.shape == (4, *photo.shape[:2])
    np.testing.assert_array_equal(bands[:3], np.moveaxis(photo, -1, 0))
    assert (bands[3] == 255).all()


def test_values_that_the_layer_hides_are_exported_as_nodata(load, files, uint16_image):
    nuller = QgsRasterNuller()
    nuller.setNoData(1, [QgsRasterRange(0, 1000)])
    path = files.path("export")
    export_well(load(files.save(uint16_image)), path, files.driver, stages=[nuller])
    hidden = uint16_image <= 1000
    assert hidden.any()
    provider = load(path).dataProvider()
    assert provider.sourceHasNoDataValue(1)
    nodata = provider.sourceNoDataValue(1)  # which QGIS has chosen
    assert nodata not in uint16_image[~hidden]
    np.testing.assert_array_equal(files.load(path), np.where(hidden, nodata, uint16_image))


def test_raster_calculator_writes_a_file(load, files, egm96):
    layer = load(egm96.path)
    entry = QgsRasterCalculatorEntry()
    entry.ref, entry.raster, entry.bandNumber = "geoid@1", layer, 1
    path = files.path("calculated")
    calculator = QgsRasterCalculator(
        '"geoid@1" * 2 + 1', path, files.driver, layer.extent(), layer.crs(), layer.width(),
        layer.height(), [entry], QgsProject.instance().transformContext())
    assert calculator.processCalculation() == QgsRasterCalculator.Success
    np.testing.assert_array_equal(files.load(path), egm96.values * np.float32(2) + 1)
    assert load(path).crs() == layer.crs()


# --- changes --------------------------------------------------------------------------------


def test_written_block_changes_only_its_pixels(load, files_laid_out):
    photo = make_photo()
    path = files_laid_out.save(photo)
    provider = load(path).dataProvider()
    assert provider.setEditable(True)
    block = QgsRasterBlock(Qgis.DataType.Byte, 50, 30)
    values = (np.arange(1500) % 251).astype(np.uint8).reshape(30, 50)
    block.setData(values.tobytes())
    assert provider.writeBlock(block, 2, 90, 105)  # over the edges of chunks
    assert provider.setEditable(False)
    photo[105:135, 90:140, 1] = values
    np.testing.assert_array_equal(files_laid_out.load(path), photo)
    again = load(path)
    for row, column in [*PLACES, (105, 90), (134, 139)]:
        assert identify(again, row, column) == list(photo[row, column])


def test_nodata_set_by_qgis_is_kept(load, files, uint16_image):
    path = files.save(uint16_image)
    provider = load(path).dataProvider()
    assert provider.setEditable(True)
    assert provider.setNoDataValue(1, 4711)
    assert provider.setEditable(False)
    assert load(path).dataProvider().sourceNoDataValue(1) == 4711
    np.testing.assert_array_equal(files.load(path), uint16_image)


def test_pyramids_stand_beside_the_file(load, files, photo):
    path = files.save(photo)
    provider = load(path).dataProvider()
    pyramids = provider.buildPyramidList([2, 4])
    for level in pyramids:
        level.setBuild(True)
    assert provider.buildPyramids(pyramids, "NEAREST", QgsRaster.PyramidsGTiff) == ""
    assert os.path.exists(path + ".ovr")
    again = load(path).dataProvider()
    assert [level.getExists() for level in again.buildPyramidList([2, 4])] == [True, True]
    np.testing.assert_array_equal(files.load(path), photo)
