"""gdal_ndarray convert of TIFF files with several pages: one array, equal to the pages one by one."""

import os
import resource
import struct
import zlib

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal
from support.tiff import gdal_stack, write_stack
from support.stop import run_stopped
from support.tool import PROGRAM, error, processor_seconds, tool

IMAGEJ = "ImageJ=1.53t\nimages={}\nchannels={}\nslices={}\nframes={}\nhyperstack=true\n"


@pytest.fixture
def pages(rng):
    return rng.integers(0, 60000, (5, 30, 41), dtype="u2")


@pytest.fixture
def convert(tmp_path):
    """Converts to both layouts and returns what NumPy reads of the .npy, after a comparison."""

    def run(source, *arguments):
        arrays = tmp_path / "out.npy", tmp_path / "out.b2nd"
        for path in arrays:
            assert tool("convert", source, path, *arguments) == ""
        found = np.load(arrays[0])
        same = blosc2.open(str(arrays[1]))[:]
        assert same.dtype == found.dtype and same.tobytes() == found.tobytes()
        assert sorted(path.name for path in tmp_path.glob(".*")) == []
        return found

    return run


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("deflate", [False, True])
def test_pages_of_either_byte_order_and_header(convert, pages, tmp_path, order, big, deflate):
    path = write_stack(tmp_path / "s.tif", pages, order=order, big=big, deflate=deflate)
    np.testing.assert_array_equal(convert(path), pages)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"])
@pytest.mark.parametrize("order", "<>")
def test_every_type_keeps_its_values(convert, rng, tmp_path, dtype, order):
    pages = np.frombuffer(rng.bytes(3 * 6 * 7 * np.dtype(dtype).itemsize), dtype).reshape(3, 6, 7)
    found = convert(write_stack(tmp_path / "s.tif", pages, order=order))
    assert found.dtype == np.dtype(dtype) and found.tobytes() == pages.tobytes()


@pytest.mark.parametrize("options", [
    ["COMPRESS=LZW", "PREDICTOR=2"], ["COMPRESS=ZSTD"], ["COMPRESS=PACKBITS", "BLOCKYSIZE=7"],
    ["TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=16", "COMPRESS=DEFLATE"],
    ["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64"], ["BIGTIFF=YES", "ENDIANNESS=BIG"]])
