"""Arrays in .npz archives, as numpy.savez and numpy.savez_compressed write them."""

import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from support.http import http_server  # noqa: F401
from osgeo import gdal

IMAGE = np.arange(3 * 40 * 50, dtype="u2").reshape(3, 40, 50)
ODD_NAMES = ["plain", "a:0", "0", "0,2", "x[1]", "it's", 'quo"te', "back\\slash", "höhe", " space ", "sub/folder",
             "new\nline", "..", "..x", "NPY:y"]


@pytest.fixture(params=[np.savez, np.savez_compressed], ids=["stored", "deflated"])
def save(request, tmp_path):
    def write(**arrays):
        path = tmp_path / "a.npz"
        request.param(path, **arrays)
        return str(path)

    return write


def subdatasets(path):
    return [name for name, _ in gdal.Open(path).GetSubDatasets()]


def test_one_array_is_the_dataset(save):
    path = save(image=IMAGE)
    dataset = gdal.Open(path)
    assert dataset.GetDriver().ShortName == "NPY"
    assert dataset.GetDescription() == path
    assert dataset.GetFileList() == [path]
    np.testing.assert_array_equal(dataset.ReadAsArray(), IMAGE)
    np.testing.assert_array_equal(dataset.ReadAsArray(7, 5, 11, 13), IMAGE[:, 5:18, 7:18])


def test_several_arrays_are_subdatasets(save):
    path = save(first=IMAGE, second=IMAGE[0] * 2, fortran=np.asfortranarray(IMAGE[1]))
    dataset = gdal.Open(path)
    assert dataset.RasterCount == 0
    assert dataset.GetSubDatasets() == [(f'NPY:"{path}":first', "(3, 40, 50) <u2"),
                                        (f'NPY:"{path}":second', "(40, 50) <u2"),
                                        (f'NPY:"{path}":fortran', "(40, 50) <u2")]
    np.testing.assert_array_equal(gdal.Open(f'NPY:"{path}":second').ReadAsArray(), IMAGE[0] * 2)
    np.testing.assert_array_equal(gdal.Open(f"NPY:{path}:fortran").ReadAsArray(), IMAGE[1])
    with pytest.raises(RuntimeError, match="array: found 'third', wanted 'first', 'second' or 'fortran'"):
        gdal.Open(f'NPY:"{path}":third')


def test_any_name_of_an_array_works(save):
    arrays = {name: np.full((4, 5), number, "u1") for number, name in enumerate(ODD_NAMES)}
    path = save(**arrays)
    names = subdatasets(path)
    assert len(names) == len(arrays)
    for name, array in zip(names, arrays.values()):
        np.testing.assert_array_equal(gdal.Open(name).ReadAsArray(), array)


@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("name", ["../../image", "/etc/image", "a//b", "un{balanced", "d/" * 5000 + "image", "{}"])
def test_names_are_no_paths(tmp_path, packed, name):
    """Whatever they look like: nothing is unpacked, and nothing looked for."""
    path = str(tmp_path / "an{other.npz")
    with zipfile.ZipFile(path, "w", packed) as archive:
        with archive.open(name + ".npy", "w") as file:
            np.save(file, IMAGE)
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), IMAGE)
    np.testing.assert_array_equal(gdal.Open(f'NPY:"{path}":{name}').ReadAsArray(), IMAGE)


def test_indexes_stand_behind_names(save):
    stack = np.arange(2 * 3 * 4 * 5 * 6, dtype="i4").reshape(2, 3, 4, 5, 6)
    path = save(stack=stack, other=IMAGE)
    names = subdatasets(f'NPY:"{path}":stack')
    assert names[4] == f'NPY:"{path}":stack:1,1'
    for name in (names[4], f'NPY:"{path}":stack[1,1]', f"NPY:{path}:stack:[1, 1]"):
        np.testing.assert_array_equal(gdal.Open(name).ReadAsArray(), stack[1, 1])
    path = save(stack=stack)
    assert subdatasets(path)[4] == f'NPY:"{path}":1,1'
    np.testing.assert_array_equal(gdal.Open(f'NPY:"{path}":1,1').ReadAsArray(), stack[1, 1])


def test_stored_arrays_are_mapped(tmp_path):
    path = str(tmp_path / "a.npz")
    np.savez(path, other=IMAGE[0], image=IMAGE)
    dataset = gdal.Open(f'NPY:"{path}":image')
    pixels = dataset.GetRasterBand(2).GetVirtualMemAutoArray(gdal.GF_Read, ["USE_DEFAULT_IMPLEMENTATION=NO"])
    np.testing.assert_array_equal(pixels, IMAGE[1])
    maps = open("/proc/self/maps").read()
    assert os.path.realpath(path) in maps


