"""Create, CreateCopy, update: np.load sees what GDAL was given."""

import os
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal, gdal_array
from support import HAS_INT8, memory_dataset, random_values, random_windows, swap


def creatable_types():
    names = gdal.GetDriverByName("NPY").GetMetadataItem(gdal.DMD_CREATIONDATATYPES)
    return [gdal.GetDataTypeByName(name) for name in names.split()]


@pytest.mark.parametrize("interleave", ["BAND", "PIXEL", "LINE"])
@pytest.mark.parametrize("bands", [1, 3, 7])
def test_every_creatable_type_comes_back_as_itself(plugin, tmp_path, rng, interleave, bands):
    for gdal_type in creatable_types():
        name = gdal.GetDataTypeName(gdal_type)
        array = random_values(rng, gdal_type, (bands, 13, 17))
        created = str(tmp_path / f"created_{name}.npy")
        options = [f"INTERLEAVE={interleave}"]
        dataset = plugin.Create(created, 17, 13, bands, gdal_type, options=options)
        dataset.WriteArray(array)
        del dataset
        copied = str(tmp_path / f"copied_{name}.npy")
        plugin.CreateCopy(copied, memory_dataset(array), options=options)
        for path in [created, copied]:
            loaded = np.load(path)
            assert loaded.dtype == array.dtype, name
            expected = array.transpose({"BAND": (0, 1, 2), "PIXEL": (1, 2, 0),
                                        "LINE": (1, 0, 2)}[interleave])
            np.testing.assert_array_equal(loaded, expected.squeeze() if bands == 1 else expected)
            dataset = gdal.Open(path)
            assert dataset.RasterCount == bands
            assert dataset.GetRasterBand(bands).DataType == gdal_type
            got = dataset.ReadAsArray()
            np.testing.assert_array_equal(got, array[0] if bands == 1 else array)
            if interleave == "BAND":
                np.testing.assert_array_equal(loaded, got)


def test_signed_bytes(plugin, tmp_path):
    """A type of its own since GDAL 3.7, an option of Byte before."""
    path = str(tmp_path / "signed.npy")
    if HAS_INT8:
        dataset = plugin.Create(path, 4, 3, 1, gdal.GDT_Int8)
    else:
        dataset = plugin.Create(path, 4, 3, 1, gdal.GDT_Byte, options=["PIXELTYPE=SIGNEDBYTE"])
    dataset.GetRasterBand(1).WriteArray(np.full((3, 4), -5, "i1"))
    copy = str(tmp_path / "copy.npy")
    plugin.CreateCopy(copy, dataset)
    del dataset
    for written in [path, copy]:
        np.testing.assert_array_equal(np.load(written), np.full((3, 4), -5, "i1"))


@pytest.mark.parametrize("axes", ["BYX", "YXB", "YBX", "BXY", "XYB", "XBY"])
@pytest.mark.parametrize("shape", [(3, 13, 17), (9, 8, 3), (2, 40, 4)])
def test_axes_in_any_order_are_remembered(plugin, tmp_path, rng, axes, shape):
    bands = rng.integers(0, 250, shape, dtype="u1")
    path = str(tmp_path / "axes.npy")
    plugin.CreateCopy(path, memory_dataset(bands), options=[f"AXES={axes}"])
    np.testing.assert_array_equal(np.load(path), np.einsum(f"byx->{axes.lower()}", bands))
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), bands)


@pytest.mark.parametrize("axes, shape", [("XY", (1, 7, 5)), ("BX", (4, 1, 6)), ("XB", (4, 1, 6)),
                                         ("X", (1, 1, 6))])
def test_fewer_axes_are_remembered(plugin, tmp_path, rng, axes, shape):
    bands = rng.integers(0, 250, shape, dtype="u1")
    path = str(tmp_path / "axes.npy")
    plugin.CreateCopy(path, memory_dataset(bands), options=[f"AXES={axes}"])
    assert np.load(path).ndim == len(axes)
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray().reshape(shape), bands)


def test_axes_are_not_remembered_for_another_array(plugin, tmp_path):
    """np.save knows nothing of the sidecar of the file that it replaces."""
    path = str(tmp_path / "again.npy")
    plugin.CreateCopy(path, gdal.GetDriverByName("MEM").Create("", 5, 6, 3),
                      options=["INTERLEAVE=PIXEL"])
    np.save(path, np.zeros((3, 100, 100), "u1"))
    dataset = gdal.Open(path)
    assert (dataset.RasterCount, dataset.RasterYSize, dataset.RasterXSize) == (3, 100, 100)


