"""The scripts of tools/python/examples, as users run them: what they print and store is NumPy's. Those that
start a cluster are run by tests/hosts/test_dask.py."""

import importlib
import pathlib
import runpy
import subprocess
import sys

import gdal_ndarray
import numpy as np
import pytest
from osgeo import gdal
from support.examples import code_of
from support.package import equal

ndimage = pytest.importorskip("scipy.ndimage")

EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "tools" / "python" / "examples"


def script(name):
    """As a module, for what is the same in one process: starting one, and a cluster, takes seconds."""
    if str(EXAMPLES) not in sys.path:
        sys.path.append(str(EXAMPLES))
    return importlib.import_module(name)


def check(mean, percentile, stored, array, sigma, bin_width=0.0):
    assert mean == pytest.approx(array.mean(dtype="f8"), rel=1e-12)
    expected = float(np.percentile(array, 98, method="inverted_cdf"))
    assert abs(percentile - expected) <= bin_width
    equal(stored, ndimage.gaussian_filter(array, sigma, output="f4"))


@pytest.fixture
def folder(saved, tmp_path, rng):
    """With the files that the page is about, of two windows and chunks in several rows, and their pixels."""
    if gdal.GetDriverByName("B2ND") is None:
        pytest.skip("the plugin was built without c-blosc2")
    array = np.clip(np.cumsum(rng.integers(-30, 31, (2300, 500)), axis=1) + 30_000, 0, 65_535).astype("u2")
    for name in ("scene.npy", "scene.b2nd"):
        saved(array, name).close()
    gdal.Open(str(tmp_path / "scene.npy")).BuildOverviews("NEAREST", [2, 4, 8])
    return tmp_path, array


def test_commands_of_the_page(folder):
    path, array = folder
    lines = code_of("tools/python/examples/README.md", "The scripts").splitlines()
    assert [line.split()[1] for line in lines] == ["memory_mapped.py", "by_windows.py", "by_workers.py"]
    for line in lines[:2]:  # the third starts a cluster: tests/hosts/test_dask.py
        done = subprocess.run(line.replace("python3 ", f"{sys.executable} -W ignore {EXAMPLES}/"), shell=True,
                              cwd=path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        words = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
        with gdal_ndarray.open(path / words["smoothed"]) as stored:
            check(float(words["mean"]), float(words["98th percentile"]), stored[...], array, 2)


@pytest.mark.parametrize("name", ["memory_mapped", "by_windows", "by_workers"])
def test_scripts_without_arguments_say_how_they_are_used(name, monkeypatch):
    if name == "by_workers":
        pytest.importorskip("dask.distributed")
    monkeypatch.setattr(sys, "argv", [name])
    with pytest.raises(SystemExit, match="usage: python3 " + name):
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_bands_and_floats(saved, tmp_path, suffix, rng, dtype):
    if gdal.GetDriverByName("B2ND") is None:
        pytest.skip("the plugin was built without c-blosc2")
    array = (1000 + rng.normal(0, 100, (2, 150, 190))).astype(dtype)
    image = saved(array, "scene" + suffix)
    sigma, width = (0, 2, 2), 0 if dtype == "u2" else 1.01 * float(array.max() - array.min()) / (1 << 16)
    result = tmp_path / "smooth.b2nd"
    windows = script("by_windows")
    windows.smooth(image, result)
    check(windows.mean(image), windows.percentile(image, 98),
          np.asarray(gdal_ndarray.open(result)), array, sigma, width)
    if suffix == ".npy":
        mapped = script("memory_mapped")
        mapped.smooth(image, image.view(), result)
        check(mapped.mean(image.view()), mapped.percentile(image.view(), 98),
              np.asarray(gdal_ndarray.open(result)), array, sigma, width)


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_work_of_workers(saved, suffix, rng, dtype):
    pytest.importorskip("distributed")
    workers = script("by_workers")
    array = (1000 + rng.normal(0, 100, (2, 150, 190))).astype(dtype)
    image = saved(array, "scene" + suffix)
    pixels = image.dask((1, 64, 64))
    width = 0 if dtype == "u2" else 1.01 * float(array.max() - array.min()) / (1 << 16)
    check(workers.mean(pixels), workers.percentile(pixels, 98),
          workers.smoothed(pixels, image.dims).compute(), array, (0, 2, 2), width)


def test_what_cannot_be_mapped_is_an_error_that_says_so(saved, tmp_path):
    gdal.Translate(str(tmp_path / "scene.tif"), saved(np.zeros((20, 30), "u1"), "scene.npy").path)
    with pytest.raises(ValueError, match="scene.tif: no view without a copy"):
        script("memory_mapped").main(tmp_path / "scene.tif")


# --- the rest of the page


def run_code(folder, code, checks):
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code + checks], cwd=folder, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr


def test_loader(folder):
    code = code_of("tools/python/examples/README.md", "In a loader of PyTorch")
    run_code(folder[0], code, """
assert len(crops) == 10_000 and crops[3].shape == (256, 256) and crops[3].flags.writeable
assert (crops[3] == crops[3]).all() and (crops[3] != crops[4]).any()
""")


def test_viewer(folder):
    pytest.importorskip("dask")
    code = code_of("tools/python/examples/README.md", "In a viewer")
    run_code(folder[0], "import gdal_ndarray\n" + code, """
assert [level.shape for level in levels] == [(2300, 500), (1150, 250), (575, 125), (288, 63)]
assert (levels[1].compute() == levels[0].compute()[::2, ::2]).all()
""")


def test_rioxarray(folder):
    pytest.importorskip("dask")
    pytest.importorskip("rioxarray")
    if sys.modules["rasterio"].__gdal_version__ != gdal.VersionInfo("RELEASE_NAME"):
        pytest.skip("rasterio has a GDAL of its own")
    code = code_of("tools/python/examples/README.md", "Without the package")
    run_code(folder[0], code, f"assert abs(mean - {folder[1].mean()}) < 1e-6 and data.chunks\n")
