"""gdal_ndarray info, and what all subcommands do with arguments that are wrong."""

import json
import struct

import numpy as np
import pytest
from support.b2nd import SHAPES, blosc2, chunk_offsets, save, with_index
from osgeo import gdal, osr
from support import memory_dataset
from support.tool import error, tool, tool_on_terminal

SUBCOMMANDS = ["convert", "info", "window", "verify", "compact", "tune"]


@pytest.fixture
def scene(tmp_path, rng):
    image = rng.integers(0, 4096, (300, 400), dtype="u2")
    image[:128, :256] = 0
    dataset = memory_dataset(image)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32633)
    dataset.SetSpatialRef(crs)
    dataset.SetGeoTransform((500000, 10, 0, 5000000, 0, -10))
    dataset.GetRasterBand(1).SetNoDataValue(65535)
    path = str(tmp_path / "scene.b2nd")
    gdal.GetDriverByName("B2ND").CreateCopy(path, dataset, options=[
        "CHUNKXSIZE=128", "CHUNKYSIZE=128", "BLOCKXSIZE=64", "BLOCKYSIZE=32"])
    return path


def facts(*arguments):
    return json.loads(tool("info", *arguments, "--json"))


def test_facts_of_a_b2nd(scene):
    gdal.Open(scene).BuildOverviews("NEAREST", [2, 4])
    found = facts(scene)
    array = blosc2.open(scene)
    assert found["layout"] == "B2ND" and found["dtype"] == "<u2" and found["axes"] == "YX"
    assert tuple(found["shape"]) == array.shape == (300, 400)
    assert tuple(found["chunk_shape"]) == array.chunks and found["chunk_count"] == 12
    assert tuple(found["block_shape"]) == array.blocks and found["special_chunks"] == 2
    assert (found["codec"], found["level"]) == ("ZSTD", 1)
    assert found["ratio"] == pytest.approx(300 * 400 * 2 / found["file_bytes"])
    assert found["crs"] == "EPSG:32633" and found["nodata"] == 65535
    assert found["extent"] == [500000, 4997000, 504000, 5000000]
    west, south, east, north = found["extent_lonlat"]  # 15 degrees east is the zone's middle
    assert west == pytest.approx(15, abs=1e-9) and east == pytest.approx(15.0508, abs=1e-3)
    assert 45.12 < south < north < 45.16
    assert found["overviews"] == [[200, 150], [100, 75]]
    assert found["dead_bytes"] == 0


def test_text_of_a_b2nd(scene):
    lines = dict(line.split(maxsplit=1) for line in tool("info", scene).splitlines())
    assert lines["Chunks"] == "(128, 128), 32.8 kB; 12 chunks, 2 without bytes"
    assert lines["Blocks"] == "(64, 32), 4.1 kB; 8 in a chunk".replace("(64, 32)", "(32, 64)")
    assert lines["CRS"] == "EPSG:32633, WGS 84 / UTM zone 33N"
    assert lines["Raster"] == "400 x 300 pixels, 1 band of UInt16"
    assert lines["Overviews"] == "none"


def test_distribution_of_chunks(scene):
    found = facts(scene, "--chunks")
    array = blosc2.open(scene)
    sizes = [len(array.schunk.get_chunk(i)) for i in range(array.schunk.nchunks)]
    sizes = sorted(sizes)[2:]  # zeros come first
    assert found["chunk_kinds"]["zeros"] == 2
    assert sum(found["chunk_kinds"].values()) == 12
    chunks = found["chunk_bytes"]
    assert (chunks["min"], chunks["max"], chunks["sum"]) == (sizes[0], sizes[-1], sum(sizes))
    assert "#" in tool("info", scene, "--chunks")


def test_dead_space_is_told(scene):
    dataset = gdal.Open(scene, gdal.GA_Update)
    dataset.WriteArray(np.full((200, 200), 3, "u2"), 200, 0)
    del dataset
    dead = facts(scene)["dead_bytes"]
    assert dead == int(gdal.Open(scene).GetMetadataItem("DEAD_BYTES", "B2ND")) > 0


def test_damaged_chunks_do_not_keep_it_from_telling_the_rest(scene, tmp_path):
    content = bytearray(open(scene, "rb").read())
    content[chunk_offsets(content)[3]] = 99
    bad = tmp_path / "bad.b2nd"
    bad.write_bytes(content)
    assert facts(bad)["codec"] == "ZSTD"
    assert "damaged chunks included" in tool("info", bad)
    assert "DEAD_BYTES" not in gdal.Open(str(bad)).GetMetadata("B2ND")


