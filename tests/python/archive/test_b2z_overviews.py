"""gdaladdo on a .b2z: the archive is written anew, with other levels of the same image."""

import os
import subprocess
import zipfile

import numpy as np
import pytest
from osgeo import gdal
from support import memory_dataset
from support.b2nd import blosc2
from support.b2z import halved, levels_of


@pytest.fixture
def image(rng):
    return rng.integers(0, 4000, (701, 901)).astype("u2")


@pytest.fixture
def path(tmp_path, image):
    path = str(tmp_path / "scene.b2z")
    source = memory_dataset(image)
    source.GetRasterBand(1).SetNoDataValue(5)
    gdal.GetDriverByName("B2ND").CreateCopy(path, source, options=["OVERVIEWS=NONE", "COMPRESS=LZ4"])
    return path


def gdaladdo(*arguments):
    subprocess.run(["gdaladdo", "-q", *map(str, arguments)], check=True, capture_output=True)


def test_gdaladdo_adds_levels_and_removes_them(path, image):
    gdaladdo("-r", "average", path, 2, 4)
    levels, _, group = levels_of(path)
    half, _ = halved(image, image != 5)
    np.testing.assert_array_equal(levels[0], image)
    np.testing.assert_array_equal(levels[1], half)
    np.testing.assert_array_equal(levels[2], halved(half, half != 5)[0])
    assert group["multiscales"]["resampling_method"] == "average"
    dataset = gdal.Open(path)
    assert dataset.GetRasterBand(1).GetOverviewCount() == 2
    np.testing.assert_array_equal(dataset.GetRasterBand(1).GetOverview(0).ReadAsArray(), half)
    store = blosc2.open(path, mode="r")
    assert store["/1"].schunk.cparams.codec == blosc2.Codec.LZ4
    gdaladdo("-clean", path)
    levels, _, _ = levels_of(path)
    assert len(levels) == 1 and os.listdir(os.path.dirname(path)) == ["scene.b2z"]
    np.testing.assert_array_equal(levels[0], image)


def test_levels_that_are_left_out(path, image):
    gdal.Open(path, gdal.GA_Update).BuildOverviews("NEAREST", [8])
    levels, _, group = levels_of(path)
    assert group["multiscales"]["layout"][1] == {
        "asset": "3", "derived_from": "0", "transform": {"scale": [8.0, 8.0], "translation": [0.0, 0.0]}}
    np.testing.assert_array_equal(levels[1], image[::8, ::8])


def test_the_pyramid_of_another_array_stays(path, image):
    gdaladdo(path, 2, 4)
    before = open(path, "rb").read()
    gdaladdo("-clean", f'B2ND:"{path}":/2')  # which has none
    with pytest.raises(subprocess.CalledProcessError) as failed:
        gdaladdo(f'B2ND:"{path}":/1', 2)
    assert b"wanted /0, whose overviews its group describes" in failed.value.stderr
    assert open(path, "rb").read() == before


def test_masks_are_respected(tmp_path, rng, image):
    path = str(tmp_path / "masked.b2z")
    mask = rng.random(image.shape) < 0.5
    source = memory_dataset(image)
    source.CreateMaskBand(gdal.GMF_PER_DATASET)
    source.GetRasterBand(1).GetMaskBand().WriteArray(mask.astype("u1") * 255)
    gdal.GetDriverByName("B2ND").CreateCopy(path, source, options=["OVERVIEWS=NONE"])
    gdal.Open(path, gdal.GA_Update).BuildOverviews("AVERAGE", [2])
    levels, attributes, _ = levels_of(path)
    half, valid = halved(image, mask)
    np.testing.assert_array_equal(levels[1], half)
    assert (blosc2.ndarray_from_cframe(attributes[1]["gdal:mask"])[:] == valid * 255).all()


def test_what_others_have_put_in_stays(path, image):
    with blosc2.open(path, mode="a") as store:
        store["/more/values"] = np.arange(5)
        store.vlmeta["author"] = "somebody"
    gdal.Open(f'B2ND:"{path}":/0', gdal.GA_Update).BuildOverviews("AVERAGE", [2])
    store = blosc2.open(path, mode="r")
    assert sorted(store.keys()) == ["/0", "/1", "/more", "/more/values"]
    assert (store["/more/values"][:] == np.arange(5)).all() and store.vlmeta["author"] == "somebody"


