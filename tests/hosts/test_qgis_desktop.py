"""The QGIS desktop shows a file of ours. Its picture is that of README.md: data/readme/qgis.png."""

import os
import pathlib
import subprocess

import numpy as np
from osgeo import gdal, osr

SCRIPT = pathlib.Path(__file__).with_name("qgis_desktop.py")
KEPT = pathlib.Path(__file__).resolve().parents[2] / "build" / "qgis.png"
PATIENCE = 300  # seconds


def terrain(height, width):
    """Heights from 200 to 2600 m of mountains that nobody has seen."""
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    radius[0, 0] = np.inf
    noise = np.random.default_rng(11).standard_normal((height, width))
    heights = np.fft.irfft2(np.fft.rfft2(noise) / radius ** 2.2, (height, width))
    heights = (heights - heights.min()) / np.ptp(heights)
    return (200 + 2400 * heights ** 1.5).astype("f4")


def save(path, heights):
    memory = gdal.GetDriverByName("MEM").Create("", heights.shape[1], heights.shape[0], 1, gdal.GDT_Float32)
    memory.SetGeoTransform([470000, 10, 0, 5190000, 0, -10])
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32632)
    memory.SetSpatialRef(crs)
    memory.GetRasterBand(1).WriteArray(heights)
    assert gdal.GetDriverByName("B2ND").CreateCopy(str(path), memory) is not None


def test_desktop_shows_a_b2nd(tmp_path):
    save(tmp_path / "elevation.b2nd", terrain(1800, 2400))
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    environment = dict(os.environ, HOME=str(home), XDG_RUNTIME_DIR=str(home), XDG_CONFIG_HOME=str(home),
                       NDARRAY_RASTER=str(tmp_path / "elevation.b2nd"), NDARRAY_PICTURE=str(KEPT))
    environment.pop("QT_QPA_PLATFORM", None)  # the desktop wants a screen, and has one
    KEPT.unlink(missing_ok=True)
    ran = subprocess.run(
        ["xvfb-run", "-a", "-s", "-screen 0 1280x800x24", "qgis", "--nologo", "--noversioncheck", "--noplugins",
         "--code", str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert KEPT.is_file(), ran.stdout + ran.stderr
    shown = gdal.Open(str(KEPT)).ReadAsArray()[:3]
    assert shown.shape == (3, 640, 1040)
    # The map is right of the list of layers: in colours, from dark blue to yellow.
    red, green, blue = shown[:, 150:580, 320:980].astype(int)
    assert len(np.unique(red << 16 | green << 8 | blue)) > 1000
    assert ((blue > red) & (np.maximum(red, green) < 100)).any()
    assert ((red > 150) & (blue < 100)).any()
