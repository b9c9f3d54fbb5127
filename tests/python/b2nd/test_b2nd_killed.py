"""Processes that are killed while they write: the old .b2nd is there, or the new one."""

import os

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal
from support.stop import PARTS, Victims
from support import memory_dataset

OLD = np.arange(12, dtype="f8").reshape(3, 4)


@pytest.fixture
def driver():
    return gdal.GetDriverByName("B2ND")


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old.b2nd"
    blosc2.asarray(OLD, urlpath=str(path), mode="w")
    return path


NOISE = 'noise = np.random.default_rng(1).integers(0, 256, (500, 500), dtype="u1")'

UPDATES = """
dataset = gdal.Open(arguments[0], gdal.GA_Update)
value = int(arguments[1])
while True:
    value = value % 200 + 1
    dataset.WriteArray(noise ^ np.uint8(value))
    dataset.SetMetadataItem("value", str(value))
    dataset.FlushCache()
"""


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_killed_updates_leave_one_state_or_the_next(tmp_path, part):
    """Killed at each call about the file of the first updates: before, within and after it."""
    path = str(tmp_path / "killed.b2nd")
    driver = gdal.GetDriverByName("B2ND")
    dataset = driver.Create(path, 500, 500, 1, options=["CHUNKXSIZE=256", "CHUNKYSIZE=256"])
    noise = np.random.default_rng(1).integers(0, 256, (500, 500), dtype="u1")
    dataset.WriteArray(noise)
    dataset.SetMetadataItem("value", "0")
    del dataset
    seen = set()
    with Victims(UPDATES, prepare=NOISE) as victims:
        for call in range(1, 61):
            first = call * 3 % 200
            assert victims.kill_at(call, part, path, path, first)
            dataset = gdal.Open(path)
            array = dataset.ReadAsArray()
            value = int(dataset.GetMetadataItem("value"))
            assert (array == noise ^ np.uint8(value)).all()
            assert (blosc2.open(path)[:] == array).all()
            seen.add(value - first if value > first else "before")
    assert {"before", 1, 2} <= seen, seen
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.WriteArray(noise)
    del dataset
    # What the killed left behind the frame goes with the next update; what they replaced is dead space.
    dead = int(gdal.Open(path).GetMetadataItem("DEAD_BYTES", "B2ND"))
    assert os.path.getsize(path) < dead + 300_000
    assert os.listdir(tmp_path) == ["killed.b2nd"]


COPY = 'gdal.GetDriverByName("B2ND").CreateCopy(arguments[1], gdal.Open(arguments[0]))'


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_killed_copies_leave_the_old_file_or_the_new_one(driver, old, rng, tmp_path_factory, part):
    """Killed at each call about the files, until one ends before the next of them."""
    source = str(tmp_path_factory.mktemp("source") / "source.tif")
    image = rng.integers(0, 4000, (2000, 2000), dtype="u2")
    gdal.GetDriverByName("GTiff").CreateCopy(source, memory_dataset(image))
    outcomes = []
    halfway = 0
    with Victims(COPY) as victims:
        call = 1
        while victims.kill_at(call, part, old.parent, source, old):
            seen = blosc2.open(str(old))[:]
            outcomes.append(seen.shape)
            np.testing.assert_array_equal(seen, OLD if seen.shape == OLD.shape else image)
            np.testing.assert_array_equal(gdal.Open(str(old)).ReadAsArray(), seen)
            assert set(os.listdir(old.parent)) <= {"old.b2nd", ".old.b2nd.partial"}
            halfway += len(os.listdir(old.parent)) - 1
            if seen.shape != OLD.shape:
                blosc2.asarray(OLD, urlpath=str(old), mode="w")
            call += 1
    # Its chunks and parts, one by one; then syncs and the rename.
    assert outcomes[0] == OLD.shape and outcomes.count(OLD.shape) > 6 and halfway > 6, outcomes
    assert part != "after" or outcomes[-1] == image.shape
    driver.CreateCopy(str(old), gdal.Open(source))
    assert os.listdir(old.parent) == ["old.b2nd"]
    np.testing.assert_array_equal(blosc2.open(str(old))[:], image)
