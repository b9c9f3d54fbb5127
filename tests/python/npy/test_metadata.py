"""What GDAL knows of an image besides its pixels survives in the sidecar, from process to process."""

import os
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal, osr

WGS84_UTM = 32633


@pytest.fixture
def rich_source(rng):
    """A GeoTIFF with everything that has a place in GDAL's model."""
    path = "/vsimem/rich.tif"
    source = gdal.GetDriverByName("GTiff").Create(path, 64, 48, 3, gdal.GDT_Int16)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(WGS84_UTM)
    source.SetSpatialRef(crs)
    source.SetGeoTransform([500000, 10, 0.5, 5400000, 0.25, -10])
    source.SetMetadata({"AREA_OR_POINT": "Point", "TITLE": "a title"})
    source.SetMetadata({"CLOUDS": "12"}, "SCENE")
    source.SetMetadata({"LINE_OFF": "1", "SAMP_OFF": "2"}, "RPC")
    for number in (1, 2, 3):
        band = source.GetRasterBand(number)
        band.WriteArray(rng.integers(-500, 500, (48, 64)))
        band.SetDescription(f"band {number}")
        band.SetScale(0.25 * number)  # PAM writes 16 digits
        band.SetOffset(-3.5)
        band.SetUnitType("m")
        band.SetNoDataValue(-9999)
        band.SetColorInterpretation([gdal.GCI_BlueBand, gdal.GCI_GreenBand,
                                     gdal.GCI_AlphaBand][number - 1])
        band.SetMetadata({"WAVELENGTH": str(number)})
        band.SetMetadata({"GAIN": "4"}, "SENSOR")
        band.ComputeStatistics(False)
    yield source
    del source
    gdal.Unlink(path)


def reopen_elsewhere(path, expression):
    """The value of an expression about `ds` in a fresh process."""
    code = ("from osgeo import gdal; gdal.UseExceptions(); "
            f"ds = gdal.Open({path!r}); print(repr({expression}))")
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True,
                          text=True).stdout.strip()


@pytest.mark.parametrize("interleave", ["BAND", "PIXEL"])
def test_create_copy_keeps_everything(plugin, tmp_path, rich_source, interleave):
    path = str(tmp_path / "rich.npy")
    plugin.CreateCopy(path, rich_source, options=[f"INTERLEAVE={interleave}"])
    dataset = gdal.Open(path)
    assert dataset.GetGeoTransform() == rich_source.GetGeoTransform()
    assert dataset.GetSpatialRef().IsSame(rich_source.GetSpatialRef())
    assert dataset.GetMetadata()["TITLE"] == "a title"
    assert dataset.GetMetadata()["AREA_OR_POINT"] == "Point"
    assert dataset.GetMetadata("SCENE") == {"CLOUDS": "12"}
    assert dataset.GetMetadata("RPC")["LINE_OFF"] == "1"
    for number in (1, 2, 3):
        band, source = dataset.GetRasterBand(number), rich_source.GetRasterBand(number)
        for getter in ["GetDescription", "GetScale", "GetOffset", "GetUnitType", "GetNoDataValue",
                       "GetColorInterpretation", "GetMetadata"]:
            assert getattr(band, getter)() == getattr(source, getter)(), getter
        assert band.GetMetadata("SENSOR") == {"GAIN": "4"}
        assert band.GetStatistics(False, False) == source.GetStatistics(False, False)
    np.testing.assert_array_equal(dataset.ReadAsArray(), rich_source.ReadAsArray())
    assert reopen_elsewhere(path, "ds.GetGeoTransform()") == repr(rich_source.GetGeoTransform())


def test_image_structure_stays_out_of_the_sidecar(plugin, tmp_path, rich_source):
    path = tmp_path / "rich.npy"
    plugin.CreateCopy(str(path), rich_source)
    assert "IMAGE_STRUCTURE" not in (tmp_path / "rich.npy.aux.xml").read_text()


def test_plain_copy_has_no_sidecar(plugin, tmp_path):
    path = tmp_path / "plain.npy"
    plugin.CreateCopy(str(path), gdal.GetDriverByName("MEM").Create("", 5, 6, 3))
    assert os.listdir(tmp_path) == ["plain.npy"]


def test_ground_control_points(plugin, tmp_path):
    source = gdal.GetDriverByName("MEM").Create("", 10, 10)
    points = [gdal.GCP(100 + i, 200 + j, 3, i, j, "info", f"{i}{j}") for i in (0, 9)
              for j in (0, 9)]
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(4326)
    source.SetGCPs(points, crs)
    path = str(tmp_path / "gcps.npy")
    plugin.CreateCopy(path, source)
    got = gdal.Open(path)
    assert [(p.GCPX, p.GCPY, p.GCPPixel, p.GCPLine, p.Id) for p in got.GetGCPs()] \
        == [(p.GCPX, p.GCPY, p.GCPPixel, p.GCPLine, p.Id) for p in points]
    assert got.GetGCPSpatialRef().IsSame(crs)


