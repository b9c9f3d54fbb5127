"""Arrays in .b2z archives, as blosc2.TreeStore writes them, and their pyramids."""

import os
import zipfile

import numpy as np
import pytest
from support.http import http_server  # noqa: F401
from osgeo import gdal

blosc2 = pytest.importorskip("blosc2")
if not hasattr(blosc2, "TreeStore"):
    pytest.skip("this python-blosc2 has no TreeStore", allow_module_level=True)
if gdal.GetDriverByName("B2ND") is None:
    pytest.skip("the plugin was built without c-blosc2", allow_module_level=True)

IMAGE = np.arange(3 * 40 * 50, dtype="u2").reshape(3, 40, 50)
LEVELS = [IMAGE, IMAGE[:, ::2, ::2].copy(), IMAGE[:, ::4, ::4].copy()]
LAYOUT = [{"asset": "0", "transform": {"scale": [1.0, 1.0]}},
          {"asset": "1", "derived_from": "0", "transform": {"scale": [2.0, 2.0]}},
          {"asset": "2", "derived_from": "1"}]


@pytest.fixture
def store(tmp_path):
    """Writes arrays by their names, and attributes by their groups."""

    def write(arrays, groups=None, name="a.b2z", **options):
        path = str(tmp_path / name)
        with blosc2.TreeStore(path, mode="w", **options) as tree:
            for key, array in arrays.items():
                tree[key] = array
            for group, attributes in (groups or {}).items():
                owner = tree if group == "/" else tree.get_subtree(group)
                for key, value in attributes.items():
                    owner.vlmeta[key] = value
        return path

    return write


@pytest.fixture
def warnings():
    """What GDAL warns of."""
    texts = []
    gdal.PushErrorHandler(lambda kind, number, text: texts.append(text))
    yield texts
    gdal.PopErrorHandler()


def pyramid(store, layout=LAYOUT, levels=LEVELS, group="/scene", **options):
    arrays = {f"{group}/{number}": level for number, level in enumerate(levels)}
    return store(arrays, {group: {"multiscales": {"layout": layout}, "title": "a scene"}}, **options)


def overviews(dataset):
    band = dataset.GetRasterBand(1)
    return [(band.GetOverview(i).XSize, band.GetOverview(i).YSize) for i in range(band.GetOverviewCount())]


def test_one_array_is_the_dataset(store):
    path = store({"/deep/er/image": IMAGE}, {"/": {"root": [1, 2]}, "/deep": {"title": "x"}})
    dataset = gdal.Open(path)
    assert dataset.GetDriver().ShortName == "B2ND"
    assert dataset.GetFileList() == [path]
    np.testing.assert_array_equal(dataset.ReadAsArray(), IMAGE)
    assert dataset.GetMetadata() == {"root": "[1,2]", "title": "x"}
    assert dataset.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE") == "ZSTD"


def test_a_pyramid_is_the_dataset_with_overviews(store):
    path = pyramid(store)
    dataset = gdal.Open(path)
    np.testing.assert_array_equal(dataset.ReadAsArray(), IMAGE)
    assert overviews(dataset) == [(25, 20), (13, 10)]
    np.testing.assert_array_equal(dataset.ReadAsArray(buf_xsize=25, buf_ysize=20), LEVELS[1])
    np.testing.assert_array_equal(dataset.GetRasterBand(2).GetOverview(1).ReadAsArray(), LEVELS[2][1])
    assert dataset.GetMetadata() == {"title": "a scene"}
    assert "Overviews: 25x20, 13x10" in gdal.Info(path)


