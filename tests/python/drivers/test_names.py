"""Names of subdatasets, in both spellings, and names of files that other programs stumble over."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal

VERSION = int(gdal.VersionInfo())
ARRAY = np.arange(2 * 3 * 4 * 5 * 6, dtype="u2").reshape(2, 3, 4, 5, 6)
# Of file names; {} is where the ending goes.
ODD_NAMES = ['quo"te{}', '"both"{}', 'back\\"slash{}', "ends\\{}", "it's {}", "a b{}", "a:0{}",
             "a:1,2{}", "x[0]{}", ":[0]{}", "höhe 高さ{}", "NPY:x{}", "%20 #&;$()<>{}", "-o{}"]


@pytest.fixture(params=["npy", "b2nd"])
def driver(request):
    if request.param == "b2nd":
        pytest.importorskip("blosc2")
        if gdal.GetDriverByName("B2ND") is None:
            pytest.skip("the plugin was built without c-blosc2")
    return request.param.upper()


def save(driver, path, array=ARRAY):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if driver == "NPY":
        with open(path, "wb") as file:
            np.save(file, array)
    else:
        import blosc2
        blosc2.asarray(array, urlpath=str(path), mode="w")
    return str(path)


def ending(driver):
    return "." + driver.lower()


def subdatasets(path):
    return [name for name, _ in gdal.Open(path).GetSubDatasets()]


def test_both_spellings_open(driver, tmp_path):
    path = save(driver, tmp_path / f"a{ending(driver)}")
    assert subdatasets(path)[5] == f'{driver}:"{path}":1,2'
    for index in ("1,2", "[1,2]", "1, 2", "[1, 2]"):
        for name in (f'{driver}:"{path}":{index}', f"{driver}:{path}:{index}",
                     f"{driver.lower()}:{path}:{index}"):
            np.testing.assert_array_equal(gdal.Open(name).ReadAsArray(), ARRAY[1, 2])
    got = gdal.Open(f'{driver}:"{path}":1,2,3').ReadAsArray()
    np.testing.assert_array_equal(got, ARRAY[1, 2, 3])


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_file_name_works(driver, tmp_path, name):
    path = save(driver, tmp_path / "sub" / name.format(ending(driver)))
    names = subdatasets(path)
    assert len(names) == 6
    for number, part in enumerate(names):
        np.testing.assert_array_equal(gdal.Open(part).ReadAsArray(),
                                      ARRAY.reshape(6, 4, 5, 6)[number])
    whole = gdal.Open(f'{driver}:"{path}"') if '"' not in name else gdal.Open(path)
    assert len(whole.GetSubDatasets()) == 6
    # Through a VRT, whose XML has the name, and as a copy under such a name.
    vrt = str(tmp_path / "a.vrt")
    gdal.Translate(vrt, names[4], format="VRT")
    np.testing.assert_array_equal(gdal.Open(vrt).ReadAsArray(), ARRAY[1, 1])
    copy = str(tmp_path / "copy" / name.format(ending(driver)))
    os.makedirs(tmp_path / "copy")
    gdal.Translate(copy, names[4], format=driver)
    np.testing.assert_array_equal(gdal.Open(copy).ReadAsArray(), ARRAY[1, 1])
    assert set(os.listdir(tmp_path / "copy")) <= {os.path.basename(copy),
                                                 os.path.basename(copy) + ".aux.xml"}


@pytest.mark.parametrize("first, second", [("[1,2]", "1,2"), ("1,2", "[1, 2]")])
def test_sidecar_of_one_spelling_is_found_by_the_other(driver, tmp_path, first, second):
    path = save(driver, tmp_path / f"a{ending(driver)}")
    dataset = gdal.Open(f'{driver}:"{path}":{first}')
    dataset.SetGeoTransform((10, 2, 0, 20, 0, -2))
    dataset.GetRasterBand(1).SetNoDataValue(7)
    dataset.SetMetadataItem("WHO", "first")
    dataset = None
    for name in (f'{driver}:"{path}":{second}', f"{driver}:{path}:{second}"):
        dataset = gdal.Open(name)
        assert dataset.GetGeoTransform() == (10, 2, 0, 20, 0, -2)
        assert dataset.GetRasterBand(1).GetNoDataValue() == 7
        assert dataset.GetMetadataItem("WHO") == "first"
    assert gdal.Open(f'{driver}:"{path}":1,1').GetMetadataItem("WHO") is None


def test_overviews_of_one_spelling_are_found_by_the_other(driver, tmp_path):
    path = save(driver, tmp_path / f"a{ending(driver)}", np.ones((2, 3, 64, 64), "u1"))
    dataset = gdal.Open(f'{driver}:"{path}":[1]')
    dataset.BuildOverviews("NEAREST", [2])
    dataset = None
    assert gdal.Open(f'{driver}:"{path}":1').GetRasterBand(1).GetOverviewCount() == 1
    assert gdal.Open(f'{driver}:"{path}":0').GetRasterBand(1).GetOverviewCount() == 0


@pytest.mark.skipif(VERSION < 3080000, reason="GDAL asks drivers of subdatasets since 3.8")
@pytest.mark.parametrize("spelling", ['{driver}:"{path}":1,2', '{driver}:"{path}":[1,2]',
                                      "{driver}:{path}:1,2"])
@pytest.mark.parametrize("name", ["a{}", 'quo"te{}', "a b{}"])
def test_vrt_of_a_subdataset_can_be_moved(driver, tmp_path, spelling, name):
    if '"' in name and '"' in spelling:
        escaped = name.replace('"', '\\"')
    else:
        escaped = name
    folder = tmp_path / "here"
    save(driver, folder / name.format(ending(driver)))
    source = spelling.format(driver=driver, path=folder / escaped.format(ending(driver)))
    dataset = gdal.Open(source)
    dataset.SetGeoTransform((0, 1, 0, 0, 0, -1))  # gdalbuildvrt needs one
    dataset = None
    gdal.Translate(str(folder / "translated.vrt"), source, format="VRT")
    gdal.BuildVRT(str(folder / "built.vrt"), [source]).FlushCache()
    moved = tmp_path / "there"
    shutil.move(folder, moved)
    for vrt in ("translated.vrt", "built.vrt"):
        assert 'relativeToVRT="1"' in (moved / vrt).read_text()
        np.testing.assert_array_equal(gdal.Open(str(moved / vrt)).ReadAsArray()[:4], ARRAY[1, 2])


@pytest.mark.skipif(shutil.which("gdal") is None, reason="the program gdal came with GDAL 3.11")
@pytest.mark.parametrize("subcommand", ["stack", "mosaic"])
def test_listed_names_work_where_brackets_are_wildcards(driver, tmp_path, subcommand):
    path = save(driver, tmp_path / f"a{ending(driver)}")
    names = subdatasets(path)[:2]
    for name in names:
        dataset = gdal.Open(name)
        dataset.SetGeoTransform((0, 1, 0, 0, 0, -1))  # mosaics need one
        dataset = None
    out = str(tmp_path / "out.tif")
    subprocess.run(["gdal", "raster", subcommand, *names, out], check=True, capture_output=True)
    got = gdal.Open(out).ReadAsArray()
    wanted = ARRAY[0, :2].reshape(8, 5, 6) if subcommand == "stack" else ARRAY[0, 1]
    np.testing.assert_array_equal(got, wanted)


# --- Names as long as a file system takes them.


@pytest.mark.parametrize("stem", ["a", "ä", "高"])
def test_longest_file_name_can_be_written(driver, tmp_path, stem, errors):
    size = 255 - len(ending(driver))
    name = stem * (size // len(stem.encode()))
    name += "b" * (size - len(name.encode())) + ending(driver)
    assert len(os.fsencode(name)) == 255
    path = str(tmp_path / name)
    source = gdal.GetDriverByName("MEM").Create("", 40, 30, 1, gdal.GDT_UInt16)
    source.GetRasterBand(1).WriteArray(np.arange(1200).reshape(30, 40))
    for _ in range(2):  # new, then overwritten
        assert gdal.GetDriverByName(driver).CreateCopy(path, source) is not None
        np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(),
                                      source.ReadAsArray())
        assert os.listdir(tmp_path) == [name] and errors == []


@pytest.mark.parametrize("size", [246, 247, 248, 255])
def test_a_leftover_of_a_killed_writer_of_a_long_name_is_taken_over(tmp_path, size):
    """And while it lives, a second writer is refused."""
    path = str(tmp_path / ("n" * (size - 4) + ".npy"))
    script = """
import os, sys
from osgeo import gdal
gdal.UseExceptions()
source = gdal.GetDriverByName("MEM").Create("", 2000, 2000, 1)
def stop(done, *_):
    if done > 0:
        print("writing", flush=True)
        sys.stdin.readline()
    return 1
gdal.GetDriverByName("NPY").CreateCopy(sys.argv[1], source, callback=stop)
"""
    writer = subprocess.Popen([sys.executable, "-c", script, path], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline() == "writing\n"
    leftover = os.listdir(tmp_path)
    assert len(leftover) == 1 and len(leftover[0]) <= 255 and leftover[0].endswith(".partial")
    source = gdal.GetDriverByName("MEM").Create("", 40, 30, 1)
    with pytest.raises(RuntimeError, match="another process is writing this file"):
        gdal.GetDriverByName("NPY").CreateCopy(path, source)
    writer.kill()
    writer.communicate()
    assert os.listdir(tmp_path) == leftover
    gdal.GetDriverByName("NPY").CreateCopy(path, source)
    assert os.listdir(tmp_path) == [os.path.basename(path)]