@pytest.mark.parametrize("gdal_type, value", [(gdal.GDT_Int64, -(1 << 62) - 1),
                                              (gdal.GDT_UInt64, (1 << 64) - 1),
                                              (gdal.GDT_Float32, float("nan")),
                                              (gdal.GDT_Float64, -1.7976931348623157e308)])
def test_nodata_to_the_last_bit(plugin, tmp_path, gdal_type, value):
    source = gdal.GetDriverByName("MEM").Create("", 3, 3, 1, gdal_type)
    source.GetRasterBand(1).SetNoDataValue(value)
    path = str(tmp_path / "nodata.npy")
    plugin.CreateCopy(path, source)
    dataset = gdal.Open(path)
    got = dataset.GetRasterBand(1).GetNoDataValue()
    assert got == value or (value != value and got != got)


def test_colour_table_categories_and_attributes(plugin, tmp_path):
    source = gdal.GetDriverByName("MEM").Create("", 3, 3)
    band = source.GetRasterBand(1)
    colours = gdal.ColorTable()
    colours.SetColorEntry(0, (255, 0, 0, 255))
    colours.SetColorEntry(1, (0, 128, 0, 0))
    band.SetColorTable(colours)
    band.SetColorInterpretation(gdal.GCI_PaletteIndex)
    band.SetCategoryNames(["water", "forest"])
    attributes = gdal.RasterAttributeTable()
    attributes.CreateColumn("Value", gdal.GFT_Integer, gdal.GFU_MinMax)
    attributes.SetValueAsInt(0, 0, 42)
    band.SetDefaultRAT(attributes)
    path = str(tmp_path / "classes.npy")
    plugin.CreateCopy(path, source)
    dataset = gdal.Open(path)
    got = dataset.GetRasterBand(1)
    assert got.GetColorTable().GetColorEntry(1) == (0, 128, 0, 0)
    assert got.GetColorInterpretation() == gdal.GCI_PaletteIndex
    assert got.GetCategoryNames() == ["water", "forest"]
    assert got.GetDefaultRAT().GetValueAsInt(0, 0) == 42


def test_masks(plugin, tmp_path, rng):
    source = gdal.GetDriverByName("MEM").Create("", 20, 30, 3)
    source.CreateMaskBand(gdal.GMF_PER_DATASET)
    mask = rng.integers(0, 2, (30, 20), dtype="u1") * 255
    source.GetRasterBand(1).GetMaskBand().WriteArray(mask)
    path = str(tmp_path / "masked.npy")
    plugin.CreateCopy(path, source)
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(2)
    assert band.GetMaskFlags() == gdal.GMF_PER_DATASET
    np.testing.assert_array_equal(band.GetMaskBand().ReadAsArray(), mask)
    assert f"{path}.msk" in dataset.GetFileList()


def test_metadata_can_be_set_on_any_npy(npy):
    """Also on one that is open read-only, as QGIS and gdal_edit expect of PAM."""
    path = npy(np.zeros((5, 6), "f4"))
    for mode in [gdal.GA_ReadOnly, gdal.GA_Update]:
        dataset = gdal.Open(path, mode)
        dataset.SetGeoTransform([mode, 1, 0, 9, 0, -1])
        dataset.GetRasterBand(1).SetDescription(f"mode {mode}")
        del dataset
        assert gdal.Open(path).GetGeoTransform() == (mode, 1, 0, 9, 0, -1)
        assert f"mode {mode}" in open(path + ".aux.xml").read()


def test_subdatasets_keep_metadata_apart(npy):
    path = npy(np.zeros((2, 3, 4, 5), "f4"))
    for index in (0, 1):
        dataset = gdal.Open(f'NPY:"{path}":[{index}]')
        dataset.SetMetadataItem("PLANE", str(index))
        del dataset
    for index in (0, 1):
        dataset = gdal.Open(f'NPY:"{path}":[{index}]')
        assert dataset.GetMetadataItem("PLANE") == str(index)
        assert dataset.GetFileList() == [path, path + ".aux.xml"]


@pytest.mark.parametrize("name", ["NPY:{}", 'NPY:"{}"'])
def test_prefix_without_index_is_the_file_itself(plugin, tmp_path, monkeypatch, rng, name):
    monkeypatch.chdir(tmp_path)
    source = gdal.GetDriverByName("MEM").Create("", 8, 9, 3)
    source.SetGeoTransform([1, 2, 0, 3, 0, -4])
    for path in ["image.npy", str(tmp_path / "image.npy")]:
        dataset = plugin.CreateCopy(path, source, options=["INTERLEAVE=PIXEL"])
        dataset.BuildOverviews("NEAREST", [2])
        del dataset
        dataset = gdal.Open(name.format(path), gdal.GA_Update)
        assert dataset.GetGeoTransform() == (1, 2, 0, 3, 0, -4)
        assert dataset.RasterCount == 3
        assert dataset.GetRasterBand(1).GetOverviewCount() == 1
        assert sorted(dataset.GetFileList()) == [path, path + ".aux.xml", path + ".ovr"]
        dataset.SetGeoTransform([5, 2, 0, 3, 0, -4])
        dataset.BuildOverviews("NEAREST", [4])
        del dataset
        assert gdal.Open(path).GetGeoTransform()[0] == 5
    assert sorted(os.listdir(tmp_path)) == ["image.npy", "image.npy.aux.xml", "image.npy.ovr"]


