"""A file that is replaced, and its sidecars: the old set, the new one, or pixels alone, at any moment."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from support.fault import MAX_MOMENTS, Code, Command, environment, moments
from osgeo import gdal
from support import FORMATS
from support.tool import PROGRAM

pytestmark = pytest.mark.slow
SIDE = 520  # of which `convert --overviews` makes overviews
OLD, NEW = 10, 20


def write_image(path, value, driver="GTiff"):
    """All that can be told apart is `value`: pixels, georeferencing, overviews."""
    source = gdal.GetDriverByName("MEM").Create("", SIDE, SIDE, 1)
    source.GetRasterBand(1).Fill(value)
    source.SetGeoTransform([value, 1, 0, 0, 0, -1])
    gdal.GetDriverByName(driver).CreateCopy(str(path), source)


def write_old_set(folder, name, driver):
    """As a .npy or a .b2nd gets them; georeferencing always in a sidecar."""
    folder.mkdir()
    path = folder / name
    write_image(path, OLD, driver)
    dataset = gdal.Open(str(path))
    dataset.SetGeoTransform([OLD, 1, 0, 0, 0, -1])
    dataset.BuildOverviews("NEAREST", [2])
    dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
    dataset.GetRasterBand(1).GetMaskBand().Fill(OLD)
    del dataset
    assert sorted(os.listdir(folder)) == [name, name + ".aux.xml", name + ".msk", name + ".ovr"]


def renew(folder, old):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(old, folder)


def check_set(path, new_values=(NEW,)):
    """One that is allowed. Returns the value of its pixels."""
    dataset = gdal.Open(str(path))
    band = dataset.GetRasterBand(1)
    pixels = set(np.unique(band.ReadAsArray()))
    assert len(pixels) == 1 and pixels <= {OLD, *new_values}, pixels
    value = pixels.pop()
    beside = [int(dataset.GetGeoTransform(can_return_null=True)[0])
              ] if dataset.GetGeoTransform(can_return_null=True) else []
    if band.GetOverviewCount():
        beside += np.unique(band.GetOverview(0).ReadAsArray()).tolist()
    if band.GetMaskFlags() == gdal.GMF_PER_DATASET:
        beside += np.unique(band.GetMaskBand().ReadAsArray()).tolist()
    assert set(beside) <= {value}, f"pixels {value}, beside them {beside}"
    return value


def go_through(run, path, old, new_values=(NEW,)):
    """Kills at all moments; the values of the pixels that were found, in order."""
    seen = []
    with run:
        for moment in moments(run):
            renew(path.parent, old)
            run(moment)
            value = check_set(path, new_values)
            if not seen or seen[-1] != value:
                seen.append(value)
    # What killed ones left goes with the next one that is not killed.
    left = [name for name in os.listdir(path.parent) if name.startswith(".")]
    assert left == [], left
    return seen


@pytest.fixture(params=FORMATS)
def case(request, tmp_path):
    """Name of the format, path of the file to replace, folder to renew its set from, new image."""
    name = f"image.{request.param.lower()}"
    write_old_set(tmp_path / "old", name, request.param)
    write_image(tmp_path / "new.tif", NEW)
    return request.param, tmp_path / "set" / name, tmp_path / "old", tmp_path / "new.tif"


def test_killed_copy_mixes_no_sets(case):
    form, path, old, new = case
    victim = f"gdal.GetDriverByName({form!r}).CreateCopy({str(path)!r}, gdal.Open({str(new)!r}))"
    assert go_through(Code(path.parent, victim), path, old) == [OLD, NEW]


def test_killed_copy_shows_its_mask_and_metadata_whole_or_not_at_all(tmp_path):
    """Half a mask would call sound pixels invalid; a part of the metadata, nodata valid."""
    source = gdal.GetDriverByName("MEM").Create("", SIDE, SIDE, 1)
    source.SetGeoTransform([NEW, 1, 0, 0, 0, -1])
    source.SetMetadataItem("WHAT", "new")
    source.CreateMaskBand(gdal.GMF_PER_DATASET)
    source.GetRasterBand(1).GetMaskBand().Fill(255)
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "new.tif"), source)
    path = tmp_path / "set" / "image.npy"
    seen = set()
    victim = f"gdal.GetDriverByName('NPY').CreateCopy({str(path)!r}, gdal.Open({str(tmp_path / 'new.tif')!r}))"
    with Code(path.parent, victim) as run:
        for moment in moments(run):
            shutil.rmtree(path.parent, ignore_errors=True)
            path.parent.mkdir()
            run(moment)
            if not path.exists():
                continue
            dataset = gdal.Open(str(path))
            band = dataset.GetRasterBand(1)
            metadata = (dataset.GetGeoTransform(can_return_null=True), dataset.GetMetadataItem("WHAT"))
            seen.add((band.GetMaskFlags(), *np.unique(band.GetMaskBand().ReadAsArray()), *metadata))
    nothing = (gdal.GMF_ALL_VALID, 255, None, None)
    everything = (gdal.GMF_PER_DATASET, 255, (NEW, 1, 0, 0, 0, -1), "new")
    assert nothing in seen and everything in seen
    assert seen <= {nothing, (gdal.GMF_PER_DATASET, 255, None, None), everything}
    assert sorted(os.listdir(path.parent)) == ["image.npy", "image.npy.aux.xml", "image.npy.msk"]


def test_killed_creation_mixes_no_sets(case):
    form, path, old, _ = case
    victim = f"gdal.GetDriverByName({form!r}).Create({str(path)!r}, {SIDE}, {SIDE}, 1)"
    assert go_through(Code(path.parent, victim), path, old, new_values=(0,)) == [OLD, 0]


@pytest.mark.parametrize("options", [[], ["--overviews"]])
def test_killed_convert_mixes_no_sets(case, options):
    _, path, old, new = case
    run = Command(path.parent, PROGRAM, "convert", new, path, *options)
    assert go_through(run, path, old) == [OLD, NEW]
    assert bool(options) == os.path.exists(f"{path}.ovr")


def test_killed_deletion_leaves_no_sidecars_alone(case):
    form, path, old, _ = case
    with Code(path.parent, f"gdal.GetDriverByName({form!r}).Delete({str(path)!r})") as run:
        for moment in moments(run):
            renew(path.parent, old)
            run(moment)
            if path.exists():
                assert check_set(path) == OLD
            else:
                assert [name for name in os.listdir(path.parent) if name[0] != "."] == []
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("kind", ["PNG", "NPY"])
def test_killed_window_leaves_no_sidecar_of_other_pixels(case, tmp_path, kind):
    form, _, old, _ = case
    kept = tmp_path / "kept"
    kept.mkdir()
    path = tmp_path / "windows" / f"look.{kind.lower()}"
    write_image(kept / path.name, NEW, kind)
    assert (kept / f"{path.name}.aux.xml").exists()
    before = (kept / path.name).read_bytes()
    source = old / f"image.{form.lower()}"
    run = Command(path.parent, PROGRAM, "window", source, 0, 0, 64, 64, "-o", path)
    for moment in moments(run):
        renew(path.parent, kept)
        run(moment)
        if kind == "NPY":
            assert check_set(path) == NEW or path.read_bytes() != before
        else:
            assert path.read_bytes() == before or not os.path.exists(f"{path}.aux.xml")
    assert path.read_bytes() != before


def test_reader_that_opens_during_a_copy_mixes_no_sets(case, tmp_path):
    """The copy takes the file's place right before any of the calls with which a reader opens it."""
    form, path, old, new = case
    copy = tmp_path / "copy.py"
    copy.write_text(f"""
from osgeo import gdal
gdal.UseExceptions()
gdal.GetDriverByName({form!r}).CreateCopy({str(path)!r}, gdal.Open({str(new)!r}))
gdal.Open({str(path)!r}).BuildOverviews("NEAREST", [2])
""")
    reader = f"""
import sys
sys.path[:0] = {sys.path!r}
import test_replaced_sets
print(test_replaced_sets.check_set({str(path)!r}))
"""
    seen = []
    for moment in range(MAX_MOMENTS):
        renew(path.parent, old)
        done = subprocess.run(
            [sys.executable, "-c", reader], capture_output=True, text=True, timeout=300, check=False,
            env=environment(path, NDARRAY_FAULT_AT=str(moment),
                            NDARRAY_FAULT_COMMAND=f"{sys.executable} {copy}"))
        assert done.returncode == 0, done.stderr
        seen.append(int(done.stdout))
        if check_set(path) == OLD:  # there was no such call
            break
    assert seen[0] == NEW and seen[-1] == OLD and len(seen) > 4, seen


