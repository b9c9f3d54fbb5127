"""One truth for the metadata of a .b2nd: GDAL and vlmeta say the same, whoever changed them last."""

import os
import resource
import struct
import subprocess
import sys

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal, osr
from support import memory_dataset

NAMES = ("spatial:transform", "spatial:dimensions", "dimension_names", "zarr_conventions",
         "proj:wkt2", "proj:code", "gdal", "gdal:mask")


def crs_of(code=32633):
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(code)
    return crs


def attributes_of(path):
    array = blosc2.open(path)
    return {name: array.schunk.vlmeta[name] for name in array.schunk.vlmeta}


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.b2nd")


@pytest.fixture
def foreign(path):
    """A file of python-blosc2 with attributes of its owner."""
    array = blosc2.asarray(np.arange(600, dtype="u2").reshape(20, 30), urlpath=path, mode="w")
    array.schunk.vlmeta["author"] = "first"
    array.schunk.vlmeta["note"] = "n"
    array.schunk.vlmeta["gain"] = [1, 2.5]
    return path


def edit_in_python(path, **changes):
    array = blosc2.open(path, mode="a")
    for name, value in changes.items():
        if value is None:
            del array.schunk.vlmeta[name]
        else:
            array.schunk.vlmeta[name] = value


def georeference(path):
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.SetGeoTransform([500000, 10, 0, 5400000, 0, -10])
    dataset.SetSpatialRef(crs_of())
    dataset.SetMetadataItem("ours", "1")


class TestAttributesOfOthers:
    def test_later_changes_and_deletions_count(self, foreign):
        georeference(foreign)
        edit_in_python(foreign, author="second", note=None)
        items = gdal.Open(foreign).GetMetadata()
        assert items == {"author": "second", "gain": "[1,2.5]", "ours": "1"}

    def test_items_of_their_names_are_written_to_them(self, foreign):
        dataset = gdal.Open(foreign, gdal.GA_Update)
        dataset.SetMetadataItem("author", "third")
        dataset = None
        assert attributes_of(foreign)["author"] == "third"
        assert attributes_of(foreign)["gain"] == [1, 2.5]
        assert "author" not in attributes_of(foreign)["gdal"].get("pam", "")
        assert gdal.Open(foreign).GetMetadataItem("author") == "third"

    def test_removed_items_are_removed(self, foreign):
        dataset = gdal.Open(foreign, gdal.GA_Update)
        dataset.SetMetadataItem("note", None)
        dataset = None
        assert set(attributes_of(foreign)) == {"author", "gain", "gdal"}
        dataset = gdal.Open(foreign, gdal.GA_Update)
        dataset.SetMetadata({})
        dataset = None
        assert gdal.Open(foreign).GetMetadata() == {}
        assert set(attributes_of(foreign)) == {"gdal"}

    def test_names_that_gdal_cannot_tell_apart_stay(self, path):
        array = blosc2.asarray(np.zeros((4, 5), "u1"), urlpath=path, mode="w")
        for name, value in (("a:b", "colon"), ("a_b", "line"), ("A_B", "large")):
            array.schunk.vlmeta[name] = value
        georeference(path)
        kept = attributes_of(path)
        assert (kept["a:b"], kept["a_b"], kept["A_B"]) == ("colon", "line", "large")

    def test_more_than_there_is_room_for_keep_pixels_and_metadata(self, path):
        array = blosc2.asarray(np.zeros((20, 20), "u2"), urlpath=path, mode="w")
        for number in range(11):
            array.schunk.vlmeta[f"x{number}"] = "a"
        dataset = gdal.Open(path, gdal.GA_Update)
        dataset.GetRasterBand(1).WriteArray(np.ones((20, 20), "u2"))
        assert dataset.SetGeoTransform([1, 2, 0, 3, 0, -4]) == gdal.CE_None
        assert dataset.SetSpatialRef(crs_of()) == gdal.CE_None
        dataset = None
        assert {f"x{number}" for number in range(11)} < set(attributes_of(path))
        dataset = gdal.Open(path)
        assert (dataset.ReadAsArray() == 1).all()
        assert dataset.GetGeoTransform() == (1, 2, 0, 3, 0, -4)
        assert dataset.GetSpatialRef().GetAuthorityCode(None) == "32633"
        assert dataset.GetMetadataItem("x7") == "a"

    def test_a_mask_that_finds_no_room_goes_beside_the_file(self, path):
        array = blosc2.asarray(np.zeros((20, 20), "u2"), urlpath=path, mode="w")
        for number in range(16):
            array.schunk.vlmeta[f"x{number}"] = "a"
        dataset = gdal.Open(path, gdal.GA_Update)
        assert dataset.CreateMaskBand(gdal.GMF_PER_DATASET) == gdal.CE_None
        dataset.GetRasterBand(1).GetMaskBand().WriteArray(np.full((20, 20), 255, "u1"))
        dataset = None
        assert os.path.exists(path + ".msk")
        dataset = gdal.Open(path)
        assert (dataset.GetRasterBand(1).GetMaskBand().ReadAsArray() == 255).all()


