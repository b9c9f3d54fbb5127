"""Create and update mode of .b2nd files: every order of writes, and a file that is always whole."""

import os

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal, osr
from support import memory_dataset, random_windows

SMALL_CHUNKS = ["BLOCKXSIZE=32", "BLOCKYSIZE=32", "CHUNKXSIZE=128", "CHUNKYSIZE=96"]
ORDERS = {"BAND": (0, 1, 2), "PIXEL": (1, 2, 0), "LINE": (1, 0, 2)}


@pytest.fixture
def create(tmp_path):
    def make(bands=3, height=500, width=700, gdal_type=gdal.GDT_UInt16, options=SMALL_CHUNKS):
        path = str(tmp_path / "new.b2nd")
        driver = gdal.GetDriverByName("B2ND")
        return path, driver.Create(path, width, height, bands, gdal_type, options=options)
    return make


def details(dataset, key):
    return int(dataset.GetMetadataItem(key, "B2ND"))


def write_rows(dataset, array):
    for y in range(0, array.shape[1], 7):
        for band in range(array.shape[0]):
            dataset.GetRasterBand(band + 1).WriteArray(array[band, y:y + 7], 0, y)


def write_bands(dataset, array):
    for band in range(array.shape[0]):
        dataset.GetRasterBand(band + 1).WriteArray(array[band])


def write_blocks(dataset, array):
    for band in range(array.shape[0]):
        target = dataset.GetRasterBand(band + 1)
        width, height = target.GetBlockSize()
        for y in range(0, array.shape[1], height):
            for x in range(0, array.shape[2], width):
                target.WriteArray(array[band, y:y + height, x:x + width], x, y)


def write_windows(dataset, array):
    windows = list(random_windows(np.random.default_rng(3), array.shape[2], array.shape[1], 30))
    for x, y, width, height in windows[1:] + windows[:1]:  # the whole comes last
        dataset.WriteArray(array[:, y:y + height, x:x + width], x, y)
        np.testing.assert_array_equal(dataset.ReadAsArray(x, y, width, height),
                                      array[:, y:y + height, x:x + width])


@pytest.mark.parametrize("interleave", ORDERS)
@pytest.mark.parametrize("write", [write_rows, write_bands, write_blocks, write_windows])
def test_any_order_of_writes(create, rng, write, interleave):
    array = rng.integers(0, 65536, (3, 500, 700), dtype="u2")
    path, dataset = create(options=[*SMALL_CHUNKS, f"INTERLEAVE={interleave}"])
    write(dataset, array)
    np.testing.assert_array_equal(dataset.ReadAsArray(), array)
    dataset.FlushCache()
    np.testing.assert_array_equal(blosc2.open(path)[:], array.transpose(ORDERS[interleave]))
    dataset.WriteArray(array[:, :50, :60] // 2, 600, 400)
    array[:, 400:450, 600:660] = array[:, :50, :60] // 2
    del dataset
    np.testing.assert_array_equal(blosc2.open(path)[:], array.transpose(ORDERS[interleave]))
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), array)


def test_new_file_is_zeros_without_space(create):
    path, dataset = create()
    assert not dataset.ReadAsArray().any()
    del dataset
    assert os.path.getsize(path) < 2000
    assert not blosc2.open(path)[:].any()


def moved_bytes():
    """What this process has read and written through the system so far."""
    return sum(int(line.split()[1]) for line in open("/proc/self/io") if line[1:5] == "char")


def test_sparse_terabyte(create):
    start = moved_bytes()
    path, dataset = create(1, 1 << 19, 1 << 20, options=[])
    spots = [(0, 0), (500_000, 300_000), ((1 << 20) - 10, (1 << 19) - 10)]
    for x, y in spots:
        dataset.GetRasterBand(1).WriteArray(np.full((10, 10), x % 65521 + 1, "u2"), x, y)
    del dataset
    assert os.path.getsize(path) < 1 << 20
    dataset = gdal.Open(path)
    for x, y in spots:
        assert (dataset.ReadAsArray(x, y, 10, 10) == x % 65521 + 1).all()
    assert moved_bytes() - start < 16 << 20


