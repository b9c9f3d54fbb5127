"""The documents: their links, their length, and the commands that they show."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal, osr

from support.examples import code_of

ROOT = next(folder for folder in pathlib.Path(__file__).parents if (folder / "LICENSE").exists())
sys.path.insert(0, str(ROOT / "data" / "readme"))

import speed  # noqa: E402

DOCUMENTS = sorted(ROOT.glob("*.md")) + sorted(
    path for folder in ("driver", "plugin", "tools", "tests", "data") for path in (ROOT / folder).rglob("*.md"))


def prose(document):
    """Its text without code."""
    text = re.sub(r"(?ms)^```.*?^```$", "", document.read_text(encoding="utf-8"))
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(document):
    """Names of its headings, as GitHub makes them."""
    text = re.sub(r"(?ms)^```.*?^```$", "", document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"(?m)^#+ (.*)$", text)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_resolve(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (document.parent / path) if path else document
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target


def test_installed_documents_link_to_what_is_installed():
    cmake = (ROOT / "driver" / "raster" / "CMakeLists.txt").read_text(encoding="utf-8")
    installed = {ROOT / name for name in re.search(r"(?s)foreach\(document (.*?)\)", cmake)[1].split()}
    for document in installed:
        if document.suffix == ".md":
            for target in re.findall(r"\]\(([^)#\s]+)", prose(document)):
                assert ":" in target or (document.parent / target).resolve() in installed, (document, target)


def test_readme_is_read_in_minutes():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 180


def test_picture_shows_the_figures_of_the_tables():
    tables = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    assert speed.PICTURE.read_text(encoding="utf-8") == speed.draw(tables)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the files that the README's commands begin with."""
    folder = tmp_path_factory.mktemp("readme")
    place = osr.SpatialReference()
    place.ImportFromEPSG(32633)
    lines = np.arange(2600, dtype="u2")[:, None]
    dataset = gdal.GetDriverByName("GTiff").Create(str(folder / "scene.tif"), 1600, 2600, 1,
                                                   gdal.GDT_UInt16)
    dataset.SetSpatialRef(place)
    dataset.SetGeoTransform([500000, 10, 0, 5400000, 0, -10])
    dataset.WriteArray(lines + np.arange(1600, dtype="u2"))
    del dataset
    photo = gdal.GetDriverByName("MEM").Create("", 90, 60, 3)
    photo.WriteArray(np.zeros((3, 60, 90), "u1"))
    gdal.GetDriverByName("JPEG").CreateCopy(str(folder / "photo.jpg"), photo)
    (folder / "tiles").mkdir()
    for line in code_of("README.md", "Use / gdal_translate, gdalinfo and the rest").splitlines():
        if shutil.which(line.split()[0]):
            subprocess.run(line, shell=True, check=True, cwd=folder, capture_output=True)
    return folder


def test_commands_of_the_readme(folder):
    scene = gdal.Open(str(folder / "scene.tif")).ReadAsArray()
    for name in ("scene.npy", "scene.b2nd", "fast.b2nd"):
        np.testing.assert_array_equal(gdal.Open(str(folder / name)).ReadAsArray(), scene)
    assert np.load(folder / "photo.npy").shape == (60, 90, 3)
    assert gdal.Open(str(folder / "scene.npy")).GetRasterBand(1).GetOverviewCount() == 3
    assert gdal.Open(str(folder / "warped.npy")).GetSpatialRef().GetAuthorityCode(None) == "3857"


@pytest.mark.parametrize("code, module", [
    (code_of("README.md", "Use / Python"), "blosc2"),
    (code_of("README.md", "Use / rasterio"), "rasterio")], ids=["osgeo", "rasterio"])
def test_python_of_the_readme(folder, code, module):
    if subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode:
        pytest.skip(f"no {module}")
    checks = """
import numpy
scene = numpy.load("scene.npy")[2000:2512, 1000:1512]
assert numpy.array_equal(window, scene), "window"
if "pixels" in globals():
    assert numpy.array_equal(same, scene), "blosc2"
    del dataset, band
    assert numpy.array_equal(pixels[2000:2512, 1000:1512], scene), "pixels"
"""
    subprocess.run([sys.executable, "-c", code + checks], check=True, cwd=folder,
                   env={**os.environ, "PYTHONWARNINGS": "ignore"})
