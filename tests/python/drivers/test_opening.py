"""What opening looks at: names of sidecars instead of whole folders, each sidecar once, no CRS that
nobody asked for."""

import os
import subprocess
import sys

import numpy as np
import pytest
from support.http import http_server  # noqa: F401
from osgeo import gdal, osr
from support import FORMATS, memory_dataset


@pytest.fixture(params=FORMATS)
def create(request):
    """Writes an image with CRS and metadata of its own."""

    def save(path, bands=1):
        source = memory_dataset(np.arange(bands * 60 * 50, dtype="u2").reshape(bands, 60, 50))
        crs = osr.SpatialReference()
        crs.ImportFromEPSG(32633)
        source.SetSpatialRef(crs)
        source.SetGeoTransform([500000, 10, 0, 5400000, 0, -10])
        gdal.GetDriverByName(request.param).CreateCopy(path, source)
        return path

    return save


@pytest.fixture
def config():
    """Sets GDAL's configuration options for one test."""
    names = []

    def set_option(name, value):
        names.append(name)
        gdal.SetConfigOption(name, value)

    yield set_option
    for name in names:
        gdal.SetConfigOption(name, None)


def add_sidecars(path):
    """All there are: metadata, overviews, a mask."""
    dataset = gdal.Open(path)
    dataset.SetMetadataItem("beside", "yes")
    del dataset
    gdal.Open(path).BuildOverviews("NEAREST", [2])
    mask = memory_dataset(np.full((60, 50), 255, "u1"))
    mask.GetRasterBand(1).WriteArray(np.zeros((5, 5), "u1"))
    mask.SetMetadataItem("INTERNAL_MASK_FLAGS_1", "2")
    gdal.GetDriverByName("GTiff").CreateCopy(path + ".msk", mask)


def seen_beside(path):
    """Which of these sidecars GDAL shows."""
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(1)
    return (dataset.GetMetadataItem("beside"), band.GetOverviewCount(),
            band.GetMaskFlags() == gdal.GMF_PER_DATASET)


def test_a_local_folder_is_not_listed(create, tmp_path, config, errors):
    path = create(str(tmp_path / "image.dat"))
    for number in range(3):
        (tmp_path / f"other{number}").touch()
    # GDAL says so when a folder that it lists has more files.
    config("GDAL_READDIR_LIMIT_ON_OPEN", "1")
    config("CPL_DEBUG", "ON")
    dataset = gdal.Open(path)
    assert dataset.GetRasterBand(1).GetOverviewCount() == 0
    assert dataset.GetRasterBand(1).GetMaskFlags() == gdal.GMF_ALL_VALID
    assert not [text for text in errors if "READDIR" in text]


@pytest.mark.parametrize("folder", ["local", "/vsimem/opening"])
@pytest.mark.parametrize("readdir", [None, "TRUE"])
def test_sidecars_are_found(create, tmp_path, config, folder, readdir):
    folder = str(tmp_path) if folder == "local" else folder
    config("GDAL_DISABLE_READDIR_ON_OPEN", readdir)
    path = create(f"{folder}/image.dat")
    assert seen_beside(path) == (None, 0, False)
    add_sidecars(path)
    assert seen_beside(path) == ("yes", 1, True)
    assert {path, path + ".ovr", path + ".msk"} <= set(gdal.Open(path).GetFileList())
    for ending in ["", ".aux.xml", ".ovr", ".msk"]:
        gdal.Unlink(path + ending)


def test_upper_case_names_are_found(create, tmp_path):
    path = create(str(tmp_path / "image.dat"))
    add_sidecars(path)
    os.rename(path + ".ovr", path + ".OVR")
    os.rename(path + ".msk", path + ".MSK")
    assert seen_beside(path) == ("yes", 1, True)


def test_overviews_have_sidecars_of_their_own(create, tmp_path):
    path = create(str(tmp_path / "image.dat"))
    gdal.Open(path).BuildOverviews("NEAREST", [2])
    overview = gdal.Open(path + ".ovr")
    overview.SetMetadataItem("beside", "the overview")
    del overview
    dataset = gdal.Open(path)
    overview = dataset.GetRasterBand(1).GetOverview(0)
    assert overview.GetDataset().GetMetadataItem("beside") == "the overview"


