"""tools/quickstart, the first thing a newcomer runs, on the images it is meant for."""

import os
import pathlib
import pwd
import re
import subprocess

import numpy as np
import pytest
from osgeo import gdal

# Builds with the user's compiler flags, which is no matter of sanitizers.
pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[3]


def quickstart(*arguments, folder=ROOT):
    return subprocess.run([ROOT / "tools" / "quickstart", *arguments], cwd=folder,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)


def rows(text):
    """The table of windows: for each size the microseconds, by column."""
    lines = text.splitlines()
    head, = [i for i, line in enumerate(lines) if ".npy, GDAL" in line]
    names = [".npy, GDAL", "np.load", ".b2nd, GDAL", "blosc2.open", "GeoTIFF"]
    assert re.split(r"\s{2,}", lines[head].strip()) == names
    found = {}
    for line in lines[head + 1:]:
        row = re.fullmatch(r"\s*(\d+) x \1 ((?:\s+[0-9.]+){5})", line)
        if not row:
            break
        found[int(row[1])] = dict(zip(names, map(float, row[2].split())))
    return found


@pytest.mark.parametrize("own_image", [False, True])
def test_ends_with_three_lines_of_python(tmp_path, rng, own_image):
    arguments = []
    if own_image:
        gdal.Translate(str(tmp_path / "my photo.png"), gdal.Open("/usr/share/proj/egm96_15.gtx"),
                       outputType=gdal.GDT_Byte, width=700, scaleParams=[[]], noData="none")
        arguments = ["my photo.png"]  # a name relative to where the user is
    result = quickstart(*arguments, folder=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    text = result.stdout
    assert text.count(": equal (") == 2
    assert list(rows(text)) == ([64, 256] if own_image else [64, 256, 512])
    assert float(re.search(r"the .npy is ([0-9.]+) times as large", text)[1]) > 1
    assert re.search(r"building: .*minutes.*\n +built in \d+ s", text)
    *_, export, info, start, one, two, three = text.rstrip().splitlines()
    python = start.split("#")[0].strip()
    code = "\n".join([export, info, f"{python} - <<'END'", one, two, three, "END"])
    shown = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True,
                           cwd=tmp_path).stdout
    assert "Driver: B2ND/Blosc2 NDim array (.b2nd)" in shown and shown.rstrip().endswith("]]")
    results = ROOT / "build" / "quickstart" / ("my photo" if own_image else "egm96_15")
    picture = gdal.Open(str(results.with_suffix(".png")))
    assert np.unique(picture.ReadAsArray()).size > 50
    image, compressed = gdal.Open(f"{results}.npy"), gdal.Open(f"{results}.b2nd")
    assert compressed.GetDriver().ShortName == "B2ND"
    assert np.array_equal(image.ReadAsArray(), compressed.ReadAsArray())
    assert compressed.GetGeoTransform() == image.GetGeoTransform()
    crs = image.GetSpatialRef()
    assert crs is None or compressed.GetSpatialRef().IsSame(crs)
    assert crs is not None or compressed.GetSpatialRef() is None