def test_pyramid_of_an_archive_of_python_blosc2(tmp_path, image):
    path = str(tmp_path / "theirs.b2z")
    with blosc2.TreeStore(path, mode="w") as store:
        store["/group/values"] = blosc2.asarray(image, chunks=(99, 55), blocks=(33, 11))
    gdal.Open(path, gdal.GA_Update).BuildOverviews("AVERAGE", [2])
    store = blosc2.open(path, mode="r")
    np.testing.assert_array_equal(store["/group/values_1"][:], halved(image)[0])
    assert gdal.Open(path).GetRasterBand(1).GetOverviewCount() == 1


@pytest.mark.parametrize("method, factors, text", [
    ("AVERAGE", [3], "overview level: found 3, wanted 2, 4, 8 or another power of two"),
    ("CUBIC", [2], "RESAMPLING: found CUBIC, wanted AVERAGE, NEAREST or MODE"),
])
def test_refusals_keep_the_file(path, errors, method, factors, text):
    with open(path, "rb") as file:
        before = file.read()
    assert gdal.Open(path, gdal.GA_Update).BuildOverviews(method, factors) != gdal.CE_None
    assert len(errors) == 1 and text in errors[0], errors
    with open(path, "rb") as file:
        assert file.read() == before
    assert os.listdir(os.path.dirname(path)) == ["scene.b2z"]


@pytest.mark.parametrize("share", [0, 0.5, 0.9])
def test_cancelled_at_any_time(path, errors, share):
    with open(path, "rb") as file:
        before = file.read()
    told = []
    dataset = gdal.Open(path, gdal.GA_Update)
    assert dataset.BuildOverviews("AVERAGE", [2], callback=lambda done, *_: told.append(done) or done < share) != 0
    assert told == sorted(told) and told[-1] >= share and len(errors) == 1 and "interrupted" in errors[0], (told, errors)
    with open(path, "rb") as file:
        assert file.read() == before
    assert os.listdir(os.path.dirname(path)) == ["scene.b2z"]
    assert dataset.BuildOverviews("AVERAGE", [2]) == gdal.CE_None


def test_an_open_dataset_shows_what_it_builds_and_builds_again(path, image):
    dataset = gdal.Open(path, gdal.GA_Update)
    band = dataset.GetRasterBand(1)
    half, _ = halved(image, image != 5)
    quarter, _ = halved(half, half != 5)
    assert dataset.BuildOverviews("AVERAGE", [2]) == gdal.CE_None
    first = band.GetOverview(0)
    assert dataset.BuildOverviews("AVERAGE", [2, 4]) == gdal.CE_None
    assert band.GetOverviewCount() == 2
    np.testing.assert_array_equal(band.GetOverview(1).ReadAsArray(), quarter)
    np.testing.assert_array_equal(first.ReadAsArray(), half)  # which somebody still has
    np.testing.assert_array_equal(dataset.ReadAsArray(), image)
    assert dataset.BuildOverviews("NONE", []) == gdal.CE_None and band.GetOverviewCount() == 0
    assert dataset.BuildOverviews("NEAREST", [4]) == gdal.CE_None
    np.testing.assert_array_equal(band.GetOverview(0).ReadAsArray(), image[::4, ::4])
    dataset = None
    assert os.listdir(os.path.dirname(path)) == ["scene.b2z"]
    np.testing.assert_array_equal(levels_of(path)[0][1], image[::4, ::4])


def test_read_only_datasets_get_overviews_beside(path, image):
    before = open(path, "rb").read()
    gdaladdo("-ro", "-r", "nearest", path, 2)
    assert open(path, "rb").read() == before
    assert sorted(os.listdir(os.path.dirname(path))) == ["scene.b2z", "scene.b2z.ovr"]
    dataset = gdal.Open(path)
    overview = dataset.GetRasterBand(1).GetOverview(0)
    assert (overview.XSize, overview.YSize) == (451, 351) and overview.ReadAsArray()[0, 0] == image[0, 0]
    assert dataset.GetFileList() == [path, path + ".ovr"]
    dataset = None
    gdaladdo("-clean", path)
    assert open(path, "rb").read() == before and os.listdir(os.path.dirname(path)) == ["scene.b2z"]