@pytest.mark.parametrize("interleave", ["PIXEL", "BAND"])
def test_codecs_strips_tiles_and_planes(convert, rng, tmp_path, options, interleave):
    pages = rng.integers(0, 300, (4, 3, 90, 70), dtype="i2")
    path = gdal_stack(tmp_path / "s.tif", pages, [*options, f"INTERLEAVE={interleave}"])
    np.testing.assert_array_equal(convert(path), pages.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("samples, height, width", [(2, 8, 8), (2, 40, 32), (16, 8, 4)])
def test_tiles_of_planes_as_wide_as_a_line_of_all(convert, rng, tmp_path, samples, height, width):
    pages = rng.integers(0, 255, (2, samples, height, width), dtype="u1")
    path = gdal_stack(tmp_path / "s.tif", pages, [
        "TILED=YES", "INTERLEAVE=BAND", f"BLOCKXSIZE={samples * width}", "BLOCKYSIZE=16"])
    np.testing.assert_array_equal(convert(path), pages.transpose(0, 2, 3, 1))


def test_jpeg_of_colours_is_what_gdal_decodes(convert, tmp_path):
    y, x = np.mgrid[:64, :80]
    page = np.stack([x * 3, y * 3, x + y]).astype("u1")
    path = gdal_stack(tmp_path / "s.tif", [page, page[::-1]],
                      ["COMPRESS=JPEG", "PHOTOMETRIC=YCBCR", "INTERLEAVE=PIXEL"])
    found = convert(path)
    for number in range(2):
        expected = gdal.Open(f"GTIFF_DIR:{number + 1}:{path}").ReadAsArray()
        np.testing.assert_array_equal(found[number], expected.transpose(1, 2, 0))


def test_large_pages_are_cut_into_chunks(convert, rng, tmp_path):
    pages = rng.integers(0, 9, (3, 2100, 1500), dtype="u2")
    path = gdal_stack(tmp_path / "s.tif", pages, ["TILED=YES", "COMPRESS=DEFLATE", "ZLEVEL=1"])
    np.testing.assert_array_equal(convert(path, "--access", "window=512"), pages)
    array = blosc2.open(str(tmp_path / "out.b2nd"))
    assert array.chunks == (1, 1024, 1024) and array.blocks == (1, 128, 128)


def test_no_strip_is_decoded_for_each_of_its_lines(tmp_path):
    pages = np.zeros((2, 3000, 3000), "u1")
    pages[:, 17, 2500:] = 9
    gdal_stack(tmp_path / "s.tif", pages[:1], ["BLOCKYSIZE=1"])
    path = gdal_stack(tmp_path / "s.tif", pages[1:], [
        "BLOCKYSIZE=3000", "COMPRESS=DEFLATE", "ZLEVEL=1", "APPEND_SUBDATASET=YES"])
    cost = processor_seconds("convert", path, tmp_path / "o.npy")
    usual = gdal_stack(tmp_path / "usual.tif", pages[:1], [])
    usual = gdal_stack(tmp_path / "usual.tif", pages[1:], [
        "COMPRESS=DEFLATE", "ZLEVEL=1", "APPEND_SUBDATASET=YES"])
    # With each line decoding its strip it were some hundred times.
    assert cost < 20 * processor_seconds("convert", usual, tmp_path / "usual.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), pages)


def test_creation_options_count(pages, tmp_path):
    path = write_stack(tmp_path / "s.tif", pages)
    tool("convert", path, tmp_path / "o.b2nd", "-co", "COMPRESS=LZ4", "-co", "FILTER=SHUFFLE",
         "-co", "blockxsize=8", "-co", "BLOCKYSIZE=10", "-co", "CHUNKXSIZE=24", "-co",
         "CHUNKYSIZE=20")
    array = blosc2.open(str(tmp_path / "o.b2nd"))
    np.testing.assert_array_equal(array[:], pages)
    assert array.chunks == (1, 20, 24) and array.blocks == (1, 10, 8)
    assert array.schunk.cparams.codec == blosc2.Codec.LZ4
    text = error("convert", path, tmp_path / "o.b2nd", "-co", "COMPRESS=LZ5", code=2)
    assert text.startswith(f"{tmp_path / 'o.b2nd'}: COMPRESS: found LZ5, wanted ZSTD, LZ4, ")


def test_small_pages_share_a_chunk(pages, tmp_path):
    path = write_stack(tmp_path / "s.tif", pages)
    tool("convert", path, tmp_path / "o.b2nd")
    assert blosc2.open(str(tmp_path / "o.b2nd")).chunks == pages.shape


@pytest.mark.parametrize("channels, slices, frames, names", [
    (2, 3, 4, "tzcyx"), (1, 3, 4, "tzyx"), (2, 1, 3, "tcyx"), (1, 6, 1, "zyx"), (1, 1, 6, "tyx")])
def test_imagej_hyperstack(convert, rng, tmp_path, channels, slices, frames, names):
    count = channels * slices * frames
    pages = rng.integers(0, 60000, (count, 8, 9), dtype="u2")
    text = IMAGEJ.format(count, channels, slices, frames)
    found = convert(write_stack(tmp_path / "s.tif", pages, order=">", description=text))
    shape = [size for size in (frames, slices, channels) if size > 1]
    np.testing.assert_array_equal(found, pages.reshape(*shape, 8, 9))
    array = blosc2.open(str(tmp_path / "out.b2nd"))
    assert array.schunk.vlmeta["dimension_names"] == list(names)


def imagej_without_pages(path, pages, text):
    """One directory, and the pixels of all pages after it, as ImageJ writes them above 4 GB."""
    write_stack(path, pages, order=">", directories=1, description=text)
    data = path.read_bytes()
    directory, = struct.unpack_from(">I", data, 4)
    pixels = pages.astype(pages.dtype.newbyteorder(">")).tobytes()
    start = data.index(pixels[:64])
    assert data[start:start + pages[0].nbytes] == pixels[:pages[0].nbytes]
    moved = bytearray(data[:start] + data[directory:])
    struct.pack_into(">I", moved, 4, start)
    field = moved.index(struct.pack(">HHI", 273, 4, 1))
    struct.pack_into(">I", moved, field + 8, len(moved))
    path.write_bytes(moved + pixels)
    return path


def test_imagej_file_with_one_directory_for_all_pages(convert, rng, tmp_path):
    pages = rng.normal(0, 1, (6, 50, 60)).astype("f4")
    path = imagej_without_pages(tmp_path / "s.tif", pages, IMAGEJ.format(6, 2, 3, 1))
    np.testing.assert_array_equal(convert(path), pages.reshape(3, 2, 50, 60))

    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert error("convert", path, tmp_path / "o.npy") == (
        f"{path}: images: found room for 5, wanted 6 as the description says "
        f"(GTIFF_DIR:1:{path} is that page alone)")
    # A description that came along with one page of another file.
    path.write_bytes(data[:-pages[1:].nbytes])
    np.testing.assert_array_equal(convert(path), pages[0])


def test_hyperstack_that_does_not_fit_its_pages_is_pages(convert, pages, tmp_path):
    path = write_stack(tmp_path / "s.tif", pages, description=IMAGEJ.format(6, 2, 3, 1))
    np.testing.assert_array_equal(convert(path), pages)


def test_pages_of_samples_are_the_last_axis(convert, rng, tmp_path):
    pages = rng.integers(0, 255, (4, 20, 30, 3), dtype="u1")
    np.testing.assert_array_equal(convert(write_stack(tmp_path / "s.tif", pages)), pages)
    part = gdal.Open(f"B2ND:\"{tmp_path / 'out.b2nd'}\":[2]")
    np.testing.assert_array_equal(part.ReadAsArray(), pages[2].transpose(2, 0, 1))


def test_smaller_copies_and_masks_are_no_pages(convert, pages, tmp_path):
    small = pages[0, ::2, ::2]
    path = write_stack(tmp_path / "s.tif", [small, pages[0], small, pages[1], pages[2]],
                       fields={0: {254: 1}, 2: {254: 1}, 3: {254: 4}})
    np.testing.assert_array_equal(convert(path), pages[[0, 2]])


def test_geotiff_with_overviews_is_one_image(rng, tmp_path):
    path = gdal_stack(tmp_path / "s.tif", rng.integers(0, 9, (1, 300, 400), dtype="u2"))
    dataset = gdal.Open(str(path), gdal.GA_Update)
    dataset.BuildOverviews("NEAREST", [2, 4])
    dataset.GetRasterBand(1).CreateMaskBand(gdal.GMF_PER_DATASET)
    del dataset
    tool("convert", path, tmp_path / "o.npy")
    assert np.load(tmp_path / "o.npy").shape == (300, 400)


@pytest.mark.parametrize("name", ["o.npy", "o.b2nd"])
def test_stack_keeps_georeferencing_nodata_and_metadata(pages, tmp_path, name):
    path = gdal_stack(tmp_path / "s.tif", pages)
    dataset = gdal.Open(str(path), gdal.GA_Update)
    dataset.SetGeoTransform((500, 2, 0, 900, 0, -3))
    dataset.SetProjection('LOCAL_CS["stage",UNIT["micrometre",1e-6]]')
    dataset.GetRasterBand(1).SetNoDataValue(7)
    dataset.SetMetadataItem("TIFFTAG_IMAGEDESCRIPTION", "cells")
    del dataset
    tool("convert", path, tmp_path / name)
    opened = gdal.Open(str(tmp_path / name))
    assert opened.GetGeoTransform() == (500, 2, 0, 900, 0, -3)
    assert "stage" in opened.GetProjection()
    assert [opened.GetRasterBand(band + 1).GetNoDataValue() for band in range(5)] == [7] * 5
    assert opened.GetMetadataItem("TIFFTAG_IMAGEDESCRIPTION") == "cells"
    np.testing.assert_array_equal(opened.ReadAsArray(), pages)


@pytest.mark.parametrize("name", ["o.npy", "o.b2nd"])
def test_narrow_pages_are_still_bands(rng, tmp_path, name):
    pages = rng.integers(0, 9, (7, 20, 3), dtype="u2")
    tool("convert", write_stack(tmp_path / "s.tif", pages), tmp_path / name)
    np.testing.assert_array_equal(gdal.Open(str(tmp_path / name)).ReadAsArray(), pages)


def test_unequal_page_is_named(pages, tmp_path):
    path = write_stack(tmp_path / "s.tif", [pages[0], pages[1], pages[2][:20], pages[3]])
    alone = f" (GTIFF_DIR:3:{path} is that page alone)"
    assert error("convert", path, tmp_path / "o.npy") == (
        f"{path}: page 3: found 41 x 20 pixels of 1 x uint16, wanted 41 x 30 pixels of 1 x uint16 "
        f"as page 1{alone}")
    path = write_stack(tmp_path / "s.tif", [pages[0], pages[1].astype("i4")])
    assert "page 2: found 41 x 30 pixels of 1 x int32, wanted" in error(
        "convert", path, tmp_path / "o.b2nd")
    assert [found.name for found in tmp_path.iterdir()] == ["s.tif"]
    tool("convert", f"GTIFF_DIR:2:{path}", tmp_path / "o.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), pages[1])


def test_types_that_no_array_has_are_refused(pages, tmp_path):
    path = write_stack(tmp_path / "s.tif", pages, fields={n: {258: 48} for n in range(5)})
    assert "page 1: found 41 x 30 pixels of 1 x uint48, wanted whole numbers of 1 to 32 bits" in (
        error("convert", path, tmp_path / "o.npy"))
    path = write_stack(tmp_path / "s.tif", pages, fields={1: {259: 34712}})
    assert "page 2: compression " in error("convert", path, tmp_path / "o.npy")


def test_what_makes_no_sense_for_a_stack_is_refused(pages, tmp_path):
    path = write_stack(tmp_path / "s.tif", pages)
    for arguments in (["-co", "INTERLEAVE=PIXEL"], ["-co", "AXES=BYX"]):
        assert f"{path}: is a stack of pages, for which there is no " in error(
            "convert", path, tmp_path / "o.b2nd", *arguments)


@pytest.mark.parametrize("directories", [None, 1])
def test_chosen_pages_in_order(convert, pages, tmp_path, directories):
    text = IMAGEJ.format(4, 2, 2, 1)
    path = write_stack(tmp_path / "s.tif", pages[:4], description=text, order=">")
    if directories:  # the pixels of all pages follow those of the first
        path = imagej_without_pages(tmp_path / "t.tif", pages[:4], text)
    np.testing.assert_array_equal(convert(path, "--bands", "4,2,2"), pages[[3, 1, 1]])
    assert convert(path, "--bands", "3").shape == (1, 30, 41)
    assert error("convert", path, tmp_path / "out.npy", "--bands", "5") == (
        f"{path}: page: found 5, wanted 1 to 4")


def test_overviews_of_a_stack(rng, tmp_path):
    pages = rng.integers(0, 9, (2, 300, 200), dtype="u1")
    path = write_stack(tmp_path / "s.tif", pages)
    tool("convert", path, tmp_path / "o.b2nd", "--overviews")
    dataset = gdal.Open(str(tmp_path / "o.b2nd"))
    assert dataset.GetRasterBand(2).GetOverviewCount() == 1


@pytest.mark.parametrize("back_to", [0, 1, 2])
def test_chain_that_leads_back_is_an_error(pages, tmp_path, back_to):
    path = write_stack(tmp_path / "s.tif", pages[:3], next_offset=back_to)
    assert f"{path}: page 4: " in error("convert", path, tmp_path / "o.npy")


def little_memory():
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        return  # it reserves more address space than that
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))


def on_all(fields):
    return {page: fields for page in range(3)}


@pytest.mark.parametrize("fields, message", [
    ({1: {273: 10 ** 9}}, "page 2: strip 0 ends after the file"),
    ({1: {279: 10 ** 9}}, "page 2: strip 0 ends after the file"),
    ({2: {273: 0, 279: 0}}, "page 3: strip 0 is missing"),
    (on_all({256: 2 ** 31 - 1, 257: 2 ** 31 - 1, 278: 2 ** 31 - 1}),
     "page 1: strips or tiles of more than 1 GiB"),
    (on_all({256: 2 ** 20, 257: 2 ** 20, 278: 2 ** 20}),
     "page 1: strips or tiles of more than 1 GiB"),
    (on_all({256: 2 ** 26, 257: 2 ** 31 - 1, 278: 1}), "page 1: "),
    (on_all({256: 0}), "page 1: "),
    (on_all({278: 0}), "page 1: "),
    (on_all({277: 65535}), "page 1: ")])
def test_numbers_that_do_not_fit_the_file_are_errors(pages, tmp_path, fields, message):
    path = write_stack(tmp_path / "s.tif", pages[:3], fields=fields, deflate=True)
    for name in ("o.npy", "o.b2nd"):
        assert message in error("convert", path, tmp_path / name, preexec_fn=little_memory)
    assert [found.name for found in tmp_path.iterdir()] == ["s.tif"]


def test_damaged_strip_is_named_and_the_old_file_stays(pages, tmp_path):
    path = write_stack(tmp_path / "s.tif", pages, deflate=True)
    data = bytearray(path.read_bytes())
    at = data.index(zlib.compress(pages[3].tobytes()))
    data[at + 100:at + 130] = bytes(30)
    path.write_bytes(data)
    (tmp_path / "o.npy").write_bytes(b"old")
    assert f"{path}: page 4: " in error("convert", path, tmp_path / "o.npy")
    assert (tmp_path / "o.npy").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2


def test_arrays_that_are_no_raster_get_no_overviews(rng, tmp_path):
    pages = rng.integers(0, 255, (4, 20, 30, 3), dtype="u1")
    path = write_stack(tmp_path / "s.tif", pages)
    assert error("convert", path, tmp_path / "o.npy", "--overviews") == (
        f"{path}: is a stack of pages, for which there is no --overviews: as (4, 20, 30, 3) it is "
        "no raster")
    assert [found.name for found in tmp_path.iterdir()] == ["s.tif"]


@pytest.mark.slow
def test_more_than_100000_pages(tmp_path):
    count = 120_000
    pages = np.arange(count * 4, dtype="u2").reshape(count, 2, 2)
    path = write_stack(tmp_path / "s.tif", pages, big=True)
    few = write_stack(tmp_path / "few.tif", pages[:count // 10], big=True)
    cost = processor_seconds("convert", few, tmp_path / "o.npy")
    few.unlink()
    # With a look at all pages for each it were a hundred times.
    assert processor_seconds("convert", path, tmp_path / "o.npy") < 30 * cost
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), pages)

    done = run_stopped([PROGRAM, "convert", path, tmp_path / "o.npy"], ".o.npy.partial", 2)
    assert (done.returncode, done.stderr) == (1, "gdal_ndarray convert: interrupted\n")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["o.npy", "s.tif"]
