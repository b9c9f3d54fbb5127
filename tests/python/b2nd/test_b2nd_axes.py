"""Which axes of an array are bands, lines and pixels, and which name subdatasets."""

import itertools

import numpy as np
import pytest
from support.b2nd import assert_same, bands_of, blosc2, read_bands, save
from osgeo import gdal
from support import as_bands

STACK = (2, 3, 2, 1, 2, 5, 4, 6)


def numbered(shape, dtype="u2"):
    """No two neighbours are equal, in any direction."""
    return (np.arange(np.prod(shape)) * 7919 % 65521).astype(dtype).reshape(shape)


def split_shapes(shape):
    """Chunks and blocks that split every axis, evenly or not."""
    chunks = tuple(max(1, n * 2 // 3) for n in shape)
    return {"chunks": chunks, "blocks": tuple(max(1, n // 2) for n in chunks)}


@pytest.fixture
def stack_of(tmp_path):
    def make(axes):
        array = numbered(STACK[8 - axes:])
        path = save(tmp_path / f"{axes}.b2nd", array, **split_shapes(array.shape))
        return path, array

    return make


@pytest.mark.parametrize("shape, axes", [
    ((7,), "X"), ((7, 5), "YX"), ((2, 7, 5), "BYX"), ((7, 5, 3), "YXB"), ((5, 5, 4), "YXB"),
    ((7, 5, 5), "BYX"), ((4, 5, 4), "BYX"), ((5, 1, 1), "YXB"), ((1, 5, 7), "BYX"),
    ((1, 1, 1), "BYX")])
def test_rule(tmp_path, shape, axes):
    array = numbered(shape)
    dataset = gdal.Open(save(tmp_path / "array.b2nd", array))
    assert dataset.GetMetadataItem("AXES", "IMAGE_STRUCTURE") == axes
    interleave = "PIXEL" if axes == "YXB" else "BAND"
    assert dataset.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE") == interleave
    assert_same(read_bands(dataset), bands_of(array))


@pytest.mark.parametrize("axes", ["".join(order) for order in itertools.permutations("BYX")])
def test_axes_option_overrides_the_rule(tmp_path, axes):
    array = numbered((50, 40, 30))
    path = save(tmp_path / "array.b2nd", array, chunks=(20, 40, 16), blocks=(6, 9, 16))
    expected = np.einsum(f"{axes.lower()}->byx", array)
    dataset = gdal.OpenEx(path, open_options=[f"AXES={axes.lower()}"])
    assert_same(dataset.ReadAsArray(), expected)
    assert_same(dataset.ReadAsArray(3, 7, 20, 22), expected[:, 7:29, 3:23])
    assert_same(dataset.GetRasterBand(30).ReadAsArray(), expected[29])


@pytest.mark.parametrize("axes", ["XY", "YX", "BX", "XB"])
def test_axes_of_two_dimensions(tmp_path, axes):
    array = numbered((50, 40))
    path = save(tmp_path / "array.b2nd", array, chunks=(20, 16), blocks=(9, 6))
    names = axes.lower()
    expected = np.einsum(f"{names}->{'yx' if 'y' in names else 'bx'}", array)
    got = gdal.OpenEx(path, open_options=[f"AXES={axes}"]).ReadAsArray()
    assert_same(got.reshape(expected.shape), expected)


@pytest.mark.parametrize("axes", ["YX", "YYX", "ABC", "BYXX", "B"])
def test_impossible_axes_are_refused(tmp_path, errors, axes):
    path = save(tmp_path / "array.b2nd", numbered((5, 6, 7)))
    assert gdal.OpenEx(path, open_options=[f"AXES={axes}"]) is None
    assert len(errors) == 1 and errors[0].startswith(f"{path}: AXES: found {axes}")


@pytest.mark.parametrize("axes", range(4, 9))
def test_stack_lists_its_subdatasets(stack_of, axes):
    path, array = stack_of(axes)
    dataset = gdal.Open(path)
    assert dataset.RasterCount == 0
    listed = dataset.GetSubDatasets()
    leading = array.shape[:-3]
    assert len(listed) == np.prod(leading)
    for number, (name, description) in enumerate(listed):
        index = np.unravel_index(number, leading)
        assert name == f'B2ND:"{path}":{",".join(map(str, index))}'
        assert description == f"{array.shape[-3:]} <u2"
        assert_same(read_bands(gdal.Open(name)), bands_of(array[index]))
    assert dataset.GetMetadataItem("SHAPE", "IMAGE_STRUCTURE") == str(array.shape)


@pytest.mark.parametrize("axes", range(2, 9))
def test_index_fixes_leading_axes(stack_of, axes, rng):
    path, array = stack_of(axes)
    kept = blosc2.open(path)
    for left in range(1, min(axes, 4)):
        for _ in range(4):
            index = tuple(int(rng.integers(0, n)) for n in array.shape[:axes - left])
            dataset = gdal.Open(f'B2ND:"{path}":[{", ".join(map(str, index))}]')
            assert_same(read_bands(dataset), bands_of(kept[index].reshape(array[index].shape)))


def test_quotes_are_optional(stack_of):
    path, array = stack_of(4)
    assert_same(gdal.Open(f"B2ND:{path}:[1]").ReadAsArray(), as_bands(array[1]))
    assert_same(gdal.Open(f"B2ND:{path}:[1,2]").ReadAsArray(), array[1, 2])
    flat = path.replace("4.b2nd", "flat.b2nd")
    blosc2.asarray(array[0], urlpath=flat)
    for name in (f"B2ND:{flat}", f'B2ND:"{flat}"'):
        assert_same(gdal.Open(name).ReadAsArray(), array[0])
        assert gdal.Open(name).GetDescription() == flat


@pytest.mark.parametrize("axes", ["YXB", "XYB", "BXY", "XBY"])
def test_axes_option_of_a_subdataset(stack_of, axes):
    path, array = stack_of(4)
    dataset = gdal.OpenEx(f'B2ND:"{path}":[1]', open_options=[f"AXES={axes}"])
    assert_same(dataset.ReadAsArray(), np.einsum(f"{axes.lower()}->byx", array[1]))


def test_long_lists_end(tmp_path):
    array = numbered((101, 10, 1, 2, 3))
    path = save(tmp_path / "many.b2nd", array)
    listed = gdal.Open(path).GetSubDatasets()
    assert len(listed) == 1000
    assert listed[-1][0].endswith(":99,9")
    assert_same(gdal.Open(f'B2ND:"{path}":[100,9]').ReadAsArray(), array[100, 9, 0])


@pytest.mark.parametrize("name, message", [
    ('B2ND:"{path}":[2]', r"index: found (2,), wanted an index into shape (2, 5, 4, 6)"),
    ('B2ND:"{path}":[1,0,0,0]', "index: found (1, 0, 0, 0), wanted fewer numbers than the axes"),
    ('B2ND:"{path}":[-1]', "index: found [-1], wanted i, or i,j,..."),
    ('B2ND:"{path}":[1', "index: found [1, wanted i, or i,j,..."),
    ('B2ND:"{path}":[]', "index: found [], wanted i, or i,j,..."),
    ('B2ND:"{path}"1', "wanted :index after the path"),
    ('B2ND:"{path}', "wanted a closing quote"),
    ('B2ND:"{path}.missing"', "cannot open: No such file"),
    ('NPY:"{path}"', r"4.b2nd: is not a .npy file: found bytes \x9e\xa8b2fr, wanted \x93NUMPY"),
])
def test_bad_names(tmp_path, errors, name, message):
    path = save(tmp_path / "4.b2nd", numbered(STACK[4:]))
    assert gdal.Open(name.format(path=path)) is None
    assert len(errors) == 1 and message in errors[0], errors
