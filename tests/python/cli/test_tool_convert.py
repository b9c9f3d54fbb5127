"""gdal_ndarray convert of images: what is in DST, how it is cut, and what goes wrong."""

import os
import pathlib
import signal

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal
from support.stop import run_stopped
from support import memory_dataset
from support.tool import PROGRAM, error, tool, tool_on_terminal

GEOID = pathlib.Path("/usr/share/proj/egm96_15.gtx")


@pytest.fixture
def image(rng):
    return rng.integers(0, 4096, (4, 300, 500), dtype="u2")


@pytest.fixture
def tif(image, tmp_path):
    """A GeoTIFF with metadata of its bands."""
    path = tmp_path / "in.tif"
    dataset = gdal.GetDriverByName("GTiff").CreateCopy(
        str(path), memory_dataset(image), options=["INTERLEAVE=BAND"])
    dataset.SetGeoTransform((500, 2, 0, 900, 0, -3))
    dataset.SetProjection("EPSG:32633")
    dataset.SetMetadataItem("scene", "north")
    for number in range(1, 5):
        dataset.GetRasterBand(number).SetNoDataValue(5)
        dataset.GetRasterBand(number).SetDescription(f"band {number}")
    del dataset
    return str(path)


def cut(path):
    array = blosc2.open(str(path))
    return array.chunks, array.blocks


@pytest.mark.parametrize("name", ["o.npy", "o.b2nd"])
def test_pixels_and_metadata_are_those_of_the_source(tif, image, tmp_path, name):
    assert tool("convert", tif, tmp_path / name) == ""
    dataset = gdal.Open(str(tmp_path / name))
    np.testing.assert_array_equal(dataset.ReadAsArray(), image)
    assert dataset.GetGeoTransform() == (500, 2, 0, 900, 0, -3)
    assert dataset.GetSpatialRef().GetAuthorityCode(None) == "32633"
    assert dataset.GetMetadataItem("scene") == "north"
    band = dataset.GetRasterBand(2)
    assert (band.GetNoDataValue(), band.GetDescription()) == (5, "band 2")


@pytest.mark.skipif(not GEOID.exists(), reason="no geoid grid on this machine")
@pytest.mark.parametrize("access", ["window=512", "window", "rows", "bands", "whole"])
def test_a_real_grid_through_every_access(tmp_path, access):
    expected = gdal.Open(str(GEOID)).ReadAsArray()
    for name in ("o.npy", "o.b2nd"):
        tool("convert", GEOID, tmp_path / name, "--access", access)
        np.testing.assert_array_equal(gdal.Open(str(tmp_path / name)).ReadAsArray(), expected)
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), expected)
    np.testing.assert_array_equal(blosc2.open(str(tmp_path / "o.b2nd"))[:], expected)


def test_chosen_bands_in_order_with_what_belongs_to_them(tif, image, tmp_path):
    tool("convert", tif, tmp_path / "o.b2nd", "--bands", "3,1")
    dataset = gdal.Open(str(tmp_path / "o.b2nd"))
    np.testing.assert_array_equal(dataset.ReadAsArray(), image[[2, 0]])
    assert dataset.GetRasterBand(1).GetDescription() == "band 3"
    assert dataset.GetRasterBand(1).GetNoDataValue() == 5
    assert dataset.GetGeoTransform() == (500, 2, 0, 900, 0, -3)


def test_chosen_band_keeps_its_colours(rng, tmp_path):
    pixels = rng.integers(0, 3, (40, 50), dtype="u1")
    source = memory_dataset(pixels)
    colours = gdal.ColorTable()
    colours.SetColorEntry(1, (10, 20, 30, 255))
    source.GetRasterBand(1).SetColorTable(colours)
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "in.tif"), source)
    tool("convert", tmp_path / "in.tif", tmp_path / "o.npy", "--bands", "1")
    dataset = gdal.Open(str(tmp_path / "o.npy"))
    assert dataset.GetRasterBand(1).GetColorTable().GetColorEntry(1) == (10, 20, 30, 255)


