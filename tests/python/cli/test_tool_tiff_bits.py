"""gdal_ndarray convert of stacks of TIFF pages whose samples are of odd bits, or complex."""

import numpy as np
import pytest
from osgeo import gdal
from support.tiff import gdal_stack, packed, write_stack
from support.tool import tool


@pytest.fixture
def convert(tmp_path):
    def run(source):
        tool("convert", source, tmp_path / "o.npy")
        return np.load(tmp_path / "o.npy")

    return run


def room(bits):
    return 1 if bits <= 8 else 2 if bits <= 16 else 4


def on_all(fields, count=3):
    return {page: fields for page in range(count)}


def read_page(path, number):
    """(y, x) or (y, x, sample), by GDAL."""
    page = gdal.Open(f"GTIFF_DIR:{number}:{path}").ReadAsArray()
    return page if page.ndim == 2 else page.transpose(1, 2, 0)


@pytest.mark.parametrize("options", [
    [], ["COMPRESS=DEFLATE", "BLOCKYSIZE=7"], ["TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=16"]])
@pytest.mark.parametrize("interleave", ["PIXEL", "BAND"])
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 7, 9, 10, 12, 14, 15, 17, 24, 31])
def test_whole_numbers_are_what_gdal_wrote(convert, rng, tmp_path, bits, interleave, options):
    pages = rng.integers(0, 1 << bits, (3, 3, 53, 41)).astype(f"u{room(bits)}")
    path = gdal_stack(tmp_path / "s.tif", pages, [*options, f"NBITS={bits}",
                                                  f"INTERLEAVE={interleave}"])
    found = convert(path)
    assert found.dtype == pages.dtype
    np.testing.assert_array_equal(found, pages.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(found[2], read_page(path, 3))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("bits", [1, 4, 10, 12, 14, 20])
def test_either_byte_order_and_bit_order(convert, rng, tmp_path, bits, order):
    pages = rng.integers(0, 1 << bits, (3, 13, 19)).astype(f"u{room(bits)}")
    path = write_stack(tmp_path / "s.tif", pages, bits=bits, order=order)
    np.testing.assert_array_equal(convert(path), pages)
    # FillOrder 2: the lowest bit of a byte comes first.
    turned = [np.packbits(np.unpackbits(np.frombuffer(packed(page, bits), "u1"), bitorder="little"))
              for page in pages]
    path = write_stack(tmp_path / "t.tif", pages, bits=bits, order=order, fields=on_all({266: 2}),
                       encoded=[page.tobytes() for page in turned])
    np.testing.assert_array_equal(convert(path), pages)
    np.testing.assert_array_equal(read_page(path, 2), pages[1])


@pytest.mark.parametrize("bits", [2, 6, 12, 20, 24])
def test_negative_numbers(convert, rng, tmp_path, bits):
    pages = rng.integers(-(1 << bits - 1), 1 << bits - 1, (3, 13, 19)).astype(f"i{room(bits)}")
    assert pages.min() < 0
    np.testing.assert_array_equal(convert(write_stack(tmp_path / "s.tif", pages, bits=bits)), pages)


def test_24_bits_of_a_big_endian_file_are_as_gdal_has_them(convert, rng, tmp_path):
    pages = rng.integers(0, 1 << 24, (3, 13, 19)).astype("u4")
    path = gdal_stack(tmp_path / "s.tif", pages, ["NBITS=24", "ENDIANNESS=BIG"])
    np.testing.assert_array_equal(convert(path), pages)
    np.testing.assert_array_equal(read_page(path, 2), pages[1])


def test_floats_of_24_bits_are_what_gdal_reads(convert, rng, tmp_path):
    numbers = rng.integers(0, 1 << 24, (3, 13, 19)).astype("u4")
    numbers[0, 0] = [0, 1, 0xFFFF, 0x10000, 0x3F0000, 0xBF0000, 0x7F0000, 0xFF0000, 0x7EFFFF,
                     0x800000, 0x800001, *range(0x7E0000, 0x7E0008)]
    encoded = [np.ascontiguousarray(page.astype("<u4").reshape(-1, 1).view("u1")[:, :3]).tobytes()
               for page in numbers]
    path = write_stack(tmp_path / "s.tif", numbers, encoded=encoded, bits=24,
                       fields=on_all({339: 3}))
    found = convert(path)
    assert found.dtype == "f4"
    assert list(found[0, 0, :8]) == [0, 2.0**-78, 65535 * 2.0**-78, 2.0**-62, 1, -1, np.inf, -np.inf]
    for number in range(3):
        np.testing.assert_array_equal(found[number], read_page(path, number + 1))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("part, wide", [("i2", "c8"), ("i4", "c16"), ("f4", "c8"), ("f8", "c16")])
def test_complex_numbers(convert, rng, tmp_path, part, wide, order):
    parts = rng.integers(-30000, 30000, (3, 13, 19, 2)).astype(part)
    pages = (parts[..., 0] + 1j * parts[..., 1].astype("f8")).astype(wide)
    bits = 16 * np.dtype(part).itemsize
    path = write_stack(tmp_path / "s.tif", pages, order=order, bits=bits,
                       encoded=[page.astype(order + part).tobytes() for page in parts],
                       fields=on_all({339: 5 if part[0] == "i" else 6}))
    found = convert(path)
    assert found.dtype == wide
    np.testing.assert_array_equal(found, pages)
    np.testing.assert_array_equal(read_page(path, 3), pages[2])


def test_complex_pages_of_gdal(convert, rng, tmp_path):
    driver = gdal.GetDriverByName("GTiff")
    pages = rng.integers(-30000, 30000, (2, 40, 50)) * (1 - 2j)
    path = tmp_path / "s.tif"
    for number, page in enumerate(pages):
        source = gdal.GetDriverByName("MEM").Create("", 50, 40, 1, gdal.GDT_CInt32)
        source.WriteArray(page)
        driver.CreateCopy(str(path), source, options=["TILED=YES", "COMPRESS=LZW"] + (
            ["APPEND_SUBDATASET=YES"] if number else []))
    found = convert(path)
    assert found.dtype == "c16"
    np.testing.assert_array_equal(found, pages)


def test_white_is_zero_and_palettes_stay_as_they_are(convert, rng, tmp_path):
    pages = rng.integers(0, 2, (3, 13, 19)).astype("u1")
    path = write_stack(tmp_path / "s.tif", pages, bits=1, fields=on_all({262: 0}))
    np.testing.assert_array_equal(convert(path), pages)
    np.testing.assert_array_equal(read_page(path, 1), pages[0])


def test_fax_pages(convert, rng, tmp_path):
    pages = np.repeat(rng.integers(0, 2, (3, 40, 13)), 7, axis=2).astype("u1")
    path = gdal_stack(tmp_path / "s.tif", pages, ["NBITS=1", "COMPRESS=CCITTFAX4"])
    np.testing.assert_array_equal(convert(path), pages)
