"""gdal_translate -of B2ND: python-blosc2 reads what GDAL was given, and GDAL reads all of it again."""

import os
import subprocess
import sys

import numpy as np
import pytest
from support.b2nd import blosc2, codec_of
from osgeo import gdal, osr
from support import memory_dataset, random_values, random_windows

ORDERS = {"BAND": (0, 1, 2), "PIXEL": (1, 2, 0), "LINE": (1, 0, 2)}


@pytest.fixture
def driver():
    return gdal.GetDriverByName("B2ND")


@pytest.mark.parametrize("interleave", ORDERS)
@pytest.mark.parametrize("bands", [1, 3, 7])
def test_every_creatable_type_comes_back_as_itself(driver, tmp_path, rng, interleave, bands):
    for name in driver.GetMetadataItem(gdal.DMD_CREATIONDATATYPES).split():
        gdal_type = gdal.GetDataTypeByName(name)
        array = random_values(rng, gdal_type, (bands, 133, 290))
        path = str(tmp_path / f"{name}.b2nd")
        driver.CreateCopy(path, memory_dataset(array), options=[f"INTERLEAVE={interleave}"])
        stored = blosc2.open(path)[:]
        assert stored.dtype == array.dtype, name
        expected = array.transpose(ORDERS[interleave])
        np.testing.assert_array_equal(stored, expected.squeeze() if bands == 1 else expected)
        dataset = gdal.Open(path)
        assert dataset.GetRasterBand(bands).DataType == gdal_type
        np.testing.assert_array_equal(dataset.ReadAsArray(), array[0] if bands == 1 else array)


@pytest.mark.parametrize("axes", ["BYX", "YXB", "YBX", "BXY", "XYB", "XBY"])
@pytest.mark.parametrize("shape", [(3, 13, 17), (9, 8, 3), (2, 300, 140)])
def test_axes_in_any_order_are_remembered(driver, tmp_path, rng, axes, shape):
    bands = rng.integers(0, 250, shape, dtype="u1")
    path = str(tmp_path / "axes.b2nd")
    driver.CreateCopy(path, memory_dataset(bands), options=[f"AXES={axes}"])
    np.testing.assert_array_equal(blosc2.open(path)[:], np.einsum(f"byx->{axes.lower()}", bands))
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), bands)
    assert os.listdir(tmp_path) == ["axes.b2nd"]