@pytest.mark.parametrize("interleave", ["BAND", "PIXEL"])
@pytest.mark.parametrize("vrt", [False, True])
def test_compressed_tiles_of_several_bands_are_not_mixed_up(rng, tmp_path, interleave, vrt):
    image = rng.integers(0, 4096, (3, 1100, 900), dtype="u2")
    path = tmp_path / "in.tif"
    gdal.GetDriverByName("GTiff").CreateCopy(str(path), memory_dataset(image), options=[
        "TILED=YES", "COMPRESS=DEFLATE", "ZLEVEL=1", f"INTERLEAVE={interleave}"])
    if vrt:
        path = tmp_path / "in.vrt"
        gdal.Translate(str(path), str(tmp_path / "in.tif"), format="VRT")
    for name in ("o.npy", "o.b2nd"):
        tool("convert", path, tmp_path / name, "--overviews")
        np.testing.assert_array_equal(gdal.Open(str(tmp_path / name)).ReadAsArray(), image)
        tool("convert", path, tmp_path / name, "--bands", "3,1")
        np.testing.assert_array_equal(gdal.Open(str(tmp_path / name)).ReadAsArray(), image[[2, 0]])


def test_access_chooses_blocks_and_interleaving(tif, tmp_path):
    path = tmp_path / "o.b2nd"
    cuts = {}
    for access in ("window=64", "window=512", "rows", "bands", "whole"):
        tool("convert", tif, path, "--access", access)
        cuts[access] = cut(path)
    assert cuts["window=64"][1] == (1, 64, 64)
    assert cuts["window=512"][1] == (1, 128, 128)
    assert cuts["rows"][1] == (1, 8, 500)
    assert cuts["bands"][1] == cuts["whole"][1] == (1, 256, 256)
    for access, interleave in (("rows", "LINE"), ("bands", "BAND"), ("window=9", "BAND")):
        tool("convert", tif, tmp_path / "o.npy", "--access", access)
        opened = gdal.Open(str(tmp_path / "o.npy"))
        assert opened.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE") == interleave


@pytest.mark.parametrize("access, option", [
    ("window=512", "INTERLEAVE=PIXEL"), ("whole", "AXES=YXB"), ("rows", "AXES=YXB")])
def test_pixels_of_many_bands_get_smaller_blocks_and_chunks(tmp_path, access, option):
    source = gdal.GetDriverByName("GTiff").Create(
        str(tmp_path / "in.tif"), 300, 300, 150, gdal.GDT_Float64,
        ["SPARSE_OK=YES", "INTERLEAVE=BAND", "TILED=YES"])
    del source
    tool("convert", tmp_path / "in.tif", tmp_path / "o.b2nd", "--access", access, "-co", option)
    array = blosc2.open(str(tmp_path / "o.b2nd"))
    assert np.prod(array.blocks) * 8 <= 512 << 10 and np.prod(array.chunks) * 8 <= 64 << 20
    assert array.blocks[-1] == 150


@pytest.mark.parametrize("access", ["window=32", "window=512", "rows", "bands", "whole"])
@pytest.mark.parametrize("shape", [(300_000, 1), (300_000, 3), (5, 200_000)])
def test_access_to_narrow_images_has_no_tiny_blocks_or_chunks(tmp_path, access, shape):
    np.save(tmp_path / "narrow.npy", np.ones(shape, "u2"))
    tool("convert", tmp_path / "narrow.npy", tmp_path / "o.b2nd", "--access", access)
    chunks, blocks = cut(tmp_path / "o.b2nd")
    assert np.prod(chunks) * 2 >= 300_000
    assert 1_000 <= np.prod(blocks) * 2 <= 256 << 10


def test_creation_options_outdo_access(tif, tmp_path):
    path = tmp_path / "o.b2nd"
    tool("convert", tif, path, "--access", "rows", "-co", "BLOCKXSIZE=50", "-co", "COMPRESS=LZ4")
    assert cut(path)[1] == (1, 8, 50)
    assert blosc2.open(str(path)).schunk.cparams.codec == blosc2.Codec.LZ4
    tool("convert", tif, path, "--access", "bands", "-co", "interleave=pixel")
    assert cut(path)[1][2] == 4


@pytest.mark.parametrize("option", [
    ["-co", "COMPRESS=LZ4"], ["-co=COMPRESS=LZ4"], ["--co", "compress=lz4"], ["--co=COMPRESS=LZ4"]])
def test_every_spelling_of_a_creation_option_before_and_after_paths(tif, tmp_path, option):
    paths = [tif, tmp_path / "o.b2nd"]
    for arguments in ([*option, "--bands", "3,1", *paths], [*paths, *option, "--bands=3,1"]):
        tool("convert", *arguments)
        array = blosc2.open(str(tmp_path / "o.b2nd"))
        assert array.shape[0] == 2 and array.schunk.cparams.codec == blosc2.Codec.LZ4


