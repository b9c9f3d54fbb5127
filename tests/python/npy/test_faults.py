"""Whatever goes wrong while writing, the old file is there, or the new one: never neither."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal
from support.stop import PARTS, Victims


@pytest.fixture
def source():
    dataset = gdal.GetDriverByName("MEM").Create("", 2000, 2000, 3, gdal.GDT_UInt16)
    for band in (1, 2, 3):
        dataset.GetRasterBand(band).Fill(band)
    return dataset


OLD = np.arange(12, dtype="f8").reshape(3, 4)


def assert_old_and_alone(folder):
    np.testing.assert_array_equal(np.load(folder / "old.npy"), OLD)
    assert os.listdir(folder) == ["old.npy"]


@pytest.fixture
def old(tmp_path):
    np.save(tmp_path / "old.npy", OLD)
    return tmp_path / "old.npy"


@pytest.mark.parametrize("stop_at", [0.0, 0.3, 0.9, 1.0])
def test_interruption_keeps_the_old_file(plugin, old, source, errors, stop_at):
    calls = []

    def progress(done, *_):
        calls.append(done)
        return 0 if done >= stop_at else 1

    assert plugin.CreateCopy(str(old), source, callback=progress) is None
    assert calls and "interrupted" in errors[-1]
    assert_old_and_alone(old.parent)


def test_source_that_fails_keeps_the_old_file(plugin, old, tmp_path_factory, errors):
    broken = tmp_path_factory.mktemp("source") / "broken.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(broken), 3000, 3000, 1,
                                                   options=["COMPRESS=LZW"])
    dataset.WriteArray(np.random.default_rng(1).integers(0, 255, (3000, 3000)))
    del dataset
    os.truncate(broken, os.stat(broken).st_size // 2)
    assert plugin.CreateCopy(str(old), gdal.Open(str(broken))) is None
    assert_old_and_alone(old.parent)


def test_failed_replacement_keeps_the_sidecars(plugin, old, source, errors):
    """The rename fails, at the very end: a folder has taken the name in between."""
    dataset = gdal.Open(str(old))
    dataset.SetGeoTransform([1, 2, 0, 3, 0, -4])
    dataset.BuildOverviews("NEAREST", [2])
    del dataset
    before = sorted(os.listdir(old.parent))
    assert len(before) == 3

    def progress(done, *_):
        if done == 1.0:
            old.rename(old.parent / "kept.npy")
            old.mkdir()
        return 1

    assert plugin.CreateCopy(str(old), source, callback=progress) is None
    assert len(errors) == 1 and "cannot replace" in errors[0]
    old.rmdir()
    (old.parent / "kept.npy").rename(old)
    assert sorted(os.listdir(old.parent)) == before
    assert gdal.Open(str(old)).GetGeoTransform() == (1, 2, 0, 3, 0, -4)


def test_copy_onto_itself(plugin, tmp_path, rng):
    path = str(tmp_path / "self.npy")
    array = rng.integers(0, 255, (3, 500, 400), dtype="u1")
    np.save(path, array)
    plugin.CreateCopy(path, gdal.Open(path), options=["INTERLEAVE=PIXEL"])
    np.testing.assert_array_equal(np.load(path), array.transpose(1, 2, 0))


def test_missing_folder(plugin, tmp_path, source, errors):
    assert plugin.CreateCopy(str(tmp_path / "no" / "new.npy"), source) is None
    assert len(errors) == 1 and re.search(r"new.npy: cannot create .*: No such file", errors[0])


def test_folder_is_not_replaced(plugin, tmp_path, source, errors):
    (tmp_path / "folder.npy").mkdir()
    assert plugin.CreateCopy(str(tmp_path / "folder.npy"), source) is None
    assert "file type: found a folder or special file, wanted a regular file" in errors[-1]


def test_file_is_in_use_by_another_writer(plugin, old, source, errors):
    writer = gdal.GetDriverByName("NPY")
    refused = []

    def progress(done, *_):
        if done > 0 and not refused:
            refused.append(writer.CreateCopy(str(old), source))
        return 1

    assert plugin.CreateCopy(str(old), source, callback=progress) is not None
    assert refused == [None]
    assert any("another process is writing this file; wait for it, or end it" in error for error in errors)
    assert np.load(old).shape == (3, 2000, 2000)


def test_full_disk_keeps_the_old_file(plugin, small_disk, old, source, errors):
    if small_disk is None:
        return check_file_size_limit(old)
    np.save(small_disk / "old.npy", OLD)
    assert plugin.CreateCopy(str(small_disk / "old.npy"), source) is None
    assert len(errors) == 1 and "No space left on device" in errors[0], errors
    assert_old_and_alone(small_disk)

    # Update mode on a sparse file: an error for the write that does not fit, not a crash.
    dataset = plugin.Create(str(small_disk / "sparse.npy"), 3000, 3000, 1, gdal.GDT_UInt16)
    errors.clear()
    band = dataset.GetRasterBand(1)
    assert band.WriteArray(np.ones((3000, 3000), "u2")) != gdal.CE_None
    assert "No space left on device" in "".join(errors)
    assert (band.ReadAsArray(0, 0, 100, 100) == 1).all()


def check_file_size_limit(old):
    """A full disk as a process meets it that may not write large files."""
    code = f"""
import resource, signal
from osgeo import gdal
gdal.AllRegister()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
source = gdal.GetDriverByName("MEM").Create("", 2000, 2000, 3)
assert gdal.GetDriverByName("NPY").CreateCopy({str(old)!r}, source) is None
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert_old_and_alone(old.parent)


TRANSLATE = 'gdal.Translate(arguments[1], arguments[0], format="NPY")'


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_killed_at_any_moment(old, tmp_path_factory, part):
    """At each call about the files, over and over onto the same name, until one ends before it."""
    source = str(tmp_path_factory.mktemp("source") / "source.tif")
    image = gdal.GetDriverByName("GTiff").Create(source, 1500, 1500, 3,
                                                 options=["INTERLEAVE=BAND"])
    image.GetRasterBand(1).Fill(7)
    del image
    seen = []
    with Victims(TRANSLATE) as victims:
        call = 1
        while victims.kill_at(call, part, old.parent, source, old):
            content = np.load(old)
            seen.append(content.shape)
            if content.shape == OLD.shape:
                np.testing.assert_array_equal(content, OLD)
            else:
                assert content.shape == (3, 1500, 1500) and (content[0] == 7).all()
                assert gdal.Open(str(old)).RasterCount == 3
                np.save(old, OLD)
            call += 1
    assert seen[0] == OLD.shape and seen.count(OLD.shape) > 4, seen
    assert part != "after" or seen[-1] == (3, 1500, 1500)
    gdal.Translate(str(old), source, format="NPY")  # clears what the killed ones left
    assert [name for name in os.listdir(old.parent) if "partial" in name] == []