def test_several_arrays_are_subdatasets_and_a_pyramid_is_one_of_them(store):
    arrays = {f"/scene/{number}": level for number, level in enumerate(LEVELS)}
    path = store({**arrays, "/other": IMAGE[0]}, {"/scene": {"multiscales": {"layout": LAYOUT}}})
    assert sorted(gdal.Open(path).GetSubDatasets()) == [(f'B2ND:"{path}":/other', "(40, 50) <u2"),
                                                        (f'B2ND:"{path}":/scene/0', "(3, 40, 50) <u2")]
    for name in (f'B2ND:"{path}":/scene', f"B2ND:{path}:/scene/0"):
        dataset = gdal.Open(name)
        np.testing.assert_array_equal(dataset.ReadAsArray(), IMAGE)
        assert overviews(dataset) == [(25, 20), (13, 10)]
    coarse = gdal.Open(f'B2ND:"{path}":/scene/1')
    np.testing.assert_array_equal(coarse.ReadAsArray(), LEVELS[1])
    assert overviews(coarse) == []
    part = gdal.Open(f'B2ND:"{path}":/scene/0[1]')
    np.testing.assert_array_equal(part.ReadAsArray(), IMAGE[1])
    np.testing.assert_array_equal(part.GetRasterBand(1).GetOverview(0).ReadAsArray(), LEVELS[1][1])
    with pytest.raises(RuntimeError, match="array or group: found '/else', wanted "):
        gdal.Open(f'B2ND:"{path}":/else')


def test_levels_may_be_groups_of_one_array_each(store):
    layout = [{"asset": "full"}, {"asset": "ovr_2x", "derived_from": "full"}]
    path = store({"/full": IMAGE[0], "/ovr_2x/image": IMAGE[0, ::2, ::2].copy()},
                 {"/": {"multiscales": {"layout": layout}}})
    dataset = gdal.Open(path)
    np.testing.assert_array_equal(dataset.ReadAsArray(), IMAGE[0])
    assert overviews(dataset) == [(25, 20)]


@pytest.mark.parametrize("layout, message", [
    (7, "layout: found another value"),
    ([], "layout: found another value"),
    ([{"asset": "0"}, {"asset": "7"}], "asset '7': found none"),
    ([{"asset": "0"}, {"asset": "../../etc/passwd"}], "found none"),
    ([{"asset": "0", "derived_from": "1"}, {"asset": "1", "derived_from": "0"}], "found a cycle"),
    ([{"asset": "0"}, {"asset": "0"}], "named before"),
])
def test_a_pyramid_that_is_none_is_ignored_with_one_warning(store, warnings, layout, message):
    path = pyramid(store, layout)
    dataset = gdal.Open(path)
    assert len(warnings) == 1 and "/scene: multiscales: " in warnings[0] and message in warnings[0]
    assert len(dataset.GetSubDatasets()) == 3


def test_what_is_left_of_a_pyramid_is_not_the_dataset(store, warnings):
    path = store({"/scene/1": LEVELS[1]}, {"/scene": {"multiscales": {"layout": LAYOUT[:2]}}})
    dataset = gdal.Open(path)
    assert dataset.RasterCount == 0 and len(warnings) == 1
    (name, _), = dataset.GetSubDatasets()
    assert name == f'B2ND:"{path}":/scene/1'
    assert np.array_equal(gdal.Open(name).ReadAsArray(), LEVELS[1])


@pytest.mark.parametrize("level", [IMAGE[:, ::2, ::4], np.zeros((2, 20, 25), "u2"), np.zeros((3, 41, 50), "u2"),
                                   np.zeros((3, 40, 50), "u2"), np.zeros((2, 3, 20, 25), "u2"),
                                   np.zeros(25, "u2")])
def test_levels_of_other_sizes_are_ignored_with_one_warning(store, warnings, level):
    path = pyramid(store, LAYOUT[:2], [IMAGE, level.copy()])
    dataset = gdal.Open(path)
    assert overviews(dataset) == []
    assert dataset.GetRasterBand(2).GetOverviewCount() == 0
    assert len(warnings) == 1 and "the levels of the pyramid are ignored" in warnings[0]
    np.testing.assert_array_equal(dataset.ReadAsArray(), IMAGE)


