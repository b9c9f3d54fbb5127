"""Local files that cannot be mapped: network mounts without shared maps, limits on address space.

A library that refuses shared maps of files below a folder "nommap", as such mounts do, is loaded
before the C library; private maps work there."""

import errno
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal

REFUSE = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
static int refused(int fd, int flags) {
  char link[64], path[4096];
  if (fd < 0 || (flags & MAP_PRIVATE)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  path[size > 0 ? size : 0] = 0;
  return strstr(path, "/nommap/") != 0;
}
void* mmap(void* at, size_t size, int access, int flags, int fd, off_t offset) {
  if (refused(fd, flags)) {
    errno = atoi(getenv("REFUSAL"));
    return MAP_FAILED;
  }
  return (void*)syscall(SYS_mmap, at, size, access, flags, fd, offset);
}
void* mmap64(void* at, size_t size, int access, int flags, int fd, off_t offset) {
  return mmap(at, size, access, flags, fd, offset);
}
"""

USE = """
import numpy as np
from osgeo import gdal
gdal.UseExceptions()
expected = np.load("source.npy")
for name in ("in.npy", "in.b2nd"):
    dataset = gdal.Open("nommap/" + name)
    assert (dataset.ReadAsArray() == expected).all(), name
    assert (dataset.ReadAsArray(10, 20, 31, 32) == expected[:, 20:52, 10:41]).all(), name
    array = dataset.GetRasterBand(2).GetVirtualMemAutoArray()
    assert (array == expected[1]).all(), name
    del array
    dataset = None
source = gdal.GetDriverByName("MEM").CreateCopy("", gdal.Open("source.npy"))
source.SetGeoTransform((5, 2, 0, 7, 0, -2))
for driver, name in (("NPY", "copy.npy"), ("B2ND", "copy.b2nd")):
    copy = gdal.GetDriverByName(driver).CreateCopy("nommap/" + name, source)
    assert (copy.ReadAsArray() == expected).all(), name
    copy = None
    assert gdal.Open("nommap/" + name).GetGeoTransform() == (5, 2, 0, 7, 0, -2), name
    made = gdal.GetDriverByName(driver).Create("nommap/made" + name, 100, 90, 3, gdal.GDT_UInt16)
    made.WriteArray(expected)
    made = None
    dataset = gdal.Open("nommap/made" + name, gdal.GA_Update)
    dataset.GetRasterBand(1).WriteArray(expected[1][:5, :7], 3, 4)
    dataset = None
    pixels = gdal.Open("nommap/made" + name).ReadAsArray()
    assert (pixels[0, 4:9, 3:10] == expected[1][:5, :7]).all(), name
    assert (pixels[1:] == expected[1:]).all(), name
print("done")
"""


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    """Environment variables with which maps fail."""
    if os.environ.get("LD_PRELOAD"):
        pytest.skip("a sanitizer's own library has to come first")
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    folder = tmp_path_factory.mktemp("refuse")
    (folder / "refuse.c").write_text(REFUSE)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", "refuse.so", "refuse.c"], cwd=folder,
                   check=True)
    return {**os.environ, "LD_PRELOAD": str(folder / "refuse.so")}


@pytest.fixture
def folder(tmp_path, rng):
    (tmp_path / "nommap").mkdir()
    np.save(tmp_path / "source.npy", rng.integers(0, 60000, (3, 90, 100), dtype="u2"))
    shutil.copy(tmp_path / "source.npy", tmp_path / "nommap" / "in.npy")
    gdal.Translate(str(tmp_path / "nommap" / "in.b2nd"), str(tmp_path / "source.npy"),
                   format="B2ND")
    return tmp_path


@pytest.mark.parametrize("refusal", ["ENODEV", "EINVAL", "EACCES", "ENOMEM", "EPERM"])
def test_all_works_where_nothing_can_be_mapped(folder, refusing, refusal):
    environment = {**refusing, "REFUSAL": str(getattr(errno, refusal))}
    run = subprocess.run([sys.executable, "-c", USE], cwd=folder, env=environment,
                         capture_output=True, text=True)
    assert run.stdout == "done\n", run.stderr


LIMITED = """
import resource, sys
from osgeo import gdal
gdal.UseExceptions()
def limit():
    used = int(next(l for l in open('/proc/self/status') if l.startswith('VmSize')).split()[1]) << 10
    resource.setrlimit(resource.RLIMIT_AS, (used + (300 << 20),) * 2)
"""


def limited(folder, code):
    run = subprocess.run([sys.executable, "-c", LIMITED + code], cwd=folder, capture_output=True,
                         text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def skip_with_sanitizers():
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("AddressSanitizer needs terabytes of address space")


def test_reads_a_file_larger_than_the_address_space_left(tmp_path):
    skip_with_sanitizers()
    array = np.lib.format.open_memmap(tmp_path / "big.npy", mode="w+", dtype="u1",
                                      shape=(25000, 20000))  # of holes
    array[10:110, 10:110] = 7
    array.flush()
    assert limited(tmp_path, """
limit()
print(gdal.Open("big.npy").ReadAsArray(10, 10, 100, 100).sum())
""") == "70000\n"


def test_writes_a_file_larger_than_the_address_space_left(tmp_path):
    skip_with_sanitizers()
    np.save(tmp_path / "big.npy", np.zeros((5, 6), "u1"))
    assert limited(tmp_path, """
limit()
dataset = gdal.GetDriverByName("NPY").Create("big.npy", 20000, 25000, 1, gdal.GDT_Byte)
dataset.GetRasterBand(1).WriteRaster(10, 10, 3, 1, b"abc")
dataset.SetGeoTransform((5, 2, 0, 7, 0, -2))
dataset = None
print(gdal.Open("big.npy").ReadRaster(10, 10, 3, 1), gdal.Open("big.npy").GetGeoTransform())
""") == "bytearray(b'abc') (5.0, 2.0, 0.0, 7.0, 0.0, -2.0)\n"
