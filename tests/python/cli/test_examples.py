"""Examples in the documents that no other test runs, and that there are no others."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal

from support import memory_dataset
from support.examples import DOCUMENTS, ROOT, blocks, code_of, commands_of, spans
from support.tiff import write_stack
from support.tool import PROGRAM

TOOLS = "tools/README.md"

# (document, section): why no test runs it as it stands.
EXCUSED = {
    ("README.md", "Two commands"): "test_quickstart.py runs the first, and the second runs this test",
    ("README.md", "Install"): "`tests/run install` does the same into another folder",
    ("tools/python/README.md", "Install"): "test_package_install.py does the same into another folder",
}

# Spans of running text that look like examples, and are run by other tests, or stand for many.
OTHERS = {
    "gdal raster stack", "gdal raster mosaic",  # of GDAL 3.11 and newer: names, not examples
    "gdal_ndarray compact", "gdal_ndarray convert", "gdal_ndarray verify --against",  # test_tool_*.py
    "gdal_ndarray convert --checksum sha256",  # test_checksum_files.py
    "gdal_ndarray SUBCOMMAND --help",  # test_man_pages.py
    "GetVirtualMemAutoArray(gdal.GF_Write)",  # test_zero_copy.py
    "gdal_translate -of B2ND",  # README.md, above
    "gdal mdim info", 'xarray.open_dataset("stack.b2nd", engine="gdalxarray")',  # multidim/
    "np.int64(3)",  # test_dtype_spellings.py, as a part of headers
}


def test_every_example_is_run_by_a_test():
    asked = set()
    for path in (ROOT / "tests" / "python").rglob("test_*.py"):
        source = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r'(?:code|commands)_of\(\s*"?([\w./]+)"?,\s*"([^"]+)"\)', source))
    asked = {(TOOLS if document == "TOOLS" else document, section) for document, section in asked}
    found = {(document, block.section) for document in DOCUMENTS for block in blocks(document) if block.is_example}
    assert found - asked - set(EXCUSED) == set()
    assert set(EXCUSED) <= found - asked  # no more excuses than needed


def test_every_span_that_could_be_run_is_run_by_a_test():
    found = {span for document in DOCUMENTS[:2] + [TOOLS] for span in spans(document)}
    source = pathlib.Path(__file__).read_text(encoding="utf-8")
    missing = {span for span in found - OTHERS if span not in source.replace('\\"', '"')}
    assert missing == set()


# --- driver/README.md: spans, and what is about archives and n dimensions


def python(folder, code):
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def stacks(tmp_path, rng):
    array = rng.integers(0, 99, (4, 3, 20, 30), "u1")
    np.save(tmp_path / "stack.npy", array)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "scene.npz", x=array[0, 0])
    return tmp_path


def test_names_of_parts(stacks):
    python(stacks, """
import numpy as np
from osgeo import gdal
gdal.UseExceptions()
found = gdal.Open('NPY:"stack.npy":3').ReadAsArray()
assert np.array_equal(found, np.load("stack.npy")[3])
assert np.array_equal(gdal.Open('NPY:"a.npy":[0]').ReadAsArray(), np.load("a.npy")[0])
found = gdal.Open("/vsizip/{scene.npz}/x.npy").ReadAsArray()
assert np.array_equal(found, np.load("scene.npz")["x"])
""")


def test_names_of_parts_of_a_b2nd(stacks):
    pytest.importorskip("blosc2")
    python(stacks, """
import blosc2, numpy as np
from osgeo import gdal
gdal.UseExceptions()
blosc2.asarray(np.load("stack.npy"), urlpath="stack.b2nd", mode="w")
found = gdal.Open('B2ND:"stack.b2nd":0,2').ReadAsArray()
assert np.array_equal(found, blosc2.open("stack.b2nd")[0, 2])
""")


def test_names_in_archives(tmp_path):
    python(tmp_path, """