def test_overviews_have_nodata_and_masks_of_their_own(store, tmp_path):
    files = []
    for number, level in enumerate(LEVELS):
        path = str(tmp_path / f"{number}.b2nd")
        dataset = gdal.GetDriverByName("B2ND").Create(path, level.shape[2], level.shape[1], 3, gdal.GDT_UInt16)
        dataset.WriteArray(level)
        dataset.GetRasterBand(1).SetNoDataValue(7) if number == 0 else None
        dataset = None
        files.append(path)
    archive = str(tmp_path / "a.b2z")
    store({}, {"/scene": {"multiscales": {"layout": LAYOUT}}}, name="groups.b2z")
    with zipfile.ZipFile(archive, "w") as to, zipfile.ZipFile(tmp_path / "groups.b2z") as groups:
        for number, path in enumerate(files):
            to.write(path, f"scene/{number}.b2nd")
        for name in groups.namelist():
            to.writestr(name, groups.read(name))
    dataset = gdal.Open(archive)
    assert overviews(dataset) == [(25, 20), (13, 10)]
    assert dataset.GetRasterBand(1).GetNoDataValue() == 7
    assert dataset.GetRasterBand(1).GetOverview(0).GetNoDataValue() == 7
    mask = dataset.GetRasterBand(1).GetOverview(0).GetMaskBand().ReadAsArray()
    np.testing.assert_array_equal(mask, np.where(LEVELS[1][0] == 7, 0, 255))
    dataset = None
    assert not os.path.exists(archive + ".aux.xml")


def test_small_arrays_and_attributes_may_be_embedded(store):
    arrays = {f"/scene/{number}": level for number, level in enumerate(LEVELS)}
    path = store(arrays, {"/scene": {"multiscales": {"layout": LAYOUT}, "title": "x"}}, threshold=1 << 30)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["embed.b2e"]
    dataset = gdal.Open(path)
    np.testing.assert_array_equal(dataset.ReadAsArray(), IMAGE)
    assert overviews(dataset) == [(25, 20), (13, 10)]
    assert dataset.GetMetadata() == {"title": "x"}


def test_a_repacked_archive_is_read_too(store, tmp_path):
    path = pyramid(store)
    packed = str(tmp_path / "packed.b2z")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as to:
        for name in source.namelist():
            to.writestr(name, source.read(name))
    dataset = gdal.Open(packed)
    np.testing.assert_array_equal(dataset.ReadAsArray(), IMAGE)
    assert overviews(dataset) == [(25, 20), (13, 10)]


def test_what_is_no_raster_is_not_updated(store):
    path = store({"/a": IMAGE})
    with pytest.raises(RuntimeError, match="access: found update, wanted read-only: "):
        gdal.OpenEx(path, gdal.OF_MULTIDIM_RASTER | gdal.OF_UPDATE)
    os.chmod(path, 0o444)
    if not os.access(path, os.W_OK):
        with pytest.raises(RuntimeError):
            gdal.Open(path, gdal.GA_Update)


@pytest.mark.parametrize("change", [lambda content: b"#!/bin/sh\n" * 500 + content, lambda content: content + b"junk"])
def test_bytes_before_and_after_an_archive(store, change):
    path = pyramid(store)
    content = open(path, "rb").read()
    open(path, "wb").write(change(content))
    np.testing.assert_array_equal(blosc2.open(path, mode="r")["/scene/1"][:], LEVELS[1])
    dataset = gdal.Open(path)
    np.testing.assert_array_equal(dataset.ReadAsArray(), IMAGE)
    assert overviews(dataset) == [(25, 20), (13, 10)]


def test_of_arrays_of_one_name_the_last_one_counts(store, tmp_path):
    path, newer = store({"/a": IMAGE, "/b": IMAGE}), store({"/a": IMAGE + 1}, name="newer.b2z")
    with pytest.warns(UserWarning), zipfile.ZipFile(path, "a") as to, zipfile.ZipFile(newer) as source:
        to.writestr("a.b2nd", source.read("a.b2nd"))
    np.testing.assert_array_equal(blosc2.open(path, mode="r")["/a"][:], IMAGE + 1)
    assert len(gdal.Open(path).GetSubDatasets()) == 2
    np.testing.assert_array_equal(gdal.Open(f'B2ND:"{path}":/a').ReadAsArray(), IMAGE + 1)


def test_a_flipped_bit_in_the_attributes_of_a_group_is_damage(store, warnings):
    path = store({"/a": IMAGE[0]}, {"/": {"title": "a long title, so that it is not packed"}})
    content = open(path, "rb").read()
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("__vlmeta__.b2f").header_offset
    at = content.index(b"a long title", at)
    open(path, "wb").write(content[:at] + b"A" + content[at + 1:])
    dataset = gdal.Open(path)
    assert len(warnings) == 1 and "CRC-32: found" in warnings[0] and "attributes of the group are ignored" in warnings[0]
    np.testing.assert_array_equal(dataset.ReadAsArray(), IMAGE[0])
    assert dataset.GetMetadata() == {}
    assert gdal.OpenEx(path, open_options=["VERIFY=NO"]).GetMetadataItem("title").startswith("A long")


