"""Archives of more than 4 GiB, as Python's zipfile, NumPy and python-blosc2 read and write them. They are
large on purpose: `tests/run long` runs these tests (NDARRAY_ZIP64=1)."""

import os
import zipfile

import numpy as np
import pytest
from osgeo import gdal
from support.b2nd import blosc2
from support.b2z import halved
from support.tool import tool

pytestmark = pytest.mark.skipif("NDARRAY_ZIP64" not in os.environ, reason="NDARRAY_ZIP64 is not set")

LONG = (1 << 32) + 12345
PIECE = bytes(16 << 20)


class Sparse:
    """A file in which zeros take no space."""

    def __init__(self, path):
        self.file = open(path, "w+b")

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, content):
        if len(content) == len(PIECE) and content is PIECE or not any(content):
            self.file.seek(len(content), os.SEEK_CUR)
            return len(content)
        return self.file.write(content)


def add_zeros(archive, name):
    with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
        for _ in range(LONG // len(PIECE)):
            member.write(PIECE)
        member.write(bytes(LONG % len(PIECE)))


@pytest.fixture
def archive(tmp_path):
    """Writes members, the first of them long, into a file with a hole; returns its path."""

    def write(name, long_member, members):
        path = tmp_path / name
        with zipfile.ZipFile(Sparse(path), "w") as to:
            add_zeros(to, long_member)
            for member, content in members.items():
                to.writestr(member, content)
        assert path.stat().st_size > 1 << 32 and path.stat().st_blocks * 512 < 100 << 20
        return str(path)

    yield write
    for path in tmp_path.iterdir():
        path.unlink()


def test_npz_with_an_array_behind_a_long_member(archive, tmp_path):
    image = np.arange(12, dtype="u2").reshape(3, 4)
    np.save(tmp_path / "image.npy", image)
    path = archive("a.npz", "zeros", {"image.npy": (tmp_path / "image.npy").read_bytes()})
    np.testing.assert_array_equal(np.load(path)["image"], image)
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), image)
    assert "2 members, 2 of them with the CRC-32" in tool("verify", path)
    with open(path, "r+b") as file:
        file.seek(1 << 32)
        file.write(b"x")
    assert "damage: member 'zeros': CRC-32: found " in tool("verify", path, code=None)


def test_b2z_is_read_and_written(archive, tmp_path, rng):
    """The writer puts the image first, then what is longer than 4 GiB, and the rest behind that."""
    image = rng.integers(0, 4000, (300, 400)).astype("u2")
    source = str(tmp_path / "small.b2z")
    with blosc2.TreeStore(source, mode="w") as store:
        store["/0"] = image
        store.vlmeta["author"] = "somebody"
    with zipfile.ZipFile(source) as small:
        path = archive("scene.b2z", "zeros.bin", {name: small.read(name) for name in small.namelist()})
    dataset = gdal.Open(path, gdal.GA_Update)
    np.testing.assert_array_equal(dataset.ReadAsArray(), image)
    assert dataset.BuildOverviews("AVERAGE", [2]) == gdal.CE_None
    np.testing.assert_array_equal(dataset.GetRasterBand(1).GetOverview(0).ReadAsArray(), halved(image)[0])
    dataset = None
    with zipfile.ZipFile(path) as new:
        assert new.testzip() is None
        assert new.getinfo("zeros.bin").file_size == LONG
        assert max(info.header_offset for info in new.infolist()) > 1 << 32
    store = blosc2.open(path, mode="r")
    np.testing.assert_array_equal(store["/1"][:], halved(image)[0])
    assert store.vlmeta["author"] == "somebody"
    assert gdal.Open(path).GetMetadataItem("author") == "somebody"
    assert "CRC-32" in tool("verify", path)