import numpy as np
from osgeo import gdal
gdal.UseExceptions()
array = np.arange(4 * 3 * 20 * 30, dtype="u2").reshape(4, 3, 20, 30)
np.savez("a.npz", name=array)
assert len(gdal.Open("a.npz").GetSubDatasets()) == 4
np.savez("a.npz", **{"name": array, "a:0": array[1, 0]})
assert len(gdal.Open('NPY:"a.npz":name').GetSubDatasets()) == 4
assert np.array_equal(gdal.Open('NPY:"a.npz":name:0,2').ReadAsArray(), np.load("a.npz")["name"][0, 2])
name = '''NPY:"a.npz":'a:0' '''
assert np.array_equal(gdal.Open(name.strip()).ReadAsArray(), array[1, 0])
""")
    blosc2 = pytest.importorskip("blosc2")
    if not hasattr(blosc2, "TreeStore"):
        pytest.skip("this python-blosc2 has no TreeStore")
    python(tmp_path, """
import blosc2, numpy as np
from osgeo import gdal
gdal.UseExceptions()
array = np.arange(4 * 3 * 20 * 30, dtype="u2").reshape(4, 3, 20, 30)
with blosc2.TreeStore("scene.b2z", mode="w") as tree:
    tree["/group/name"], tree["/other"] = array, array[0]
assert len(gdal.Open('B2ND:"scene.b2z":/group/name').GetSubDatasets()) == 4
found = gdal.Open('B2ND:"scene.b2z":/group/name:0,2').ReadAsArray()
assert np.array_equal(found, blosc2.open("scene.b2z")["/group/name"][0, 2])
""")


def test_overviews_of_a_b2z(tmp_path):
    if gdal.GetDriverByName("B2ND") is None:
        pytest.skip("the plugin was built without c-blosc2")
    image = np.add.outer(np.arange(1200, dtype="u2"), np.arange(900, dtype="u2"))
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "scene.tif"), memory_dataset(image))

    def levels_after(command):
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
        dataset = gdal.Open(str(tmp_path / "scene.b2z"))
        assert np.array_equal(dataset.ReadAsArray(), image)
        return [dataset.GetRasterBand(1).GetOverview(level).XSize
                for level in range(dataset.GetRasterBand(1).GetOverviewCount())]

    assert levels_after("gdal_translate -of B2ND scene.tif scene.b2z") == [450, 225, 113]
    assert levels_after("gdaladdo -clean scene.b2z") == []
    assert levels_after("gdaladdo scene.b2z 2 4 8") == [450, 225, 113]
    assert levels_after("gdaladdo -clean scene.b2z") == []
    before = (tmp_path / "scene.b2z").read_bytes()
    assert levels_after("gdaladdo -ro scene.b2z")[:2] == [450, 225]  # as many as GDAL thinks right
    assert (tmp_path / "scene.b2z").read_bytes() == before and (tmp_path / "scene.b2z.ovr").exists()


def test_n_dimensions(tmp_path, rng):
    """gdal.OpenEx(path, gdal.OF_MULTIDIM_RASTER), and programs where they are installed."""
    blosc2 = pytest.importorskip("blosc2")
    array = rng.integers(0, 999, (4, 12, 1040, 520)).astype("u2")
    blosc2.asarray(array, urlpath=str(tmp_path / "stack.b2nd"))
    example, commands = re.match(r"(?s)(.*?)(gdalmdimtranslate.*)", code_of("driver/README.md", "N dimensions")).groups()
    np.save(tmp_path / "array.npy", array)
    python(tmp_path, example + """
import numpy as np
expected = np.load("array.npy")
assert np.array_equal(part, expected[:3, 10:11, :1024:2, 511::-1])
assert np.array_equal(plane.ReadAsArray(), expected[0, 10])
""")
    for command in commands.strip().splitlines():
        command = command.partition("#")[0].split()
        if not shutil.which(command[0]) or gdal.GetDriverByName("netCDF") is None or "zarr" in command[-2]:
            continue
        name = {"in.nc": "array", "many.nc": "temperature"}[next(word for word in command if word.endswith(".nc"))]
        np.save(tmp_path / f"{name}.npy", array)
        gdal.MultiDimTranslate(str(tmp_path / command[-2]), str(tmp_path / f"{name}.npy"), format="netCDF")
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        assert np.array_equal(blosc2.open(str(tmp_path / command[-1]))[...], array)


def test_without_gdal(tmp_path):
    pytest.importorskip("blosc2")
    python(tmp_path, """
