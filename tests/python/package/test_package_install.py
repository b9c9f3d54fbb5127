"""`python -m gdal_ndarray`, and the package as pip and CMake install it."""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys

import gdal_ndarray
import numpy as np
import pytest
from osgeo import gdal

ROOT = next(folder for folder in pathlib.Path(__file__).parents if (folder / "LICENSE").exists())


def report(**environment):
    run = subprocess.run([sys.executable, "-m", "gdal_ndarray"], capture_output=True, text=True,
                         env={**os.environ, **environment})
    return run.returncode, run.stdout


def test_version_is_the_projects():
    project = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert gdal_ndarray.__version__ == re.search(r"VERSION (\d+\.\d+\.\d+)", project)[1]


def test_report():
    status, text = report()
    plugin = pathlib.Path(os.environ["GDAL_DRIVER_PATH"], "gdal_ndarray.so").resolve()
    assert status == 0
    assert f"gdal_ndarray {gdal_ndarray.__version__}" in text
    assert f"osgeo: GDAL {gdal.VersionInfo('RELEASE_NAME')}" in text
    assert re.search(r"drivers: NPY.*; plugin: " + re.escape(str(plugin)), text)
    if importlib.util.find_spec("rasterio"):
        assert re.search(r"rasterio: GDAL \d", text)


def test_report_of_what_is_missing(tmp_path):
    status, text = report(GDAL_DRIVER_PATH=str(tmp_path))
    assert status == 1
    assert f"looked in {tmp_path}: there is none" in text
    (tmp_path / "gdal_ndarray.so").write_bytes(b"no library")
    status, text = report(GDAL_DRIVER_PATH=str(tmp_path))
    assert status == 1
    assert re.search(r"GDAL says: .*gdal_ndarray.so", text)


def module(*words, **environment):
    return subprocess.run([sys.executable, "-m", "gdal_ndarray", *map(str, words)], capture_output=True, text=True,
                          env={**os.environ, **environment})


def test_a_plugin_that_gdal_has_found_is_left_as_it_is():
    found = [gdal_of for gdal_of in gdal_ndarray.enable() if gdal_of.version == gdal.VersionInfo("RELEASE_NAME")]
    assert [(one.drivers, one.problem) for one in found] == [(("NPY", "B2ND"), None)]
    assert pathlib.Path(found[0].library).name.startswith("libgdal")


def test_what_is_missing_is_said_in_one_sentence():
    code = "import gdal_ndarray\ntry: gdal_ndarray.enable()\nexcept RuntimeError as error: print(error)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                         env={**os.environ, "GDAL_DRIVER_PATH": "disable"})
    assert re.fullmatch(r"GDAL 3\.[\d.]+ \(.*libgdal.*\) has not loaded the plugin, and [^.]*\.\n", run.stdout)


def test_commands(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6, dtype="u1").reshape(2, 3))
    assert module("convert", tmp_path / "a.npy", tmp_path / "a.b2nd", "-outsize", 6, 4).returncode == 0
    assert gdal_ndarray.open(tmp_path / "a.b2nd")[0].tolist() == [0, 0, 1, 1, 2, 2]
    assert "Size is 6, 4" in module("info", tmp_path / "a.b2nd").stdout
    assert '"driverShortName"' in module("info", tmp_path / "a.b2nd", "-json").stdout
    assert "nothing.npy" in module("info", tmp_path / "nothing.npy").stderr
    for words in (["convert", "a.npy"], ["fly"], ["path", "osgeo", "more"]):
        assert module(*words).returncode == 2
    assert "GDAL_DRIVER_PATH" in module("--help").stdout
    assert module("path").returncode == 1  # what is in the tree brings no plugin


@pytest.mark.parametrize("words", [["-h"], ["info", "a.npy"]])
def test_nothing_is_said_where_nobody_reads_on(tmp_path, words):
    """As in `python -m gdal_ndarray info FILE | head -n 1`."""
    np.save(tmp_path / "a.npy", np.zeros((2, 3), "u1"))
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run([sys.executable, "-m", "gdal_ndarray", *words], stdout=writing, stderr=subprocess.PIPE,
                         text=True, cwd=tmp_path)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (1, "")


@pytest.mark.slow
def test_pip_installs_it_from_the_tree(tmp_path):
    for module in ("pip", "setuptools"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"no {module}")
    # A copy, since setuptools leaves a folder in the tree.
    shutil.copytree(ROOT / "tools" / "python", tmp_path / "tree" / "tools" / "python",
                    ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    shutil.copy(ROOT / "CMakeLists.txt", tmp_path / "tree")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps",
           "--target", tmp_path / "site", tmp_path / "tree/tools/python"]
    # With the newest setuptools, as the README has it; where pip cannot fetch that, with the one here.
    done = subprocess.run(pip, capture_output=True, text=True)
    if re.search("No matching distribution|Could not find a version|ConnectionError|NewConnection", done.stderr):
        done = subprocess.run([*pip, "--no-build-isolation"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    script = ("import gdal_ndarray, importlib.metadata as m; print(gdal_ndarray.__file__, "
              "gdal_ndarray.__version__, m.version('gdal-ndarray'), "
              "[p.value for p in m.entry_points(group='xarray.backends') if p.name == 'gdal_ndarray'])")
    run = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
                         capture_output=True, text=True, check=True)
    version = gdal_ndarray.__version__
    assert run.stdout.split(maxsplit=3) == [
        str(tmp_path / "site/gdal_ndarray/__init__.py"), version, version,
        "['gdal_ndarray.xarray:GdalNdarrayBackend']\n"]
    assert (tmp_path / "site/gdal_ndarray/py.typed").exists()