def test_chunks_are_compressed_once_when_they_arrive_chunk_by_chunk(create, rng):
    array = rng.integers(0, 4096, (1, 960, 1280), dtype="u2")
    path, dataset = create(1, 960, 1280)
    for y in range(0, 960, 96):
        for x in range(0, 1280, 128):
            dataset.WriteArray(array[0, y:y + 96, x:x + 128], x, y)
    del dataset
    compressed = details(gdal.Open(path), "COMPRESSED_BYTES")
    array = blosc2.open(path)
    sizes = [len(array.schunk.get_chunk(i)) for i in range(array.schunk.nchunks)]
    assert compressed < sum(sizes) * 1.01


@pytest.mark.parametrize("dtype", ["|b1", "|i1", ">u2", "<i4", ">f4", "<f8", ">c8", "<c16", "<f2"])
def test_files_of_python_blosc2_are_updated(tmp_path, rng, dtype):
    path = str(tmp_path / "theirs.b2nd")
    array = rng.integers(0, 2, (150, 170)).astype(dtype)
    blosc2.asarray(array, urlpath=path, mode="w", chunks=(64, 50), blocks=(20, 30))
    dataset = gdal.Open(path, gdal.GA_Update)
    window = rng.integers(0, 2, (60, 80)).astype(array.dtype.newbyteorder("="))
    shown = window.astype("u1") if dtype == "|b1" else window
    dataset.WriteArray(shown.view("u1") if dtype == "|i1" and not hasattr(gdal, "GDT_Int8")
                       else shown.astype("f4") if dtype == "<f2" else shown, 90, 70)
    del dataset
    array[70:130, 90:170] = window
    np.testing.assert_array_equal(blosc2.open(path)[:], array)
    # And the other way round again.
    theirs = blosc2.open(path, mode="a")
    array[10:100, 20:60] = theirs[10:100, 20:60] = np.array(1, array.dtype)
    del theirs
    np.testing.assert_array_equal(np.asarray(gdal.Open(path).ReadAsArray(), array.dtype), array)


@pytest.mark.parametrize("special", ["zeros", "full", "uninit", "nans"])
def test_special_chunks_are_written_into(tmp_path, special):
    path = str(tmp_path / "special.b2nd")
    arguments = dict(dtype="f4", urlpath=path, mode="w", chunks=(50, 60), blocks=(20, 20))
    if special == "full":
        blosc2.full((130, 140), 2.5, **arguments)
    else:
        getattr(blosc2, special)((130, 140), **arguments)
    expected = np.full((130, 140), {"full": 2.5, "nans": np.nan}.get(special, 0), "f4")
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.WriteArray(np.ones((30, 30), "f4"), 45, 40)
    del dataset
    expected[40:70, 45:75] = 1
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), expected)
    theirs = blosc2.open(path)[:]
    np.testing.assert_array_equal(theirs[40:70, 45:75], 1)


def test_records_keep_their_other_fields(tmp_path, rng):
    path = str(tmp_path / "records.b2nd")
    array = np.zeros((90, 80), [("r", "u1"), ("h", ">f4")])
    array["r"] = rng.integers(0, 255, (90, 80))
    array["h"] = rng.normal(size=(90, 80))
    blosc2.asarray(array, urlpath=path, mode="w", chunks=(40, 40), blocks=(20, 20))
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.GetRasterBand(2).WriteArray(np.full((50, 50), 7, "f4"), 20, 30)
    del dataset
    array["h"][30:80, 20:70] = 7
    np.testing.assert_array_equal(blosc2.open(path)[:], array)


