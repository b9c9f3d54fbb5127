"""Attributes of arrays that are open for update: made, read, changed and deleted, seen at once and when opened again."""

import numpy as np
import pytest
from osgeo import gdal
from multidim.test_reading import open_array, save
from multidim.test_reading import path  # noqa: F401
from multidim.test_writing import New

blosc2 = pytest.importorskip("blosc2")
TEXT = gdal.ExtendedDataType.CreateString()
SHAPE = (3, 4, 5)


def number_type(name):
    return gdal.ExtendedDataType.Create(gdal.GetDataTypeByName(name))


def values(array):
    read = {a.GetName(): a.Read() for a in array.GetAttributes() or []}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in read.items()}


def described(path):  # noqa: F811
    """A file with attributes, open for update."""
    name = save(path, np.zeros(SHAPE, "u1"), {"kept": [1, 2], "title": "old"})
    if path.suffix == ".npy":
        dataset = gdal.OpenEx(name, gdal.OF_UPDATE)
        dataset.SetMetadataItem("title", "old")
        dataset.SetMetadataItem("ATTRIBUTES", '{"kept": [1, 2]}', "NDARRAY")
        dataset.GetRasterBand(1).SetDescription("stays")
        dataset = None
    return open_array(name, gdal.OF_UPDATE)


@pytest.mark.parametrize("dtype, value", [
    ("String", "Straße"), ("Byte", 255), ("UInt16", 65535), ("Int16", -7), ("UInt32", 2**32 - 1), ("Int32", -2**31),
    ("Float32", 1.5), ("Float64", 0.1)])
def test_a_new_attribute_is_seen_at_once(path, dtype, value):  # noqa: F811
    array = described(path)
    made = array.CreateAttribute("made", [], TEXT if dtype == "String" else number_type(dtype))
    assert made.Write(value) == gdal.CE_None
    assert values(array) == {"kept": [1, 2], "title": "old", "made": value}
    assert array.GetAttribute("made").Read() == value
    del array, made
    assert values(open_array(path)) == {"kept": [1, 2], "title": "old", "made": value}


def test_an_attribute_of_several_values_is_seen_at_once(path):  # noqa: F811
    array = described(path)
    array.CreateAttribute("texts", [2], TEXT).Write(["a", "b"])
    array.CreateAttribute("floats", [3], number_type("Float64")).Write([0.5, 2.0, -1.0])
    wanted = {"kept": [1, 2], "title": "old", "texts": ["a", "b"], "floats": [0.5, 2, -1]}
    assert values(array) == wanted
    del array
    assert values(open_array(path)) == wanted


def test_an_attribute_that_is_there_is_written(path):  # noqa: F811
    array = described(path)
    attributes = {a.GetName(): a for a in array.GetAttributes()}
    assert attributes["title"].Write("new") == gdal.CE_None
    assert array.GetAttribute("kept").Write([3, 4]) == gdal.CE_None
    assert values(array) == {"kept": [3, 4], "title": "new"}
    del array, attributes
    assert values(open_array(path)) == {"kept": [3, 4], "title": "new"}
    classic = gdal.Open(str(path))
    assert classic.GetMetadataItem("title") == "new"
    if path.suffix == ".npy":
        assert classic.GetRasterBand(1).GetDescription() == "stays"


def test_attributes_of_files_that_are_only_read_are_not_written(path):  # noqa: F811
    described(path)
    array = open_array(path)
    with pytest.raises(RuntimeError, match="access: found read-only, wanted update"):
        array.GetAttribute("title").Write("new")
    with pytest.raises(RuntimeError, match="attribute: found read-only, wanted update"):
        array.CreateAttribute("made", [], TEXT)
    assert values(array) == {"kept": [1, 2], "title": "old"}


def test_attributes_are_deleted(path):  # noqa: F811
    array = described(path)
    if not hasattr(array, "DeleteAttribute"):
        pytest.skip("before GDAL 3.8")
    array.CreateAttribute("made", [], TEXT).Write("x")
    for name in ("title", "made"):
        assert array.DeleteAttribute(name) == gdal.CE_None
        assert name not in values(array)
    with pytest.raises(RuntimeError, match="attribute: found none"):
        array.DeleteAttribute("none")
    del array
    assert values(open_array(path)) == {"kept": [1, 2]}


def test_attributes_that_find_no_room_are_kept_as_text(tmp_path):
    array = described(tmp_path / "scene.b2nd")
    wanted = {"kept": [1, 2], "title": "old"}
    for number in range(20):
        array.CreateAttribute(f"name{number}", [], number_type("Int32")).Write(number)
        wanted[f"name{number}"] = number
    array.CreateAttribute("n" * 40, [], TEXT).Write("long")
    wanted["n" * 40] = "long"
    del array
    read = open_array(tmp_path / "scene.b2nd")
    assert {name: str(value) for name, value in values(read).items()} == {k: str(v) for k, v in wanted.items()}


