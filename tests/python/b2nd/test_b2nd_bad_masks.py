"""Masks in .b2nd files that are no masks: a warning or an error of the mask, never of the pixels."""

import re

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal


def damaged(folder, packed):
    """A file of 290 x 310 bytes whose mask has these bytes for its msgpack value."""
    path = str(folder / "image.b2nd")
    array = blosc2.asarray(np.ones((290, 310), "u1"), urlpath=path, mode="w")
    array.schunk.vlmeta.set_vlmeta("gdal:mask", packed, typesize=1)
    return path


def packed(array):
    """The value that python-blosc2 makes of an array's frame."""
    frame = blosc2.asarray(array).to_cframe()
    return b"\xc6" + len(frame).to_bytes(4, "big") + frame


WHOLE = np.ones((290, 310), "u1")
BAD = {
    "text": (b"\xa4mask", "msgpack: found another value, wanted one binary"),
    "short": (packed(WHOLE)[:-5], "msgpack: found another value, wanted one binary"),
    "longer": (packed(WHOLE) + b"\0", "msgpack: found another value, wanted one binary"),
    "empty": (b"\xc4\0", "gdal:mask"),
    "no_frame": (b"\xc4\x08\x9e\xa8b2frame"[:10], "gdal:mask"),
    "cut": (b"\xc5\0\xc8" + packed(WHOLE)[5:205], "gdal:mask"),
    "shape": (packed(np.ones((310, 290), "u1")),
              r"shape: found \(310, 290\), wanted \(290, 310\) or \(1, 290, 310\)"),
    "bands": (packed(np.ones((2, 290, 310), "u1")), r"shape: found \(2, 290, 310\), wanted"),
    "axes": (packed(np.ones((1, 1, 290, 310), "u1")), r"shape: found \(1, 1, 290, 310\)"),
    "dtype": (packed(np.ones((290, 310), "i2")), r"dtype: found <i2, wanted \|u1"),
    "record": (packed(np.ones((290, 310), [("a", "u1"), ("b", "u1")])), "dtype: found"),
}


def test_pixels_are_read_without_the_mask(tmp_path, errors):
    """One that is not even a value is noticed by nobody who does not ask for it."""
    path = damaged(tmp_path, b"\xc6\0\0")
    dataset = gdal.Open(path)
    assert dataset.ReadAsArray().shape == (290, 310)
    assert dataset.GetMetadata() == {}
    assert errors == []
    dataset.GetRasterBand(1).GetMaskFlags()
    assert len(errors) == 1


@pytest.mark.parametrize("access", [gdal.GA_ReadOnly, gdal.GA_Update])
@pytest.mark.parametrize("name", BAD)
def test_a_bad_mask_is_one_warning(tmp_path, errors, name, access):
    value, message = BAD[name]
    path = damaged(tmp_path, value)
    dataset = gdal.Open(path, access)
    band = dataset.GetRasterBand(1)
    assert band.GetMaskFlags() == gdal.GMF_ALL_VALID
    assert band.GetMaskBand().ReadAsArray().min() == 255
    assert len(errors) == 1, errors
    assert errors[0].startswith(f"{path}: ") and errors[0].endswith("; the mask is ignored")
    assert re.search(message, errors[0]), errors[0]
    np.testing.assert_array_equal(dataset.ReadAsArray(), WHOLE)


def test_an_attribute_that_cannot_be_decoded_is_kept_as_it_is(tmp_path, errors):
    path = damaged(tmp_path, b"")
    dataset = gdal.Open(path)
    assert dataset.GetRasterBand(1).GetMaskFlags() == gdal.GMF_ALL_VALID
    assert len(errors) == 1 and "attribute 'gdal:mask'" in errors[0]
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.SetMetadataItem("author", "me")
    dataset.GetRasterBand(1).WriteArray(np.ones((2, 2), WHOLE.dtype))
    dataset = None
    dataset = gdal.Open(path)
    assert dataset.GetMetadataItem("author") == "me"
    assert (dataset.ReadAsArray()[:2, :2] == 1).all()
    del errors[:]
    assert dataset.GetRasterBand(1).GetMaskFlags() == gdal.GMF_ALL_VALID
    assert len(errors) == 1 and "attribute 'gdal:mask'" in errors[0]


def test_damage_in_the_masks_pixels_is_an_error_of_the_mask_only(tmp_path, rng):
    frame = bytearray(packed(rng.integers(0, 2, (290, 310), dtype="u1")))
    frame[3000:6000] = rng.bytes(3000)
    dataset = gdal.Open(damaged(tmp_path, bytes(frame)))
    band = dataset.GetRasterBand(1)
    assert band.GetMaskFlags() == gdal.GMF_PER_DATASET
    with pytest.raises(RuntimeError, match="image.b2nd: attribute 'gdal:mask': damaged .*: chunk"):
        band.GetMaskBand().ReadAsArray()
    np.testing.assert_array_equal(dataset.ReadAsArray(), WHOLE)


def test_a_mask_in_the_mask_is_nobodys(tmp_path, errors, rng):
    mask = rng.integers(0, 2, (290, 310), dtype="u1") * 255
    inner = blosc2.asarray(mask, contiguous=True)
    inner.schunk.vlmeta["gdal:mask"] = blosc2.asarray(255 - mask).to_cframe()
    frame = inner.to_cframe()
    dataset = gdal.Open(damaged(tmp_path, b"\xc6" + len(frame).to_bytes(4, "big") + frame))
    band = dataset.GetRasterBand(1).GetMaskBand()
    np.testing.assert_array_equal(band.ReadAsArray(), mask)
    assert band.GetMaskBand().ReadAsArray().min() == 255
    assert errors == []
