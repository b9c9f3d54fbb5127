"""The program gdal_ndarray with arrays in archives."""

import json
import os
import resource
import subprocess
import zipfile

import numpy as np
import pytest
from osgeo import gdal
from support.tool import error, tool

IMAGE = np.arange(3 * 40 * 50, dtype="u2").reshape(3, 40, 50)
STACK = np.arange(2 * 3 * 4 * 5, dtype="f4").reshape(2, 3, 4, 5)


@pytest.fixture
def npz(tmp_path):
    path = str(tmp_path / "a.npz")
    np.savez(path, image=IMAGE, stack=STACK, **{"odd:0": IMAGE[0]})
    return path


@pytest.fixture
def b2z(tmp_path):
    blosc2 = pytest.importorskip("blosc2")
    if gdal.GetDriverByName("B2ND") is None or not hasattr(blosc2, "TreeStore"):
        pytest.skip("no driver, or a python-blosc2 without TreeStore")
    path = str(tmp_path / "a.b2z")
    with blosc2.TreeStore(path, mode="w") as tree:
        tree["/scene/0"] = IMAGE
        tree["/scene/1"] = IMAGE[:, ::2, ::2].copy()
        tree.get_subtree("/scene").vlmeta["multiscales"] = {
            "layout": [{"asset": "0"}, {"asset": "1", "derived_from": "0"}]}
    return path


def test_convert_takes_arrays_out(npz, b2z, tmp_path):
    out = str(tmp_path / "out.npy")
    for source, wanted in [(f"{npz}:image", IMAGE), (f"{npz}:image[1]", IMAGE[1]), (f"{npz}:'odd:0'", IMAGE[0]),
                           (f"{npz}:stack", STACK), (f'NPY:"{npz}":image', IMAGE),
                           (b2z, IMAGE), (f"{b2z}:/scene/1", IMAGE[:, ::2, ::2])]:
        tool("convert", source, out)
        np.testing.assert_array_equal(np.load(out), wanted)
    assert "name one of its subdatasets instead" in error("convert", npz, out)
    if gdal.GetDriverByName("B2ND") is not None:
        tool("convert", f"{npz}:image", str(tmp_path / "out.b2nd"))
        np.testing.assert_array_equal(gdal.Open(str(tmp_path / "out.b2nd")).ReadAsArray(), IMAGE)


def test_convert_does_not_replace_the_archive(npz):
    before = open(npz, "rb").read()
    tool("convert", f"{npz}:image", npz, code=2)
    assert open(npz, "rb").read() == before


def test_info_describes_arrays_and_archives(npz, b2z):
    one = json.loads(tool("info", "--json", f"{npz}:image"))
    assert (one["archive"], one["array"], one["shape"], one["bands"]) == ("NPZ", "image", [3, 40, 50], 3)
    np.testing.assert_array_equal(eval(one["memmap"], {"np": np}), IMAGE)
    all_of_them = json.loads(tool("info", "--json", npz))
    assert [part["description"] for part in all_of_them["arrays"]] == ["(3, 40, 50) <u2", "(2, 3, 4, 5) <f4",
                                                                       "(40, 50) <u2"]
    assert "odd:0" in tool("info", npz)
    shown = json.loads(tool("info", "--json", b2z))
    assert (shown["archive"], shown["array"], shown["overviews"]) == ("B2Z", "/scene/0", [[25, 20]])