@pytest.mark.parametrize("mode", [gdal.GA_ReadOnly, gdal.GA_Update])
def test_overviews_are_used(npy, mode):
    path = npy(np.zeros((400, 600), "u2"))
    dataset = gdal.Open(path, mode)
    dataset.BuildOverviews("NEAREST", [2, 4])
    del dataset
    overview = gdal.Open(path + ".ovr", gdal.GA_Update)
    overview.GetRasterBand(1).Fill(77)  # to see who was read
    del overview
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(1)
    assert band.GetOverviewCount() == 2
    assert (band.ReadAsArray(buf_xsize=300, buf_ysize=200) == 77).all()
    assert (dataset.ReadAsArray(buf_xsize=300, buf_ysize=200) == 77).all()
    assert (band.ReadAsArray() == 0).all()
    assert path + ".ovr" in dataset.GetFileList()


def test_new_file_loses_the_sidecars_of_the_old_one(plugin, tmp_path, rich_source):
    path = str(tmp_path / "again.npy")
    dataset = plugin.CreateCopy(path, rich_source)
    dataset.BuildOverviews("NEAREST", [2])
    del dataset
    plugin.CreateCopy(path, gdal.GetDriverByName("MEM").Create("", 5, 6))
    assert os.listdir(tmp_path) == ["again.npy"]


@pytest.mark.parametrize("name", ["image.npy", "image.b2nd"])
@pytest.mark.parametrize("none", [(0, 1, 0, 0, 0, 1), (0, 0, 0, 0, 0, 0)])
@pytest.mark.parametrize("mode", [gdal.GA_ReadOnly, gdal.GA_Update])
def test_the_identity_is_no_geotransform(tmp_path, name, none, mode):
    driver = gdal.GetDriverByName(
        {"npy": "NPY", "b2nd": "B2ND"}[name.split(".")[1]])
    if driver is None:
        pytest.skip("built without B2ND")
    path = str(tmp_path / name)
    dataset = driver.Create(path, 10, 10)
    assert dataset.GetGeoTransform(can_return_null=True) is None
    dataset.SetGeoTransform([500000, 10, 0.5, 5400000, 0.25, -10])
    del dataset
    dataset = gdal.Open(path, mode)
    assert dataset.GetGeoTransform()[0] == 500000
    dataset.SetGeoTransform(none)
    assert dataset.GetGeoTransform(can_return_null=True) is None
    del dataset
    dataset = gdal.Open(path, mode)
    assert dataset.GetGeoTransform(can_return_null=True) is None
    assert dataset.GetGeoTransform() == (0, 1, 0, 0, 0, 1)
    points = [gdal.GCP(100 + 2 * x, 200 - 3 * y, 0, x, y) for x in (0, 9) for y in (0, 9)]
    dataset.SetGCPs(points, "")
    del dataset
    dataset = gdal.Open(path)
    assert dataset.GetGeoTransform(can_return_null=True) is None
    assert dataset.GetGCPCount() == 4
    assert gdal.Warp("", dataset, format="MEM").GetGeoTransform()[0] == 100  # by the GCPs
    del dataset
    dataset = gdal.Open(path, mode)
    dataset.SetGeoTransform([1, 2, 0, 3, 0, -4])
    del dataset
    assert gdal.Open(path).GetGeoTransform() == (1, 2, 0, 3, 0, -4)


@pytest.mark.parametrize("name", ["image.npy", "image.b2nd"])
def test_gdal_edit_takes_a_geotransform_away(tmp_path, name):
    if name.endswith("b2nd") and gdal.GetDriverByName("B2ND") is None:
        pytest.skip("built without B2ND")
    path = str(tmp_path / name)
    source = gdal.GetDriverByName("MEM").Create("", 10, 10)
    source.SetGeoTransform([1, 2, 0, 3, 0, -4])
    gdal.Translate(path, source, format={"npy": "NPY", "b2nd": "B2ND"}[name.split(".")[1]])
    subprocess.run([sys.executable, "-m", "osgeo_utils.gdal_edit", "-unsetgt", path], check=True)
    assert reopen_elsewhere(path, "ds.GetGeoTransform(can_return_null=True)") == "None"
    assert os.listdir(tmp_path) == [name]
    subprocess.run([sys.executable, "-m", "osgeo_utils.gdal_edit", "-gcp", "0", "0", "100", "200",
                    "-gcp", "9", "0", "109", "200", "-gcp", "0", "9", "100", "191", path],
                   check=True)
    assert reopen_elsewhere(path, "(ds.GetGCPCount(), ds.GetGeoTransform(can_return_null=True))") \
        == "(3, None)"


def test_copies_of_an_identity_have_none(plugin, tmp_path):
    source = gdal.GetDriverByName("MEM").Create("", 10, 10)
    source.SetGeoTransform([0, 1, 0, 0, 0, 1])
    plugin.CreateCopy(str(tmp_path / "image.npy"), source)
    assert os.listdir(tmp_path) == ["image.npy"]