def test_overviews_in_the_file_replace_those_beside(path, image):
    gdaladdo("-ro", path, 2)
    gdaladdo("-r", "average", path, 4)
    assert os.listdir(os.path.dirname(path)) == ["scene.b2z"]
    assert gdal.Open(path).GetRasterBand(1).GetOverviewCount() == 1
    with pytest.raises(subprocess.CalledProcessError) as failed:
        gdaladdo("-ro", path, 2)
    assert b"overviews: found 1 in the file, wanted none, or a dataset that is open for update" in failed.value.stderr
    assert failed.value.stderr.count(b"ERROR") == 1
    assert os.listdir(os.path.dirname(path)) == ["scene.b2z"]


def test_clean_removes_both(path, image):
    gdaladdo(path, 2)
    # Of a time when the file had none.
    gdal.GetDriverByName("GTiff").CreateCopy(path + ".ovr", memory_dataset(image[::2, ::2]))
    gdaladdo("-clean", path)
    assert os.listdir(os.path.dirname(path)) == ["scene.b2z"] and len(levels_of(path)[0]) == 1


def test_pixels_of_an_archive_are_not_changed(path, image, errors):
    before = open(path, "rb").read()
    dataset = gdal.Open(path, gdal.GA_Update)
    assert dataset.WriteArray(image) != gdal.CE_None
    assert len(errors) == 1 and f"gdal_ndarray convert '{path}:/0' NEW makes one" in errors[0], errors
    with pytest.raises((ValueError, TypeError)):  # by the version of the bindings
        dataset.GetRasterBand(1).GetVirtualMemAutoArray(gdal.GF_Write)
    dataset.SetMetadataItem("WHO", "somebody")
    dataset = None
    assert open(path, "rb").read() == before
    assert gdal.Open(path).GetMetadataItem("WHO") == "somebody"


def test_an_archive_in_an_archive_gives_one_error(path, tmp_path):
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(path, "scene.b2z")
    before = (tmp_path / "outer.zip").read_bytes()
    with pytest.raises(subprocess.CalledProcessError) as failed:
        gdaladdo(f"/vsizip/{tmp_path}/outer.zip/scene.b2z", 2)
    lines = [line for line in failed.value.stderr.splitlines() if line.startswith(b"ERROR")]
    assert len(lines) == 1 and b"file system: found one where files are not written freely" in lines[0], lines
    assert (tmp_path / "outer.zip").read_bytes() == before


def test_of_members_of_one_name_the_last_one_stays(path, image):
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    with pytest.warns(UserWarning), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0.b2nd", b"of another time")
        for name, content in members:
            archive.writestr(name, content)
    gdaladdo("-r", "nearest", path, 2)
    levels, _, _ = levels_of(path)
    np.testing.assert_array_equal(levels[1], image[::2, ::2])
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist().count("0.b2nd") == 1


def test_an_archive_with_bytes_around_it_is_not_written_anew(path, errors):
    with open(path, "ab") as file:
        file.write(b"junk")
    before = open(path, "rb").read()
    assert gdal.Open(path, gdal.GA_Update).BuildOverviews("AVERAGE", [2]) != gdal.CE_None
    assert len(errors) == 1 and "bytes before the archive, or after it: found 4" in errors[0], errors
    assert open(path, "rb").read() == before


def test_asks_for_free_space_first(small_disk, rng, errors):
    if small_disk is None:
        pytest.skip("no file system to fill")
    noise = rng.integers(0, 65536, (1700, 1700)).astype("u2")
    path = str(small_disk / "scene.b2z")
    gdal.GetDriverByName("B2ND").CreateCopy(path, memory_dataset(noise), options=["OVERVIEWS=NONE"])
    assert gdal.Open(path, gdal.GA_Update).BuildOverviews("AVERAGE", [2]) != gdal.CE_None
    assert len(errors) == 1 and "no space left for" in errors[0], errors
    assert os.listdir(small_disk) == ["scene.b2z"]
    np.testing.assert_array_equal(levels_of(path)[0][0], noise)
