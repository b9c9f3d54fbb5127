"""Bad input gives one error that names file, field, value found and value wanted."""

import re

import numpy as np
import pytest
from osgeo import gdal
from support import DATA

MALFORMED = [line.rstrip("\n").split("\t")
             for line in (DATA / "malformed" / "expected.tsv").read_text().splitlines()]


def assert_refused(path, errors, pattern):
    assert gdal.Open(str(path)) is None
    assert len(errors) == 1, errors
    assert re.search(pattern, errors[0]), errors[0]
    errors.clear()


@pytest.mark.parametrize("name, pattern", MALFORMED, ids=[name for name, _ in MALFORMED])
def test_malformed_file(errors, name, pattern):
    path = DATA / "malformed" / name
    pattern = f"^{re.escape(str(path))}: .*{pattern}"
    if path.suffix == ".b2nd" and gdal.GetDriverByName("B2ND") is None:
        pytest.skip("the plugin was built without c-blosc2")
    if not name.startswith("chunk_"):
        assert_refused(path, errors, pattern)
        return
    # Chunks are looked at when they are read.
    dataset = gdal.Open(str(path))
    assert dataset is not None and errors == []
    assert dataset.ReadAsArray() is None
    assert len(errors) == 1 and re.search(pattern, errors[0]), errors


def test_every_malformed_file_is_in_the_table():
    files = {path.name for path in (DATA / "malformed").glob("*.*") if path.suffix != ".tsv"}
    assert files == {name for name, _ in MALFORMED} and len(files) >= 90


@pytest.mark.parametrize("name", ["uint16_little_c", "version_2", "record_nested"])
def test_truncation_at_every_length(tmp_path, errors, name):
    content = (DATA / "golden" / f"{name}.npy").read_bytes()
    data_start = content.index(b"\n") + 1
    path = tmp_path / "cut.npy"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert gdal.Open(str(path)) is None
        # Below six bytes nothing says that this is a .npy file.
        wanted = f"{re.escape(str(path))}: cut short: {length} of (at least )?\\d+ bytes; copy it again"
        assert length < 6 or len(errors) == 1 and re.match(wanted, errors[0]), (length, errors)
        assert length < data_start or f"of {len(content)} bytes" in errors[0]
        errors.clear()
    path.write_bytes(content)
    assert gdal.Open(str(path)) is not None


def sparse_npy(path, shape, dtype):
    """A file of any size that takes no space."""
    np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    return path


@pytest.mark.parametrize("shape", [(1, 1 << 31), (1 << 31, 1), ((1 << 31) + 1,)])
def test_raster_axes_beyond_gdal(tmp_path, errors, shape):
    path = sparse_npy(tmp_path / "long.npy", shape, "u1")
    assert_refused(path, errors, r"shape: found .*2147483648.*, wanted raster axes below 2\^31|"
                                 r"shape: found \(2147483649,\), wanted raster axes below 2\^31")


def test_longest_raster_axis(tmp_path):
    path = sparse_npy(tmp_path / "long.npy", (1, (1 << 31) - 1), "u1")
    dataset = gdal.Open(str(path))
    assert dataset.RasterXSize == (1 << 31) - 1
    assert (dataset.ReadAsArray((1 << 31) - 11, 0, 10, 1) == 0).all()


def test_more_bands_than_gdal_allows(tmp_path, errors):
    path = sparse_npy(tmp_path / "deep.npy", (70000, 10, 10), "u1")
    assert_refused(path, errors, r"bands: found 70000 x 1 fields, wanted at most 65536")
    assert gdal.Open(f'NPY:"{path}":[69999]').ReadAsArray().shape == (10, 10)


@pytest.mark.parametrize("name, pattern", [
    ('NPY:"{path}":[3]', r"index: found \(3,\), wanted an index into shape \(3, 4, 5\)"),
    ('NPY:"{path}":[0,1,2]', r"index: found \(0, 1, 2\), wanted fewer numbers than the axes"),
    ('NPY:"{path}":[-1]', r"index: found \[-1\], wanted i, or i,j"),
    ('NPY:"{path}":[1', r"index: found \[1, wanted i, or i,j"),
    ('NPY:"{path}"1', r"dataset name: found .*, wanted :index after the path"),
    ('NPY:"{path}', r"dataset name: found .*, wanted a closing quote"),
    ('NPY:"{path}.missing"', r"cannot open: No such file"),
])
def test_bad_dataset_names(npy, errors, name, pattern):
    assert_refused(name.format(path=npy(np.zeros((3, 4, 5), "u1"))), errors, pattern)


def test_index_that_leaves_too_many_axes(npy, errors):
    path = npy(np.zeros((2, 2, 2, 2, 2), "u1"))
    assert_refused(f'NPY:"{path}":[1]', errors, "leaves at most 3 axes")


def test_axes_of_a_stack_need_an_index(npy, errors):
    path = npy(np.zeros((2, 3, 4, 5), "u1"))
    assert gdal.OpenEx(path, open_options=["AXES=YXB"]) is None
    assert len(errors) == 1 and "leaves at most 3 axes" in errors[0]


def test_files_that_are_not_npy_are_left_to_others(tmp_path, errors):
    path = tmp_path / "not.npy"
    path.write_bytes(b"\x93NUMPx" + bytes(100))
    assert gdal.Open(str(path)) is None
    assert not any("NUMPY" in error for error in errors)


def test_file_that_shrinks_while_open(npy, errors):
    """Reads of what is gone fail; reads of what is there go on."""
    path = npy(np.ones((1000, 1000), "f4"))
    dataset = gdal.Open(path)
    with open(path, "r+b") as file:
        file.truncate(128 + 500 * 4000)
    assert (dataset.ReadAsArray(0, 0, 1000, 500) == 1).all()
    assert dataset.ReadAsArray(0, 490, 1000, 20) is None
    assert len([e for e in errors if re.search(
        r"file size: found 2000128 bytes \(it shrank while open\), wanted at least 20\d+", e)]) == 1