def test_the_user_may_say_that_there_are_none(create, tmp_path, config):
    path = create(str(tmp_path / "image.dat"))
    add_sidecars(path)
    config("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR")
    assert seen_beside(path) == (None, 0, False)


@pytest.mark.parametrize("pam", ["YES", "NO"])
def test_sidecars_of_metadata_can_be_switched_off(create, tmp_path, config, pam):
    path = create(str(tmp_path / "image.dat"), bands=2)
    add_sidecars(path)
    config("GDAL_PAM_ENABLED", pam)
    assert gdal.Open(path).GetMetadataItem("beside") == ("yes" if pam == "YES" else None)


def test_sidecars_elsewhere_are_found(create, tmp_path):
    """GDAL keeps a list of them, once for a process."""
    path = create(str(tmp_path / "image.dat"), bands=2)
    code = """
import os, stat, sys
from osgeo import gdal
gdal.SetConfigOption("GDAL_PAM_PROXY_DIR", sys.argv[2])
dataset = gdal.Open(sys.argv[1])
dataset.SetMetadataItem("beside", "yes")
del dataset
print(gdal.Open(sys.argv[1]).GetMetadataItem("beside"))
"""
    (tmp_path / "proxies").mkdir()
    shown = subprocess.run([sys.executable, "-c", code, path, str(tmp_path / "proxies")],
                           capture_output=True, text=True, check=True).stdout
    assert shown == "yes\n"


def test_a_server_is_asked_for_nothing_else_where_there_is_nothing(create, http_server,  # noqa: F811
                                                                   tmp_path, config):
    path = create(str(tmp_path / "image.dat"))
    config("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR")
    gdal.VSICurlClearCache()
    assert gdal.Open(http_server.serve(path, "image.dat")).RasterCount == 1
    assert {name for name, _ in http_server.asked} == {"image.dat"}


def test_a_sidecar_is_read_once(create, http_server, tmp_path, config):  # noqa: F811
    path = create(str(tmp_path / "image.dat"), bands=3)
    gdal.Open(path).SetMetadataItem("beside", "yes")
    config("GDAL_DISABLE_READDIR_ON_OPEN", "TRUE")
    name = http_server.serve(path, "image.dat")
    config("CPL_VSIL_CURL_NON_CACHED", name)  # and what begins so
    http_server.serve(path + ".aux.xml", "image.dat.aux.xml")
    gdal.VSICurlClearCache()
    assert gdal.Open(name).GetMetadataItem("beside") == "yes"
    assert http_server.asked.count(("image.dat.aux.xml", "GET")) == 1


def test_the_crs_is_read_when_it_is_asked_for(create, tmp_path):
    """PROJ's database stays open once it was asked."""
    path = create(str(tmp_path / "image.dat"))
    if path and gdal.Open(path).GetDriver().ShortName == "NPY":
        pytest.skip("its CRS is in the sidecar, which GDAL reads as a whole")
    code = """
import os, sys
from osgeo import gdal
gdal.UseExceptions()
def asks_proj():
    links = []
    for number in os.listdir("/proc/self/fd"):
        try: links.append(os.readlink("/proc/self/fd/" + number))
        except OSError: pass
    return any(link.endswith("proj.db") for link in links)
dataset = gdal.Open(sys.argv[1])
dataset.ReadAsArray()
before = asks_proj()
code = dataset.GetSpatialRef().GetAuthorityCode(None)
print(before, asks_proj(), code)
"""
    said = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True,
                          check=True).stdout
    assert said == "False True 32633\n"


def test_a_code_that_the_wkt_names_tells_the_codes_of_its_parts(create, tmp_path):
    crs = gdal.Open(create(str(tmp_path / "image.dat"))).GetSpatialRef()
    if gdal.Open(str(tmp_path / "image.dat")).GetDriver().ShortName == "B2ND":
        assert crs.GetAuthorityCode("GEOGCS") == "4326"
    assert crs.GetAuthorityCode(None) == "32633"