def test_a_shape_that_nobody_wrote_is_damage(tmp_path):
    """One that python-blosc2 wrote later is not."""
    path = str(tmp_path / "scene.b2z")
    image = IMAGE[0].repeat(9, 0).repeat(9, 1)
    source = gdal.GetDriverByName("MEM").Create("", image.shape[1], image.shape[0], 1, gdal.GDT_UInt16)
    source.WriteArray(image)
    gdal.GetDriverByName("B2ND").CreateCopy(path, source, options=["OVERVIEWS=NONE"])
    content = bytearray(open(path, "rb").read())
    at = content.index(image.shape[0].to_bytes(8, "big"), 60)
    content[at + 7] ^= 1
    bad = str(tmp_path / "bad.b2z")
    open(bad, "wb").write(content)
    with pytest.raises(RuntimeError, match=r"bad.b2z:/0: damaged .*shape: found \(361, 450\), wanted the one that was"):
        gdal.Open(bad)
    assert gdal.OpenEx(bad, open_options=["VERIFY=NO"]).RasterYSize == 361
    resized = str(tmp_path / "resized.b2nd")
    with zipfile.ZipFile(path) as archive:
        open(resized, "wb").write(archive.read("0.b2nd"))
        members = {name: archive.read(name) for name in archive.namelist()}
    blosc2.open(resized, mode="a").resize((359, 450))
    with zipfile.ZipFile(path, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, open(resized, "rb").read() if name == "0.b2nd" else member)
    np.testing.assert_array_equal(gdal.Open(f'B2ND:"{path}":/0').ReadAsArray(), image[:359])


def test_readers_of_one_array_share_its_blocks(store):
    path = store({"/a": IMAGE, "/b": IMAGE + 1})
    first = gdal.Open(f'B2ND:"{path}":/a')
    first.ReadAsArray(3, 3, 5, 5)
    second = gdal.Open(f'B2ND:"{path}":/a')
    second.ReadAsArray(3, 3, 5, 5)
    assert second.GetMetadataItem("DECODED_BLOCKS", "B2ND") == first.GetMetadataItem("DECODED_BLOCKS", "B2ND") == "1"
    other = gdal.Open(f'B2ND:"{path}":/b')
    assert other.GetMetadataItem("DECODED_BLOCKS", "B2ND") == "0"
    np.testing.assert_array_equal(other.ReadAsArray(), IMAGE + 1)


def test_remote_archives_are_read_by_ranges(http_server, store):  # noqa: F811
    image = np.random.default_rng(1).integers(0, 60000, (1500, 1500), "u2")
    layout = [{"asset": "0"}, {"asset": "1", "derived_from": "0"}]
    path = pyramid(store, layout, [image, image[::2, ::2].copy()])
    http_server.bodies["a.b2z"] = open(path, "rb").read()
    dataset = gdal.Open(f"/vsicurl/http://127.0.0.1:{http_server.server_port}/a.b2z")
    np.testing.assert_array_equal(dataset.ReadAsArray(100, 700, 50, 40), image[700:740, 100:150])
    assert http_server.sent_bytes < len(http_server.bodies["a.b2z"]) / 2
    assert overviews(dataset) == [(750, 750)]


def test_damage_is_said_in_one_error(store, tmp_path, warnings):
    path = pyramid(store)
    content = open(path, "rb").read()
    for number, (old, new, times, message) in enumerate([
            (b"PK\x03\x04", b"PK\x03\x05", 1, "local header: found PK"),
            (b"\x9e\xa8b2frame", b"\x9e\xa8b2frXme", -1, "")]):
        bad = str(tmp_path / f"bad{number}.b2z")
        open(bad, "wb").write(content.replace(old, new, times))
        warnings.clear()
        with pytest.raises(RuntimeError) as error:
            gdal.Open(bad).ReadAsArray()
        assert message in str(error.value)
