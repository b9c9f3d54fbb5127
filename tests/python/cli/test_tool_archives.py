"""The program gdal_ndarray with arrays in archives."""

import json

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
    tool("convert", f"{npz}:image", npz, code=2 if npz.endswith(".npz") else 1)
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
    levels = json.loads(tool("verify", "--json", b2z))
    assert [level["verdict"] for level in levels] == ["no damage found"] * 2
    assert [level["file"] for level in levels] == [f'B2ND:"{b2z}":/scene/{number}' for number in (0, 1)]
