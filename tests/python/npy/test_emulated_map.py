"""GetVirtualMemAutoArray of files that cannot be mapped as they are: pages are read when touched."""

import gc
import os
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal

HAS_B2ND = gdal.GetDriverByName("B2ND") is not None


@pytest.fixture
def image(rng):
    return rng.integers(0, 100, (210, 333))


def emulated(path, access=gdal.GF_Read, **options):
    mode = gdal.OF_UPDATE if access == gdal.GF_Write else gdal.OF_READONLY
    dataset = gdal.OpenEx(path, gdal.OF_RASTER | mode)
    return dataset, dataset.GetRasterBand(1).GetVirtualMemAutoArray(
        access, [f"{key}={value}" for key, value in options.items()])


OUTLIVES = """
import gc, sys
import numpy as np
from osgeo import gdal
gdal.UseExceptions()
dataset = gdal.Open(sys.argv[1])
expected = dataset.ReadAsArray()
pixels = dataset.GetRasterBand(1).GetVirtualMemAutoArray()
if sys.argv[2] == "Close":
    getattr(dataset, "Close", lambda: None)()
dataset = None
gc.collect()
np.testing.assert_array_equal(pixels, expected)
"""


@pytest.mark.parametrize("how", ["None", "Close"])
@pytest.mark.parametrize("kind", ["<u2", ">u2", ">f4", "<f2", "i1", "?", "subfile", "b2nd"])
def test_array_outlives_the_dataset(npy, tmp_path, image, kind, how):
    """In a process of its own, which a page that nobody fills would end."""
    path = npy(image.astype(kind if kind not in ("subfile", "b2nd") else "<u2"))
    if kind == "subfile":
        path = f"/vsisubfile/0,{path}"
    if kind == "b2nd":
        if not HAS_B2ND:
            pytest.skip("built without c-blosc2")
        path = str(gdal.Translate(str(tmp_path / "image.b2nd"), path, format="B2ND").GetDescription())
    done = subprocess.run([sys.executable, "-c", OUTLIVES, path, how], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", ["<f2", "b2nd"])
def test_few_pages_at_a_time(npy, tmp_path, image, kind):
    """Lines that end within pages, and pages that are read anew after others took their memory."""
    path = npy(image.astype("<f2" if kind == "<f2" else "<f8"))
    if kind == "b2nd":
        if not HAS_B2ND:
            pytest.skip("built without c-blosc2")
        gdal.Translate(str(tmp_path / "image.b2nd"), path, format="B2ND")
        path = str(tmp_path / "image.b2nd")
    dataset, pixels = emulated(path, CACHE_SIZE=8192, PAGE_SIZE_HINT=4096, SINGLE_THREAD="YES")
    np.testing.assert_array_equal(pixels, image)
    np.testing.assert_array_equal(pixels[::-1], image[::-1])
    np.testing.assert_array_equal(pixels[::7, ::-3], image[::7, ::-3])


def test_not_without_the_default_implementation(npy, image):
    band_owner = gdal.Open(npy(image.astype(">i4")))
    band = band_owner.GetRasterBand(1)
    try:
        memory = band.GetVirtualMemAuto(gdal.GF_Read, ["USE_DEFAULT_IMPLEMENTATION=NO"])
    except RuntimeError:  # of None, by some versions of GDAL with exceptions
        memory = None
    assert memory is None


def new_b2nd(tmp_path, image):
    if not HAS_B2ND:
        pytest.skip("built without c-blosc2")
    path = str(tmp_path / "image.b2nd")
    dataset = gdal.GetDriverByName("B2ND").Create(path, image.shape[1], image.shape[0], 1,
                                                  gdal.GDT_UInt16)
    dataset.WriteArray(image)
    return path


@pytest.mark.parametrize("kind", [">u2", "b2nd"])
@pytest.mark.parametrize("first", ["array", "dataset"])
def test_what_is_assigned_is_in_the_file(npy, tmp_path, image, kind, first):
    """Whichever is closed first, and the last pixel, too, where the last page is not full."""
    path = new_b2nd(tmp_path, image) if kind == "b2nd" else npy(image.astype(kind))
    dataset, pixels = emulated(path, gdal.GF_Write, CACHE_SIZE=16384)
    expected = image.astype("u2")
    for array in (pixels, expected):
        array[100:105] += 1000
        array[-1, -1] = 4711
    if first == "array":
        del pixels
        gc.collect()
        np.testing.assert_array_equal(dataset.ReadAsArray(), expected)
        dataset = None
    else:
        dataset = None
        gc.collect()
        pixels[0, 0] = expected[0, 0] = 815
        del pixels
        gc.collect()
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), expected)
    assert os.listdir(tmp_path) == [os.path.basename(path)]


def test_writing_goes_on_while_an_array_lives(tmp_path, image):
    """Closing the dataset must not write the file anew under the array's feet."""
    path = new_b2nd(tmp_path, image)
    dataset, pixels = emulated(path, gdal.GF_Write)
    first = int(pixels[0, 0])
    dataset.GetRasterBand(1).WriteArray(np.full((10, 333), 7, "u2"), 0, 200)
    dataset = None
    gc.collect()
    assert pixels[0, 0] == first and pixels[205, 3] == 7
    pixels[1, 1] = 9
    del pixels
    gc.collect()
    got = gdal.Open(path).ReadAsArray()
    assert got[1, 1] == 9 and (got[200:] == 7).all()
    np.testing.assert_array_equal(got[2:200], image[2:200])


def test_read_only_datasets_are_not_mapped_for_writing(npy, image, errors):
    dataset = gdal.Open(npy(image.astype(">i4")))
    assert dataset.GetRasterBand(1).GetVirtualMemAuto(gdal.GF_Write) is None
    assert "access: found read-only, wanted update" in "".join(errors)