import blosc2, numpy as np
from osgeo import gdal
gdal.UseExceptions()
image = np.arange(600, dtype="u2").reshape(20, 30)
source = gdal.GetDriverByName("MEM").Create("", 30, 20, 1, gdal.GDT_UInt16)
source.WriteArray(image)
source.CreateMaskBand(gdal.GMF_PER_DATASET)
source.GetRasterBand(1).GetMaskBand().WriteArray((image % 7 > 0).astype("u1") * 255)
path, out = "scene.b2nd", "scene.npy"
gdal.GetDriverByName("B2ND").CreateCopy(path, source)
array = blosc2.open(path)
assert np.array_equal(array[:], image)
mask = blosc2.ndarray_from_cframe(array.schunk.vlmeta["gdal:mask"])[:]
assert np.array_equal(mask > 0, image % 7 > 0)
gdal.GetDriverByName("NPY").CreateCopy(out, source)
dataset = gdal.Open(out)
assert np.array_equal(np.load(out), dataset.ReadAsArray())
path = out
assert np.array_equal(np.load(path, mmap_mode="r"), image)
if hasattr(gdal, "OF_THREAD_SAFE"):
    dataset = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_THREAD_SAFE)
    assert np.array_equal(dataset.ReadAsArray(), image)
""")


def test_a_profile_of_rasterio(tmp_path):
    pytest.importorskip("rasterio")
    pytest.importorskip("blosc2")
    gdal.GetDriverByName("B2ND").CreateCopy(str(tmp_path / "old.b2nd"), memory_dataset(np.ones((20, 30), "u2")))
    python(tmp_path, """
import sys, rasterio
from osgeo import gdal
if rasterio.__gdal_version__ != gdal.VersionInfo("RELEASE_NAME"):
    sys.exit()
new = "new.b2nd"
with rasterio.open("old.b2nd") as dataset, rasterio.open(new, "w", **dataset.profile) as copy:
    copy.write(dataset.read())
