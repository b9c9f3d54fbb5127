"""gdal_ndarray verify: what it finds in damaged files, and what differs from a source."""

import json
import os
import resource
import re
import struct
import subprocess

import numpy as np
import pytest
from support.b2nd import SHAPES, blosc2, chunk_offsets, save, with_index
from osgeo import gdal
from support import DATA, memory_dataset
from support.stop import library, run_stopped
from support.tool import PROGRAM, error, processor_seconds, tool, tool_on_terminal

GEOID = "/usr/share/proj/egm96_15.gtx"


def verify(*arguments):
    """(exit code, report as JSON)."""
    done = subprocess.run([PROGRAM, "verify", "--json", *map(str, arguments)],
                          capture_output=True, text=True, timeout=900)
    assert done.stderr == "", done.stderr
    return done.returncode, json.loads(done.stdout)


def text_of(*arguments, code):
    done = subprocess.run([PROGRAM, "verify", *map(str, arguments)], capture_output=True,
                          text=True, timeout=900)
    assert (done.returncode, done.stderr) == (code, ""), done
    return done.stdout


def image(rng, shape=(3, 200, 260)):
    """Steps with some noise: every codec finds something to do."""
    y, x = np.indices(shape[-2:])
    return (x // 4 * 3 + y + rng.integers(0, 30, shape) // 29).astype(np.uint16)


def test_sound_file_tells_what_was_checked(tmp_path, rng):
    path = save(tmp_path / "a.b2nd", image(rng), chunks=(1, 64, 64), blocks=(1, 32, 32))
    code, report = verify(path)
    assert (code, report["verdict"], report["format"]) == (0, "no damage found", "B2ND")
    assert report["shape"] == [3, 200, 260] and report["dtype"] == "<u2"
    structure = report["structure"]
    assert structure["chunks"] == 3 * 4 * 5
    assert structure["dead_bytes"] == structure["trailing_bytes"] == 0
    assert structure["file_bytes"] == os.path.getsize(path) == sum(
        structure[part + "_bytes"] for part in ["header", "chunks", "index", "attributes"])
    assert report["decoding"]["blocks"] == {"ZSTD": 3 * 4 * 5 * 4}
    assert "no checksums" in report["unseen"][0]
    text = text_of(path, code=0)
    assert text.startswith(f"{path}: no damage found\n") and "no checksums" in text
    assert text_of(path, "-q", code=0) == ""


@pytest.mark.parametrize("codec", ["ZSTD", "LZ4", "ZLIB"])
def test_flipped_byte_is_found_or_said_to_be_out_of_sight(tmp_path, rng, codec):
    array = image(rng)
    path = save(tmp_path / "a.b2nd", array, chunks=(1, 64, 64), blocks=(1, 32, 32),
                cparams={"codec": blosc2.Codec[codec], "filters": [blosc2.Filter.SHUFFLE]})
    np.save(tmp_path / "source.npy", array)
    content = open(path, "rb").read()
    offsets = np.sort(chunk_offsets(content))
    numbers = np.argsort(chunk_offsets(content))
    end = struct.unpack_from(">i", content, 11)[0] + struct.unpack_from(">q", content, 39)[0]
    bad = tmp_path / "bad.b2nd"
    found = 0
    for at in rng.integers(offsets[0], end, 6):
        changed = bytearray(content)
        changed[at] ^= int(rng.integers(1, 256))
        bad.write_bytes(changed)
        place = np.searchsorted(offsets, at, "right") - 1
        code, report = verify(bad, "--against", tmp_path / "source.npy")
        damage = report["decoding"]["damage"]
        if damage:
            found += 1
            assert code == 1 and report["verdict"] == "damaged"
            assert {d["chunk"] for d in damage} == {numbers[place]}, at
            assert {d["offset_bytes"] for d in damage} == {offsets[place]}
            continue
        try:
            same = np.array_equal(blosc2.open(str(bad))[:], array)
        except RuntimeError:  # flags that only c-blosc2's own reader refuses
            continue
        assert (code, report["against"]["equal"]) == ((0, True) if same else (1, False)), at
        code, report = verify(bad)
        assert code == 0 and "--against" in report["unseen"][0]
        assert any(codec in line for line in report["unseen"])
    assert found > 0


def test_all_damaged_chunks_are_told_with_their_places(tmp_path, rng):
    array = image(rng, (200, 260))
    path = save(tmp_path / "a.b2nd", array, chunks=(64, 64), blocks=(32, 32))
    content = bytearray(open(path, "rb").read())
    offsets = chunk_offsets(content)
    for chunk in [3, 4, 19]:
        struct.pack_into("<i", content, offsets[chunk] + 32 + 4 * 1, 7)  # where block 1 starts
    bad = tmp_path / "bad.b2nd"
    bad.write_bytes(content)
    code, report = verify(bad)
    damage = report["decoding"]["damage"]
    assert code == 1 and [d["chunk"] for d in damage] == [3, 4, 19]
    assert damage[0] == {
        "chunk": 3, "index": [0, 3], "block": 1, "window": [224, 0, 32, 32],
        "array": "[0:32, 224:256]", "offset_bytes": offsets[3],
        "size_bytes": struct.unpack_from("<i", content, offsets[3] + 12)[0],
        "what": damage[0]["what"]}
    assert damage[2]["padding"] and damage[2]["array"] == "[192:200, 256:260]"
    text = text_of(bad, code=1)
    assert ("  damage: chunk 3 (0, 3) block 1, x 224..255, y 0..31, array[0:32, 224:256], bytes "
            f"{offsets[3]}..") in text
    assert "damage in all: 3 places in 3 chunks\n" in text
    assert text_of(bad, "-q", code=1) == ""


def test_long_lists_of_damage_are_cut_and_counted(tmp_path, rng):
    path = save(tmp_path / "a.b2nd", image(rng, (40, 300)), chunks=(2, 20), blocks=(1, 20))
    content = bytearray(open(path, "rb").read())
    for offset in chunk_offsets(content):
        content[offset + 4] ^= 0xff
    bad = tmp_path / "bad.b2nd"
    bad.write_bytes(content)
    code, report = verify(bad)
    assert code == 1 and report["decoding"]["damaged_chunks"] == 300
    assert [d["chunk"] for d in report["decoding"]["damage"]] == list(range(100))
    assert "  damage: and 200 other places\n" in text_of(bad, code=1)


def test_chunks_that_depend_on_others_are_decoded_whole(tmp_path, rng):
    path = save(tmp_path / "a.b2nd", image(rng, (50, 50)), **SHAPES,
                cparams={"filters": [blosc2.Filter.DELTA], "codec": blosc2.Codec.ZLIB})
    assert verify(path)[0] == 0
    content = bytearray(open(path, "rb").read())
    offset = chunk_offsets(content)[5]
    content[offset + struct.unpack_from("<i", content, offset + 12)[0] - 2] ^= 1
    bad = tmp_path / "bad.b2nd"
    bad.write_bytes(content)
    code, report = verify(bad)
    damage, = report["decoding"]["damage"]
    assert code == 1 and damage["chunk"] == 5 and "block" not in damage


def test_two_blocks_at_one_place_are_damage(tmp_path, rng):
    path = save(tmp_path / "a.b2nd", image(rng, (64, 64)), chunks=(64, 64), blocks=(32, 32))
    content = bytearray(open(path, "rb").read())
    at = chunk_offsets(content)[0] + 32
    content[at + 4:at + 8] = content[at:at + 4]
    bad = tmp_path / "bad.b2nd"
    bad.write_bytes(content)
    code, report = verify(bad)
    assert code == 1
    assert "another than that of block 0" in report["decoding"]["damage"][0]["what"]


def test_overlapping_chunks_are_damage(tmp_path, rng):
    path = save(tmp_path / "a.b2nd", image(rng, (50, 50)), **SHAPES)
    content = open(path, "rb").read()
    header, = struct.unpack_from(">i", content, 11)
    offsets = chunk_offsets(content) - header
    offsets[4] = offsets[2]
    bad = tmp_path / "bad.b2nd"
    bad.write_bytes(with_index(content, offsets))
    code, report = verify(bad)
    overlap, = report["structure"]["overlaps"]
    assert code == 1 and {overlap["chunk"], overlap["with_chunk"]} == {2, 4}
    assert report["structure"]["dead_bytes"] > 0  # what chunk 4 was
    assert "1 overlap" in text_of(bad, code=1)
    bad.write_bytes(with_index(content, chunk_offsets(content) - header))
    assert verify(bad)[0] == 0


def test_dead_space_and_bytes_after_the_frame_are_counted(tmp_path, rng):
    source = gdal.GetDriverByName("MEM").Create("", 300, 300, 1, gdal.GDT_Byte)
    source.WriteArray(rng.integers(0, 256, (300, 300), np.uint8))
    path = str(tmp_path / "a.b2nd")
    gdal.Translate(path, source, format="B2ND")
    with open(path, "rb") as file:
        before = struct.unpack_from(">q", file.read(64), 39)[0]
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.WriteArray(rng.integers(0, 256, (10, 10), np.uint8))
    dataset = None
    with open(path, "ab") as file:
        file.write(b"x" * 77)
    code, report = verify(path)
    structure = report["structure"]
    assert code == 0 and structure["trailing_bytes"] == 77
    # The old chunk, and the old index and trailer after it.
    assert before <= structure["dead_bytes"] < before + 10000
    assert structure["dead_percent"] == pytest.approx(
        100 * structure["dead_bytes"] / os.path.getsize(path))
    assert int(gdal.Open(path).GetMetadata("B2ND")["DEAD_BYTES"]) == structure["dead_bytes"]


def test_damaged_attribute_is_told(tmp_path, rng):
    path = tmp_path / "a.b2nd"
    array = blosc2.asarray(image(rng, (50, 50)), urlpath=str(path), mode="w", contiguous=True)
    array.schunk.vlmeta["notes"] = "long " * 200
    del array
    content = bytearray(path.read_bytes())
    at = content.rindex(b"\x28\xb5\x2f\xfd")  # where ZSTD starts
    content[at] ^= 1
    path.write_bytes(content)
    code, report = verify(path)
    assert code == 1 and len(report["damaged_attributes"]) == 1
    assert "notes" in report["damaged_attributes"][0]


def test_masks_in_attributes_are_checked(tmp_path, rng):
    source = gdal.GetDriverByName("MEM").Create("", 300, 300, 1)
    source.WriteArray(rng.integers(0, 256, (300, 300), np.uint8))
    source.CreateMaskBand(gdal.GMF_PER_DATASET)
    source.GetRasterBand(1).GetMaskBand().WriteArray(
        rng.integers(0, 2, (300, 300), np.uint8) * 255)
    path = tmp_path / "a.b2nd"
    gdal.Translate(str(path), source, format="B2ND")
    assert verify(path)[0] == 0
    content = bytearray(path.read_bytes())
    mask = content.index(b"b2frame", 100) - 2  # bits that do not shrink: as they are in the file
    inner = content[mask:]
    header, = struct.unpack_from(">i", inner, 11)
    content[mask + header + 32 + 3] ^= 0x7f  # where the first block starts
    path.write_bytes(content)
    code, report = verify(path)
    assert code == 1 and report["decoding"]["damage"] == []
    assert any(re.match("attribute 'gdal:mask': ", line) for line in report["damaged_attributes"])


def test_malformed_files_give_one_error_each():
    lines = (DATA / "malformed" / "expected.tsv").read_text().splitlines()
    # All that open, and some of the others: each is a run of the program.
    chosen = [line for line in lines if line.startswith("chunk_")] + lines[::15]
    assert len(chosen) > 20
    for name, pattern in (line.split("\t") for line in chosen):
        path = DATA / "malformed" / name
        done = subprocess.run([PROGRAM, "verify", "--json", path], capture_output=True, text=True)
        assert done.returncode == 1, name
        if done.stderr:
            assert len(done.stderr.splitlines()) == 1 and done.stdout == "", name
            assert re.search(pattern, done.stderr), (name, done.stderr)
            continue
        damage = json.loads(done.stdout)["decoding"]["damage"]
        # The report says that itself, and where a block is.
        pattern = re.sub(r"^damaged .*?: |, array\\\[.*?\\\]", "", pattern)
        texts = [f"chunk {d['chunk']} at byte {d['offset_bytes']}: "
                 + (f"block {d['block']}: " if "block" in d else "") + d["what"] for d in damage]
        assert any(re.search(pattern, text) for text in texts), (name, texts)


def test_npy(tmp_path, npy, rng):
    path = npy(image(rng))
    code, report = verify(path)
    assert (code, report["format"], report["structure"]["header_bytes"]) == (0, "NPY", 128)
    assert report["structure"]["data_bytes"] == 3 * 200 * 260 * 2
    with open(path, "ab") as file:
        file.write(b"more")
    code, report = verify(path)
    assert code == 0 and report["structure"]["trailing_bytes"] == 4
    assert "4 bytes after them" in text_of(path, code=0)


def test_wrong_usage_and_other_files(tmp_path, npy):
    assert "is required" in error("verify", code=2)
    path = npy(np.zeros((2, 3, 4, 5)))
    assert "wanted the path of a file" in error("verify", f'NPY:"{path}":[0]', code=2)
    assert error("verify", GEOID) == (
        f"{GEOID}: found a file of the driver GTX, wanted a .npy or .b2nd file")
    assert "missing.b2nd" in error("verify", tmp_path / "missing.b2nd")
    assert "missing.tif" in error("verify", npy(np.zeros((3, 4))), "--against", "missing.tif")
    assert "Example" in tool("verify", "--help")


def test_progress_is_shown_on_a_terminal_only(tmp_path, rng):
    path = save(tmp_path / "a.b2nd", image(rng))
    assert "100 - done" in tool_on_terminal("verify", path)
    assert "100 - done" in tool_on_terminal("verify", path, "--against", path)
    assert "100" not in tool_on_terminal("verify", path, "-q")
    assert "100 - done" not in tool("verify", path)


def test_interrupted(tmp_path):
    """At once: what is done until then is a small part of the work."""
    path = str(tmp_path / "blocks.b2nd")
    lines = np.tile((np.arange(8192) % 251).astype("u1"), (8192, 1))
    gdal.GetDriverByName("B2ND").CreateCopy(
        path, memory_dataset(lines), options=["BLOCKSIZE=8", "CHUNKXSIZE=1024", "CHUNKYSIZE=1024"])
    whole = processor_seconds("verify", path)
    library("stop_at_call")  # which a compiler makes, that takes time, too
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = run_stopped([PROGRAM, "verify", path], path, 1)
    part = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert (done.returncode, done.stdout, done.stderr) == (
        1, "", "gdal_ndarray verify: interrupted\n")
    assert part < whole / 2, (part, whole)