def test_info_of_a_deflated_array_has_no_memory_map(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", image=IMAGE)
    assert "memmap" not in json.loads(tool("info", "--json", tmp_path / "a.npz"))


def test_window_cuts_arrays(npz, tmp_path):
    tool("window", f"{npz}:image", "5", "6", "7", "8", "-o", tmp_path / "w.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "w.npy"), IMAGE[:, 6:14, 5:12])


def test_verify_looks_at_each_array(npz, b2z, tmp_path):
    assert json.loads(tool("verify", "--json", f"{npz}:image"))["verdict"] == "no damage found"
    assert json.loads(tool("verify", "--json", f"{npz}:image", "--against", f'NPY:"{npz}":image'))["verdict"] == "equal"
    archive, *levels = json.loads(tool("verify", "--json", b2z))
    assert [level["verdict"] for level in levels] == ["no damage found"] * 2
    assert [level["file"] for level in levels] == [f'B2ND:"{b2z}":/scene/{number}' for number in (0, 1)]
    assert [level["checksum"]["state"] for level in levels] == ["right"] * 2
    assert not any("unseen" in level for level in levels)
    assert (archive["verdict"], archive["members"], archive["right_members"]) == ("no damage found", 4, 4)


def flip(path, at):
    content = bytearray(open(path, "rb").read())
    content[at] ^= 4
    open(path, "wb").write(content)


def places(path):
    """Where the content of each member starts, and how long it is in the archive."""
    content = open(path, "rb").read()
    with zipfile.ZipFile(path) as archive:
        return {info.filename: (info.header_offset + 30 + sum(content[info.header_offset + 26 + i] << (8 * (i % 2))
                                                              for i in range(4)), info.compress_size)
                for info in archive.infolist()}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_verify_finds_a_flipped_bit_in_any_member_of_an_npz(tmp_path, save):
    path = str(tmp_path / "a.npz")
    save(path, image=IMAGE, text=np.array(["a", "b"]), other=STACK)
    assert "ZIP archive of 3 members, 3 of them with the CRC-32 that the archive has" in tool("verify", path)
    good = open(path, "rb").read()
    for member, (at, size) in places(path).items():
        open(path, "wb").write(good)
        flip(path, at + size - 9)
        text = tool("verify", "--json", path, code=None)
        archive, *arrays = json.loads(text)
        assert archive["verdict"] == "damaged"
        assert [damage["member"] for damage in archive["damaged_members"]] == [member]
        assert [array["file"] for array in arrays if array["verdict"] == "damaged"] == [
            f'NPY:"{path}":{member[:-4]}']
        name = member[:-4]
        if name != "text":
            one = json.loads(tool("verify", "--json", f"{path}:{name}", code=None))
            assert one["verdict"] == "damaged" and one["checksum"]["state"] == "wrong", one


def test_verify_finds_every_flipped_bit_of_members_of_a_b2z(b2z, tmp_path):
    """Also in attributes of groups, in what python-blosc2 keeps besides, and in shapes."""
    good = open(b2z, "rb").read()
    bad = str(tmp_path / "bad.b2z")
    spots = np.random.default_rng(1)
    for member, (at, size) in places(b2z).items():
        for offset in spots.integers(0, size, 2):
            open(bad, "wb").write(good)
            flip(bad, at + offset)
            archive, *_ = json.loads(tool("verify", "--json", bad, code=None))
            assert [damage["member"] for damage in archive["damaged_members"]] == [member], offset


def test_verify_says_what_it_did_not_compare(npz):
    with zipfile.ZipFile(npz, "a", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("readme.txt", "text")
        archive.comment = b"by hand"
    text = tool("verify", npz)
    assert "4 members, 3 of them with the CRC-32" in text and "not checked: member 'readme.txt': compression 12" in text
    assert "unseen: 7 bytes before the archive or after it" in text
    assert tool("verify", "-q", npz) == ""


def test_verify_compares_an_archive_with_its_checksum_file(npz):
    subprocess.run(f"cd {os.path.dirname(npz)} && sha256sum a.npz > a.npz.sha256", shell=True, check=True)
    archive, *_ = json.loads(tool("verify", "--json", npz))
    assert archive["checksum"]["state"] == "right"
    content = open(npz, "rb").read()
    os.utime(npz, (1, 1))
    open(npz, "r+b").write(content[:10] + b"xx")  # the date of a member: nothing but that
    os.utime(npz, (1, 1))
    archive, *_ = json.loads(tool("verify", "--json", npz, code=None))
    assert archive["checksum"]["state"] == "wrong" and archive["damaged_members"] == []


def test_verify_takes_little_memory(tmp_path):
    path = str(tmp_path / "a.npz")
    np.savez_compressed(path, image=np.zeros((10000, 20000), "u1"))
    tool("verify", path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (150 << 20, 150 << 20)))