@pytest.mark.parametrize("form", FORMATS)
def test_copy_onto_its_source_keeps_what_is_beside_it(form, tmp_path):
    path = tmp_path / f"image.{form.lower()}"
    write_image(path, OLD, form)
    dataset = gdal.Open(str(path))
    dataset.SetGeoTransform([OLD, 1, 0, 0, 0, -1])
    dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
    dataset.GetRasterBand(1).GetMaskBand().Fill(OLD)
    del dataset
    gdal.GetDriverByName(form).CreateCopy(str(path), gdal.Open(str(path)))
    dataset = gdal.Open(str(path))
    assert check_set(path) == OLD and dataset.GetGeoTransform()[0] == OLD
    assert dataset.GetRasterBand(1).GetMaskFlags() == gdal.GMF_PER_DATASET


def test_statistics_of_a_file_that_was_replaced_are_not_those_of_the_new_one(case):
    form, path, old, new = case
    renew(path.parent, old)
    dataset = gdal.Open(str(path))
    gdal.GetDriverByName(form).CreateCopy(str(path), gdal.Open(str(new)))
    assert dataset.GetRasterBand(1).ComputeStatistics(False)[0] == OLD
    del dataset
    assert gdal.Open(str(path)).GetRasterBand(1).GetMetadataItem("STATISTICS_MINIMUM") is None


def test_overviews_of_a_file_that_took_the_name_are_not_shown(case, errors):
    form, path, old, new = case
    (path.parent).mkdir()
    shutil.copy(old / path.name, path)
    dataset = gdal.Open(str(path))
    gdal.GetDriverByName(form).CreateCopy(str(path), gdal.Open(str(new)))
    gdal.Open(str(path)).BuildOverviews("NEAREST", [2])
    gdal.Open(str(path)).CreateMaskBand(gdal.GMF_PER_DATASET)
    band = dataset.GetRasterBand(1)
    assert band.GetOverviewCount() == 0 and band.GetMaskFlags() == gdal.GMF_ALL_VALID
    assert set(np.unique(band.ReadAsArray(buf_xsize=SIDE // 2, buf_ysize=SIDE // 2))) == {OLD}
    assert errors == []
    assert dataset.BuildOverviews("NEAREST", [4]) != gdal.CE_None
    assert "another file has taken its name" in errors[-1]
    assert gdal.Open(str(path)).GetRasterBand(1).GetOverviewCount() == 1
