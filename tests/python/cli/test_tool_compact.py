"""gdal_ndarray compact: files without their dead space, the old one or the new one at any time."""

import itertools
import os
import resource
import signal
import struct
import time

import numpy as np
import pytest
from support.b2nd import assert_same, blosc2, chunk_offsets, save
from osgeo import gdal
from support.stop import run_stopped
from support.tool import PROGRAM, error, tool, tool_on_terminal

SIDE = 1500  # three chunks by three of 512², random bytes: 2.3 MB that do not shrink


@pytest.fixture
def wasteful(tmp_path, rng):
    """A file of which two chunks are dead, with attributes of python-blosc2's beside GDAL's."""
    path = str(tmp_path / "a.b2nd")
    source = gdal.GetDriverByName("MEM").Create("", SIDE, SIDE, 1, gdal.GDT_Byte)
    source.WriteArray(rng.integers(0, 256, (SIDE, SIDE), np.uint8))
    source.SetMetadataItem("title", "a title")
    source.SetGeoTransform((10, 1, 0, 20, 0, -1))
    gdal.Translate(path, source, format="B2ND",
                   creationOptions=["CHUNKXSIZE=512", "CHUNKYSIZE=512"])
    array = blosc2.open(path, mode="a")
    array.schunk.vlmeta["numbers"] = [1, 2, 3]
    del array
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.WriteArray(np.full((10, 1000), 7, np.uint8), 0, 3)
    dataset = None
    os.chmod(path, 0o640)
    return path


def contents(path):
    """All that must stay: elements, attributes, and the bytes of the trailer but its fingerprint."""
    array = blosc2.open(str(path))
    chunks = [array.schunk.decompress_chunk(number) for number in range(array.schunk.nchunks)]
    content = open(path, "rb").read()
    frame, = struct.unpack_from(">Q", content, 16)
    trailer, = struct.unpack_from(">I", content, frame - 22)
    return array[:].tobytes(), chunks, content[frame - trailer:frame - 16], array.shape


def checked_chunks(path):
    """The bytes of chunks that have checksums, by number: they must stay, too."""
    array = blosc2.open(str(path))
    chunks = {number: array.schunk.get_chunk(number) for number in range(array.schunk.nchunks)}
    return {number: chunk for number, chunk in chunks.items() if b"nds\xd1\1" in chunk}


def folder(path):
    return sorted(os.listdir(os.path.dirname(path)))


def test_reclaims_all_dead_space_and_keeps_the_rest(wasteful):
    before = contents(wasteful)
    checked = checked_chunks(wasteful)
    shown = gdal.Open(wasteful).GetMetadata()
    old = os.path.getsize(wasteful)
    dead = int(gdal.Open(wasteful).GetMetadata("B2ND")["DEAD_BYTES"])
    text = tool("compact", wasteful)
    new = os.path.getsize(wasteful)
    assert text == f"{wasteful}: {old} bytes before, {new} bytes now\n"
    assert dead > 500000 and abs(old - new - dead) < 200  # the index is compressed anew
    assert contents(wasteful) == before
    assert checked_chunks(wasteful) == checked and len(checked) == 9
    assert gdal.Open(wasteful).GetMetadata() == shown
    assert gdal.Open(wasteful).GetMetadata("B2ND")["DEAD_BYTES"] == "0"
    assert gdal.Open(wasteful).GetGeoTransform() == (10, 1, 0, 20, 0, -1)
    assert os.stat(wasteful).st_mode & 0o777 == 0o640
    assert folder(wasteful) == ["a.b2nd"]
    inode = os.stat(wasteful).st_ino
    assert tool("compact", wasteful) == f"{wasteful}: {new} bytes, nothing to reclaim\n"
    assert os.stat(wasteful).st_ino == inode
    # It goes on being a file that both update.
    dataset = gdal.Open(wasteful, gdal.GA_Update)
    dataset.WriteArray(np.full((5, 5), 9, np.uint8))
    dataset = None
    blosc2.open(wasteful, mode="a")[100:110, 100:110] = 8
    got = blosc2.open(wasteful)[:]
    assert (got[:5, :5] == 9).all() and (got[100:110, 100:110] == 8).all()
    assert_same(gdal.Open(wasteful).ReadAsArray(), got)


def test_bytes_after_the_frame_are_dead(tmp_path, rng):
    array = rng.integers(0, 256, (3, 4, 50, 60), np.uint8)
    path = save(tmp_path / "a.b2nd", array, chunks=(2, 2, 20, 20), blocks=(1, 2, 7, 9))
    tool("compact", path)  # adds checksums
    size = os.path.getsize(path)
    assert tool("compact", path) == f"{path}: {size} bytes, nothing to reclaim\n"
    with open(path, "ab") as file:
        file.write(b"x" * 1000)
    before = contents(path)
    tool("compact", path, "-q")
    assert os.path.getsize(path) < size + 200
    assert contents(path) == before and np.array_equal(blosc2.open(path)[:], array)