def test_colours_and_small_images(tmp_path, rng):
    picture = gdal.GetDriverByName("MEM").Create("", 100, 70, 3)
    picture.WriteArray(rng.integers(0, 255, (3, 70, 100), dtype="u1"))
    gdal.Translate(str(tmp_path / "colours.png"), picture)
    result = quickstart("colours.png", folder=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert list(rows(result.stdout)) == [64]


def test_an_image_of_which_memory_holds_no_second_one(tmp_path):
    """0.9 GB, with 1.7 GB of address space, of which Python, NumPy and GDAL take some tenths."""
    path = str(tmp_path / "large.tif")
    image = gdal.GetDriverByName("GTiff").Create(path, 22_000, 20_500, 1, gdal.GDT_UInt16, [
        "SPARSE_OK=YES", "TILED=YES", "BLOCKXSIZE=512", "BLOCKYSIZE=512"])
    image.WriteArray(np.arange(300 * 400, dtype="u2").reshape(300, 400), 11_000, 10_000)
    del image
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "GDAL_CACHEMAX": "64"}
    command = f"ulimit -v 1700000; exec {ROOT / 'tools' / 'quickstart'} {path}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True,
                            stdin=subprocess.DEVNULL, env=environment)
    for ending in (".npy", ".b2nd"):
        (ROOT / "build" / "quickstart" / f"large{ending}").unlink(missing_ok=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "GeoTIFF of its middle, 8192 x 8192 pixels" in result.stdout


def test_an_image_for_which_there_is_no_room_is_one_line(tmp_path):
    path = tmp_path / "huge.vrt"
    gdal.GetDriverByName("VRT").Create(str(path), 2_000_000_000, 2_000_000, 1)
    result = quickstart(path)
    assert result.returncode == 1
    assert " GB free, wanted 8000000.0" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_missing_image_is_one_line():
    result = quickstart("/no/such/image.tif")
    assert result.returncode != 0
    assert result.stderr == "quickstart: /no/such/image.tif: No such file or directory\n"
    assert result.stdout == ""  # at once: nothing is built first
    result = quickstart("/vsimem/none.tif")
    assert result.returncode != 0
    assert result.stderr.strip().splitlines()[-1].startswith("quickstart: /vsimem/none.tif: ")
    assert "Traceback" not in result.stderr


def test_usage():
    assert quickstart("a", "b").returncode == 2
    assert "usage: tools/quickstart [IMAGE]" in quickstart("--help").stdout
    assert os.access(ROOT / "tools" / "quickstart", os.X_OK)


def setup(*arguments, **environment):
    return subprocess.run([ROOT / "tools" / "setup", *arguments], env={**os.environ, **environment},
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_setup_says_how_to_configure_and_nothing_else_when_nothing_is_missing():
    result = setup()
    assert (result.returncode, result.stderr) == (0, "")
    [line] = result.stdout.splitlines()
    assert "cmake -S . -B build" in line
    assert os.path.isdir(line.split("-DBlosc2_ROOT=")[1])


def test_folder_of_blosc2_without_home():
    code = "set -u; unset HOME XDG_CACHE_HOME; . tools/lib.sh; blosc2_environment"
    folder = subprocess.run(["bash", "-c", code], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout
    home = pwd.getpwuid(os.getuid()).pw_dir
    assert folder.startswith(f"{home}/.cache/gdal-ndarray/blosc2-")


def test_setup_lists_packages():
    listed = setup("--list").stdout.splitlines()
    assert {"libgdal-dev", "python3-venv"} < set(listed)
    assert listed[-1].startswith("blosc2==")
    assert "python3-qgis" not in listed and "python3-qgis" in setup("--list", "hosts").stdout
    # Who only builds needs no compiler of the tests, and no other Debian.
    built = set(setup("--list", "build").stdout.splitlines())
    assert "libgdal-dev" in built and not {"clang", "debootstrap", "libgtest-dev"} & built


def test_setup_without_network_is_one_message(tmp_path):
    result = setup(XDG_CACHE_HOME=str(tmp_path), PIP_CONFIG_FILE=os.devnull, PIP_RETRIES="0",
                   PIP_INDEX_URL="http://127.0.0.1:9/", PIP_FIND_LINKS="", PIP_EXTRA_INDEX_URL="")
    assert result.returncode == 1
    *details, message = result.stderr.splitlines()
    assert message.startswith("tools/setup: pip could not install blosc2")
    assert "NDARRAY_B2ND=OFF" in message
    assert len(details) <= 5 and "Traceback" not in result.stderr
    assert not list(tmp_path.glob("gdal-ndarray/*"))  # the next run begins anew


def test_setup_names_a_cache_it_cannot_write_to(tmp_path):
    (tmp_path / "file").touch()
    result = setup(XDG_CACHE_HOME=str(tmp_path / "file"))
    assert result.returncode == 1
    assert "tools/setup: cannot write to " in result.stderr.splitlines()[-1]
