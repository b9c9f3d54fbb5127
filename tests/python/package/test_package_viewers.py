"""What viewers do, such as napari: overviews as a pyramid of lazy arrays, read tile by tile."""

import gdal_ndarray
import numpy as np
import pytest
from osgeo import gdal
from support.package import equal

TILE = 64


@pytest.fixture
def pyramid(saved, suffix, rng):
    """An image with overviews, and its levels as NumPy arrays, the full one first."""
    array = rng.integers(0, 60000, (2, 300, 410), dtype="u2")
    image = saved(array, "image" + suffix)
    path = image.path
    image.close()
    dataset = gdal.Open(path)
    dataset.BuildOverviews("AVERAGE", [2, 4])
    levels = [array]
    for level in range(2):
        bands = [dataset.GetRasterBand(band + 1).GetOverview(level) for band in range(2)]
        levels.append(np.stack([band.ReadAsArray() for band in bands]))
    assert [level.shape for level in levels] == [(2, 300, 410), (2, 150, 205), (2, 75, 103)]
    return path, levels


def levels_of(path, count):
    """As given to napari's add_image: the full image, and each overview."""
    return [gdal_ndarray.open(path), *(gdal_ndarray.open(path, OVERVIEW_LEVEL=level) for level in range(count))]


def test_levels_are_arrays_of_their_own(pyramid):
    path, levels = pyramid
    for image, expected in zip(levels_of(path, 2), levels):
        assert (image.shape, image.dtype, image.dims) == (expected.shape, np.dtype("u2"), ("band", "y", "x"))
        equal(image[...], expected)
        equal(image[1, 10:70:3, ::-5], expected[1, 10:70:3, ::-5])
        for window in image.windows(TILE):
            equal(image[window], expected[window])


def check_interleaved(path, array):
    gdal.Open(path).BuildOverviews("NEAREST", [2])
    for image, expected in zip(levels_of(path, 1), (array, array[::2, ::2])):
        assert image.dims == ("y", "x", "band")
        equal(image[...], expected)
        equal(image[5:90, ::3, 1], expected[5:90, ::3, 1])


def test_levels_have_the_axes_of_the_image(saved, suffix, rng):
    array = rng.integers(0, 255, (300, 410, 3), "u1")
    check_interleaved(saved(array, "image" + suffix, INTERLEAVE="PIXEL").path, array)


@pytest.mark.parametrize("dtype", ["f2", "?", ">i4"])
def test_levels_have_the_type_of_the_image(npy, rng, dtype):
    array = rng.integers(0, 2, (300, 410, 3)).astype(dtype)
    check_interleaved(npy(array), array.astype(array.dtype.newbyteorder("=")))


def test_places_of_levels(pyramid):
    path, levels = pyramid
    full, half, quarter = levels_of(path, 2)
    for image in (half, quarter):
        scale = full.shape[2] / image.shape[2]
        assert image.transform[0] == pytest.approx(10 * scale)
        assert (image.transform[2], image.transform[5]) == (500000, 5400000)
        assert image.crs == full.crs


def test_levels_as_dask_arrays(pyramid):
    pytest.importorskip("dask")
    path, levels = pyramid
    lazy = [image.dask((1, TILE, TILE)) for image in levels_of(path, 2)]
    assert len({array.name for array in lazy}) == 3
    for array, expected in zip(lazy, levels):
        for y in range(0, expected.shape[1], TILE):
            for x in range(0, expected.shape[2], TILE):
                equal(array[0, y:y + TILE, x:x + TILE].compute(scheduler="threads"),
                      expected[0, y:y + TILE, x:x + TILE])


def test_levels_are_no_view(pyramid):
    path, levels = pyramid
    image = gdal_ndarray.open(path, OVERVIEW_LEVEL=0)
    with pytest.raises(ValueError, match="no view without a copy"):
        image.view()
    with pytest.raises(ValueError, match="no view without a copy"):
        image.__array__(copy=False)
    equal(np.asarray(image), levels[1])


def test_a_level_that_is_not_there_is_an_error(pyramid):
    path, _ = pyramid
    with pytest.raises((OSError, ValueError), match="2|OVERVIEW|overview"):
        gdal_ndarray.open(path, OVERVIEW_LEVEL=2)