class TestSidecars:
    @pytest.mark.parametrize("driver, name", [("B2ND", "a.b2nd"), ("NPY", "a.npy")])
    def test_those_of_parts_stay_when_the_whole_is_updated(self, driver, name, tmp_path):
        path = str(tmp_path / name)
        gdal.GetDriverByName(driver).Create(path, 20, 20, 3)
        part = gdal.Open(f'{driver}:"{path}":1')
        part.SetMetadataItem("sub", "kept")
        part.GetRasterBand(1).ComputeStatistics(False)
        part = None
        for _ in range(2):
            dataset = gdal.Open(path, gdal.GA_Update)
            dataset.SetMetadataItem("whole", "said")
            dataset = None
        part = gdal.Open(f'{driver}:"{path}":1')
        assert part.GetMetadataItem("sub") == "kept"
        assert part.GetRasterBand(1).GetMetadataItem("STATISTICS_MEAN") == "0"
        assert gdal.Open(path).GetMetadataItem("whole") == "said"

    def test_what_it_says_of_the_whole_moves_into_the_file(self, foreign):
        dataset = gdal.Open(foreign)
        histogram = dataset.GetRasterBand(1).GetDefaultHistogram()
        dataset.GetRasterBand(1).ComputeStatistics(False)
        dataset = None
        assert os.path.exists(foreign + ".aux.xml")
        georeference(foreign)
        assert not os.path.exists(foreign + ".aux.xml")
        dataset = gdal.Open(foreign)
        band = dataset.GetRasterBand(1)
        assert band.GetMetadataItem("STATISTICS_MAXIMUM") == "599"
        found = band.GetDefaultHistogram(force=False)
        assert found[2:] == histogram[2:] and found[:2] == pytest.approx(histogram[:2])

    def test_copies_keep_histograms_and_epochs(self, path, tmp_path):
        source = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "s.tif"), 30, 20)
        source.GetRasterBand(1).WriteArray(np.arange(600, dtype="u1").reshape(20, 30) % 200)
        crs = crs_of(9000)
        crs.SetCoordinateEpoch(2021.3)
        source.SetSpatialRef(crs)
        histogram = source.GetRasterBand(1).GetDefaultHistogram()
        for driver, name in (("B2ND", path), ("NPY", str(tmp_path / "a.npy"))):
            gdal.GetDriverByName(driver).CreateCopy(name, source)
            copy = gdal.Open(name)
            found = copy.GetRasterBand(1).GetDefaultHistogram(force=False)
            assert found[2:] == histogram[2:] and found[:2] == pytest.approx(histogram[:2])
            assert copy.GetSpatialRef().GetCoordinateEpoch() == 2021.3


class TestCrs:
    @pytest.mark.parametrize("remove", [
        lambda dataset: dataset.SetProjection(""), lambda dataset: dataset.SetSpatialRef(None)])
    def test_can_be_taken_away(self, remove, foreign):
        georeference(foreign)
        assert gdal.Open(foreign).GetSpatialRef() is not None
        dataset = gdal.Open(foreign, gdal.GA_Update)
        remove(dataset)
        assert dataset.GetSpatialRef() is None
        dataset = None
        assert gdal.Open(foreign).GetSpatialRef() is None
        left = attributes_of(foreign)
        assert not [name for name in left if name.startswith("proj:")]
        assert [entry["name"] for entry in left["zarr_conventions"]] == ["spatial:"]

    def test_is_not_hidden_where_the_file_cannot_be_changed(self, foreign):
        georeference(foreign)
        dataset = gdal.Open(foreign)
        with pytest.raises(RuntimeError, match="access: found read-only, wanted update"):
            dataset.SetSpatialRef(None)
        assert dataset.GetSpatialRef() is not None

    def test_forms_that_nobody_can_read_are_somebodys(self, foreign):
        edit_in_python(foreign, **{"proj:wkt2": "no CRS"})
        dataset = gdal.Open(foreign, gdal.GA_Update)
        assert dataset.GetMetadataItem("proj_wkt2") == "no CRS"
        dataset.SetMetadataItem("ours", "1")
        dataset = None
        assert attributes_of(foreign)["proj:wkt2"] == "no CRS"


