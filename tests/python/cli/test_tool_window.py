"""gdal_ndarray window: the pixels of a window as .npy, or as a picture to look at."""

import io
import os
import subprocess

import numpy as np
import pytest
from osgeo import gdal
from support.stop import run_stopped
from support import memory_dataset
from support.tool import PROGRAM, error, tool, tool_on_terminal


@pytest.fixture
def image(rng):
    return rng.integers(0, 4096, (4, 90, 120), dtype="u2")


@pytest.fixture
def path(image, npy):
    return npy(image)


def picture(path):
    return gdal.Open(str(path)).ReadAsArray()


def test_npy_of_all_bands(path, image, tmp_path):
    assert tool("window", path, 10, 20, 30, 40, "-o", tmp_path / "out.npy") == ""
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), image[:, 20:60, 10:40])


def test_npy_of_some_bands_in_order(path, image, tmp_path):
    tool("window", path, 0, 0, 5, 6, "--bands", "3,1", "-o", tmp_path / "out.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), image[[2, 0], :6, :5])
    tool("window", path, 0, 0, 5, 6, "--bands", "2", "-o", tmp_path / "out.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), image[1, :6, :5])


def test_npy_goes_to_a_pipe_without_a_name(path, image):
    done = subprocess.run([PROGRAM, "window", path, "1", "2", "3", "4"], check=True,
                          capture_output=True)
    np.testing.assert_array_equal(np.load(io.BytesIO(done.stdout)), image[:, 2:6, 1:4])
    assert done.stderr == b""


@pytest.mark.parametrize("interleave", ["PIXEL", "LINE"])
def test_bands_come_first_whatever_the_source_has(image, tmp_path, interleave):
    source = str(tmp_path / "source.npy")
    gdal.GetDriverByName("NPY").CreateCopy(source, memory_dataset(image), options=[
        f"INTERLEAVE={interleave}"])
    assert np.load(source).shape != image.shape
    tool("window", source, 1, 2, 5, 6, "-o", tmp_path / "out.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), image[:, 2:8, 1:6])
    done = subprocess.run([PROGRAM, "window", source, "1", "2", "5", "6"], check=True,
                          capture_output=True)
    np.testing.assert_array_equal(np.load(io.BytesIO(done.stdout)), image[:, 2:8, 1:6])


def test_georeferencing_is_that_of_the_window(path, tmp_path):
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.SetGeoTransform((500, 2, 0, 900, 0, -3))
    del dataset
    tool("window", path, 10, 20, 30, 40, "-o", tmp_path / "out.npy")
    assert gdal.Open(str(tmp_path / "out.npy")).GetGeoTransform() == (520, 2, 0, 840, 0, -3)


def test_picture_is_stretched_and_its_scale_told(path, image, tmp_path):
    shown = tool("window", path, 0, 0, 120, 90, "-o", tmp_path / "out.png")
    low, high = map(float, np.percentile(image[0], [2, 98], method="nearest"))
    assert shown == f"band 1: black {low:g}, white {high:g}\n"
    expected = np.clip((image[0].astype(float) - low) / (high - low), 0, 1) * 255
    np.testing.assert_allclose(picture(tmp_path / "out.png"), expected, atol=0.51)
    assert sorted(os.listdir(tmp_path)) == ["array.npy", "out.png"]


def test_picture_replaces_an_old_one_and_what_belonged_to_it(path, tmp_path):
    (tmp_path / "far.png").write_bytes(b"old")
    (tmp_path / "out.png").symlink_to("far.png")
    (tmp_path / "out.png.aux.xml").write_bytes(b"old")
    tool("window", path, 0, 0, 20, 10, "-o", tmp_path / "out.png")
    assert picture(tmp_path / "far.png").shape == (10, 20)
    assert (tmp_path / "out.png").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["array.npy", "far.png", "out.png"]


def test_a_file_of_the_source_is_not_replaced(path, image, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gdal.Translate("view.vrt", path, format="VRT")
    for source in ("array.npy", "view.vrt"):
        assert error("window", source, 0, 0, 9, 9, "-o", "./array.npy") == (
            "./array.npy: is a file of the source, wanted another one")
    np.testing.assert_array_equal(np.load(path), image)
    tool("window", path, 0, 0, 20, 10, "-o", "look.png")
    assert "file of the source" in error("window", "look.png", 0, 0, 9, 9, "-o", "look.png")


def test_picture_of_three_bands(path, image, tmp_path):
    shown = tool("window", path, 0, 0, 20, 10, "--bands", "3,2,1", "-o", tmp_path / "out.png")
    assert [line[:6] for line in shown.splitlines()] == ["band 3", "band 2", "band 1"]
    assert picture(tmp_path / "out.png").shape == (3, 10, 20)


def test_colours_of_bytes_are_kept(npy, rng, tmp_path):
    colours = rng.integers(50, 60, (40, 50, 3), dtype="u1")  # YXB: red, green, blue
    tool("window", npy(colours), 5, 6, 7, 8, "-o", tmp_path / "out.png")
    np.testing.assert_array_equal(picture(tmp_path / "out.png").transpose(1, 2, 0),
                                  colours[6:14, 5:12])


def test_invalid_pixels_are_transparent_and_not_counted(npy, tmp_path):
    image = np.linspace(0, 1, 10_000, dtype="f4").reshape(100, 100)
    image[:10] = -9999
    image[10, 0] = np.nan
    path = npy(image)
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.GetRasterBand(1).SetNoDataValue(-9999)
    del dataset
    shown = tool("window", path, 0, 0, 100, 100, "-o", tmp_path / "out.png")
    assert float(shown.split()[3].rstrip(",")) > 0.1
    grey, alpha = picture(tmp_path / "out.png")
    assert not alpha[:10].any() and alpha[10, 0] == 0 and (alpha[11:] == 255).all()


def test_palettes_become_colours(tmp_path):
    dataset = memory_dataset(np.array([[0, 1], [1, 2]], "u1"))
    table = gdal.ColorTable()
    table.SetColorEntry(0, (1, 2, 3))
    table.SetColorEntry(1, (200, 100, 50))
    dataset.GetRasterBand(1).SetColorTable(table)
    path = str(tmp_path / "palette.tif")
    gdal.GetDriverByName("GTiff").CreateCopy(path, dataset)
    tool("window", path, 0, 0, 2, 1, "-o", tmp_path / "out.png")
    np.testing.assert_array_equal(picture(tmp_path / "out.png")[:3, 0].T,
                                  [[1, 2, 3], [200, 100, 50]])


def quadrants(tmp_path):
    """A GeoTIFF of 800 x 600: four values, one of them nodata, in the corners; georeferenced."""
    image = np.zeros((600, 800), "u2")
    image[:300, 400:], image[300:, :400], image[300:, 400:] = 1000, 2000, 3000
    dataset = memory_dataset(image)
    dataset.SetGeoTransform((500_000, 10, 0, 5_000_000, 0, -10))
    dataset.GetRasterBand(1).SetNoDataValue(0)
    path = str(tmp_path / "quadrants.tif")
    gdal.GetDriverByName("GTiff").CreateCopy(path, dataset, options=["COMPRESS=ZSTD"])
    return path


CORNERS = ([0, 0, -1, -1], [0, -1, 0, -1])


def test_smaller_picture(tmp_path):
    path, out = quadrants(tmp_path), tmp_path / "out.png"
    shown = tool("window", path, 0, 0, 800, 600, "--size", 80, "-o", out)
    assert shown == "band 1: black 1000, white 3000\n"
    grey, alpha = picture(out)
    assert grey.shape == (60, 80)
    np.testing.assert_array_equal(grey[CORNERS], [0, 0, 128, 255])
    np.testing.assert_array_equal(alpha[CORNERS], [0, 255, 255, 255])
    tool("window", path, 300, 0, 500, 600, "--size", "10x30", "-o", out)
    assert picture(out).shape == (2, 30, 10)
    tool("window", path, 0, 0, 20, 40, "--size", 80, "-o", out)  # nothing is magnified
    assert picture(out).shape == (2, 40, 20)
    tool("window", path, 0, 0, 800, 1, "--size", 8, "-o", out)
    assert picture(out).shape == (2, 1, 8)


def test_smaller_picture_comes_from_overviews(tmp_path):
    """From them alone: those here hold other pixels than the image, to be told apart."""
    path, out = quadrants(tmp_path), tmp_path / "out.png"
    gdal.Open(path).BuildOverviews("NEAREST", [4])
    dataset = gdal.Open(path + ".ovr", gdal.GA_Update)
    changed = dataset.ReadAsArray()
    changed[changed == 3000] = 0
    changed[changed == 2000] = 9000
    dataset.WriteArray(changed)
    del dataset
    shown = tool("window", path, 0, 0, 800, 600, "--size", 100, "-o", out)
    assert shown == "band 1: black 1000, white 9000\n"
    np.testing.assert_array_equal(picture(out)[1][CORNERS], [0, 255, 255, 0])
    tool("window", path, 0, 0, 800, 600, "--size", 80, "-o", tmp_path / "out.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy")[CORNERS], [0, 1000, 9000, 0])
    assert "white 3000" in tool("window", path, 0, 0, 800, 600, "--size", 700, "-o", out)


def test_smaller_npy_is_georeferenced(tmp_path):
    path, out = quadrants(tmp_path), tmp_path / "out.npy"
    tool("window", path, 400, 200, 400, 400, "--size", "80x40", "-o", out)
    np.testing.assert_array_equal(np.load(out)[CORNERS], [1000, 1000, 3000, 3000])
    assert np.load(out).shape == (40, 80)
    assert gdal.Open(str(out)).GetGeoTransform() == (504_000, 50, 0, 4_998_000, 0, -100)


@pytest.mark.slow  # and not for ASan, whose memory counts
@pytest.mark.parametrize("side", [20_000, 33_000])
def test_a_large_image_is_looked_at_in_little_memory(tmp_path, side):
    """Of 0.8 and 2.2 GB, which int32 does not hold, sparse; at most 2^28 pixels go for those that are written."""
    path = str(tmp_path / "large.npy")
    dataset = gdal.GetDriverByName("NPY").Create(path, side, side, 1, gdal.GDT_UInt16)
    dataset.WriteArray(np.full((10, 10), 700, "u2"), side - 10, side - 10)
    del dataset
    out = tmp_path / "look.png"
    if side == 20_000:
        assert error("window", path, 0, 0, side, side, "-o", out) == (
            "a picture of 20000 x 20000 pixels: wanted at most 2^28 of them; --size 2000 makes a "
            "smaller one")
    limit = ["bash", "-c", 'ulimit -d 500000; exec "$@"', "-", PROGRAM]  # memory, not maps of files
    done = subprocess.run([*limit, "window", path, "0", "0", str(side), str(side), "--size", "800",
                           "-o", out], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert picture(out).shape == (800, 800)


@pytest.mark.parametrize("size, found", [
    ("0", "found 0, wanted PIXELS or WIDTHxHEIGHT"), ("axb", "found axb, wanted"),
    ("10x", "found 10x, wanted"), ("-3", "found -3, wanted"), ("99999999999", "found 99999999999"),
    ("121x10", "found 121x10, wanted at most the window's 120x90")])
def test_wrong_sizes(path, tmp_path, size, found):
    message = error("window", path, 0, 0, 120, 90, f"--size={size}", "-o", tmp_path / "out.png", code=2)
    assert found in message


@pytest.mark.parametrize("window, found", [
    ((100, 0, 30, 10), "30 x 10 pixels at 100, 0"), ((0, 90, 1, 1), "1 x 1 pixels at 0, 90"),
    ((2147483647, 0, 2147483647, 1), "2147483647 x 1 pixels at 2147483647, 0")])
def test_windows_outside_are_refused(path, window, found, tmp_path):
    message = error("window", path, *window, "-o", tmp_path / "out.npy")
    assert message == f"{path}: window: found {found}, wanted one within 120 x 90"


def test_wrong_usage(path, tmp_path):
    png = tmp_path / "out.png"
    assert "wanted a name" in error("window", path, 0, 0, 1, 1, "-o", "out.tif", code=2)
    assert "wanted 1 (grey) or 3" in error("window", path, 0, 0, 1, 1, "--bands", "1,2", "-o", png,
                                          code=2)
    assert "W: " in error("window", path, 0, 0, 0, 1, code=2)
    assert "--bands: " in error("window", path, 0, 0, 1, 1, "--bands", "0", "-o", png, code=2)
    assert "X: " in error("window", path, "x", 0, 0, 1, code=2)
    assert "stdout is a terminal" in tool_on_terminal("window", path, 0, 0, 1, 1, code=2)
    assert error("window", path, 0, 0, 1, 1, "--bands", "5", "-o", png).endswith(
        "band: found 5, wanted 1 to 4")
    assert os.listdir(tmp_path) == ["array.npy"]


@pytest.fixture
def damaged(tmp_path_factory, rng):
    """A GeoTIFF whose second half is gone."""
    path = tmp_path_factory.mktemp("source") / "damaged.tif"
    image = rng.integers(0, 255, (2000, 2000), dtype="u1")
    gdal.GetDriverByName("GTiff").CreateCopy(str(path), memory_dataset(image),
                                             options=["COMPRESS=LZW"])
    os.truncate(path, path.stat().st_size // 2)
    return path


@pytest.mark.parametrize("name", ["old.png", "old.npy"])
def test_an_old_file_stays_when_the_new_one_fails(damaged, tmp_path, name):
    (tmp_path / name).write_bytes(b"old")
    error("window", damaged, 0, 0, 2000, 2000, "-o", tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"old" and os.listdir(tmp_path) == [name]


def test_progress_is_for_terminals(path, tmp_path):
    shown = tool_on_terminal("window", path, 0, 0, 120, 90, "-o", tmp_path / "out.npy")
    assert shown.startswith("0...10...20...") and "100 - done." in shown


def test_interrupt_leaves_nothing_behind(tmp_path):
    """Of 40 GB, of which nothing is written before it stops."""
    source = str(tmp_path / "large.vrt")
    gdal.GetDriverByName("VRT").Create(source, 200_000, 200_000, 1).FlushCache()
    done = run_stopped([PROGRAM, "window", source, 0, 0, 200_000, 200_000, "-o", tmp_path / "out.npy"],
                       ".partial", 2)
    assert (done.returncode, done.stdout, done.stderr) == (
        1, "", "gdal_ndarray window: interrupted\n")
    assert os.listdir(tmp_path) == ["large.vrt"]