def test_metadata_goes_into_the_file_and_keeps_what_others_keep_there(tmp_path, rng):
    path = str(tmp_path / "meta.b2nd")
    theirs = blosc2.asarray(rng.integers(0, 9, (40, 50), dtype="u1"), urlpath=path, mode="w")
    theirs.schunk.vlmeta["theirs"] = {"list": [1, b"bytes"]}
    del theirs
    dataset = gdal.Open(path, gdal.GA_Update)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32633)
    dataset.SetSpatialRef(crs)
    dataset.SetGeoTransform([1, 2, 0, 3, 0, -4])
    dataset.SetMetadataItem("key", "value")
    dataset.GetRasterBand(1).SetNoDataValue(7)
    dataset.GetRasterBand(1).SetDescription("height")
    del dataset
    assert os.listdir(tmp_path) == ["meta.b2nd"]
    theirs = blosc2.open(path)
    assert theirs.schunk.vlmeta["theirs"] == {"list": [1, b"bytes"]}
    assert theirs.schunk.vlmeta["proj:code"] == "EPSG:32633"
    assert theirs.schunk.vlmeta["spatial:transform"] == [2, 0, 1, 0, -4, 3]
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(1)
    assert dataset.GetSpatialRef().IsSame(crs)
    assert dataset.GetGeoTransform() == (1, 2, 0, 3, 0, -4)
    assert dataset.GetMetadataItem("key") == "value"
    assert (band.GetNoDataValue(), band.GetDescription()) == (7, "height")


def test_old_sidecar_is_taken_into_the_file(tmp_path):
    path = str(tmp_path / "old.b2nd")
    blosc2.zeros((40, 50), dtype="u1", urlpath=path)
    dataset = gdal.Open(path)
    dataset.SetMetadataItem("from", "sidecar")
    del dataset
    assert os.path.exists(path + ".aux.xml")
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.SetMetadataItem("and", "more")
    del dataset
    assert os.listdir(tmp_path) == ["old.b2nd"]
    metadata = gdal.Open(path).GetMetadata()
    assert (metadata["from"], metadata["and"]) == ("sidecar", "more")


def test_what_was_read_before_is_not_read_again_after_a_flush(create, rng):
    """Decoded blocks and directories of chunks that are no more."""
    array = rng.integers(0, 30, (1, 500, 700), dtype="u2")
    path, dataset = create(1)
    band = dataset.GetRasterBand(1)
    for round_ in range(4):
        dataset.WriteArray(array[0])
        dataset.FlushCache()
        for x, y, width, height in random_windows(rng, 700, 500, 30):
            np.testing.assert_array_equal(band.ReadAsArray(x, y, width, height),
                                          array[0, y:y + height, x:x + width])
            band.ReadAsArray(min(x, 690), min(y, 490), 3, 3)
        array = rng.integers(0, 30 * 40 ** round_ % 60000 + 2, array.shape, dtype="u2")


def test_nothing_is_written_when_nothing_changes(create):
    path, dataset = create()
    del dataset
    before = open(path, "rb").read()
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.ReadAsArray()
    dataset.FlushCache()
    del dataset
    assert open(path, "rb").read() == before


def test_readers_keep_a_consistent_view(create, rng):
    array = rng.integers(0, 4096, (3, 500, 700), dtype="u2")
    path, dataset = create()
    dataset.WriteArray(array)
    dataset.FlushCache()
    reader = gdal.Open(path)
    first = reader.ReadAsArray(0, 0, 100, 100)
    dataset.WriteArray(array // 2)
    dataset.FlushCache()
    np.testing.assert_array_equal(reader.ReadAsArray(), array)  # what was committed when it opened
    np.testing.assert_array_equal(first, array[:, :100, :100])
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), array // 2)


def test_closing_leaves_dead_space_to_compact(create, rng, tmp_path):
    array = rng.integers(0, 65536, (1, 2000, 2000), dtype="u2")
    path, dataset = create(1, 2000, 2000, options=[])
    dataset.WriteArray(array[0])
    del dataset
    before = os.stat(path)
    assert details(gdal.Open(path), "DEAD_BYTES") < 2000
    dataset = gdal.Open(path, gdal.GA_Update)
    for _ in range(4):
        dataset.WriteArray(array[0])
        dataset.FlushCache()
    del dataset
    assert os.stat(path).st_ino == before.st_ino
    assert details(gdal.Open(path), "DEAD_BYTES") > 4 * array.nbytes * 0.9
    np.testing.assert_array_equal(blosc2.open(path)[:], array[0])
    assert os.listdir(tmp_path) == ["new.b2nd"]