def test_interleave_of_the_source_is_kept(plugin, tmp_path, rng):
    bands = rng.integers(0, 250, (3, 13, 17), dtype="u1")
    source = gdal.GetDriverByName("GTiff").CreateCopy(
        "/vsimem/source.tif", memory_dataset(bands), options=["INTERLEAVE=PIXEL"])
    path = str(tmp_path / "copy.npy")
    plugin.CreateCopy(path, source)
    assert np.load(path).shape == (13, 17, 3)


@pytest.mark.parametrize("prepare", [np.ascontiguousarray, np.asfortranarray, swap],
                         ids=["c", "fortran", "swapped"])
@pytest.mark.parametrize("axes", ["BYX", "YXB"])
def test_update_changes_the_window_and_nothing_else(npy, rng, prepare, axes):
    bands = rng.integers(0, 60000, (5, 60, 50), dtype="u2")
    path = npy(prepare(np.einsum(f"byx->{axes.lower()}", bands)))
    before = os.stat(path)
    dataset = gdal.OpenEx(path, gdal.OF_UPDATE, open_options=[f"AXES={axes}"])
    for x, y, w, h in random_windows(rng, 50, 60, 20):
        band = int(rng.integers(0, 5))
        patch = rng.integers(0, 60000, (h, w), dtype="u2")
        dataset.GetRasterBand(band + 1).WriteArray(patch, x, y)
        bands[band, y:y + h, x:x + w] = patch
    patch = rng.integers(0, 60000, (5, 10, 10)).astype("f4")  # converted, all bands
    dataset.WriteArray(patch, 7, 8)
    bands[:, 8:18, 7:17] = patch
    np.testing.assert_array_equal(dataset.ReadAsArray(), bands)
    del dataset
    np.testing.assert_array_equal(np.load(path), np.einsum(f"byx->{axes.lower()}", bands))
    assert (os.stat(path).st_ino, os.stat(path).st_size) == (before.st_ino, before.st_size)


def test_blocks_and_windows_are_coherent(npy, rng):
    """Writes through GDAL's block cache and around it, mixed."""
    path = npy(np.zeros((100, 80), "u2"))
    dataset = gdal.Open(path, gdal.GA_Update)
    band = dataset.GetRasterBand(1)
    band.Fill(7)  # leaves dirty blocks
    assert (band.ReadAsArray(10, 10, 5, 5) == 7).all()
    block_width, block_height = band.GetBlockSize()
    band.WriteRaster(0, 0, 80, 100, np.full((100, 80), 9, "u2").tobytes())
    assert np.frombuffer(band.ReadBlock(0, 0), "u2")[0] == 9
    band.WriteArray(np.full((5, 5), 11, "u2"), 0, 0)
    assert np.frombuffer(band.ReadBlock(0, 0), "u2")[0] == 11
    dataset.FlushCache()
    expected = np.full((100, 80), 9)
    expected[:5, :5] = 11
    np.testing.assert_array_equal(np.load(path), expected)


@pytest.mark.slow
@pytest.mark.parametrize("order", "CF")
def test_processes_may_update_different_columns(npy, order):
    """What lies between the lines of a window is not written back."""
    path = npy(np.asarray(np.zeros((1000, 1000), "f4"), order=order))
    code = """
import sys
import numpy as np
from osgeo import gdal
path, x = sys.argv[1], int(sys.argv[2])
dataset = gdal.Open(path, gdal.GA_Update)
for y in range(0, 1000, 50):
    dataset.GetRasterBand(1).WriteArray(np.full((50, 250), x + 1, "f4"), x, y)
"""
    writers = [subprocess.Popen([sys.executable, "-c", code, path, str(x)])
               for x in (0, 250, 500, 750)]
    assert [writer.wait(120) for writer in writers] == [0] * 4
    np.testing.assert_array_equal(np.load(path)[0], np.repeat([1, 251, 501, 751], 250))
    assert (np.load(path) == np.load(path)[0]).all()


def test_old_sidecars_of_the_target_of_a_link_go(plugin, tmp_path):
    """They would describe other pixels to whoever opens the target by its own name."""
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "o.npy", tmp_path / "link.npy"
    old = memory_dataset(np.zeros((5, 4), dtype="u1"))
    old.GetRasterBand(1).SetNoDataValue(9)
    plugin.CreateCopy(str(target), old)
    link.symlink_to("far/o.npy")
    plugin.CreateCopy(str(link), memory_dataset(np.full((7, 6), 9, dtype="u1")))
    assert link.is_symlink()
    assert [path.name for path in target.parent.iterdir()] == ["o.npy"]
    assert gdal.Open(str(target)).GetRasterBand(1).GetNoDataValue() is None


