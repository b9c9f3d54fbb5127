"""The examples of tools/python/README.md and of the section in README.md, run one after the other."""

import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal
from support import memory_dataset

ROOT = next(folder for folder in pathlib.Path(__file__).parents if (folder / "LICENSE").exists())

CHECKS = """
assert crop.shape == (512, 512) and np.array_equal(crop, buffer)
assert total == int(np.asarray(image).sum())
assert np.array_equal(smooth[1:-1], (lambda a: (a[:-2] + a[1:-1] + a[2:]) / 3)(np.asarray(image, "f4")))
assert (stored.crs, stored.transform) == (image.crs, image.transform)
assert gdal_ndarray.open("east.npy").transform[2] == 502000
assert np.array_equal(np.asarray(gdal_ndarray.open("mask.b2nd")), image[...] > 2000)
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
    text = (ROOT / "tools" / "python" / "README.md").read_text(encoding="utf-8")
    run(folder, "\n".join(re.findall(r"(?ms)^```python\n(.*?)^```$", text)) + CHECKS)


def test_example_of_the_readme(folder):
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("### Dask and xarray\n", 1)[1]
    run(folder, re.search(r"(?ms)^```python\n(.*?)^```$", text)[1] + """
assert (result[...] == image[...] / 10000).all() and window.shape == (512, 512)
""")
