"""Disks that are full or may not be written: the old .b2nd is there, or the new one."""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal
from support import memory_dataset

OLD = np.arange(12_000, dtype="u2").reshape(100, 120)


@pytest.fixture
def disk(small_disk):
    if small_disk is None:
        pytest.skip("only root mounts file systems")
    blosc2.asarray(OLD, urlpath=str(small_disk / "old.b2nd"), mode="w")
    return small_disk


@pytest.fixture
def noise(rng):
    return rng.integers(0, 65536, (3000, 3000), dtype="u2")  # 18 MB that nothing makes smaller


def assert_holds(path, array):
    np.testing.assert_array_equal(blosc2.open(str(path))[:], array)
    np.testing.assert_array_equal(gdal.Open(str(path)).ReadAsArray(), array)


def test_copy_onto_a_full_disk_keeps_the_old_file(disk, noise, errors):
    driver = gdal.GetDriverByName("B2ND")
    path = str(disk / "old.b2nd")
    assert driver.CreateCopy(path, memory_dataset(noise)) is None
    assert len(errors) == 1 and "No space left on device" in errors[0], errors
    assert_holds(path, OLD)
    assert os.listdir(disk) == ["old.b2nd"]
    assert driver.CreateCopy(path, memory_dataset(noise[:1000, :1000])) is not None
    assert_holds(path, noise[:1000, :1000])


def test_update_on_a_full_disk_keeps_the_old_content(disk, noise, errors):
    path = str(disk / "large.b2nd")
    dataset = gdal.GetDriverByName("B2ND").Create(path, 3000, 3000, 1, gdal.GDT_UInt16)
    dataset.WriteArray(noise[:500], 0, 0)
    dataset.FlushCache()
    before = np.zeros_like(noise)
    before[:500] = noise[:500]
    errors.clear()
    dataset.WriteArray(noise)
    dataset.FlushCache()
    assert errors and all("No space left on device" in error for error in errors), errors
    assert_holds(path, before)
    if hasattr(dataset, "Close"):
        assert dataset.Close() == gdal.CE_Failure and "No space left on device" in errors[-1]
    del dataset  # tries again, and fails again
    assert_holds(path, before)
    assert sorted(os.listdir(disk)) == ["large.b2nd", "old.b2nd"]


def test_update_goes_on_when_there_is_space_again(disk, noise, errors):
    filler = disk / "filler"
    filler.write_bytes(bytes(7_000_000))
    path = str(disk / "old.b2nd")
    dataset = gdal.GetDriverByName("B2ND").Create(path, 1500, 1000, 1, gdal.GDT_UInt16)
    dataset.WriteArray(noise[:1000, :1500])
    dataset.FlushCache()
    assert "No space left on device" in errors[0]
    filler.unlink()
    errors.clear()
    dataset.FlushCache()
    del dataset
    assert errors == []
    assert_holds(path, noise[:1000, :1500])


def test_limit_on_file_sizes_keeps_the_old_file(tmp_path):
    path = str(tmp_path / "old.b2nd")
    blosc2.asarray(OLD, urlpath=path, mode="w")
    code = f"""
import resource, signal
import numpy as np
from osgeo import gdal, gdal_array
gdal.DontUseExceptions()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
noise = np.random.default_rng(1).integers(0, 65536, (2000, 2000), dtype="u2")
assert gdal.GetDriverByName("B2ND").CreateCopy({path!r}, gdal_array.OpenArray(noise)) is None
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert_holds(path, OLD)
    assert os.listdir(tmp_path) == ["old.b2nd"]


READ_ONLY = """
import os, sys
from osgeo import gdal, gdal_array
import numpy as np
gdal.AllRegister()
os.setuid(65534)
gdal.UseExceptions()
def refused(action):
    try:
        action()
    except RuntimeError as error:
        assert "Permission denied" in str(error), error
    else:
        raise AssertionError("not refused")
path = sys.argv[1]
image = gdal_array.OpenArray(np.zeros((50, 60), "u2"))
driver = gdal.GetDriverByName("B2ND")
refused(lambda: driver.CreateCopy(path, image))
refused(lambda: driver.Create(path, 50, 60, 1))
refused(lambda: gdal.Open(path, gdal.GA_Update))
assert gdal.Open(path).RasterXSize == 120
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user than the files' owner")
def test_a_folder_that_may_not_be_written_to_keeps_its_file():
    # Not below tmp_path, into which no other user may look.
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "old.b2nd"
        blosc2.asarray(OLD, urlpath=str(path), mode="w")
        path.chmod(0o444)
        path.parent.chmod(0o555)
        before = path.read_bytes()
        done = subprocess.run([sys.executable, "-c", READ_ONLY, str(path)], capture_output=True,
                              text=True)
        assert done.returncode == 0, done.stderr
        assert path.read_bytes() == before and os.listdir(folder) == ["old.b2nd"]
