"""What the drivers say of themselves is what GDAL's own test of all drivers wants, and of the form and extent
of what GDAL's GeoTIFF driver says in this version."""

import re
import xml.etree.ElementTree as xml

import pytest
from osgeo import gdal

OPTION_LISTS = {"DMD_OPENOPTIONLIST": "OpenOptionList", "DMD_CREATIONOPTIONLIST": "CreationOptionList"}
OPTION_TYPES = {"int", "integer", "unsigned int", "float", "boolean", "string-select", "string"}
OPTION_ATTRIBUTES = {"name", "type", "description", "default", "scope", "required", "deprecated_alias", "alias",
                     "min", "max", "aliasOf", "maxsize", "alt_config_option"}
VALUE_ATTRIBUTES = {"alias", "aliasOf"}
UPDATE_ITEMS = {"GeoTransform", "SRS", "GCPs", "NoData", "ColorInterpretation", "RasterValues", "DatasetMetadata",
                "BandMetadata"}

# Items of GeoTIFF that ours have not, and why.
NOT_OURS = {
    "DMD_MIMETYPE": "there is none for .npy and .b2nd",
    "DCAP_CREATE_SUBDATASETS": "a file has one array",
    "DMD_OVERVIEW_CREATIONOPTIONLIST": "overviews are GDAL's .ovr files",
    "DCAP_CREATE_ONLY_VISIBLE_AT_CLOSE_TIME": "files made by Create are there at once, to be updated",
    "LIBGEOTIFF": "a library", "LIBTIFF": "a library",
}


@pytest.fixture(params=["NPY", "B2ND"])
def driver(request):
    return gdal.GetDriverByName(request.param)


@pytest.mark.parametrize("item", OPTION_LISTS)
def test_lists_of_options_have_gdals_form(driver, item):
    root = xml.fromstring(driver.GetMetadataItem(item))
    assert root.tag == OPTION_LISTS[item] and not root.attrib
    names = []
    for option in root:
        assert option.tag == "Option"
        assert set(option.attrib) <= OPTION_ATTRIBUTES
        assert option.get("type") in OPTION_TYPES
        assert re.fullmatch(r"\S+", option.get("name"))
        names += [option.get("name"), *filter(None, [option.get("alias")])]
        values = list(option)
        assert all(value.tag == "Value" and set(value.attrib) <= VALUE_ATTRIBUTES and value.text
                   for value in values)
        assert bool(values) == (option.get("type") == "string-select")
        if values and "default" in option.attrib:
            assert option.get("default") in [value.text for value in values]
        if "min" in option.attrib or "max" in option.attrib:
            assert option.get("type") in ("int", "integer", "unsigned int", "float")
        assert option.get("description"), "what users of `gdalinfo --format` read"
    assert len(names) == len(set(names))


def test_capabilities_are_yes_and_extensions_plain(driver):
    metadata = driver.GetMetadata()
    assert {value for name, value in metadata.items() if name.startswith("DCAP_")} == {"YES"}
    archives = {"npy": "npz", "b2nd": "b2z"}
    assert metadata["DMD_EXTENSIONS"].split() == [metadata["DMD_EXTENSION"],
                                                  archives[metadata["DMD_EXTENSION"]]]
    assert not metadata["DMD_EXTENSION"].startswith(".")
    assert metadata["DMD_LONGNAME"].endswith(f"(.{metadata['DMD_EXTENSION']})")


def test_all_that_geotiff_says_is_said(driver):
    theirs = gdal.GetDriverByName("GTiff").GetMetadata()
    ours = driver.GetMetadata()
    assert set(theirs) - set(ours) <= set(NOT_OURS)
    assert not set(ours) & set(NOT_OURS)


def test_types_and_items_to_update_are_words_of_gdal(driver):
    types = driver.GetMetadataItem(gdal.DMD_CREATIONDATATYPES).split()
    assert all(gdal.GetDataTypeByName(name) != gdal.GDT_Unknown for name in types)
    items = driver.GetMetadataItem("DMD_UPDATE_ITEMS")
    assert (items is None) == (driver.GetMetadataItem("DCAP_UPDATE") is None)
    assert set((items or "").split()) <= UPDATE_ITEMS


def test_geotiff_passes_the_same_checks():
    """Or they would be no measure."""
    geotiff = gdal.GetDriverByName("GTiff")
    for item, tag in OPTION_LISTS.items():
        root = xml.fromstring(geotiff.GetMetadataItem(item))
        assert root.tag == tag
        assert {name for option in root for name in option.attrib} <= OPTION_ATTRIBUTES
        assert {option.get("type") for option in root} <= OPTION_TYPES
    items = geotiff.GetMetadataItem("DMD_UPDATE_ITEMS")
    assert set((items or "").split()) <= UPDATE_ITEMS


def test_what_in_a_name_is_the_path():
    if not hasattr(gdal, "GetSubdatasetInfo"):
        pytest.skip("GDAL before 3.8")
    for name in ("NPY", "B2ND"):
        info = gdal.GetSubdatasetInfo(f'{name}:"/a/b.{name.lower()}":3')
        assert info.GetPathComponent() == f"/a/b.{name.lower()}"
        assert info.GetSubdatasetComponent() == "3"
        assert info.ModifyPathComponent("/c d/e") == f'{name}:"/c d/e":3'
