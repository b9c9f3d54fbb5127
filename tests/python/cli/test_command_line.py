"""GDAL's own programs on .npy files, as a shell user runs them."""

import json
import os
import subprocess

import numpy as np
import pytest
from osgeo import gdal

GEOID = "/usr/share/proj/egm96_15.gtx"


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True,
                          text=True).stdout


@pytest.fixture
def geoid(tmp_path):
    path = tmp_path / "geoid.npy"
    run("gdal_translate", "-q", "-of", "NPY", GEOID, path)
    return path


def test_translate_there_and_back(geoid, tmp_path):
    expected = gdal.Open(GEOID).ReadAsArray()
    np.testing.assert_array_equal(np.load(geoid), expected)
    np.testing.assert_array_equal(np.load(geoid, mmap_mode="r")[100:200], expected[100:200])
    back = tmp_path / "back.tif"
    run("gdal_translate", "-q", geoid, back)
    dataset, source = gdal.Open(str(back)), gdal.Open(GEOID)
    np.testing.assert_array_equal(dataset.ReadAsArray(), expected)
    assert dataset.GetGeoTransform() == source.GetGeoTransform()
    assert dataset.GetSpatialRef().IsSame(source.GetSpatialRef())


def test_extension_chooses_the_driver(tmp_path):
    run("gdal_translate", "-q", GEOID, tmp_path / "geoid.npy")
    assert np.load(tmp_path / "geoid.npy").shape == (721, 1440)


def test_info(geoid):
    text = run("gdalinfo", geoid)
    for line in ["Driver: NPY/NumPy array (.npy)", "Size is 1440, 721", "DTYPE=<f4",
                 "SHAPE=(721, 1440)", "INTERLEAVE=BAND", "LAYOUT=NPY"]:
        assert line in text
    described = json.loads(run("gdalinfo", "-json", "-stats", geoid))
    assert described["bands"][0]["type"] == "Float32"
    assert described["metadata"]["IMAGE_STRUCTURE"]["DTYPE"] == "<f4"


def test_warp_reads_and_writes(geoid, tmp_path):
    for output in ["warped.tif", "warped.npy"]:
        run("gdalwarp", "-q", "-t_srs", "EPSG:3857", "-te", -1e6, -1e6, 1e6, 1e6, "-ts", 300, 200,
            "-r", "bilinear", geoid, tmp_path / output)
    np.testing.assert_array_equal(np.load(tmp_path / "warped.npy"),
                                  gdal.Open(str(tmp_path / "warped.tif")).ReadAsArray())


def test_warp_onto_an_existing_file_updates_it(geoid, tmp_path):
    target = tmp_path / "target.npy"
    run("gdalwarp", "-q", "-te", 0, 0, 10, 10, "-ts", 20, 20, geoid, target)
    inode = os.stat(target).st_ino
    run("gdalwarp", "-q", geoid, target)
    assert os.stat(target).st_ino == inode


def test_overviews_are_added_and_cleaned(geoid):
    run("gdaladdo", "-q", "-r", "average", geoid, 2, 4)
    described = json.loads(run("gdalinfo", "-json", geoid))
    assert [o["size"] for o in described["bands"][0]["overviews"]] == [[720, 361], [360, 181]]
    run("gdaladdo", "-q", "-clean", geoid)
    assert not os.path.exists(f"{geoid}.ovr")


def test_copy_rename_delete_take_the_sidecars_along(plugin, geoid, tmp_path):
    run("gdaladdo", "-q", geoid, 2)
    everything = sorted(os.listdir(tmp_path))
    assert everything == ["geoid.npy", "geoid.npy.aux.xml", "geoid.npy.ovr"]
    plugin.CopyFiles(str(tmp_path / "copy.npy"), str(geoid))
    plugin.Rename(str(tmp_path / "moved.npy"), str(geoid))
    assert sorted(os.listdir(tmp_path)) == sorted(
        name.replace("geoid", new) for name in everything for new in ["copy", "moved"])
    moved = gdal.Open(str(tmp_path / "moved.npy"))
    assert moved.GetRasterBand(1).GetOverviewCount() == 1
    del moved
    run("gdalmanage", "delete", tmp_path / "copy.npy")
    plugin.Delete(str(tmp_path / "moved.npy"))
    assert os.listdir(tmp_path) == []


def test_deleting_a_missing_file_says_so(plugin, tmp_path, errors):
    assert plugin.Delete(str(tmp_path / "missing.npy")) != gdal.CE_None
    assert len(errors) == 1 and "missing.npy: cannot delete" in errors[0]


def test_vrt_over_npy(geoid, tmp_path):
    run("gdalbuildvrt", "-q", tmp_path / "mosaic.vrt", geoid)
    np.testing.assert_array_equal(gdal.Open(str(tmp_path / "mosaic.vrt")).ReadAsArray(),
                                  np.load(geoid))


def test_identify(geoid):
    assert "NPY" in run("gdalmanage", "identify", geoid)