def test_deflated_arrays_take_little_memory(tmp_path):
    path = str(tmp_path / "a.npz")
    np.savez_compressed(path, image=np.zeros((3000, 25000), "u1"))
    code = ("import resource, sys; from osgeo import gdal; gdal.UseExceptions()\n"
            "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "dataset = gdal.Open(sys.argv[1])\n"
            "assert not dataset.ReadAsArray(1000, 2900, 100, 100).any()\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)")
    done = subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 45_000  # KB of 73,242


def test_what_is_no_raster_is_not_listed(tmp_path):
    path = str(tmp_path / "a.npz")
    np.savez(path, image=IMAGE, text=np.array(["a", "b"]), number=np.array(3), more=np.array([{}]))
    assert subdatasets(path)[0] == f'NPY:"{path}":image'
    assert not any(name.endswith((":text", ":more")) for name in subdatasets(path))
    with pytest.raises(RuntimeError, match="text: dtype: found '<U1'"):
        gdal.Open(f'NPY:"{path}":text')


def test_archives_are_not_written_to(save):
    path = save(image=IMAGE)
    before = open(path, "rb").read()
    with pytest.raises(RuntimeError, match=r"access: found update, wanted read-only: .*gdal_ndarray convert"):
        gdal.Open(path, gdal.GA_Update)
    assert open(path, "rb").read() == before


def test_each_array_has_its_own_metadata_beside_the_archive(save):
    path = save(first=IMAGE, second=IMAGE)
    dataset = gdal.Open(f'NPY:"{path}":first')
    dataset.SetMetadataItem("WHO", "first")
    dataset.SetGeoTransform((10, 2, 0, 20, 0, -2))
    dataset = None
    assert gdal.Open(f"NPY:{path}:first").GetMetadataItem("WHO") == "first"
    assert gdal.Open(f"NPY:{path}:first").GetGeoTransform() == (10, 2, 0, 20, 0, -2)
    assert gdal.Open(f'NPY:"{path}":second').GetMetadataItem("WHO") is None


def test_files_that_only_look_like_archives(tmp_path):
    with open(tmp_path / "really_npy.npz", "wb") as file:
        np.save(file, IMAGE)
    np.testing.assert_array_equal(gdal.Open(str(tmp_path / "really_npy.npz")).ReadAsArray(), IMAGE)
    np.savez(tmp_path / "a.npz", image=IMAGE)
    os.rename(tmp_path / "a.npz", tmp_path / "a.zip")  # somebody else's to open
    assert gdal.IdentifyDriverEx(str(tmp_path / "a.zip"), allowed_drivers=["NPY"]) is None
    np.testing.assert_array_equal(gdal.Open(f'NPY:"{tmp_path / "a.zip"}":image').ReadAsArray(), IMAGE)
    np.savez(tmp_path / "empty.npz")
    with pytest.raises(RuntimeError, match="empty.npz: members: found no .npy, wanted at least one"):
        gdal.Open(str(tmp_path / "empty.npz"))


def damaged(path, old, new):
    content = open(path, "rb").read()
    assert old in content
    open(path, "wb").write(content.replace(old, new))


def test_damage_is_said_in_one_error(tmp_path):
    path = str(tmp_path / "a.npz")
    np.savez(path, image=IMAGE, other=IMAGE)
    size = os.path.getsize(path)
    for cut, message in [(size - 1, "end of the directory: found none"), (100, "end of the directory: found none")]:
        short = str(tmp_path / "short.npz")
        open(short, "wb").write(open(path, "rb").read()[:cut])
        with pytest.raises(RuntimeError, match=rf"short.npz: damaged \(copy it again\): {message}"):
            gdal.Open(short)
    damaged(path, b"PK\3\4", b"PK\3\5")
    with pytest.raises(RuntimeError, match="member 'other.npy': local header: found PK"):
        gdal.Open(f'NPY:"{path}":other')


def test_an_encrypted_or_otherwise_packed_array_is_refused(tmp_path):
    path = str(tmp_path / "a.npz")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        with archive.open("image.npy", "w") as file:
            np.save(file, IMAGE)
    with pytest.raises(RuntimeError, match=r"a.npz:image: compression: found 12, wanted 0 \(stored\) or 8"):
        gdal.Open(path)