CODECS = ["ZSTD", "LZ4", "LZ4HC", "ZLIB", "BLOSCLZ", "NONE"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("filter_name", ["AUTO", "NONE", "SHUFFLE", "BITSHUFFLE", "BYTEDELTA"])
def test_codecs_and_filters(driver, tmp_path, rng, codec, filter_name):
    image = (np.cumsum(rng.integers(-3, 4, (3, 270, 310)), axis=2) + 1000).astype("u2")
    path = str(tmp_path / "codec.b2nd")
    for interleave in ORDERS:
        driver.CreateCopy(path, memory_dataset(image), options=[
            f"COMPRESS={codec}", f"FILTER={filter_name}", f"INTERLEAVE={interleave}"])
        dataset = gdal.Open(path)
        np.testing.assert_array_equal(dataset.ReadAsArray(), image)
        np.testing.assert_array_equal(blosc2.open(path)[:], image.transpose(ORDERS[interleave]))
        assert codec_of(dataset) == codec
        if codec == "ZSTD" and filter_name != "NONE":
            assert os.path.getsize(path) < image.nbytes / 2


def test_shapes_are_as_asked_for(driver, tmp_path, rng):
    image = rng.integers(0, 9, (300, 500), dtype="u2")
    path = str(tmp_path / "shapes.b2nd")
    driver.CreateCopy(path, memory_dataset(image), options=[
        "BLOCKXSIZE=32", "BLOCKYSIZE=16", "CHUNKXSIZE=96", "CHUNKYSIZE=64", "NUM_THREADS=2"])
    array = blosc2.open(path)
    assert (array.chunks, array.blocks) == ((64, 96), (16, 32))
    np.testing.assert_array_equal(array[:], image)


@pytest.mark.parametrize("size, chunks, blocks", [
    ((3000, 3000), (1024, 1024), (128, 128)), ((100, 3000), (100, 3072), (100, 128)),
    ((1, 1), (1, 1), (1, 1)), ((200, 130), (256, 256), (128, 128))])
def test_default_shapes(driver, tmp_path, size, chunks, blocks):
    path = str(tmp_path / "default.b2nd")
    driver.CreateCopy(path, memory_dataset(np.ones(size, "u2")))
    array = blosc2.open(path)
    assert (array.chunks, array.blocks) == (chunks, blocks)


@pytest.mark.parametrize("dtype, interleave, options, filters", [
    ("u1", "BAND", [], "BYTEDELTA(1)"), ("u1", "PIXEL", [], "SHUFFLE(3),BYTEDELTA(3)"),
    ("u2", "BAND", [], "SHUFFLE(2),BYTEDELTA(2)"), ("f4", "BAND", [], "SHUFFLE(4),BYTEDELTA(4)"),
    ("u1", "BAND", ["COMPRESS=LZ4"], "BITSHUFFLE(0)"),
    ("u2", "BAND", ["COMPRESS=LZ4"], "BITSHUFFLE(0)"), ("u1", "BAND", ["FILTER=SHUFFLE"], "")])
def test_filters_suit_the_bytes_of_a_pixel(driver, tmp_path, rng, dtype, interleave, options, filters):
    image = rng.integers(0, 9, (3, 200, 300)).astype(dtype)
    path = str(tmp_path / "default.b2nd")
    driver.CreateCopy(path, memory_dataset(image), options=[f"INTERLEAVE={interleave}", *options])
    array = blosc2.open(path)
    cparams = array.schunk.cparams
    found = zip(cparams.filters, cparams.filters_meta)
    assert ",".join(f"{f.name}({meta})" for f, meta in found if f.name != "NOFILTER") == filters
    np.testing.assert_array_equal(array[:], image.transpose(ORDERS[interleave]))


@pytest.mark.parametrize("dtype, options, level", [
    ("u1", [], 1), ("u2", [], 1), ("f4", [], 3), ("f8", [], 1), ("f4", ["COMPRESS=LZ4"], 5),
    ("f4", ["COMPRESS=LZ4HC"], 9), ("f4", ["LEVEL=7"], 7)])
def test_default_level(driver, tmp_path, rng, dtype, options, level):
    image = rng.integers(0, 9, (1, 200, 300)).astype(dtype)
    path = str(tmp_path / "level.b2nd")
    driver.CreateCopy(path, memory_dataset(image), options=options)
    assert gdal.Open(path).GetMetadataItem("LEVEL", "B2ND") == str(level)


def test_zeros_take_no_space(driver, tmp_path):
    path = str(tmp_path / "zeros.b2nd")
    image = np.zeros((5000, 5000), "u2")
    image[4000, 4000] = 7
    driver.CreateCopy(path, memory_dataset(image))
    assert os.path.getsize(path) < 10_000
    np.testing.assert_array_equal(blosc2.open(path)[:], image)


@pytest.mark.parametrize("option, found", [
    ("COMPRESS=GZIP", "COMPRESS: found GZIP"), ("LEVEL=10", "LEVEL: found 10"),
    ("LEVEL=x", "LEVEL: found x"), ("FILTER=DELTA", "FILTER: found DELTA"),
    ("BLOCKXSIZE=0", "BLOCKXSIZE: found 0"), ("CHUNKXSIZE=100", "CHUNKXSIZE: found 100"),
    ("CHUNKYSIZE=-1", "CHUNKYSIZE: found -1"), ("AXES=YX", "AXES: found YX"),
    ("INTERLEAVE=TILE", "INTERLEAVE: found TILE")])
def test_impossible_options_are_errors_before_work(driver, tmp_path, errors, option, found):
    path = tmp_path / "bad.b2nd"
    source = memory_dataset(np.zeros((2, 300, 300), "u2"))
    assert driver.CreateCopy(str(path), source, options=[option]) is None
    mine = [text for text in errors if text.startswith(str(path))]  # GDAL has its own warnings
    assert len(mine) == 1 and found in mine[0]
    assert os.listdir(tmp_path) == []


def test_chunks_of_2_gib_are_refused(driver, tmp_path, errors):
    source = gdal.GetDriverByName("VRT").Create("", 65536, 65536, 1, gdal.GDT_Float64)
    assert driver.CreateCopy(str(tmp_path / "huge.b2nd"), source, options=[
        "CHUNKXSIZE=65536", "CHUNKYSIZE=32768"]) is None
    assert "chunks of less than 2 GiB" in errors[-1]
    assert os.listdir(tmp_path) == []


def rich_source():
    """Everything that GDAL keeps of a raster, on three bands."""
    source = memory_dataset((np.arange(3 * 40 * 50).reshape(3, 40, 50) % 200).astype("u1"))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32633)
    source.SetSpatialRef(crs)
    source.SetGeoTransform([500000, 10, 0.5, 5000000, 0.25, -10])
    source.SetMetadata({"AREA_OR_POINT": "Point", "key": "värde"})
    source.SetMetadata({"other": "1"}, "DOMAIN")
    source.SetMetadata(["<a><b>xml</b></a>"], "xml:THING")
    for number in (1, 2, 3):
        band = source.GetRasterBand(number)
        band.SetDescription(f"band {number}")
        band.SetNoDataValue(number)
        band.SetScale(0.5 * number)
        band.SetOffset(-number)
        band.SetUnitType("m")
        band.SetMetadataItem("of", str(number))
    colours = gdal.ColorTable()
    colours.SetColorEntry(3, (10, 20, 30, 255))
    table = gdal.RasterAttributeTable()
    table.CreateColumn("class", gdal.GFT_String, gdal.GFU_Name)
    table.SetRowCount(1)
    table.SetValueAsString(0, 0, "forest")
    band = source.GetRasterBand(1)
    band.SetColorTable(colours)
    band.SetColorInterpretation(gdal.GCI_PaletteIndex)
    band.SetCategoryNames(["none", "one"])
    band.SetDefaultRAT(table)
    band.SetStatistics(1, 2, 1.5, 0.25)
    source.GetRasterBand(2).SetColorInterpretation(gdal.GCI_AlphaBand)
    return source


