"""GDAL's own programs on arrays of any number of axes, and two kinds of such arrays end to end."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from osgeo import gdal
from multidim.test_reading import open_array, save

pytestmark = pytest.mark.skipif(shutil.which("gdalmdimtranslate") is None, reason="no gdalmdimtranslate")


def has_mdim():
    """Whether there is `gdal mdim`: from GDAL 3.11 on."""
    return shutil.which("gdal") is not None and int(gdal.VersionInfo()) >= 3110000


NNUNET = {"dimension_names": ["c", "z", "y", "x"]}
OME = {"dimension_names": ["t", "z", "c", "y", "x"],
       "coordinates": {"t": {"data": [0, 0.5, 1.5], "attrs": {"units": "s"}}}, "channels": ["DAPI", "GFP"]}


def run(*arguments):
    return subprocess.run([str(a) for a in arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def case(tmp_path, rng):
    """As nnU-Net has its cases: channels, slices, lines, pixels."""
    array = rng.normal(size=(2, 12, 40, 30)).astype("f4")
    return array, save(tmp_path / "case_0000.b2nd", array, NNUNET, chunks=(1, 6, 20, 30), blocks=(1, 3, 10, 15))


@pytest.fixture
def stack(tmp_path, rng):
    """As OME has microscopes' images."""
    array = rng.integers(0, 4096, (3, 4, 2, 20, 30)).astype("u2")
    return array, save(tmp_path / "stack.b2nd", array, OME)


def translated(source, target, driver, *options):
    if gdal.GetDriverByName(driver) is None:
        pytest.skip(f"no driver {driver}")
    run("gdalmdimtranslate", "-of", driver, *options, source, target)
    group = gdal.OpenEx(str(target), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
    return group


def test_gdalmdiminfo_shows_a_case_of_nnunet(case):
    info = json.loads(run("gdalmdiminfo", case[1]))
    assert [(d["name"], d["size"]) for d in info["dimensions"]] == [("c", 2), ("z", 12), ("y", 40), ("x", 30)]
    shown = info["arrays"]["case_0000"]
    assert (shown["datatype"], shown["block_size"]) == ("Float32", [1, 6, 20, 30])
    assert shown["structural_info"]["LAYOUT"] == "B2ND"


def test_a_patch_of_a_case_of_nnunet_is_read(case):
    array, path = case
    patch = open_array(path).ReadAsArray([0, 2, 8, 4], [2, 8, 16, 16])
    np.testing.assert_array_equal(patch, array[:, 2:10, 8:24, 4:20])


@pytest.mark.parametrize("driver, ending", [("netCDF", "nc"), ("Zarr", "zarr"), ("VRT", "vrt"), ("NPY", "npy")])
def test_gdalmdimtranslate_copies_a_case_of_nnunet(case, tmp_path, driver, ending):
    array, path = case
    group = translated(path, tmp_path / f"copy.{ending}", driver)
    name = next(n for n in group.GetMDArrayNames() if n in ("case_0000", "copy"))
    np.testing.assert_array_equal(group.OpenMDArray(name).ReadAsArray(), array)


def test_gdalmdiminfo_shows_an_ome_stack(stack):
    info = json.loads(run("gdalmdiminfo", "-detailed", stack[1]))
    assert [d["name"] for d in info["dimensions"]] == OME["dimension_names"]
    assert info["arrays"]["t"]["values"] == [0, 0.5, 1.5]
    assert info["arrays"]["stack"]["attributes"]["channels"]["value"] == OME["channels"]


# Views that shorten a dimension become arrays of its whole length, from netCDF, too (GDAL 3.6).
@pytest.mark.parametrize("driver, ending", [("netCDF", "nc"), ("Zarr", "zarr")])
def test_gdalmdimtranslate_copies_part_of_an_ome_stack(stack, tmp_path, driver, ending):
    array, path = stack
    part = "name=stack,dstname=part,view=[1,:,0,::-1,:]"
    group = translated(path, tmp_path / f"part.{ending}", driver, "-array", part)
    np.testing.assert_array_equal(group.OpenMDArray("part").ReadAsArray(), array[1, :, 0, ::-1])


def test_positions_of_an_ome_stack_are_copied(stack, tmp_path):
    group = translated(stack[1], tmp_path / "copy.nc", "netCDF")
    time = group.OpenMDArray("t")
    np.testing.assert_array_equal(time.ReadAsArray(), [0, 0.5, 1.5])
    assert time.GetUnit() == "s"


@pytest.fixture
def mdim():
    if not has_mdim():
        pytest.skip("no program gdal mdim: before 3.11")
    return lambda *words: run("gdal", "mdim", *words)


def test_gdal_mdim_convert_copies_a_case_of_nnunet(mdim, case, tmp_path):
    array, path = case
    mdim("convert", path, tmp_path / "copy.zarr")
    group = gdal.OpenEx(str(tmp_path / "copy.zarr"), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
    np.testing.assert_array_equal(group.OpenMDArray("case_0000").ReadAsArray(), array)
    mdim("convert", "--co", "BLOCKSIZE=1,6,20,30", tmp_path / "copy.zarr", tmp_path / "back.b2nd")
    np.testing.assert_array_equal(open_array(tmp_path / "back.b2nd").ReadAsArray(), array)
    assert list(open_array(tmp_path / "back.b2nd").GetBlockSize()) == [1, 6, 20, 30]


def test_gdal_mdim_info_shows_an_ome_stack(mdim, stack):
    info = json.loads(mdim("info", "--detailed", stack[1]))
    assert [d["name"] for d in info["dimensions"]] == OME["dimension_names"]
    assert info["arrays"]["t"]["values"] == [0, 0.5, 1.5]
    assert info["arrays"]["stack"]["attributes"]["channels"]["value"] == OME["channels"]


@pytest.mark.parametrize("options", [["BLOCKSIZE=1,6,20,30"], ["BLOCKSIZE=1,6,20,30", "BLOCKS=1,3,10,15"]])
def test_chunks_of_a_copy_are_no_cause_of_a_warning(case, tmp_path, options):
    words = [word for option in options for word in ("-co", option)]
    done = subprocess.run(["gdalmdimtranslate", "-of", "B2ND", *words, case[1], str(tmp_path / "copy.b2nd")],
                          check=True, capture_output=True, text=True)
    assert done.stderr == ""
    assert list(open_array(tmp_path / "copy.b2nd").GetBlockSize()) == [1, 6, 20, 30]


def test_blocks_of_arrays_are_named_as_ignored_for_rasters(tmp_path, errors):
    gdal.GetDriverByName("B2ND").Create(str(tmp_path / "a.b2nd"), 8, 8, options=["BLOCKS=4,4"])
    assert [text.split(": ", 1)[1] for text in errors] == ["ignored: BLOCKS=4,4; rasters have BLOCKXSIZE and BLOCKYSIZE"]
