"""gdal_ndarray verify --against: what differs from a source, value by value."""

import numpy as np
import pytest
from support.b2nd import chunk_offsets, save
from osgeo import gdal, osr
from support import memory_dataset
from test_tool_verify import GEOID, image, text_of, verify
from support.tool import error


@pytest.mark.parametrize("form", ["npy", "b2nd", "tif"])
def test_differences_from_a_source_are_told(tmp_path, rng, form):
    array = image(rng)
    changed = array.copy()
    changed[1, 5, 7] += 1
    changed[2, 199, 100:120] = 0
    path = save(tmp_path / "a.b2nd", array, chunks=(2, 64, 64), blocks=(2, 32, 32))
    source = str(tmp_path / f"source.{form}")

    def write(values):
        np.save(tmp_path / "values.npy", values)
        gdal.Translate(source, str(tmp_path / "values.npy"))

    write(array)
    code, report = verify(path, "--against", source)
    assert (code, report["verdict"]) == (0, "equal") and "unseen" not in report
    assert report["against"]["values"] == array.size
    write(changed)
    code, report = verify(path, "--against", source)
    against = report["against"]
    assert (code, report["verdict"], against["different"]) == (1, "different", 21)
    assert against["bounds"] == {"window": [7, 5, 113, 195], "bands": [2, 3]}
    assert len(against["first"]) == 10
    assert against["first"][0] == {"band": 2, "x": 7, "y": 5, "here": int(array[1, 5, 7]),
                                   "there": int(changed[1, 5, 7])}
    assert [d["x"] for d in against["first"][1:]] == list(range(100, 109))
    text = text_of(path, "--against", source, code=1)
    assert f"21 of {array.size} values differ, within x 7..119, y 5..199, bands 2..3" in text
    assert f"    band 2, x 7, y 5: {array[1, 5, 7]} here, {changed[1, 5, 7]} there\n" in text
    assert "    and 11 more\n" in text


@pytest.mark.parametrize("dtype", ["i1", "i4", "u8", "f2", "f4", "c16", "?"])
def test_values_of_every_type_are_compared(npy, rng, dtype):
    array = rng.integers(0, 100, (30, 40)).astype(dtype)
    changed = array.copy()
    changed[3, 4] = 1 - changed[3, 4] if dtype != "?" else ~changed[3, 4]
    path = npy(array)
    assert verify(path, "--against", npy(array, "same.npy"))[0] == 0
    code, report = verify(path, "--against", npy(changed, "changed.npy"))
    assert code == 1 and report["against"]["different"] == 1
    first, = report["against"]["first"]
    assert (first["x"], first["y"]) == (4, 3)
    if dtype[0] != "c":
        assert (first["here"], first["there"]) == (array[3, 4], changed[3, 4])


def test_large_integers_are_compared_exactly(npy):
    array = np.array([[2**63 - 1, 2**62]])
    code, report = verify(npy(array), "--against", npy(array - [[1, 0]], "b.npy"))
    assert code == 1 and report["against"]["first"][0]["here"] == 2**63 - 1


def test_nan_equals_nan_and_nothing_else(npy):
    array = np.array([[np.nan, 1, -0.0]])
    assert verify(npy(array), "--against", npy(np.array([[-np.nan, 1, 0.0]]), "b.npy"))[0] == 0
    code, report = verify(npy(array), "--against", npy(np.array([[0, 1, np.nan]]), "b.npy"))
    assert code == 1 and [d["x"] for d in report["against"]["first"]] == [0, 2]
    assert report["against"]["first"][0]["here"] == "nan"


def test_other_sizes_and_types_are_differences(npy, rng):
    array = rng.integers(0, 200, (20, 30)).astype(np.uint8)
    path = npy(array)
    code, report = verify(path, "--against", npy(array[:-1], "b.npy"))
    assert code == 1 and "values" not in report["against"]
    assert report["against"]["differences"] == [
        "size: here 30 x 20 pixels, 1 bands, there 30 x 19 pixels, 1 bands"]
    code, report = verify(path, "--against", npy(array.astype("i4"), "b.npy"))
    assert code == 1 and report["against"]["differences"] == ["type: here Byte, there Int32"]
    assert report["against"]["different"] == 0
    # A type that holds all values of the other's is only noted.
    code, report = verify(npy(array.astype("f4"), "f.npy"), "--against", path)
    assert code == 0 and "type: here Float32, there Byte" in report["against"]["notes"]
    code, report = verify(npy(array.astype("f8"), "d.npy"), "--against",
                          npy(array.astype("i8"), "b.npy"))
    assert code == 1