@pytest.mark.parametrize("arguments, message", [
    (["o.tif"], "DST: found o.tif, wanted a name that ends in .npy, .b2nd, .b2z"),
    (["o.npy", "-co", "COMPRESS=ZSTD"],
     "-co: found COMPRESS, wanted an option of the driver NPY: INTERLEAVE, AXES"),
    (["o.b2nd", "-co", "LEVEL"], "-co: found LEVEL, wanted NAME=VALUE"),
    (["o.b2nd", "-co", "LEVEL=12"], "o.b2nd: LEVEL: found 12, wanted 1 to 9"),
    (["o.b2nd", "-co", "COMPRESS=LZMA"],
     "o.b2nd: COMPRESS: found LZMA, wanted ZSTD, LZ4, LZ4HC, ZLIB, BLOSCLZ or NONE"),
    (["o.npy", "-co", "INTERLEAVE=ROW"],
     "o.npy: INTERLEAVE: found ROW, wanted BAND, PIXEL or LINE"),
    (["o.npy", "--access", "columns"],
     "--access: found columns, wanted window=PIXELS, rows, bands or whole"),
    (["o.npy", "--access", "window=x"],
     "--access: found window=x, wanted window=PIXELS, rows, bands or whole"),
    (["o.npy", "--access", "window="],
     "--access: found window=, wanted window=PIXELS, rows, bands or whole"),
    (["o.npy", "--access", "rows=5"],
     "--access: found rows=5, wanted window=PIXELS, rows, bands or whole"),
    (["o.npy", "--overviews", "--access", "x"],
     "--access: found x, wanted window=PIXELS, rows, bands or whole"),
    (["o.b2nd", "--overviews", "-co", "LEVEL=0"], "o.b2nd: LEVEL: found 0, wanted 1 to 9"),
    (["o.npy", "--access", ""], "--access: "),
    (["o.npy", "--bands", "0"], "--bands: "), (["o.npy", "--bands", "mask"], ""),
    ([], "DST is required"), (["o.npy", "more"], "")])
def test_wrong_usage_is_one_line(tif, tmp_path, arguments, message):
    text = error("convert", tif, *arguments, code=2, cwd=tmp_path)
    assert text.startswith(message), text
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


def test_failures_are_one_line_and_leave_the_old_file(tif, tmp_path):
    old = tmp_path / "o.npy"
    old.write_bytes(b"old")
    assert error("convert", tif, old, "--bands", "2,5") == f"{tif}: band: found 5, wanted 1 to 4"
    assert str(tmp_path / "no.tif") in error("convert", tmp_path / "no.tif", old)
    assert error("convert", tif, tmp_path / "no" / "o.npy").startswith(f"{tmp_path}/no/o.npy: ")
    # Pixels that cannot be read.
    broken = tmp_path / "broken.tif"
    gdal.Translate(str(broken), tif, creationOptions=["COMPRESS=DEFLATE"])
    data = bytearray(broken.read_bytes())
    data[len(data) // 2:len(data) // 2 + 4000] = bytes(4000)
    broken.write_bytes(data)
    assert error("convert", broken, old)
    assert old.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.tif", "in.tif", "o.npy"]


@pytest.mark.parametrize("more", [[], ["--overviews"]])
def test_what_is_no_file_is_refused_as_dst(tif, tmp_path, more):
    (tmp_path / "o.npy").mkdir()
    assert error("convert", tif, tmp_path / "o.npy", *more) == (
        f"{tmp_path / 'o.npy'}: file type: found a folder or special file, wanted a regular file, "
        "or none")
    missing = tmp_path / "no" / "o.b2nd"
    assert error("convert", tif, missing, *more).startswith(f"{missing}: cannot create (as ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.tif", "o.npy"]


def test_a_file_is_not_its_own_source(tif, image, tmp_path):
    path = tmp_path / "o.npy"
    tool("convert", tif, path)
    link = tmp_path / "link.npy"
    link.symlink_to(path)
    for source in (path, link):
        assert error("convert", source, path) == (
            f"{path}: is a file of the source, wanted another one")
    gdal.Translate(str(tmp_path / "view.vrt"), str(path), format="VRT")
    assert "is a file of the source" in error("convert", tmp_path / "view.vrt", path)
    np.testing.assert_array_equal(np.load(path), image)


def test_subdatasets_are_sources(rng, npy, tmp_path):
    stack = rng.integers(0, 99, (3, 5, 20, 30), dtype="i4")
    path = npy(stack, "stack.npy")
    tool("convert", f'NPY:"{path}":[2]', tmp_path / "o.b2nd")
    np.testing.assert_array_equal(blosc2.open(str(tmp_path / "o.b2nd"))[:], stack[2])
    tool("convert", path, tmp_path / "o.b2nd")
    np.testing.assert_array_equal(blosc2.open(str(tmp_path / "o.b2nd"))[:], stack)


def overviews(path):
    dataset = gdal.Open(str(path))
    band = dataset.GetRasterBand(1)
    return [band.GetOverview(level).ReadAsArray() for level in range(band.GetOverviewCount())]


@pytest.mark.parametrize("name", ["o.npy", "o.b2nd"])
def test_overviews_are_averages_down_to_256_pixels(rng, tmp_path, name):
    pixels = rng.integers(0, 1000, (600, 1024)).astype("f4")
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "in.tif"), memory_dataset(pixels))
    tool("convert", tmp_path / "in.tif", tmp_path / name, "--overviews")
    levels = overviews(tmp_path / name)
    assert [level.shape for level in levels] == [(300, 512), (150, 256), (75, 128)]
    mean = pixels.reshape(300, 2, 512, 2).mean((1, 3))
    np.testing.assert_allclose(levels[0], mean, rtol=1e-6)


