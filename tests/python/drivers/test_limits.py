"""What could not be opened is not written: refused before the old file is touched."""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from osgeo import gdal
from support import FORMATS, memory_dataset
from support.tool import error

needs_b2nd = pytest.mark.skipif("B2ND" not in FORMATS, reason="built without c-blosc2")
OLD = np.arange(12, dtype="u1").reshape(3, 4)


@pytest.fixture(params=FORMATS)
def old(request, tmp_path):
    """A driver, and a file of its own with a sidecar."""
    path = tmp_path / f"old.{request.param.lower()}"
    driver = gdal.GetDriverByName(request.param)
    driver.CreateCopy(str(path), memory_dataset(OLD))
    gdal.Open(str(path)).SetGeoTransform([5, 1, 0, 0, 0, -1])
    return driver, str(path)


def assert_untouched(path):
    dataset = gdal.Open(path)
    np.testing.assert_array_equal(dataset.ReadAsArray(), OLD)
    assert dataset.GetGeoTransform()[0] == 5
    name = os.path.basename(path)
    assert sorted(os.listdir(os.path.dirname(path))) == [name, name + ".aux.xml"]


def huge(width, height, bands=1):
    """A source of that size that takes no memory."""
    band = "".join(f'<VRTRasterBand dataType="Byte" band="{i + 1}"/>' for i in range(bands))
    return gdal.Open(f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}">{band}</VRTDataset>')


def test_more_bands_than_can_be_opened(old, errors):
    driver, path = old
    assert driver.Create(path, 4, 3, 65_537, gdal.GDT_Byte) is None
    assert "bands: found 65537, wanted at most 65536 (GDAL_MAX_BAND_COUNT)" in errors[-1]
    errors.clear()
    source = huge(4, 3, 4)
    gdal.SetConfigOption("GDAL_MAX_BAND_COUNT", "3")
    try:
        assert driver.CreateCopy(path, source) is None
        assert "bands: found 4, wanted at most 3" in errors[-1]
        assert_untouched(path)
    finally:
        gdal.SetConfigOption("GDAL_MAX_BAND_COUNT", None)
    assert driver.CreateCopy(path, source) is not None


@needs_b2nd
def test_more_chunks_than_can_be_opened(tmp_path, errors):
    driver = gdal.GetDriverByName("B2ND")
    path = str(tmp_path / "old.b2nd")
    driver.CreateCopy(path, memory_dataset(OLD))
    gdal.Open(path).SetGeoTransform([5, 1, 0, 0, 0, -1])
    small = ["BLOCKXSIZE=1", "BLOCKYSIZE=1", "CHUNKXSIZE=1", "CHUNKYSIZE=1"]
    assert driver.Create(path, 8193, 8193, 1, gdal.GDT_Byte, small) is None
    assert "chunks: found 67125249 of (1, 1), wanted at most 67108864" in errors[-1]
    assert driver.CreateCopy(path, huge(8193, 8193), options=small) is None
    assert "chunks: found 67125249" in errors[-1]
    assert driver.Create(path, 2**31 - 1, 2**31 - 1, 1, gdal.GDT_Byte) is None
    assert "chunks: found" in errors[-1]
    assert_untouched(path)


@needs_b2nd
def test_program_says_which_chunks_would_be_too_many(tmp_path):
    source = tmp_path / "source.vrt"
    source.write_text('<VRTDataset rasterXSize="8193" rasterYSize="8193">'
                      '<VRTRasterBand dataType="Byte" band="1"/></VRTDataset>')
    options = [f"-co={side}SIZE=1" for side in ("BLOCKX", "BLOCKY", "CHUNKX", "CHUNKY")]
    message = error("convert", source, tmp_path / "new.b2nd", *options, code=2)
    assert "chunks: found 67125249 of (1, 1)" in message
    assert os.listdir(tmp_path) == ["source.vrt"]


def test_virtual_file_that_memory_has_no_room_for(errors):
    side = 2**31 - 1
    for driver in map(gdal.GetDriverByName, FORMATS):
        path = f"/vsimem/large.{driver.ShortName.lower()}"
        options = ["COMPRESS=NONE", "CHUNKXSIZE=32768", "CHUNKYSIZE=32768"]
        options = options if driver.ShortName == "B2ND" else []
        width = side if driver.ShortName == "NPY" else 100_000_000
        assert driver.CreateCopy(path, huge(width, side // 100), options=options) is None
        assert "no space left for" in errors[-1] and "CHECK_DISK_FREE_SPACE" in errors[-1]
        assert gdal.VSIStatL(path) is None and gdal.VSIStatL(path + ".partial") is None
    assert gdal.GetDriverByName("NPY").Create("/vsimem/large.npy", side, side, 1) is None
    assert "no space left for" in errors[-1] and gdal.VSIStatL("/vsimem/large.npy") is None


@needs_b2nd
def test_uncompressed_copy_that_the_disk_has_no_room_for(small_disk, errors):
    if small_disk is None:
        pytest.skip("only root mounts file systems")
    path = str(small_disk / "old.b2nd")
    driver = gdal.GetDriverByName("B2ND")
    driver.CreateCopy(path, memory_dataset(OLD))
    gdal.Open(path).SetGeoTransform([5, 1, 0, 0, 0, -1])
    called = []
    assert driver.CreateCopy(path, huge(4000, 4000), options=["COMPRESS=NONE"],
                             callback=lambda done, *_: called.append(done) or 1) is None
    assert "no space left for 16000000 bytes" in errors[-1] and set(called) <= {0.0}
    assert_untouched(path)
    assert driver.CreateCopy(path, huge(4000, 4000)) is not None  # compressed it has


def test_sparse_file_may_be_larger_than_the_disk(small_disk):
    if small_disk is None:
        pytest.skip("only root mounts file systems")
    for driver in map(gdal.GetDriverByName, FORMATS):
        path = str(small_disk / f"sparse.{driver.ShortName.lower()}")
        dataset = driver.Create(path, 10_000, 10_000, 1, gdal.GDT_UInt16)
        dataset.WriteArray(np.ones((10, 10), "u2"), 500, 500)
        assert dataset.GetRasterBand(1).ReadAsArray(500, 500, 10, 10).min() == 1


READ_ONLY = """
import os, sys
from osgeo import gdal, gdal_array
import numpy as np
gdal.AllRegister()
os.setuid(65534)
gdal.UseExceptions()
path, form = sys.argv[1:]
driver = gdal.GetDriverByName(form)
image = gdal_array.OpenArray(np.full((50, 60), 7, "u2"))
try:
    driver.Create(path, 50, 60, 1)
except RuntimeError as error:
    assert "cannot open for update: Permission denied" in str(error), error
else:
    raise AssertionError("not refused")
assert gdal.Open(path).RasterXSize == 4
copy = driver.CreateCopy(path, image)
assert copy.ReadAsArray().min() == 7 and oct(os.stat(path).st_mode)[-3:] == "444"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user than the files' owner")
@pytest.mark.parametrize("form", FORMATS)
def test_file_that_may_not_be_written_to(form):
    """A copy has its permissions, and is there; what could only be updated is refused."""
    with tempfile.TemporaryDirectory() as folder:  # not below tmp_path, where no other user may look
        path = pathlib.Path(folder) / f"old.{form.lower()}"
        gdal.GetDriverByName(form).CreateCopy(str(path), memory_dataset(OLD))
        path.chmod(0o444)
        path.parent.chmod(0o777)
        done = subprocess.run([sys.executable, "-c", READ_ONLY, str(path), form],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