def test_bytes_of_overlapping_chunks_count_once(tmp_path, rng):
    path = save(tmp_path / "a.b2nd", rng.integers(0, 99, (50, 50)), **SHAPES)
    content = open(path, "rb").read()
    header, = struct.unpack_from(">i", content, 11)
    offsets = chunk_offsets(content) - header
    bad = tmp_path / "bad.b2nd"
    bad.write_bytes(with_index(content, np.full_like(offsets, offsets[0])))
    dead = facts(bad)["dead_bytes"]
    assert 0 < dead < len(content)
    assert dead == int(gdal.Open(str(bad)).GetMetadataItem("DEAD_BYTES", "B2ND"))


@pytest.mark.parametrize("gdal_type, nodata, shown", [
    (gdal.GDT_Int64, -(1 << 63) + 1, -(1 << 63) + 1), (gdal.GDT_UInt64, (1 << 64) - 1, (1 << 64) - 1),
    (gdal.GDT_Float32, float("nan"), "nan"), (gdal.GDT_Float64, 0.1, 0.1)])
def test_nodata_is_exact(tmp_path, gdal_type, nodata, shown):
    path = str(tmp_path / "a.npy")
    dataset = gdal.GetDriverByName("NPY").Create(path, 4, 3, 1, gdal_type)
    dataset.GetRasterBand(1).SetNoDataValue(nodata)
    del dataset
    assert facts(path)["nodata"] == shown
    assert ["Nodata", str(shown)] in [line.split() for line in tool("info", path).splitlines()]


@pytest.mark.parametrize("order", ["C", "F"])
def test_memmap_call_gives_the_array(npy, order, rng):
    array = np.asarray(rng.integers(0, 9, (7, 5, 3)), ">i4", order=order)
    path = npy(array)
    found = facts(path)
    np.testing.assert_array_equal(eval(found["memmap"], {"np": np}), array)
    assert found["data_offset"] == 128 and found["order"] == order
    assert found["memmap"] in tool("info", path)


def test_memmap_call_of_a_record(npy):
    array = np.zeros(4, [("r", "u1"), ("x", "<f8")])
    array["x"] = 3
    np.testing.assert_array_equal(eval(facts(npy(array))["memmap"], {"np": np}), array)


def test_stacks_and_subdatasets(tmp_path, rng):
    array = rng.integers(0, 9, (2, 3, 4, 50, 60), dtype="u1")
    path = str(tmp_path / "stack.b2nd")
    blosc2.asarray(array, urlpath=path, mode="w")
    assert facts(path)["subdatasets"] == 6
    part = facts(f'B2ND:"{path}":[1,2]')
    assert part["shape"] == [2, 3, 4, 50, 60] and (part["width"], part["bands"]) == (60, 4)


@pytest.mark.parametrize("arguments, message", [
    (["info"], "FILE is required (see gdal_ndarray info --help)"),
    (["info", "a.npy", "b.npy"], "The following argument was not expected: b.npy"),
    (["info", "a.npy", "--speed"], "The following argument was not expected: --speed")])
def test_wrong_usage_is_one_line(arguments, message):
    assert error(*arguments, code=2).startswith(message)


def test_failures_are_one_line(tmp_path, npy):
    assert error("info", tmp_path / "none.b2nd").endswith("none.b2nd: No such file or directory")
    assert "format: found GTiff, wanted" in error("info", translated(tmp_path))
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY\1\0\x10\0{'descr': 3}     ")
    assert error("info", tmp_path / "bad.npy").startswith(str(tmp_path / "bad.npy"))
    assert error("info", npy(np.zeros(3)), "--chunks", code=2).endswith("a .npy has no chunks")


def translated(folder):
    path = str(folder / "image.tif")
    gdal.GetDriverByName("GTiff").CreateCopy(path, memory_dataset(np.zeros((3, 4), "u1")))
    return path


def test_without_a_subcommand_is_wrong_usage():
    assert "subcommand is required" in tool(code=2)


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_help_shows_an_example(subcommand):
    text = tool(subcommand, "--help")
    assert f"Example:\n  gdal_ndarray {subcommand} " in text


def test_results_do_not_depend_on_the_terminal(scene):
    assert tool_on_terminal("info", scene).replace("\r\n", "\n") == tool("info", scene)


@pytest.mark.parametrize("word", ["frobnicate", "scene.npy", ""])
def test_an_unknown_subcommand_is_named(word):
    assert tool(word, code=2) == (
        f"gdal_ndarray: unknown subcommand '{word}' (see gdal_ndarray --help)\n")