def test_the_smallest_overview_is_below_256_pixels(tmp_path, rng):
    gdal.GetDriverByName("GTiff").CreateCopy(
        str(tmp_path / "in.tif"), memory_dataset(rng.integers(0, 9, (20, 511), dtype="u1")))
    tool("convert", tmp_path / "in.tif", tmp_path / "o.npy", "--overviews")
    assert [level.shape for level in overviews(tmp_path / "o.npy")] == [(10, 256), (5, 128)]


@pytest.mark.parametrize("name", ["o.npy", "o.b2nd"])
def test_masks_have_overviews_too(tmp_path, rng, name):
    source = memory_dataset(rng.integers(0, 9, (600, 600), dtype="u1"))
    source.CreateMaskBand(gdal.GMF_PER_DATASET)
    mask = np.zeros((600, 600), "u1")
    mask[:300] = 255
    source.GetRasterBand(1).GetMaskBand().WriteArray(mask)
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "in.tif"), source)
    tool("convert", tmp_path / "in.tif", tmp_path / name, "--overviews")
    dataset = gdal.Open(str(tmp_path / name))
    smaller = dataset.GetRasterBand(1).GetOverview(0).GetMaskBand().ReadAsArray()
    np.testing.assert_array_equal(smaller, mask[::2, ::2])


def test_overviews_of_a_palette_have_only_its_values(rng, tmp_path):
    source = memory_dataset(rng.choice(np.array([3, 200], "u1"), (400, 400)))
    colours = gdal.ColorTable()
    colours.SetColorEntry(200, (1, 2, 3, 255))
    source.GetRasterBand(1).SetColorTable(colours)
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "in.tif"), source)
    tool("convert", tmp_path / "in.tif", tmp_path / "o.npy", "--overviews")
    assert set(np.unique(overviews(tmp_path / "o.npy")[0])) == {3, 200}


def test_small_images_get_no_overviews(tmp_path, rng):
    gdal.GetDriverByName("GTiff").CreateCopy(
        str(tmp_path / "in.tif"), memory_dataset(rng.integers(0, 9, (255, 255), dtype="u1")))
    tool("convert", tmp_path / "in.tif", tmp_path / "o.npy", "--overviews")
    assert not (tmp_path / "o.npy.ovr").exists()


def test_failed_overviews_leave_the_image(tif, image, tmp_path):
    (tmp_path / "o.npy.ovr").mkdir()
    (tmp_path / "o.npy.ovr" / "full").touch()
    text = error("convert", tif, tmp_path / "o.npy", "--overviews")
    assert text.endswith(f"({tmp_path / 'o.npy'} is complete, but for this file)")
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), image)


def test_what_cannot_take_its_place_keeps_nothing_else_from_it(tmp_path, rng):
    source = memory_dataset(rng.integers(0, 9, (600, 600), dtype="u1"))
    source.SetGeoTransform((500, 2, 0, 900, 0, -3))
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "in.tif"), source)
    (tmp_path / "o.npy.aux.xml").mkdir()
    (tmp_path / "o.npy.aux.xml" / "full").touch()
    path = tmp_path / "o.npy"
    assert error("convert", tmp_path / "in.tif", path, "--overviews") == (
        f"{path}.aux.xml: cannot create: Is a directory ({path} is complete, but for this file)")
    assert len(overviews(path)) == 2