assert gdal.Open(new).ReadAsArray().min() == 1
""")


@pytest.mark.parametrize("command", ["gdalinfo --format NPY", "gdalinfo --format B2ND", "gdalinfo -mdd B2ND scene.b2nd",
                                     "gdal_edit.py -unsetgt scene.b2nd"])
def test_commands_of_gdal(tmp_path, command):
    if gdal.GetDriverByName("B2ND") is None:
        pytest.skip("the plugin was built without c-blosc2")
    if not shutil.which(command.split()[0]):
        pytest.skip(f"no {command.split()[0]}")
    dataset = memory_dataset(np.ones((20, 30), "u2"))
    dataset.SetGeoTransform([500000, 10, 0, 5400000, 0, -10])
    gdal.GetDriverByName("B2ND").CreateCopy(str(tmp_path / "scene.b2nd"), dataset)
    shown = subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    if "--format" in command:
        assert "Supports: Raster" in shown and "NUM_THREADS" in shown
    if "-mdd" in command:
        assert "DEAD_BYTES" in shown
    if "-unsetgt" in command:
        assert gdal.Open(str(tmp_path / "scene.b2nd")).GetGeoTransform(can_return_null=True) is None


def test_warping_by_many_threads(tmp_path, rng):
    image = memory_dataset(rng.integers(0, 9, (300, 400), "u1"))
    image.SetGeoTransform([500000, 10, 0, 5400000, 0, -10])
    gdal.GetDriverByName("NPY").CreateCopy(str(tmp_path / "scene.npy"), image)
    warp = "gdalwarp -multi -wo NUM_THREADS=ALL_CPUS"
    for command, name in ((warp, "many.npy"), ("gdalwarp", "one.npy")):
        subprocess.run([*command.split(), "-q", "-s_srs", "EPSG:32633", "-t_srs", "EPSG:3857", "scene.npy", name],
                       cwd=tmp_path, check=True, capture_output=True)
    many, one = (np.load(tmp_path / name) for name in ("many.npy", "one.npy"))
    assert one.any()
    np.testing.assert_array_equal(many, one)


# --- tools/README.md


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the files that the program's examples are about, smaller ones, and python3 in PATH."""
    if gdal.GetDriverByName("B2ND") is None:
        pytest.skip("the plugin was built without c-blosc2")
    folder = tmp_path_factory.mktemp("tools")
    image = np.add.outer(np.arange(2600, dtype="u2"), np.arange(1600, dtype="u2"))
    for name, driver in (("scene.npy", "NPY"), ("scene.b2nd", "B2ND"), ("scene.tif", "GTiff"), ("copy.b2nd", "B2ND")):
        gdal.GetDriverByName(driver).CreateCopy(str(folder / name), memory_dataset(image))
    gdal.GetDriverByName("GTiff").CreateCopy(str(folder / "sensor.tif"), memory_dataset(image[:600, :500]))
    pages = np.arange(100 * 12 * 9, dtype="u2").reshape(100, 12, 9)
    write_stack(folder / "cells.tif", pages,
                description="ImageJ=1.53\nimages=100\nframes=10\nslices=5\nchannels=2\nhyperstack=true\n")
    np.savez(folder / "arrays.npz", image=image, other=image)
    damaged = bytearray((folder / "copy.b2nd").read_bytes())
    damaged[len(damaged) // 2:len(damaged) // 2 + 5000] = b"\xff" * 5000
    (folder / "copy.b2nd").write_bytes(damaged)
    programs = folder / "programs"
    programs.mkdir()
    for name, target in (("python3", sys.executable), ("gdal_ndarray", PROGRAM)):
        (programs / name).write_text(f'#!/bin/sh\nexec "{target}" "$@"\n')
        (programs / name).chmod(0o755)
    return folder


def shell(folder, command):
    if "jq" in command and not shutil.which("jq"):
        command = command.replace(
            "jq -r .memmap", "python3 -c 'import json, sys; print(json.load(sys.stdin)[\"memmap\"])'")
    environment = {**os.environ, "PATH": f"{folder / 'programs'}:{os.environ['PATH']}"}
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout + done.stderr


def numbers_apart(text):
    return re.sub(r"\d+(\.\d+)?", "N", text)


def check(folder, examples):
    for command, shown in examples:
        status, output = shell(folder, command)
        assert status == 0, output
        assert numbers_apart(output) == numbers_apart(shown)


def labels(text):
    """What stands before the colons or the first gaps of lines."""
    return {match[1] for match in re.finditer(r"(?m)^ {0,2}([\w.]+(?: [\w.]+)*?)(?:: |  )", text)}


def test_convert(folder):
    pytest.importorskip("blosc2")
    check(folder, commands_of(TOOLS, "gdal_ndarray convert / Examples"))


def test_info(folder):
    check(folder, commands_of(TOOLS, "gdal_ndarray info / Examples"))


def test_window(folder):
    check(folder, [(command.replace("40000 40000", "1600 2600"), shown)
                   for command, shown in commands_of(TOOLS, "gdal_ndarray window / Examples")])


def test_verify(folder):
    (command, shown), = commands_of(TOOLS, "gdal_ndarray verify / Examples")
    status, output = shell(folder, command)
    assert status == 1
    assert labels(shown) <= labels(output), output


def test_compact(folder):
    dataset = gdal.Open(str(folder / "scene.b2nd"), gdal.GA_Update)
    dataset.GetRasterBand(1).WriteArray(np.ones((1200, 1200), "u2"))
    del dataset
    check(folder, commands_of(TOOLS, "gdal_ndarray compact / Examples"))


def test_tune(folder):
    (command, shown), = commands_of(TOOLS, "gdal_ndarray tune / Output")
    status, output = shell(folder, command + " --budget 0.2s")
    assert status == 0, output
    assert {"Source", "Read in", "Sample", "Tried", "Objective", "Threads"} <= labels(shown) & labels(output)
    assert output.splitlines()[-1].startswith("-co COMPRESS=") and shown.splitlines()[-1].startswith("-co COMPRESS=")
    assert "> recommended" in output and "> recommended" in shown


def test_examples_are_found():
    assert "gdal_translate" in code_of("README.md", "Use / gdal_translate, gdalinfo and the rest")
