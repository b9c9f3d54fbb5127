"""How much of a file counts as memory of the process that reads it."""

import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal

MEGABYTE = 1 << 20
SIDE = 8192  # of images of bytes: 64 MB

READ = """
import sys
from osgeo import gdal
gdal.UseExceptions()
path, option = sys.argv[1:]

def resident():  # of files, or of files in memory as in a tmpfs
    with open("/proc/self/status") as status:
        return sum(int(line.split()[1]) << 10 for line in status
                   if line.startswith(("RssFile", "RssShmem")))

datasets = [gdal.OpenEx(p, gdal.OF_RASTER, open_options=[option] if option else [])
            for p in path.split(",")]
buffer = bytearray(512 * 512)
for dataset in datasets:
    dataset.GetRasterBand(1).ReadRaster(0, 0, 512, 512, buf_obj=buffer)
before, most = resident(), 0
for dataset in datasets:
    for y in range(0, dataset.RasterYSize, 512):
        for x in range(0, dataset.RasterXSize, 512):
            dataset.GetRasterBand(1).ReadRaster(x, y, 512, 512, buf_obj=buffer)
        most = max(most, resident())
print(most - before)
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A .npy, and a .b2nd of the same size."""
    folder = tmp_path_factory.mktemp("image")
    pixels = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE), dtype="u1")
    np.save(folder / "image.npy", pixels)
    gdal.Translate(str(folder / "image.b2nd"), str(folder / "image.npy"), format="B2ND",
                   creationOptions=["COMPRESS=LZ4", "LEVEL=1"])
    return folder


def growth(path, option="", configured=None):
    """The most that the process grew by while it read all windows."""
    script = READ
    if configured is not None:
        script = script.replace("gdal.UseExceptions()", "gdal.UseExceptions()\n"
                                f"gdal.SetConfigOption('NDARRAY_MAX_RESIDENT', '{configured}')")
    run = subprocess.run([sys.executable, "-c", script, str(path), option], capture_output=True,
                         text=True)
    assert run.returncode == 0, run.stderr
    return int(run.stdout)


def test_npy_is_mapped_unless_asked_otherwise(image):
    assert growth(image / "image.npy") > 40 * MEGABYTE
    assert growth(image / "image.npy", "MAX_RESIDENT=65") > 40 * MEGABYTE


@pytest.mark.parametrize("value", ["0", "63", "16MB", "1024 KB", "0.01GB"])
def test_npy_larger_than_the_bound_is_not_mapped(image, value):
    assert growth(image / "image.npy", "MAX_RESIDENT=" + value) < 8 * MEGABYTE
    assert growth(image / "image.npy", configured=value) < 8 * MEGABYTE


def test_b2nd_stays_below_the_bound(image):
    assert growth(image / "image.b2nd") > 40 * MEGABYTE, "smaller than the default bound"
    for value in ("16", "16MB"):
        assert growth(image / "image.b2nd", "MAX_RESIDENT=" + value) < 24 * MEGABYTE
        assert growth(image / "image.b2nd", configured=value) < 24 * MEGABYTE
    assert growth(image / "image.b2nd", "MAX_RESIDENT=0") < 8 * MEGABYTE
    assert growth(image / "image.b2nd", configured="0") < 8 * MEGABYTE


def test_all_b2nd_files_share_the_configured_bound(image):
    paths = f"{image}/image.b2nd,{image}/copy.b2nd"
    (image / "copy.b2nd").write_bytes((image / "image.b2nd").read_bytes())
    assert growth(paths, configured="32") < 44 * MEGABYTE
    assert growth(paths) < 150 * MEGABYTE


@pytest.mark.parametrize("name", ["image.npy", "image.b2nd"])
def test_pixels_are_the_same_without_a_map(image, name, rng):
    mapped = gdal.Open(str(image / name))
    unmapped = gdal.OpenEx(str(image / name), open_options=["MAX_RESIDENT=0"])
    bounded = gdal.OpenEx(str(image / name), open_options=["MAX_RESIDENT=1MB"])
    for side in (1, 64, 700, 3000):
        for _ in range(4):
            x, y = rng.integers(0, SIDE - side, 2).tolist()
            expected = mapped.ReadAsArray(x, y, side, side)
            np.testing.assert_array_equal(unmapped.ReadAsArray(x, y, side, side), expected)
            np.testing.assert_array_equal(bounded.ReadAsArray(x, y, side, side), expected)


@pytest.mark.parametrize("name", ["image.npy", "image.b2nd"])
def test_another_value_is_a_warning(image, errors, name):
    dataset = gdal.OpenEx(str(image / name), open_options=["MAX_RESIDENT=much"])
    assert dataset.ReadAsArray(0, 0, 1, 1) is not None
    assert "MAX_RESIDENT: found much, wanted megabytes, or a number with KB, MB or GB" in errors[0]


def test_npy_is_updated_without_a_map(tmp_path, rng):
    pixels = rng.integers(0, 60000, (3, 200, 300), dtype="u2")
    path = str(tmp_path / "image.npy")
    np.save(path, pixels)
    dataset = gdal.OpenEx(path, gdal.OF_UPDATE, open_options=["MAX_RESIDENT=0"])
    dataset.GetRasterBand(2).WriteArray(pixels[0, 5:50, 7:80], 11, 13)
    pixels[1, 13:58, 11:84] = pixels[0, 5:50, 7:80]
    np.testing.assert_array_equal(dataset.ReadAsArray(), pixels)
    dataset = None
    np.testing.assert_array_equal(np.load(path), pixels)
