"""The checksum file of a .npy, PATH.sha256: made by convert, compared by verify and by sha256sum,
gone with the first change, and a companion of its file wherever GDAL moves that."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal
from support import FORMATS, memory_dataset
from support.stop import run_stopped
from support.tool import PROGRAM, error, tool

SECOND = 10**9


IMAGE = np.random.default_rng(1).integers(0, 4000, (3, 290, 270), dtype="u2")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("source") / "source.tif")
    gdal.GetDriverByName("GTiff").CreateCopy(path, memory_dataset(IMAGE))
    return path


@pytest.fixture(scope="module")
def converted(source, tmp_path_factory):
    path = tmp_path_factory.mktemp("converted") / "scene.npy"
    tool("convert", source, path, "--checksum", "sha256", "-q")
    return path


@pytest.fixture
def scene(converted, tmp_path):
    """A .npy with its checksum file, both written long ago."""
    for file in converted.parent.iterdir():
        shutil.copy(file, tmp_path)
    make_old(tmp_path / "scene.npy")
    return tmp_path / "scene.npy"


def checksum_of(path):
    return path.with_name(path.name + ".sha256")


def make_old(path):
    """The file an hour ago, its checksum file a second later."""
    now = os.stat(path).st_mtime_ns
    os.utime(path, ns=(now, now - 3600 * SECOND))
    os.utime(checksum_of(path), ns=(now, now - 3599 * SECOND))


def sha256sum(path):
    """Whether `sha256sum -c` finds the file to be as its checksum file says."""
    done = subprocess.run(["sha256sum", "-c", "--strict", checksum_of(path).name], cwd=path.parent,
                          capture_output=True, text=True)
    return done.returncode == 0


def verify(path, *arguments):
    done = subprocess.run([PROGRAM, "verify", "--json", str(path), *arguments], text=True,
                          capture_output=True)
    report = json.loads(done.stdout)
    return done.returncode, report["verdict"], report.get("checksum", {}).get("state"), report


def flip(path, at=-1):
    """One bit, without a trace in the times of the file: as a failing disk does."""
    about = os.stat(path)
    content = bytearray(path.read_bytes())
    content[at] ^= 4
    path.write_bytes(content)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def test_convert_writes_what_sha256sum_writes_and_checks(scene, tmp_path):
    line = subprocess.run(["sha256sum", scene.name], cwd=tmp_path, capture_output=True, text=True)
    assert checksum_of(scene).read_text() == line.stdout
    assert sha256sum(scene)
    assert sorted(os.listdir(tmp_path)) == ["scene.npy", "scene.npy.aux.xml", "scene.npy.sha256"]
    np.testing.assert_array_equal(gdal.Open(str(scene)).ReadAsArray(), IMAGE)


def test_verify_compares_with_it(scene):
    code, verdict, state, report = verify(scene)
    assert (code, verdict, state) == (0, "no damage found", "right")
    assert "unseen" not in report
    flip(scene)
    code, verdict, state, report = verify(scene)
    assert (code, verdict, state) == (1, "damaged", "wrong")
    assert report["checksum"]["found"] == hashlib.sha256(scene.read_bytes()).hexdigest()
    assert report["checksum"]["wanted"] == checksum_of(scene).read_text()[:64]
    text = tool("verify", scene, code=1)
    assert text == "", "errors go to stderr, findings to stdout"
    assert not sha256sum(scene)


def test_every_byte_counts(scene):
    size = scene.stat().st_size
    for at in (4096, size - 1):
        flip(scene, at)
        assert verify(scene)[:3] == (1, "damaged", "wrong"), at
        flip(scene, at)
    assert verify(scene)[:3] == (0, "no damage found", "right")


def test_a_file_that_was_changed_since_is_not_checked(scene):
    np.load(scene, mmap_mode="r+")[0, 0, 0] ^= 1
    os.utime(scene)
    code, verdict, state, report = verify(scene)
    assert (code, verdict, state) == (0, "no damage found", "not checked")
    assert "changed after" in report["checksum"]["what"] and report["unseen"]


def test_one_that_only_looks_changed_is_right(scene):
    os.utime(scene)
    assert verify(scene)[:3] == (0, "no damage found", "right")


@pytest.mark.parametrize("text", ["", "0" * 64 + "  other.npy\n00  scene.npy\nno checksum\n" + "0" * 64,
                                  "g" * 64 + "  scene.npy\n", "\x00" * 200_000],
                         ids=["empty", "other", "digits", "long"])
def test_files_that_say_nothing_of_it_are_not_checked(scene, text):
    checksum_of(scene).write_text(text)
    code, verdict, state, report = verify(scene)
    assert (code, verdict, state) == (0, "no damage found", "not checked")
    assert report["unseen"]


@pytest.mark.parametrize("line", ["{} *scene.npy", "{}  other.npy\n{}  ./scene.npy"])
def test_other_ways_to_write_the_line_are_read(scene, line):
    digest = hashlib.sha256(scene.read_bytes()).hexdigest().upper()
    checksum_of(scene).write_text(line.format(digest, digest) + "\n")
    assert verify(scene)[2] == "right"


def test_names_with_escapes(source, tmp_path):
    path = tmp_path / "back\\slash.npy"
    tool("convert", source, path, "--checksum", "sha256", "-q")
    assert checksum_of(path).read_text().startswith("\\") and sha256sum(path)
    assert verify(path)[2] == "right"


def change_pixels(dataset):
    dataset.GetRasterBand(2).WriteArray(np.full((1, 1), 7, "u2"), 3, 4)


def change_through_the_block_cache(dataset):
    dataset.GetRasterBand(1).Fill(9)


def change_in_place(dataset):
    dataset.GetRasterBand(1).GetVirtualMemAutoArray(gdal.GF_Write)[0, 0] = 5


@pytest.mark.parametrize("change", [change_pixels, change_through_the_block_cache, change_in_place])
def test_an_update_removes_it(scene, change):
    dataset = gdal.Open(str(scene), gdal.GA_Update)
    assert checksum_of(scene).exists(), "nothing has changed yet"
    change(dataset)
    del dataset
    assert not checksum_of(scene).exists()
    assert verify(scene)[:3] == (0, "no damage found", None)


def test_it_is_gone_before_the_first_change(scene):
    code = f"""