def test_special_chunks_and_files_of_python_blosc2(tmp_path, rng):
    path = str(tmp_path / "a.b2nd")
    array = blosc2.zeros((400, 400), np.uint16, urlpath=path, mode="w", chunks=(100, 100),
                         blocks=(50, 50), contiguous=True)
    array[:100] = rng.integers(0, 9, (100, 400))
    array[100:200] = 5
    for _ in range(3):
        array[:150, :150] = rng.integers(0, 60000, (150, 150))
    array.schunk.vlmeta["name"] = {"a": [1, "b"]}
    del array
    with open(path, "ab") as file:
        file.write(b"x")
    before, expected = contents(path), blosc2.open(path)[:]
    tool("compact", path)
    assert contents(path) == before
    assert_same(gdal.Open(path).ReadAsArray(), expected)
    array = blosc2.open(path)
    assert array.schunk.vlmeta["name"] == {"a": [1, "b"]}


def test_quiet_and_terminal(wasteful):
    assert "100 - done" in tool_on_terminal("compact", wasteful)
    assert tool("compact", wasteful, "-q") == ""
    assert "Example" in tool("compact", "--help")


def test_other_files_are_refused(tmp_path, npy):
    path = npy(np.zeros((3, 4)))
    assert "found a file of the driver NPY, wanted a .b2nd file" in error("compact", path)
    assert "missing.b2nd" in error("compact", tmp_path / "missing.b2nd")
    assert "is required" in error("compact", code=2)
    assert "wanted the path of a file" in error("compact", f'B2ND:"{path}"', code=2)


def test_damaged_file_is_left_alone(wasteful):
    content = bytearray(open(wasteful, "rb").read())
    at = chunk_offsets(content)[4]
    content[at + 12:at + 16] = b"\xff" * 4
    with open(wasteful, "wb") as file:
        file.write(content)
    assert "chunk 4: compressed size: found -1" in error("compact", wasteful)
    assert open(wasteful, "rb").read() == content and folder(wasteful) == ["a.b2nd"]


def test_it_waits_for_writers(wasteful, monkeypatch):
    before = open(wasteful, "rb").read()
    dataset = gdal.Open(wasteful, gdal.GA_Update)
    monkeypatch.setenv("NDARRAY_LOCK_TIMEOUT", "0.01")
    assert (f"process {os.getpid()} is updating this file; waited 0.010 s (NDARRAY_LOCK_TIMEOUT)"
            in error("compact", wasteful))
    dataset = None
    assert open(wasteful, "rb").read() == before
    tool("compact", wasteful)


def test_a_dataset_of_the_old_file_writes_nothing(wasteful, errors):
    """What a copy returned is a writer only once something is written."""
    path = wasteful.replace("a.b2nd", "copy.b2nd")
    copy = gdal.GetDriverByName("B2ND").CreateCopy(path, gdal.Open(wasteful))
    with open(path, "ab") as file:
        file.write(b"dead")
    tool("compact", path)
    after = open(path, "rb").read()
    assert copy.GetRasterBand(1).WriteArray(np.ones((2, 2), "u2")) != 0
    assert "has replaced or removed this file since it was opened; open it again" in errors[0]
    del copy
    assert open(path, "rb").read() == after


def test_readers_go_on_with_the_old_file(wasteful):
    dataset = gdal.Open(wasteful)
    expected = blosc2.open(wasteful)[:]
    tool("compact", wasteful)
    assert_same(dataset.ReadAsArray(), expected)


def test_full_disk_leaves_the_old_file(wasteful):
    before = open(wasteful, "rb").read()

    def limit_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    # Python ignores SIGXFSZ; so does the program then, and the write fails instead.
    text = error("compact", wasteful, preexec_fn=limit_files, restore_signals=False)
    assert "File too large" in text
    assert open(wasteful, "rb").read() == before and folder(wasteful) == ["a.b2nd"]


@pytest.mark.parametrize("number", [signal.SIGINT,
                                    pytest.param(signal.SIGKILL, marks=pytest.mark.slow)])
def test_stopped_at_any_time(tmp_path, rng, number):
    path = str(tmp_path / "a.b2nd")
    array = blosc2.zeros((8, 1 << 18), np.uint8, urlpath=path, mode="w", contiguous=True,
                         chunks=(1, 1 << 15), blocks=(1, 1 << 13),
                         cparams={"clevel": 0})
    array[:] = rng.integers(0, 256, array.shape, np.uint8)
    del array
    with open(path, "ab") as file:
        file.write(b"dead")
    before = contents(path)
    old = open(path, "rb").read()
    stopped = 0
    for call in itertools.count(1):  # at each call about the new file, and when it gets its name
        with open(path, "wb") as file:
            file.write(old)
        done = run_stopped([PROGRAM, "compact", path], ".a.b2nd.partial", call, number)
        if done.returncode == 0:
            break  # the signal came too late
        stopped += 1
        if number == signal.SIGINT:
            assert (done.returncode, done.stderr) == (1, "gdal_ndarray compact: interrupted\n")
            assert folder(path) == ["a.b2nd"]
        size = os.path.getsize(path)
        assert size == len(old) or size < len(old) + 200
        assert contents(path) == before
    assert stopped > 3
    tool("compact", path)  # what was left behind is no hindrance, and is gone
    assert folder(path) == ["a.b2nd"] and contents(path) == before