def test_other_metadata_is_a_note(tmp_path):
    path = str(tmp_path / "geoid.b2nd")
    gdal.Translate(path, GEOID, format="B2ND")
    assert verify(path, "--against", GEOID)[1]["against"]["notes"] == []
    dataset = gdal.Open(path, gdal.GA_Update)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(4258)
    dataset.SetSpatialRef(crs)
    dataset.SetGeoTransform((0, 2, 0, 0, 0, -2))
    dataset.GetRasterBand(1).SetNoDataValue(5)
    dataset = None
    code, report = verify(path, "--against", GEOID)
    notes = report["against"]["notes"]
    assert code == 0 and len(notes) == 3
    assert notes[0].startswith("CRS: here ETRS89, there WGS 84")
    assert notes[1].startswith("geotransform: here (0, 2, 0, 0, 0, -2), there (-180.125, 0.25,")
    assert notes[2].startswith("nodata of band 1: here 5, there ")


@pytest.mark.parametrize("flags", [gdal.GMF_PER_DATASET, 0])
def test_another_mask_is_a_difference(tmp_path, rng, flags):
    bands = image(rng)
    source = memory_dataset(bands)
    mask = np.zeros(bands.shape[1:], "u1")
    mask[50:, 20:] = 255
    for band in range(1, 1 if flags else 4):
        source.GetRasterBand(band).CreateMaskBand(0)
        source.GetRasterBand(band).GetMaskBand().WriteArray(mask)
    if flags:
        source.CreateMaskBand(flags)
        source.GetRasterBand(1).GetMaskBand().WriteArray(mask)
    path, same, other = (str(tmp_path / name) for name in ("a.b2nd", "same.b2nd", "other.b2nd"))
    for name in (path, same, other):
        gdal.GetDriverByName("B2ND").CreateCopy(name, source)
    assert verify(path, "--against", same)[0] == 0
    dataset = gdal.Open(other, gdal.GA_Update)
    dataset.GetRasterBand(1).GetMaskBand().WriteArray(np.full((1, 1), 1, "u1"), 30, 60)
    dataset.GetRasterBand(1).GetMaskBand().WriteArray(np.full((2, 3), 255, "u1"), 5, 7)
    del dataset
    code, report = verify(path, "--against", other)
    masks = 1 if flags else 3
    assert (code, report["against"]["different"]) == (1, 0)
    assert report["against"]["differences"] == [
        f"mask: 6 of {masks * mask.size} differ, first band 1, x 5, y 7: here invalid, there valid"]
    plain = str(tmp_path / "plain.npy")
    gdal.GetDriverByName("NPY").CreateCopy(plain, memory_dataset(bands))
    assert "mask: " in verify(path, "--against", plain)[1]["against"]["differences"][0]


def test_arrays_of_more_axes_are_compared_by_index(tmp_path, npy, rng):
    array = rng.integers(0, 1000, (3, 4, 50, 60)).astype(">u2")
    path = npy(array)
    other = array.copy()
    other[1, 3, 9, 11] += 1
    other[2, 0, 40, 20] += 1
    same = save(tmp_path / "same.b2nd", array.astype("<u2"), chunks=(2, 2, 20, 20),
                blocks=(1, 2, 7, 9))
    changed = save(tmp_path / "changed.b2nd", other.astype("<u2"), chunks=(2, 2, 20, 20),
                   blocks=(1, 2, 7, 9))
    assert verify(path, "--against", same)[0] == verify(same, "--against", path)[0] == 0
    code, report = verify(path, "--against", changed)
    against = report["against"]
    assert code == 1 and against["different"] == 2
    assert against["first"][0] == {"index": [1, 3, 9, 11], "here": int(array[1, 3, 9, 11]),
                                   "there": int(other[1, 3, 9, 11])}
    assert against["bounds"] == [{"array": "[1:3, 0:4, 9:41, 11:21]"}]
    assert "array[1,3,9,11]: " in text_of(path, "--against", changed, code=1)
    code, report = verify(path, "--against", npy(array[:2], "b.npy"))
    assert report["against"]["differences"] == [
        "shape: here (3, 4, 50, 60), there (2, 4, 50, 60)"]
    assert "wanted a .npy or .b2nd file, of as many axes" in error(
        "verify", path, "--against", GEOID)


def test_what_is_damaged_is_not_compared(tmp_path, rng):
    array = image(rng, (200, 260))
    path = save(tmp_path / "a.b2nd", array, chunks=(64, 64), blocks=(32, 32))
    np.save(tmp_path / "source.npy", array)
    content = bytearray(open(path, "rb").read())
    content[chunk_offsets(content)[3] + 4] ^= 0xff
    bad = tmp_path / "bad.b2nd"
    bad.write_bytes(content)
    code, report = verify(bad, "--against", tmp_path / "source.npy")
    against = report["against"]
    assert code == 1 and report["verdict"] == "damaged" and not against["equal"]
    assert against["values"] + against["unread"] == array.size
    assert against["unread"] == 64 * 64  # no more than that chunk
    assert "chunk 3 at byte" in against["why_unread"]
