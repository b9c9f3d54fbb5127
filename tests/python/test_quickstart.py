"""tools/quickstart, the first thing a newcomer runs, on the images it is meant for."""

import os
import pathlib
import subprocess

import numpy as np
import pytest
from osgeo import gdal

# Builds with the user's compiler flags, which is no matter of sanitizers.
pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]


def quickstart(*arguments, folder=ROOT):
    return subprocess.run([ROOT / "tools" / "quickstart", *arguments], cwd=folder,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("own_image", [False, True])
def test_ends_with_the_two_lines_a_user_needs_next(tmp_path, rng, own_image):
    arguments = []
    if own_image:
        gdal.Translate(str(tmp_path / "my photo.png"), gdal.Open("/usr/share/proj/egm96_15.gtx"),
                       outputType=gdal.GDT_Byte, width=700, scaleParams=[[]], noData="none")
        arguments = ["my photo.png"]  # a name relative to where the user is
    result = quickstart(*arguments, folder=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("200 windows equal") >= 2
    export, info = result.stdout.rstrip().splitlines()[-2:]
    assert export.startswith("export GDAL_DRIVER_PATH=")
    shown = subprocess.run(["bash", "-c", f"{export}\n{info}"], capture_output=True, text=True,
                           check=True).stdout
    assert "Driver: NPY/NumPy array (.npy)" in shown
    name = "my photo" if own_image else "egm96_15"
    picture = gdal.Open(str(ROOT / "build" / "quickstart" / f"{name}.png"))
    assert np.unique(picture.ReadAsArray()).size > 50


def test_missing_image_is_one_line():
    result = quickstart("/no/such/image.tif")
    assert result.returncode != 0
    assert result.stderr.strip().splitlines()[-1].startswith("quickstart: /no/such/image.tif: ")
    assert "Traceback" not in result.stderr


def test_usage():
    assert quickstart("a", "b").returncode == 2
    assert "usage: tools/quickstart [IMAGE]" in quickstart("--help").stdout
    assert os.access(ROOT / "tools" / "quickstart", os.X_OK)
