"""The examples of tools/python/README.md and of the section in README.md, run one after the other."""

import os
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal
from support import memory_dataset
from support.examples import code_of

CHECKS = """
assert crop.shape == (512, 512) and np.array_equal(crop, buffer)
assert total == int(np.asarray(image).sum())
assert np.array_equal(smooth[1:-1], (lambda a: (a[:-2] + a[1:-1] + a[2:]) / 3)(np.asarray(image, "f4")))
assert (stored.crs, stored.transform) == (image.crs, image.transform)
assert gdal_ndarray.open("east.npy").transform[2] == 502000
assert np.array_equal(np.asarray(gdal_ndarray.open("mask.b2nd")), image[...] > 2000)
assert np.array_equal(stack[0, 1], crop) and (stack[5, 2, :256] == 7).all() and not stack[5, 1].any()
assert stack.dims == ("month", "z", "y", "x") == spring.dims and stack.crs == image.crs == spring.crs
assert spring[0, 0, 0, 0] == 14 and sums[1, 5, 5].compute() == crop[5, 5]
"""


@pytest.fixture
def folder(tmp_path):
    from osgeo import osr
    if gdal.GetDriverByName("B2ND") is None:
        pytest.skip("the plugin was built without c-blosc2")
    for module in ("dask", "xarray"):
        pytest.importorskip(module)
    place = osr.SpatialReference()
    place.ImportFromEPSG(32633)
    dataset = memory_dataset(np.add.outer(np.arange(2600, dtype="u2"), np.arange(1600, dtype="u2")))
    dataset.SetSpatialRef(place)
    dataset.SetGeoTransform([500000, 10, 0, 5400000, 0, -10])
    gdal.GetDriverByName("B2ND").CreateCopy(str(tmp_path / "scene.b2nd"), dataset)
    return tmp_path


def run(folder, code):
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, "PYTHONWARNINGS": "ignore"})
    assert done.returncode == 0, done.stderr


def test_examples_of_the_package(folder):
    run(folder, code_of("tools/python/README.md", "Windows") + code_of("tools/python/README.md", "Dask") +
        code_of("tools/python/README.md", "xarray") + code_of("tools/python/README.md", "New files") +
        code_of("tools/python/README.md", "New files / Four and more axes") + CHECKS)


def test_example_of_the_readme(folder):
    gdal.Translate(str(folder / "scene.npy"), str(folder / "scene.b2nd"), format="NPY")
    code = code_of("README.md", "Use / Three ways through an image larger than memory")
    assert code.count("mean = ") == 3
    run(folder, code.replace("mean = ", "mean = found = ", 1).replace("mean = sum", "mean = again = sum") + """
assert mean == again == found == image[...].mean()
assert (result[...] == image[...] / 10000).all()
""")