def test_remote_archives_are_read_by_ranges(http_server, tmp_path):  # noqa: F811
    image = np.random.default_rng(1).integers(0, 9000, (4, 1500, 1500), "u2")
    np.savez(tmp_path / "a.npz", first=image, second=image[0])
    http_server.bodies["a.npz"] = (tmp_path / "a.npz").read_bytes()
    url = f"/vsicurl/http://127.0.0.1:{http_server.server_port}/a.npz"
    dataset = gdal.Open(f'NPY:"{url}":first')
    np.testing.assert_array_equal(dataset.ReadAsArray(100, 700, 50, 40), image[:, 700:740, 100:150])
    assert http_server.sent_bytes < 4_000_000  # of 22.5 MB
    assert subdatasets(url) == [f'NPY:"{url}":first', f'NPY:"{url}":second']


@pytest.fixture
def warned():
    """GDAL's warnings, as texts."""
    texts = []
    gdal.PushErrorHandler(lambda level, number, text: texts.append(text) if level == gdal.CE_Warning else None)
    yield texts
    gdal.PopErrorHandler()


def encrypt(path, name):
    """As if: flags of a member, in its own header and in the directory."""
    content = bytearray(open(path, "rb").read())
    with zipfile.ZipFile(path) as archive:
        content[archive.getinfo(name).header_offset + 6] |= 1
    entry = content.rindex(name.encode()) - 46
    assert content[entry:entry + 4] == b"PK\1\2"
    content[entry + 8] |= 1
    open(path, "wb").write(content)


def test_arrays_that_cannot_be_read_are_said_to_be_left_out(save, warned):
    path = save(image=IMAGE, secret=IMAGE, other=IMAGE)
    encrypt(path, "secret.npy")
    assert subdatasets(path) == [f'NPY:"{path}":image', f'NPY:"{path}":other']
    assert warned == [f"{path}: not listed: 'secret' (encrypted)"]
    gdal.Open(f'NPY:"{path}":image')
    assert len(warned) == 1
    with pytest.raises(RuntimeError, match="secret: member: found an encrypted one, wanted one that is not"):
        gdal.Open(f'NPY:"{path}":secret')
    warned.clear()
    encrypt(path, "image.npy")
    encrypt(path, "other.npy")
    with pytest.raises(RuntimeError, match="image: member: found an encrypted one"):
        gdal.Open(path)
    assert warned == []


def test_an_array_without_a_name_is_said_to_be_left_out(save, warned):
    path = save(**{"": IMAGE, "image": IMAGE + 1})
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), IMAGE + 1)
    assert warned == [f"{path}: not listed: '.npy' (without a name)"]
    path = save(**{"": IMAGE})
    with pytest.raises(RuntimeError, match=r"members: found '.npy' \(without a name\), wanted at least one .npy"):
        gdal.Open(path)


def test_more_arrays_than_are_listed(tmp_path, warned):
    path = str(tmp_path / "a.npz")
    np.savez(path, **{f"x{number}": np.array([[number]], "u2") for number in range(1003)})
    assert len(subdatasets(path)) == 1000
    assert warned == [f"{path}: 1003 arrays, of which 1000 are listed; all open by their names"]
    assert gdal.Open(f'NPY:"{path}":x1002').ReadAsArray() == [[1002]]


@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_of_arrays_of_one_name_the_last_one_counts(tmp_path, packed):
    path = str(tmp_path / "a.npz")
    with pytest.warns(UserWarning), zipfile.ZipFile(path, "w", packed) as archive:
        for number in range(3):
            with archive.open("image.npy", "w") as file:
                np.save(file, IMAGE + number)
    np.testing.assert_array_equal(np.load(path)["image"], IMAGE + 2)
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), IMAGE + 2)


@pytest.mark.parametrize("before, after", [(b"#!/bin/sh\n" * 9000, b""), (b"", b"PK\1\2"), (b"MZ", b"\n" * 60000)])
def test_bytes_before_and_after_an_archive(save, before, after):
    path = save(image=IMAGE, other=IMAGE[0])
    content = open(path, "rb").read()
    open(path, "wb").write(before + content + after)
    with zipfile.ZipFile(path) as archive, archive.open("image.npy") as file:
        np.testing.assert_array_equal(np.load(file), IMAGE)
    assert subdatasets(path) == [f'NPY:"{path}":image', f'NPY:"{path}":other']
    np.testing.assert_array_equal(gdal.Open(f'NPY:"{path}":image').ReadAsArray(), IMAGE)


def test_a_comment(save):
    path = save(image=IMAGE)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"of this archive" * 1000
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), IMAGE)


@pytest.mark.parametrize("copies", [True, False])
def test_an_npz_is_not_written(tmp_path, copies):
    driver, path = gdal.GetDriverByName("NPY"), str(tmp_path / "a.npz")
    with pytest.raises(RuntimeError, match="wanted one that ends in .npy"):
        driver.CreateCopy(path, gdal.GetDriverByName("MEM").Create("", 3, 2)) if copies else driver.Create(path, 3, 2)
    assert not list(tmp_path.iterdir())
