"""Archives through GDAL's multidimensional API: their names are groups and arrays."""

import numpy as np
import pytest
from osgeo import gdal

CUBE = np.arange(4 * 5 * 6 * 7, dtype="i4").reshape(4, 5, 6, 7)
IMAGE = np.arange(40 * 50, dtype="u2").reshape(40, 50)


def root(path, flags=0):
    return gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER | flags).GetRootGroup()


def names(group, parent=""):
    """Full names of all arrays, and of the groups that they are in."""
    found = {f"{parent}/{name}" for name in group.GetMDArrayNames() or []}
    for name in group.GetGroupNames() or []:
        found |= names(group.OpenGroup(name), f"{parent}/{name}")
    return found


def test_npz(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, cube=CUBE, image=IMAGE, **{"deep/er": IMAGE[::2]})
    group = root(path)
    assert names(group) == {"/cube", "/image", "/deep/er"}
    np.testing.assert_array_equal(group.OpenMDArray("cube").ReadAsArray(), CUBE)
    np.testing.assert_array_equal(group.OpenMDArrayFromFullname("/deep/er").ReadAsArray(), IMAGE[::2])
    assert group.OpenMDArrayFromFullname("/deep/er").GetFullName() == "/deep/er"


def test_deflated_npz(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, cube=CUBE, image=IMAGE)
    window = root(path).OpenMDArray("cube").ReadAsArray([1, 0, 2, 6], [2, 5, 2, 3], [1, 1, 2, -2])
    np.testing.assert_array_equal(window, CUBE[1:3, :, 2:6:2, 6::-2][..., :3])


def test_b2z(tmp_path):
    blosc2 = pytest.importorskip("blosc2")
    if not hasattr(blosc2, "TreeStore"):
        pytest.skip("this python-blosc2 has no TreeStore")
    path = str(tmp_path / "a.b2z")
    with blosc2.TreeStore(path, mode="w") as tree:
        tree["/cube"] = CUBE
        tree["/scene/0"] = IMAGE
        tree["/scene/1"] = IMAGE[::2, ::2].copy()
        tree.get_subtree("/scene").vlmeta["place"] = "here"
    group = root(path)
    assert names(group) == {"/cube", "/scene/0", "/scene/1"}
    np.testing.assert_array_equal(group.OpenMDArray("cube").ReadAsArray(), CUBE)
    scene = group.OpenGroup("scene")
    assert scene.GetFullName() == "/scene"
    np.testing.assert_array_equal(scene.OpenMDArray("1").ReadAsArray(), IMAGE[::2, ::2])
    assert scene.GetAttribute("place").Read() == "here"


def test_a_part_is_one_array(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, cube=CUBE, image=IMAGE)
    group = root(f'NPY:"{path}":cube')
    assert group.GetMDArrayNames() == ["cube"]
    np.testing.assert_array_equal(group.OpenMDArray("cube").ReadAsArray(), CUBE)


@pytest.mark.parametrize("arrays", [{"image": IMAGE}, {"image": IMAGE, "cube": CUBE}])
def test_classic_opening_stays_the_default(tmp_path, arrays):
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    dataset = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER | gdal.OF_RASTER)
    assert dataset.RasterCount == (1 if len(arrays) == 1 else 0)
    assert names(dataset.GetRootGroup()) == {f"/{name}" for name in arrays}


def test_array_that_is_no_array_gives_one_error(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, image=IMAGE, objects=np.array([None, "text"], dtype=object))
    group = root(path)
    with pytest.raises(RuntimeError, match=r"a\.npz:objects: "):
        group.OpenMDArray("objects")


def test_arrays_in_too_many_groups_are_said_to_be_left_out(tmp_path, errors):
    path = tmp_path / "a.npz"
    np.savez(path, cube=CUBE, **{"g/" * 64 + "image": IMAGE, "g/" * 65 + "deep": IMAGE[::2]})
    assert names(root(path)) == {"/cube", "/" + "g/" * 64 + "image"}
    assert any("not listed: 1 arrays in more than 64 groups" in message for message in errors)
    np.testing.assert_array_equal(gdal.Open(f'NPY:"{path}":{"g/" * 65}deep').ReadAsArray(), IMAGE[::2])