def test_bools_stay_bools(npy):
    path = npy(np.zeros((5, 6), bool))
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.GetRasterBand(1).WriteArray(np.full((2, 3), 255, "u1"), 1, 1)
    del dataset
    raw = np.load(path).view("u1")
    assert raw.max() == 1 and raw.sum() == 6


def test_one_field_of_a_record_is_written(npy):
    array = np.zeros((5, 6), [("a", "u1"), ("b", "<f4"), ("c", ">i2")])
    array["a"], array["c"] = 3, -4
    path = npy(array)
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.GetRasterBand(2).WriteArray(np.full((5, 6), 2.5))
    del dataset
    loaded = np.load(path)
    assert (loaded["a"] == 3).all() and (loaded["b"] == 2.5).all() and (loaded["c"] == -4).all()


def test_created_file_is_sparse_and_readable_at_once(plugin, tmp_path):
    path = str(tmp_path / "large.npy")
    dataset = plugin.Create(path, 100_000, 100_000, 1, gdal.GDT_UInt16)
    dataset.GetRasterBand(1).WriteArray(np.full((3, 4), 5), 99_996, 99_997)
    loaded = np.load(path, mmap_mode="r")
    assert loaded.shape == (100_000, 100_000)
    assert os.stat(path).st_blocks * 512 < 10_000_000
    assert loaded[99_997:, 99_996:].min() == 5 and loaded[0, 0] == 0


def test_pixels_start_on_a_page(plugin, tmp_path):
    path = str(tmp_path / "page.npy")
    plugin.Create(path, 5, 6, 2, gdal.GDT_Float32)
    assert np.load(path, mmap_mode="r").offset == 4096


@pytest.mark.parametrize("arguments, message", [
    ((5, 6, 3, gdal.GDT_Byte, ["AXES=YX"]), "AXES: found YX, wanted a B for 3 bands"),
    ((5, 6, 1, gdal.GDT_Byte, ["AXES=QX"]), "AXES: found QX, wanted letters"),
    ((5, 6, 1, gdal.GDT_Byte, ["INTERLEAVE=LINES"]), "INTERLEAVE: found LINES, wanted BAND, PIXEL or LINE"),
    ((5, 6, 0, gdal.GDT_Byte, []), "wanted at least one band"),
    ((5, 6, 1, gdal.GDT_CInt16, []), "data type: found CInt16, wanted one of Byte"),
])
def test_impossible_creation_is_refused_before_a_file_is_touched(plugin, npy, errors, arguments,
                                                                 message):
    path = npy(np.arange(3))
    *size, options = arguments
    assert plugin.Create(path, *size, options=options) is None
    assert sum(message in error for error in errors) == 1
    np.testing.assert_array_equal(np.load(path), np.arange(3))


def test_copy_says_nothing_when_all_is_well(plugin, tmp_path, errors):
    for gdal_type in creatable_types():
        source = gdal.GetDriverByName("MEM").Create("", 4, 3, 3, gdal_type)
        dataset = plugin.CreateCopy(str(tmp_path / "quiet.npy"), source, strict=1)
        assert dataset.ReadAsArray().shape == (3, 3, 4)
    assert errors == []


def test_types_without_counterpart_are_widened_unless_strict(plugin, tmp_path, errors):
    source = gdal.GetDriverByName("MEM").Create("", 4, 3, 1, gdal.GDT_CInt16)
    path = str(tmp_path / "complex.npy")
    assert plugin.CreateCopy(path, source, strict=1) is None
    assert not os.path.exists(path)
    assert plugin.CreateCopy(path, source, strict=0) is not None
    assert np.load(path).dtype == np.complex64


def test_bands_of_several_types_become_one(plugin, tmp_path, errors):
    source = gdal.GetDriverByName("MEM").Create("", 4, 3, 1, gdal.GDT_Byte)
    source.AddBand(gdal.GDT_Int16)
    path = str(tmp_path / "mixed.npy")
    assert plugin.CreateCopy(path, source, strict=1) is None
    plugin.CreateCopy(path, source, strict=0)
    assert np.load(path).dtype == np.int16