DESCRIBE = """
import sys
from osgeo import gdal
gdal.UseExceptions()
dataset = gdal.Open(sys.argv[1])
print(dataset.GetGeoTransform(), dataset.GetSpatialRef().ExportToWkt(),
      sorted(dataset.GetMetadata().items()), dataset.GetMetadata("DOMAIN"),
      dataset.GetMetadata("xml:THING"))
for number in (1, 2, 3):
    band = dataset.GetRasterBand(number)
    table, colours = band.GetDefaultRAT(), band.GetColorTable()
    print(band.GetDescription(), band.GetNoDataValue(), band.GetScale(), band.GetOffset(),
          band.GetUnitType(), sorted(band.GetMetadata().items()), band.GetColorInterpretation(),
          band.GetCategoryNames(), colours and colours.GetColorEntry(3),
          table and table.GetValueAsString(0, 0), band.GetStatistics(False, False))
"""


def test_metadata_comes_back_through_the_file_itself(driver, tmp_path):
    path = str(tmp_path / "rich.b2nd")
    driver.CreateCopy(path, rich_source())
    assert os.listdir(tmp_path) == ["rich.b2nd"]
    # The same driver's plain files leave all of it to GDAL's sidecar.
    plain = str(tmp_path / "rich.npy")
    gdal.GetDriverByName("NPY").CreateCopy(plain, rich_source())
    assert os.path.exists(plain + ".aux.xml")

    def described(name):
        run = subprocess.run([sys.executable, "-c", DESCRIBE, name], capture_output=True,
                             text=True, check=True)
        return run.stdout

    assert "forest" in described(path)
    assert described(path) == described(plain)


def test_ground_control_points_come_back(driver, tmp_path):
    source = memory_dataset(np.zeros((40, 50), "u1"))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(4326)
    points = [gdal.GCP(10 + i, 50 - i * i, 0, 5 * i, 7 * i) for i in range(4)]
    source.SetGCPs(points, crs)
    driver.CreateCopy(str(tmp_path / "gcp.b2nd"), source)
    back = gdal.Open(str(tmp_path / "gcp.b2nd"))
    assert [(p.GCPX, p.GCPY, p.GCPPixel, p.GCPLine) for p in back.GetGCPs()] == [
        (p.GCPX, p.GCPY, p.GCPPixel, p.GCPLine) for p in points]
    assert back.GetGCPSpatialRef().IsSame(crs)


def test_attributes_are_plain_values_in_python(driver, tmp_path):
    path = str(tmp_path / "plain.b2nd")
    driver.CreateCopy(path, rich_source())
    array = blosc2.open(path)
    attributes = array.schunk.vlmeta
    assert attributes["spatial:transform"] == [10, 0.5, 500000, 0.25, -10, 5000000]
    assert attributes["spatial:dimensions"] == ["y", "x"]
    assert attributes["dimension_names"] == ["band", "y", "x"]
    assert [entry["name"] for entry in attributes["zarr_conventions"]] == ["proj:", "spatial:"]
    assert attributes["proj:code"] == "EPSG:32633"
    assert attributes["proj:wkt2"].startswith("PROJCRS[")
    assert len(attributes) <= 8  # of the 16 that Blosc2 keeps
    assert attributes["gdal"]["axes"] == "BYX"