def test_virtual_files_are_updated(rng):
    path = "/vsimem/update.b2nd"
    array = rng.integers(0, 255, (1, 300, 400), dtype="u1")
    dataset = gdal.GetDriverByName("B2ND").Create(path, 400, 300, 1, options=SMALL_CHUNKS)
    write_rows(dataset, array)
    del dataset
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), array[0])
    gdal.Unlink(path)


def test_utilities_write_it(tmp_path, rng):
    """gdalwarp and gdal_rasterize create and update; gdal_translate copies."""
    array = rng.integers(0, 4000, (400, 500), dtype="u2")
    source = memory_dataset(array)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(4326)
    source.SetSpatialRef(crs)
    source.SetGeoTransform([10, 0.01, 0, 50, 0, -0.01])
    warped = str(tmp_path / "warped.b2nd")
    gdal.Warp(warped, source, format="B2ND", dstSRS="EPSG:3857")
    other = str(tmp_path / "warped.tif")
    gdal.Warp(other, source, dstSRS="EPSG:3857")
    np.testing.assert_array_equal(gdal.Open(warped).ReadAsArray(), gdal.Open(other).ReadAsArray())
    assert gdal.Open(warped).GetGeoTransform() == gdal.Open(other).GetGeoTransform()


@pytest.mark.parametrize("interleave", ORDERS)
@pytest.mark.parametrize("gdal_type, nodata", [
    (gdal.GDT_Float32, -9999.0), (gdal.GDT_Float64, float("nan")), (gdal.GDT_UInt16, 65535),
    (gdal.GDT_Int16, -32768), (gdal.GDT_Byte, 255), (gdal.GDT_Int64, -(1 << 62) - 1)])
def test_what_was_never_written_is_nodata_and_takes_no_space(create, gdal_type, nodata, interleave):
    path, dataset = create(gdal_type=gdal_type, options=[*SMALL_CHUNKS, f"INTERLEAVE={interleave}"])
    for band in range(1, 4):
        dataset.GetRasterBand(band).SetNoDataValue(nodata)
    expected = np.full_like(dataset.ReadAsArray(), nodata)
    np.testing.assert_array_equal(dataset.ReadAsArray(), expected)
    dataset.WriteArray(np.full((3, 5, 7), 3, expected.dtype), 200, 100)
    expected[:, 100:105, 200:207] = 3
    np.testing.assert_array_equal(dataset.ReadAsArray(), expected)
    del dataset
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), expected)
    np.testing.assert_array_equal(blosc2.open(path)[:], expected.transpose(ORDERS[interleave]))
    assert os.path.getsize(path) < 16_000


def test_nodata_fills_only_what_was_never_written(create):
    path, dataset = create(1)
    dataset.WriteArray(np.zeros((96, 128), "u2"), 0, 0)
    dataset.GetRasterBand(1).SetNoDataValue(7)
    dataset.GetRasterBand(1).SetNoDataValue(9)
    expected = np.full((500, 700), 9, "u2")
    expected[:96, :128] = 0
    del dataset
    np.testing.assert_array_equal(blosc2.open(path)[:], expected)
    dataset = gdal.Open(path, gdal.GA_Update)  # all of it counts as written by now
    dataset.GetRasterBand(1).SetNoDataValue(11)
    del dataset
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), expected)
    array = blosc2.open(path, mode="a")
    array[200:300, 100:650] = 5
    expected[200:300, 100:650] = 5
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), expected)


@pytest.mark.parametrize("gdal_type, nodata", [(gdal.GDT_Byte, -9999), (gdal.GDT_UInt16, 65536),
                                               (gdal.GDT_Byte, float("nan")), (gdal.GDT_Byte, 0)])
def test_nodata_that_no_pixel_can_have_fills_nothing(create, gdal_type, nodata):
    path, dataset = create(1, gdal_type=gdal_type)
    dataset.GetRasterBand(1).SetNoDataValue(nodata)
    del dataset
    assert not blosc2.open(path)[:].any()