@pytest.mark.parametrize("gdals", ["no dictionary", {"pam": "<no document"}, {"axes": "BYX", "pam": "<PAMDataset/>"}],
                         ids=str)
def test_metadata_that_cannot_be_read_is_not_overwritten(tmp_path, gdals):
    name = save(tmp_path / "scene.b2nd", np.zeros(SHAPE, "u1"), {"gdal": gdals})
    array = open_array(name, gdal.OF_UPDATE)
    array.CreateAttribute("made", [], TEXT).Write("value")
    is_read = isinstance(gdals, dict) and "axes" in gdals
    if is_read:
        array.CreateAttribute("n" * 40, [], TEXT).Write("value")
    else:
        with pytest.raises(RuntimeError, match="scene.b2nd: attribute gdal: found no"):
            array.CreateAttribute("n" * 40, [], TEXT)
    del array
    stored = blosc2.open(name, mode="r")
    assert stored.schunk.vlmeta["made"] == "value"
    assert stored.schunk.vlmeta["gdal"] == gdals or (is_read and stored.schunk.vlmeta["gdal"]["axes"] == "BYX")


def test_what_a_sidecar_said_of_an_attribute_gives_way(tmp_path):
    path = tmp_path / "scene.b2nd"  # noqa: F811
    described(path)
    sidecar = tmp_path / "scene.b2nd.aux.xml"
    sidecar.write_text("<PAMDataset><Metadata><MDI key='title'>beside</MDI><MDI key='other'>stays</MDI></Metadata>"
                       "</PAMDataset>")
    array = open_array(path, gdal.OF_UPDATE)
    assert array.GetAttribute("title").Read() == "beside"
    array.GetAttribute("title").Write("new")
    del array
    assert values(open_array(path)) == {"kept": [1, 2], "title": "new", "other": "stays"}
    stored = blosc2.open(str(path), mode="r")
    assert stored.schunk.vlmeta["title"] == "new"


def test_what_a_sidecar_said_stays_where_the_file_refuses(tmp_path):
    described(tmp_path / "scene.b2nd")
    (tmp_path / "scene.b2nd.aux.xml").write_text(
        "<PAMDataset><Metadata><MDI key='title'>beside</MDI></Metadata></PAMDataset>")
    array = open_array(tmp_path / "scene.b2nd", gdal.OF_UPDATE)
    with pytest.raises(RuntimeError, match="'title': found [0-9]*, wanted at most"):
        array.GetAttribute("title").Write("x" * (65 << 20))
    assert array.GetAttribute("title").Read() == "beside"
    del array
    assert values(open_array(tmp_path / "scene.b2nd")) == {"kept": [1, 2], "title": "beside"}


def test_attributes_of_what_is_being_made_are_deleted(path):  # noqa: F811
    new = New(path)
    t = new.group.CreateMDArray("t", [new.dimensions[0]], number_type("Float64"))
    if not hasattr(new.array, "DeleteAttribute"):
        pytest.skip("before GDAL 3.8")
    for owner, name in ((new.array, "of_array"), (new.group, "of_group"), (t, "of_positions")):
        for made in (name, f"{name}_that_stays"):
            owner.CreateAttribute(made, [], TEXT).Write(made)
        new.dataset.FlushCache()
        assert owner.DeleteAttribute(name) == gdal.CE_None
        with pytest.raises(RuntimeError, match="attribute: found none, wanted one that is there"):
            owner.DeleteAttribute("none")
    del owner, t
    new.close()
    array = open_array(path)
    assert set(values(array)) == {"of_array_that_stays", "of_group_that_stays"}
    assert set(values(array.GetDimensions()[0].GetIndexingVariable())) == {"of_positions_that_stays"}


def test_a_sidecar_that_is_no_xml_is_not_replaced(tmp_path):
    name = save(tmp_path / "scene.npy", np.zeros(SHAPE, "u1"), {})
    sidecar = tmp_path / "scene.npy.aux.xml"
    sidecar.write_text("<PAMDataset> somebody's, cut")
    array = open_array(name, gdal.OF_UPDATE)
    with pytest.raises(RuntimeError, match="sidecar: found another text, wanted XML with a PAMDataset"):
        array.CreateAttribute("made", [], TEXT).Write("new")
    assert sidecar.read_text() == "<PAMDataset> somebody's, cut"


def test_attributes_that_no_sidecar_may_keep_are_refused(tmp_path):
    name = save(tmp_path / "scene.npy", np.zeros(SHAPE, "u1"), {})
    gdal.SetConfigOption("GDAL_PAM_ENABLED", "NO")
    try:
        array = open_array(name, gdal.OF_UPDATE)
        with pytest.raises(RuntimeError, match="GDAL_PAM_ENABLED: found NO"):
            array.CreateAttribute("made", [], TEXT).Write("new")
    finally:
        gdal.SetConfigOption("GDAL_PAM_ENABLED", None)