class TestAxes:
    def test_copies_say_what_they_follow(self, path):
        source = memory_dataset(np.zeros((3, 20, 30), "u2"))
        source.SetGeoTransform([500000, 10, 0, 5400000, 0, -10])
        source.SetSpatialRef(crs_of())
        source.CreateMaskBand(gdal.GMF_PER_DATASET)
        gdal.GetDriverByName("B2ND").CreateCopy(path, source)
        found = attributes_of(path)
        assert sorted(found) == sorted(NAMES)
        assert found["spatial:dimensions"] == ["y", "x"]
        assert found["dimension_names"] == ["band", "y", "x"]
        for entry in found["zarr_conventions"]:
            assert set(entry) == {"uuid", "name", "schema_url", "spec_url", "description"}

    def test_names_of_others_stay(self, path):
        array = blosc2.asarray(np.zeros((6, 20, 30), "u1"), urlpath=path, mode="w")
        array.schunk.vlmeta["dimension_names"] = ["time", "lat", "lon"]
        array.schunk.vlmeta["spatial:dimensions"] = ["lat", "lon"]
        array.schunk.vlmeta["zarr_conventions"] = [{"uuid": "another", "name": "theirs"}]
        georeference(path)
        found = attributes_of(path)
        assert found["dimension_names"] == ["time", "lat", "lon"]
        assert found["spatial:dimensions"] == ["lat", "lon"]
        assert [entry["name"] for entry in found["zarr_conventions"]] == [
            "theirs", "proj:", "spatial:"]

    @pytest.mark.parametrize("names, spatial, axes", [
        (["y", "x", "band"], ["y", "x"], "YXB"), (["lon", "lat"], ["lat", "lon"], "XY"),
        (None, ["y", "x", "band"], "YXB"),  # as this driver wrote them once
        (["a", "b", "c"], ["y", "x"], "BYX"), (["y", "y", "x"], ["y", "x"], "BYX"),
        (["y", "x"], None, "BYX"), (7, "y", "BYX")])
    def test_are_read_from_names(self, names, spatial, axes, path):
        shape = (20, 30) if len(axes) == 2 else (20, 30, 6)
        array = blosc2.asarray(np.zeros(shape, "u1"), urlpath=path, mode="w")
        if names is not None:
            array.schunk.vlmeta["dimension_names"] = names
        if spatial is not None:
            array.schunk.vlmeta["spatial:dimensions"] = spatial
        assert gdal.Open(path).GetMetadataItem("AXES", "IMAGE_STRUCTURE") == axes


def test_lists_of_details_belong_to_their_datasets(foreign, tmp_path):
    """Through the C API: asking another dataset must not free what the caller holds."""
    other = str(tmp_path / "b.b2nd")
    gdal.GetDriverByName("B2ND").Create(other, 7, 7)
    code = f"""
import ctypes, ctypes.util
from osgeo import gdal
lib = ctypes.CDLL(ctypes.util.find_library("gdal"))
lib.GDALGetMetadata.restype = ctypes.POINTER(ctypes.c_char_p)
lib.GDALOpen.restype = lib.GDALGetMetadataDomainList.restype = ctypes.c_void_p
lib.GDALGetMetadata.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
lib.GDALGetMetadataDomainList.argtypes = [ctypes.c_void_p]
a, b = (lib.GDALOpen(path.encode(), 0) for path in ({foreign!r}, {other!r}))
held = lib.GDALGetMetadata(a, b"B2ND")
before = [held[i] for i in range(9)]
lib.GDALGetMetadata(b, b"B2ND")
lib.GDALGetMetadataDomainList(a)
assert [held[i] for i in range(9)] == before
"""
    subprocess.run([sys.executable, "-c", code], check=True)


class TestBombs:
    def test_values_of_all_attributes_are_bounded(self, path):
        """Thousands of attributes of 64 bytes that each hold 65,500 numbers."""
        packed = b"\xdd" + struct.pack(">I", 65500) + b"\x01" * 65500
        array = blosc2.asarray(np.zeros((4, 5), "u1"), urlpath=path, mode="w")
        for number in range(15):
            array.schunk.vlmeta.set_vlmeta(f"x{number}", packed, typesize=1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        items = gdal.Open(path).GetMetadata()
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
        assert sum(text.startswith("[1,1,") for text in items.values()) == 1
        assert sum("more values" in text for text in items.values()) == 14

    def test_long_attributes_of_others_are_shown_by_their_size(self, path, rng):
        array = blosc2.asarray(np.zeros((4, 5), "u1"), urlpath=path, mode="w")
        array.schunk.vlmeta["noise"] = rng.bytes(200_000)
        assert gdal.Open(path).GetMetadataItem("noise").endswith("bytes in the file)")
        georeference(path)
        assert len(attributes_of(path)["noise"]) == 200_000