from osgeo import gdal
import numpy as np
dataset = gdal.Open({str(scene)!r}, gdal.GA_Update)
dataset.GetRasterBand(1).WriteArray(np.ones((1, 1), "u2"))
"""
    before = scene.read_bytes()
    run_stopped([sys.executable, "-c", code], "scene.npy.sha256", 1, signal.SIGKILL,
                part="after")
    assert scene.read_bytes() == before and not checksum_of(scene).exists()


def test_reading_and_metadata_leave_it(scene):
    dataset = gdal.Open(str(scene), gdal.GA_Update)
    dataset.ReadAsArray()
    dataset.SetMetadataItem("author", "me")
    del dataset
    assert verify(scene)[2] == "right"


def test_one_that_cannot_be_removed_is_a_warning(scene, errors):
    checksum_of(scene).unlink()
    checksum_of(scene).mkdir()
    dataset = gdal.Open(str(scene), gdal.GA_Update)
    change_pixels(dataset)
    change_pixels(dataset)
    assert len(errors) == 1 and "scene.npy.sha256: cannot delete, and is out of date" in errors[0]
    assert dataset.GetRasterBand(2).ReadAsArray(3, 4, 1, 1) == 7


def test_a_new_file_of_the_name_has_none_of_the_old_one(scene, source):
    gdal.Translate(str(scene), source, format="NPY")
    assert not checksum_of(scene).exists()


def test_gdal_takes_it_along(scene, tmp_path):
    driver = gdal.GetDriverByName("NPY")
    assert str(checksum_of(scene)) in gdal.Open(str(scene)).GetFileList()
    copy, moved = tmp_path / "copy.npy", tmp_path / "moved.npy"
    assert driver.CopyFiles(str(copy), str(scene)) == gdal.CE_None
    assert sha256sum(copy) and verify(copy)[2] == "right" and sha256sum(scene)
    assert driver.Rename(str(moved), str(scene)) == gdal.CE_None
    assert sha256sum(moved) and verify(moved)[2] == "right"
    assert not scene.exists() and not checksum_of(scene).exists()
    assert driver.Delete(str(moved)) == gdal.CE_None
    assert sorted(os.listdir(tmp_path)) == ["copy.npy", "copy.npy.aux.xml", "copy.npy.sha256"]


def test_renamed_sidecars_go_with_it(scene, tmp_path):
    gdal.Open(str(scene), gdal.GA_Update).SetGeoTransform([1, 2, 0, 3, 0, -4])
    folder = tmp_path / "folder"
    folder.mkdir()
    assert gdal.GetDriverByName("NPY").Rename(str(folder / "scene.npy"), str(scene)) == 0
    assert sorted(os.listdir(folder)) == ["scene.npy", "scene.npy.aux.xml", "scene.npy.sha256"]
    assert sha256sum(folder / "scene.npy")


def test_virtual_files_have_them_too(source):
    path = "/vsimem/checksum/scene.npy"
    tool("convert", source, "/tmp/unused.npy", "--checksum", "md5", code=2)
    gdal.FileFromMemBuffer(path + ".sha256", b"0" * 64 + b"  scene.npy\n")
    gdal.Translate(path, source, format="NPY")
    assert gdal.VSIStatL(path + ".sha256") is None
    gdal.FileFromMemBuffer(path + ".sha256", b"0" * 64 + b"  scene.npy\n")
    gdal.GetDriverByName("NPY").Rename("/vsimem/checksum/new.npy", path)
    file = gdal.VSIFOpenL("/vsimem/checksum/new.npy.sha256", "rb")
    assert gdal.VSIFReadL(1, 1000, file) == b"0" * 64 + b"  new.npy\n"
    gdal.VSIFCloseL(file)
    gdal.GetDriverByName("NPY").Delete("/vsimem/checksum/new.npy")
    assert not gdal.ReadDir("/vsimem/checksum/")


def test_overviews_and_checksum_together(source, tmp_path):
    path = tmp_path / "both.npy"
    tool("convert", source, path, "--checksum", "sha256", "--overviews", "-q")
    assert sorted(os.listdir(tmp_path)) == ["both.npy", "both.npy.aux.xml", "both.npy.ovr",
                                            "both.npy.sha256"]
    assert sha256sum(path)


def test_stacks_and_arrays_of_many_axes(tmp_path, rng):
    np.save(tmp_path / "many.npy", rng.integers(0, 9, (2, 3, 4, 5, 6), dtype="u1"))
    path = tmp_path / "copy.npy"
    tool("convert", tmp_path / "many.npy", path, "--checksum", "sha256", "-q")
    assert sha256sum(path) and verify(path)[2] == "right"


@pytest.mark.skipif("B2ND" not in FORMATS, reason="built without c-blosc2")
def test_it_is_for_npy_alone(source, tmp_path):
    text = error("convert", source, tmp_path / "scene.b2nd", "--checksum", "sha256", code=2)
    assert text == f"--checksum: found {tmp_path}/scene.b2nd, wanted a .npy"
    assert os.listdir(tmp_path) == []
