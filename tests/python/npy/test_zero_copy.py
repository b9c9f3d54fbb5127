"""GetVirtualMemAutoArray is the file itself, and stays readable after the dataset is gone."""

import gc
import os

import numpy as np
import pytest
from osgeo import gdal
from support import HAS_FLOAT16, HAS_INT8, swap


def is_mapped(array, path):
    """Whether the array's memory is a map of the file, by the kernel's own account."""
    address = array.__array_interface__["data"][0]
    with open("/proc/self/maps") as maps:
        for line in maps:
            span, *_, name = line.split(maxsplit=5)
            start, end = (int(part, 16) for part in span.split("-"))
            if start <= address < end:
                return name.strip() == os.path.realpath(path)
    return False


def band_arrays(path, access=gdal.GF_Read, options=()):
    mode = gdal.OF_UPDATE if access == gdal.GF_Write else gdal.OF_READONLY
    dataset = gdal.OpenEx(path, gdal.OF_RASTER | mode, open_options=list(options))
    return [dataset.GetRasterBand(i + 1).GetVirtualMemAutoArray(access)
            for i in range(dataset.RasterCount)]


LAYOUTS = {
    "YX": lambda a: a[0],
    "BYX": lambda a: a,
    "YXB": lambda a: a.transpose(1, 2, 0).copy(),
    "YBX": lambda a: a.transpose(1, 0, 2).copy(),
    "fortran_YX": lambda a: np.asfortranarray(a[0]),
    "fortran_BYX": np.asfortranarray,
    "X": lambda a: a[0, 0],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("access", [gdal.GF_Read, gdal.GF_Write], ids=["read", "write"])
def test_array_outlives_the_dataset(npy, rng, layout, access):
    bands = rng.integers(0, 60000, (3, 50, 40), dtype="u2")
    path = npy(LAYOUTS[layout](bands))
    options = [f"AXES={layout.split('_')[-1]}"]
    arrays = band_arrays(path, access, options)
    gc.collect()
    for array, expected in zip(arrays, bands):
        expected = expected[:1] if layout == "X" else expected
        assert is_mapped(array, path)
        np.testing.assert_array_equal(array, expected)
        assert array.flags.writeable == (access == gdal.GF_Write)
    if access == gdal.GF_Write:
        arrays[-1][0, 7] = 4711
        dataset = gdal.OpenEx(path, open_options=options)
        assert dataset.GetRasterBand(len(arrays)).ReadAsArray(7, 0, 1, 1) == 4711
        assert (np.load(path) == 4711).sum() >= 1


@pytest.mark.parametrize("code", ["?", "u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4",
                                  "f8", "c8", "c16"])
def test_every_type_gdal_can_show(npy, rng, code):
    if code == "i1" and not HAS_INT8 or code == "f2" and not HAS_FLOAT16:
        code = "u1"  # GDAL has no such type here: its array would be another type's
    array = rng.integers(0, 2, (20, 30)).astype(code)
    got, = band_arrays(npy(array))
    np.testing.assert_array_equal(got, array)


def test_record_field_is_mapped(npy, rng):
    array = np.zeros((5, 6), [("a", "u1"), ("b", "<f4")])
    array["a"] = rng.integers(0, 200, (5, 6))
    array["b"] = rng.normal(size=(5, 6))
    path = npy(array)
    first, second = band_arrays(path)
    assert is_mapped(second, path)
    np.testing.assert_array_equal(first, array["a"])
    np.testing.assert_array_equal(second, array["b"])


def test_foreign_byte_order_is_not_mapped(npy, errors):
    path = npy(swap(np.arange(30, dtype="u2").reshape(5, 6)))
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(1)
    assert band.GetVirtualMemAuto(gdal.GF_Read, ["USE_DEFAULT_IMPLEMENTATION=NO"]) is None
    array = band.GetVirtualMemAutoArray()  # emulated: valid while the dataset lives
    np.testing.assert_array_equal(array, np.load(path))
    del array


def test_read_only_dataset_is_not_mapped_for_writing(npy, errors):
    dataset = gdal.Open(npy(np.zeros((5, 6), "u2")))
    assert dataset.GetRasterBand(1).GetVirtualMemAuto(gdal.GF_Write) is None
    assert "access: found read-only, wanted update" in "".join(errors)


def test_name_given_to_another_file_is_not_mapped(npy, rng):
    """The dataset goes on with the file it opened; a map must not show another one."""
    old = rng.integers(0, 100, (5, 6), dtype="u2")
    path = npy(old)
    dataset = gdal.Open(path)
    np.save(path + ".new.npy", old + 1000)
    os.replace(path + ".new.npy", path)
    band = dataset.GetRasterBand(1)
    np.testing.assert_array_equal(band.ReadAsArray(), old)
    array = band.GetVirtualMemAutoArray()
    assert not is_mapped(array, path)
    np.testing.assert_array_equal(array, old)
    del array


@pytest.mark.parametrize("axes, interleaving", [("BYX", "BSQ"), ("YXB", "BIP"), ("YBX", "BIL")])
def test_mapped_bytes_are_where_the_header_says(npy, rng, axes, interleaving):
    """What the driver tells other programs of its layout, followed by hand."""
    bands = rng.integers(0, 60000, (3, 50, 40), dtype="u2")
    path = npy(np.ascontiguousarray(np.einsum(f"byx->{axes.lower()}", bands)))
    dataset = gdal.OpenEx(path, open_options=[f"AXES={axes}"])
    assert dataset.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE") == {
        "BSQ": "BAND", "BIP": "PIXEL", "BIL": "LINE"}[interleaving]
    offset = int(dataset.GetMetadataItem("DATA_OFFSET", "IMAGE_STRUCTURE"))
    content = np.fromfile(path, "u2", offset=offset).reshape([{"B": 3, "Y": 50, "X": 40}[a]
                                                              for a in axes])
    np.testing.assert_array_equal(np.einsum(f"{axes.lower()}->byx", content),
                                  dataset.ReadAsArray())
