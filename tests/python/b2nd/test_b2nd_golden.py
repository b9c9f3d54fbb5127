"""Files that older versions of python-blosc2 wrote, and what none of today writes any more."""

import numpy as np
import pytest
from support.b2nd import assert_same, bands_of, blosc2, read_bands
from osgeo import gdal
from support import DATA, shown_dtype

GOLDEN = sorted((DATA / "golden").glob("*.b2nd"))


def test_golden_files_are_there():
    assert len(GOLDEN) > 70
    versions = {path.stem.split("_")[1] for path in GOLDEN if path.stem.startswith("version_")}
    assert {version[0] for version in versions} >= {"2", "3", "4"}


def leaves(dtype, name="", take=lambda records: records):
    """(name, what takes it out of the records) of each number in a dtype, as bands are named."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        for number, index in enumerate(np.ndindex(*shape)):
            yield from leaves(base, f"{name}[{number}]",
                              lambda records, index=index: take(records)[(..., *index)])
    elif dtype.names is None:
        yield name, take
    else:
        for field in dtype.names:
            yield from leaves(dtype[field], f"{name}.{field}".lstrip("."),
                              lambda records, field=field: take(records)[field])


def check_records(dataset, records):
    for number, (name, take) in enumerate(leaves(records.dtype)):
        band = dataset.GetRasterBand(number + 1)
        expected = take(records)
        assert band.GetDescription() == name
        assert_same(band.ReadAsArray(), expected.astype(shown_dtype(expected.dtype)))


def check_plane(dataset, expected):
    if expected.dtype.names:
        check_records(dataset, expected)
        return
    bands = bands_of(expected)
    assert_same(read_bands(dataset), bands)
    height, width = bands.shape[1:]
    y, x = height // 3, width // 3
    assert_same(read_bands(dataset, x, y, width - x, height - y), bands[:, y:, x:])


@pytest.mark.parametrize("path", GOLDEN, ids=[path.stem for path in GOLDEN])
def test_golden_files_equal_python_blosc2(path):
    expected = blosc2.open(str(path))[...]
    dataset = gdal.Open(str(path))
    assert dataset.GetMetadataItem("SHAPE", "IMAGE_STRUCTURE") == str(expected.shape)
    if expected.ndim <= 3:
        check_plane(dataset, expected)
        return
    for number, (name, _) in enumerate(dataset.GetSubDatasets()):
        index = np.unravel_index(number, expected.shape[:-3])
        check_plane(gdal.Open(name), expected[index])
