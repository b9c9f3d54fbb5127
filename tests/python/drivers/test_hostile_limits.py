"""Opening a file of n bytes, and whatever is asked of it then, costs some megabytes and what n bytes
can hold: nothing that they merely claim."""

import re

import pytest
from osgeo import gdal
from support import FORMATS
from support.bombs import LARGE, bombs
from support.cost import OPERATIONS, cost

BOMBS = {name: content for name, content in bombs().items()
         if name.split(".")[1].upper() in FORMATS}
# Address space, of which some is the stacks of threads (8 MB each); of which a file of 4 MB may
# take 64 times its length.
MAX_MB = 512


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bombs")
    for driver in ("NPY", "B2ND"):  # what is loaded once is not counted
        if driver in FORMATS:
            first = str(folder / f"first.{driver.lower()}")
            gdal.GetDriverByName(driver).Create(first, 64, 64, 1, gdal.GDT_Byte)
            for operation in ("info", "window", "update"):
                OPERATIONS[operation](first)
    return folder


@pytest.mark.parametrize("name", BOMBS)
def test_costs_little(folder, name):
    content = BOMBS[name]
    path = folder / name
    for operation in OPERATIONS:
        if (name, operation) in LARGE:
            continue
        path.write_bytes(content)
        _, _, errors = cost(operation, str(path), MAX_MB)
        assert not [text for text in errors if re.search("out of memory|MemoryError|allocat", text)]
    for sidecar in folder.glob(f"{name}.*"):
        sidecar.unlink()


@pytest.mark.skipif("B2ND" not in FORMATS, reason="built without c-blosc2")
def test_offsets_that_share_one_chunk_are_refused(tmp_path, errors):
    """Else whoever looks at each of 2^26 chunks takes gigabytes to list that they overlap."""
    path = tmp_path / "shared.b2nd"
    path.write_bytes(BOMBS["index_of_one_chunk.b2nd"])
    assert gdal.Open(str(path)) is None
    assert re.search(r"chunk offsets: found 67108864 chunks, wanted at most 1 in \d+ bytes", errors[0])