def test_file_is_updated_by_blosc2_and_read_again(driver, tmp_path, rng):
    path = str(tmp_path / "update.b2nd")
    image = rng.integers(0, 4000, (700, 900), dtype="u2")
    driver.CreateCopy(path, memory_dataset(image), options=["CHUNKXSIZE=256", "CHUNKYSIZE=256"])
    array = blosc2.open(path, mode="a")
    image[100:300, 400:600] = array[100:300, 400:600] = 4095
    array.schunk.vlmeta["mine"] = "kept"
    del array
    dataset = gdal.Open(path)
    assert dataset.GetMetadataItem("mine") == "kept"
    for x, y, width, height in random_windows(rng, 900, 700, 20):
        np.testing.assert_array_equal(dataset.ReadAsArray(x, y, width, height),
                                      image[y:y + height, x:x + width])


def test_virtual_files(driver, rng):
    image = rng.integers(0, 255, (300, 400), dtype="u1")
    driver.CreateCopy("/vsimem/copy.b2nd", memory_dataset(image))
    np.testing.assert_array_equal(gdal.Open("/vsimem/copy.b2nd").ReadAsArray(), image)
    gdal.Unlink("/vsimem/copy.b2nd")


def test_standard_output_is_refused(driver, errors):
    assert driver.CreateCopy("/vsistdout/", memory_dataset(np.zeros((9, 9), "u1"))) is None
    assert "file system: found one that only appends" in errors[-1]


# --- whatever goes wrong, the old file is there, or the new one ------------------------------

OLD = np.arange(12, dtype="f8").reshape(3, 4)


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old.b2nd"
    blosc2.asarray(OLD, urlpath=str(path), mode="w")
    return path


@pytest.mark.parametrize("stop_at", [0.0, 0.3, 0.9, 1.0])
def test_interruption_keeps_the_old_file(driver, old, errors, stop_at):
    source = memory_dataset(np.ones((3, 2000, 2000), "u2"))
    assert driver.CreateCopy(str(old), source, callback=lambda done, *_: done < stop_at) is None
    assert "interrupted" in errors[-1]
    np.testing.assert_array_equal(blosc2.open(str(old))[:], OLD)
    assert os.listdir(old.parent) == ["old.b2nd"]


MEASURED_COPY = """
import re, sys
import numpy as np
from osgeo import gdal, gdal_array
gdal.UseExceptions()
gdal.SetCacheMax(16 << 20)
# Every pixel of a small image many times over: no chunk is of one value.
noise = np.random.default_rng(1).integers(0, 4096, (500, 1000), dtype="u2")
small = gdal_array.OpenArray(noise)
source = gdal.Translate("", small, format="VRT", width=30000, height=20000)
gdal.GetDriverByName("B2ND").CreateCopy(sys.argv[1], source)
# Not ru_maxrss: it counts what the parent had when it forked.
print(int(re.search("VmHWM:[^0-9]*([0-9]+)", open("/proc/self/status").read())[1]) / 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_image(tmp_path):
    path = str(tmp_path / "large.b2nd")
    run = subprocess.run([sys.executable, "-c", MEASURED_COPY, path], check=True,
                         capture_output=True, text=True)
    noise = np.random.default_rng(1).integers(0, 4096, (500, 1000), dtype="u2")
    assert (gdal.Open(path).ReadAsArray(29990, 19990, 10, 10) == noise[-1, -1]).all()
    assert float(run.stdout) < 300  # MB, of 1.2 GB


@pytest.mark.parametrize("codec", CODECS)
def test_chunks_of_zeros_take_no_space(driver, tmp_path, codec):
    path = str(tmp_path / "zeros.b2nd")
    image = np.zeros((1500, 2000), "u2")
    image[0, 0] = 1
    driver.CreateCopy(path, memory_dataset(image), options=[
        f"COMPRESS={codec}", "CHUNKXSIZE=256", "CHUNKYSIZE=256"])
    assert os.path.getsize(path) < 300000
    np.testing.assert_array_equal(blosc2.open(path)[:], image)
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), image)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("value, dtype", [(7, "u1"), (-9999, "f4"), (np.nan, "f8"), (1 - 2j, "c16")])
def test_chunks_of_one_value_take_no_space(driver, tmp_path, codec, value, dtype):
    image = np.full((1536, 1024), value, dtype)
    image[1100, 300] = 3
    path = str(tmp_path / "flat.b2nd")
    driver.CreateCopy(path, memory_dataset(image), options=[
        f"COMPRESS={codec}", "CHUNKYSIZE=512", "BLOCKXSIZE=128", "BLOCKYSIZE=128"])
    array = blosc2.open(path)
    assert [len(array.schunk.get_chunk(i)) for i in range(2)] == [32 + image.itemsize] * 2
    np.testing.assert_array_equal(array[:], image)
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), image)