def test_old_sidecars_go_and_links_stay_where_overviews_are_made(tif, image, tmp_path):
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "o.npy"
    np.save(target, np.zeros((2, 2)))
    target.chmod(0o640)
    link = tmp_path / "link.npy"
    link.symlink_to("far/o.npy")
    (tmp_path / "link.npy.msk").write_bytes(b"old")
    (tmp_path / "far" / ".o.npy.new").mkdir()  # of a killed process
    (tmp_path / "far" / ".o.npy.new" / "o.npy.ovr").write_bytes(b"old")
    tool("convert", tif, link, "--overviews")
    assert link.is_symlink() and target.stat().st_mode & 0o777 == 0o640
    dataset = gdal.Open(str(link))
    np.testing.assert_array_equal(dataset.ReadAsArray(), image)
    assert dataset.GetRasterBand(4).GetOverviewCount() == 1
    assert dataset.GetGeoTransform() == (500, 2, 0, 900, 0, -3)
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["o.npy"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "far", "in.tif", "link.npy", "link.npy.aux.xml", "link.npy.ovr"]


def test_overviews_of_a_name_as_long_as_they_can_be(tif, image, tmp_path):
    path = tmp_path / ("n" * 247 + ".npy")
    for _ in range(2):
        tool("convert", tif, path, "--overviews")
        names = {path.name, path.name + ".ovr"}  # for the other sidecars there is no room
        assert names == set(os.listdir(tmp_path)) - {"in.tif"}
        np.testing.assert_array_equal(gdal.Open(str(path)).ReadAsArray(), image)


def test_interruption_of_overviews_leaves_the_old_file_and_its_own(tmp_path):
    source = gdal.GetDriverByName("GTiff").Create(
        str(tmp_path / "in.tif"), 20000, 20000, 1, gdal.GDT_Byte, ["SPARSE_OK=YES", "TILED=YES"])
    del source
    for name in ("o.b2nd", "o.b2nd.ovr"):
        (tmp_path / name).write_bytes(b"old")
    done = run_stopped([PROGRAM, "convert", tmp_path / "in.tif", tmp_path / "o.b2nd", "--overviews"],
                       ".o.b2nd.new/o.b2nd.ovr", 1)
    assert (done.returncode, done.stderr) == (1, "gdal_ndarray convert: interrupted\n")
    assert sorted(os.listdir(tmp_path)) == ["in.tif", "o.b2nd", "o.b2nd.ovr"]
    assert {(tmp_path / name).read_bytes() for name in ("o.b2nd", "o.b2nd.ovr")} == {b"old"}


def test_an_error_has_a_line_of_its_own_beside_the_bar(tif, tmp_path):
    broken = tmp_path / "broken.tif"
    gdal.Translate(str(broken), tif, creationOptions=["COMPRESS=DEFLATE", "INTERLEAVE=BAND"])
    broken.write_bytes(broken.read_bytes()[:-20000])
    shown = tool_on_terminal("convert", broken, tmp_path / "o.npy", code=1)
    assert "\r\ngdal_ndarray convert: " in shown and shown.startswith("0...10"), shown


def test_progress_is_for_terminals(tif, tmp_path):
    assert "0...10...20" in tool_on_terminal("convert", tif, tmp_path / "o.npy")
    assert tool_on_terminal("convert", tif, tmp_path / "o.npy", "-q") == ""


@pytest.mark.parametrize("name", ["o.npy", "o.b2nd"])
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_leaves_the_old_file_alone(tmp_path, name, signal_number):
    source = gdal.GetDriverByName("GTiff").Create(
        str(tmp_path / "in.tif"), 40000, 40000, 1, gdal.GDT_Float64, ["SPARSE_OK=YES", "TILED=YES"])
    del source
    (tmp_path / name).write_bytes(b"old")
    done = run_stopped([PROGRAM, "convert", tmp_path / "in.tif", tmp_path / name],
                       f".{name}.partial", 2, signal_number)
    assert (done.returncode, done.stderr) == (1, "gdal_ndarray convert: interrupted\n")
    assert (tmp_path / name).read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == sorted(["in.tif", name])


@pytest.mark.parametrize("options", [["COMPRESS=DEFLATE"], ["COMPRESS=LZW", "TILED=YES"], []])
def test_a_source_that_cannot_be_read_is_named(tmp_path, rng, options):
    path = tmp_path / "cut.tif"
    gdal.GetDriverByName("GTiff").CreateCopy(
        str(path), memory_dataset(rng.integers(0, 9999, (500, 600), dtype="u2")), options=options)
    path.write_bytes(path.read_bytes()[:100_000])
    for name in ("o.npy", "o.b2nd"):
        assert "cut.tif" in error("convert", path, tmp_path / name)
    assert "cut.tif" in error("window", path, 0, 0, 600, 500, "-o", tmp_path / "o.npy")
    assert "cut.tif" in error("window", path, 0, 0, 600, 500, "-o", tmp_path / "o.png")
