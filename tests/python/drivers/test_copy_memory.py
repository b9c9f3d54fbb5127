"""Memory of copies, and space of their overviews."""

import os
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal
from support import memory_dataset
from support.tool import PROGRAM, tool


KINDS = ["TILED=YES", "TILED=NO", "INTERLEAVE=PIXEL"]


@pytest.fixture(params=KINDS)
def large(request, tmp_path):
    """333 MB of pixels in a file without tiles: what is read of it is zeros."""
    bands, side = (3, 7_450) if request.param.startswith("I") else (1, 12_900)
    path = str(tmp_path / "large.tif")
    gdal.GetDriverByName("GTiff").Create(path, side, side, bands, gdal.GDT_UInt16,
                                         ["SPARSE_OK=YES", request.param])
    return path


@pytest.mark.slow
@pytest.mark.parametrize("driver", ["NPY", "B2ND"])
@pytest.mark.parametrize("interleave", ["BAND", "PIXEL"])
def test_blocks_of_the_source_do_not_fill_gdals_cache(large, tmp_path, driver, interleave):
    most = 0

    def watch(*_):
        nonlocal most
        most = max(most, gdal.GetCacheUsed())
        return 1

    before = gdal.GetCacheMax()
    gdal.SetCacheMax(1 << 30)
    try:
        gdal.GetDriverByName(driver).CreateCopy(
            str(tmp_path / "copy"), gdal.Open(large), options=[f"INTERLEAVE={interleave}"],
            callback=watch)
    finally:
        gdal.SetCacheMax(before)
    assert most < 160 << 20


PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="its own memory")
@pytest.mark.parametrize("name", ["o.npy", "o.b2nd"])
@pytest.mark.parametrize("large, options, megabytes", [
    *((kind, *case) for kind in KINDS for case in [([], 300), (["--overviews"], 400)]),
    ("INTERLEAVE=PIXEL", ["--bands", "1"], 300)], indirect=["large"])
def test_memory_of_convert_is_bounded(large, tmp_path, name, options, megabytes):
    command = [PROGRAM, "convert", "-q", large, tmp_path / name, *options]
    peak = subprocess.run([sys.executable, "-c", PEAK, *map(str, command)], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    assert int(peak) < megabytes << 10


@pytest.mark.parametrize("order", ["BAND", "PIXEL", "LINE"])
@pytest.mark.parametrize("source_order", ["BAND", "PIXEL"])
@pytest.mark.parametrize("path", ["o.npy", "/vsimem/o.npy"])
def test_npy_of_many_bands_in_every_order(tmp_path, rng, order, source_order, path):
    image = rng.integers(0, 9999, (40, 560, 800), dtype="u2")  # more than is copied at a time
    source = str(tmp_path / "in.tif")
    gdal.GetDriverByName("GTiff").CreateCopy(
        source, memory_dataset(image), options=[f"INTERLEAVE={source_order}", "BLOCKYSIZE=48"])
    path = path if path.startswith("/") else str(tmp_path / path)
    shares = []
    gdal.GetDriverByName("NPY").CreateCopy(path, gdal.Open(source),
                                           options=[f"INTERLEAVE={order}"],
                                           callback=lambda done, *_: shares.append(done) or 1)
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), image)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)
    gdal.Unlink(path)


# --- overviews ------------------------------------------------------------------------------


def smooth(dtype):
    y, x = np.mgrid[0:900, 0:1200]
    return (1000 + 500 * np.sin(x / 170) * np.cos(y / 110)).astype(dtype)


@pytest.mark.parametrize("options, codec", [
    ([], "ZSTD"), (["COMPRESS=LZ4"], "ZSTD"), (["COMPRESS=LZ4HC"], "ZSTD"),
    (["COMPRESS=DEFLATE"], "DEFLATE"), (["COMPRESS=NONE"], None)])
@pytest.mark.parametrize("dtype", ["u2", "f4", "c8", "u1"])
def test_overviews_are_compressed_as_their_image_is(tmp_path, options, codec, dtype):
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "in.tif"),
                                             memory_dataset(smooth(dtype)))
    arguments = [word for option in options for word in ("-co", option)]
    tool("convert", tmp_path / "in.tif", tmp_path / "o.b2nd", "--overviews", *arguments)
    overviews = gdal.Open(str(tmp_path / "o.b2nd.ovr"))
    structure = overviews.GetMetadata("IMAGE_STRUCTURE")
    if codec == "ZSTD" and "ZSTD" not in gdal.GetDriverByName("GTiff").GetMetadataItem(
            "DMD_CREATIONOPTIONLIST"):
        codec = "DEFLATE"
    assert structure.get("COMPRESSION") == codec
    predictor = {"u2": "2", "u1": "2", "f4": "3"}.get(dtype) if codec else None
    if "COMPRESS=LZ4" in " ".join(options):
        predictor = None  # fast
    assert structure.get("PREDICTOR") == predictor
    if codec:
        assert os.path.getsize(tmp_path / "o.b2nd.ovr") < 0.3 * smooth(dtype).nbytes  # else 0.33
    expected = smooth(dtype).reshape(450, 2, 600, 2).mean(axis=(1, 3))
    dataset = gdal.Open(str(tmp_path / "o.b2nd"))
    np.testing.assert_allclose(dataset.GetRasterBand(1).GetOverview(0).ReadAsArray(), expected,
                               atol=1, rtol=1e-5)


def test_overviews_of_npy_are_as_the_image_is_and_the_environment_counts(tmp_path, monkeypatch):
    gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "in.tif"),
                                             memory_dataset(smooth("u2")))
    tool("convert", tmp_path / "in.tif", tmp_path / "o.npy", "--overviews")
    structure = gdal.Open(str(tmp_path / "o.npy.ovr")).GetMetadata("IMAGE_STRUCTURE")
    assert "COMPRESSION" not in structure
    monkeypatch.setenv("COMPRESS_OVERVIEW", "LZW")
    for name in ("o.npy", "o.b2nd"):
        tool("convert", tmp_path / "in.tif", tmp_path / name, "--overviews")
        structure = gdal.Open(str(tmp_path / f"{name}.ovr")).GetMetadata("IMAGE_STRUCTURE")
        assert (structure["COMPRESSION"], structure.get("PREDICTOR")) == ("LZW", None)
