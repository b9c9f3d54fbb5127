"""Processes that are killed while they write a .b2z: the old file is there, or the new one."""

import itertools
import os

import numpy as np
import pytest
from osgeo import gdal
from support import memory_dataset
from support.b2z import halved, levels_of
from support.stop import PARTS, Victims

COPY = 'gdal.GetDriverByName("B2ND").CreateCopy(arguments[1], gdal.Open(arguments[0]))'


@pytest.mark.slow
def test_killed_copies_leave_the_old_file_or_the_new_one(tmp_path, tmp_path_factory, rng):
    """Killed before, within or after each call about the files, until one ends before the next."""
    source = str(tmp_path_factory.mktemp("source") / "source.npy")
    image = rng.integers(0, 4000, (300, 400), dtype="u2")
    np.save(source, image)
    old = memory_dataset(np.arange(12, dtype="u2").reshape(3, 4))
    path = str(tmp_path / "scene.b2z")
    outcomes = []
    gdal.GetDriverByName("B2ND").CreateCopy(path, old)
    with Victims(COPY) as victims:
        for call in itertools.count(1):
            if not victims.kill_at(call, list(PARTS)[call % 3], tmp_path, source, path):
                break
            levels, _, _ = levels_of(path)
            outcomes.append(levels[0].shape)
            np.testing.assert_array_equal(
                levels[0], old.ReadAsArray() if levels[0].shape == (3, 4) else image)
            assert set(os.listdir(tmp_path)) <= {"scene.b2z", ".scene.b2z.partial"}
            if levels[0].shape != (3, 4):
                gdal.GetDriverByName("B2ND").CreateCopy(path, old)
    assert outcomes[0] == (3, 4) and outcomes.count((3, 4)) > 12, outcomes
    gdal.GetDriverByName("B2ND").CreateCopy(path, gdal.Open(source))
    assert os.listdir(tmp_path) == ["scene.b2z"]
    np.testing.assert_array_equal(levels_of(path)[0][1], halved(image)[0])
