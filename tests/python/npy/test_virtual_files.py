"""Files behind GDAL's virtual file systems: read in pieces, written, counted over HTTP."""

import concurrent.futures
import io
import subprocess
import zipfile

import numpy as np
import pytest
from support.http import http_server  # noqa: F401
from support.virtual import behind_a_virtual_file_system  # noqa: F401
from osgeo import gdal
from support import memory_dataset, random_windows, swap

PREPARE = {"c": np.ascontiguousarray, "fortran": np.asfortranarray, "swapped": swap}


@pytest.fixture(params=PREPARE)
def image(request, npy, rng):
    array = rng.integers(0, 60000, (3, 200, 150), dtype="u2")
    return npy(PREPARE[request.param](array)), array


def check(name, array, rng):
    dataset = gdal.Open(name)
    np.testing.assert_array_equal(dataset.ReadAsArray(), array)
    for x, y, w, h in random_windows(rng, 150, 200, 10):
        np.testing.assert_array_equal(dataset.ReadAsArray(x, y, w, h),
                                      array[:, y:y + h, x:x + w])
        np.testing.assert_array_equal(dataset.GetRasterBand(2).ReadAsArray(x, y, w, h),
                                      array[1, y:y + h, x:x + w])


def test_reads_through_virtual_file_systems(image, rng, behind_a_virtual_file_system):  # noqa: F811
    path, array = image
    check(behind_a_virtual_file_system(path), array, rng)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_npz_files(image, rng, tmp_path, save):
    """In the spelling of the README, with braces: GDAL does not take .npz for a ZIP file."""
    path, array = image
    save(tmp_path / "a.npz", x=np.load(path), other=np.zeros(3))
    check(f"/vsizip/{{{tmp_path}/a.npz}}/x.npy", array, rng)


def test_vsicurl_fetches_little_more_than_the_window(http_server, npy, rng):  # noqa: F811
    array = rng.integers(0, 60000, (4000, 4000), dtype="u2")
    gdal.VSICurlClearCache()
    dataset = gdal.Open(http_server.serve(npy(array), "image.npy"))
    opened = http_server.sent_bytes
    assert opened <= 64 << 10  # one piece of the header
    np.testing.assert_array_equal(dataset.ReadAsArray(1000, 2000, 4000 - 1000, 100),
                                  array[2000:2100, 1000:])
    fetched = http_server.sent_bytes - opened
    assert fetched < 2 * 100 * 4000 * 2


@pytest.mark.parametrize("interleave", ["BAND", "PIXEL"])
def test_written_to_memory_and_updated_there(plugin, rng, interleave):
    bands = rng.integers(0, 60000, (3, 20, 30), dtype="u2")
    path = "/vsimem/written.npy"
    plugin.CreateCopy(path, memory_dataset(bands), options=[f"INTERLEAVE={interleave}"])
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.GetRasterBand(2).WriteArray(bands[0, :5, :6], 7, 8)
    bands[1, 8:13, 7:13] = bands[0, :5, :6]
    del dataset
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), bands)
    written = sorted(name for name in gdal.ReadDir("/vsimem/") if name.startswith("written"))
    assert written == ["written.npy"] + ["written.npy.aux.xml"] * (interleave == "PIXEL")
    plugin.Delete(path)
    assert gdal.VSIStatL(path) is None


def test_created_in_memory_is_zeros(plugin):
    dataset = plugin.Create("/vsimem/zeros.npy", 30, 20, 3, gdal.GDT_Float32)
    assert (dataset.ReadAsArray() == 0).all()
    dataset.GetRasterBand(3).Fill(2.5)
    del dataset
    assert gdal.Open("/vsimem/zeros.npy").ReadAsArray().sum() == 2.5 * 600
    plugin.Delete("/vsimem/zeros.npy")


def test_standard_output(npy):
    path = npy(np.arange(12, dtype="f8").reshape(3, 4))
    result = subprocess.run(["gdal_translate", "-q", "-of", "NPY", path, "/vsistdout/"],
                            capture_output=True)
    assert (result.returncode, result.stderr) == (0, b"")
    np.testing.assert_array_equal(np.load(io.BytesIO(result.stdout)), np.load(path))


def test_warns_that_standard_output_cannot_take_the_mask(tmp_path):
    source = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "masked.tif"), 4, 3)
    source.CreateMaskBand(gdal.GMF_PER_DATASET)
    del source
    result = subprocess.run(["gdal_translate", "-q", "-of", "NPY", str(tmp_path / "masked.tif"),
                             "/vsistdout/"], capture_output=True)
    assert (result.returncode, result.stderr) == (
        0, b"Warning 1: /vsistdout/: no other file can be beside it; the copy is without its mask\n")
    assert np.load(io.BytesIO(result.stdout)).shape == (3, 4)


def test_written_into_an_archive(plugin, rng, tmp_path):
    """A file system that can only append, and not be read meanwhile: nobody asks it."""
    bands = rng.integers(0, 60000, (3, 20, 30), dtype="u2")
    assert plugin.CreateCopy(f"/vsizip/{tmp_path}/new.zip/image.npy", memory_dataset(bands))
    with zipfile.ZipFile(tmp_path / "new.zip") as archive, archive.open("image.npy") as file:
        np.testing.assert_array_equal(np.load(file), bands)


def test_one_warning_that_an_archive_cannot_take_the_mask(plugin, tmp_path):
    source = memory_dataset(np.zeros((20, 30), dtype="u1"))
    source.CreateMaskBand(gdal.GMF_PER_DATASET)
    said = []
    gdal.PushErrorHandler(lambda kind, number, text: said.append((kind, text)))
    copy = plugin.CreateCopy(f"/vsizip/{tmp_path}/new.zip/image.npy", source)
    gdal.PopErrorHandler()
    assert copy is not None
    assert [kind for kind, _ in said] == [gdal.CE_Warning], said
    assert "the copy is without its mask" in said[0][1]


@pytest.mark.parametrize("driver", ["NPY", "B2ND"])
@pytest.mark.parametrize("seekable", [False, True])
def test_large_files_in_archives(tmp_path, rng, driver, seekable):
    """GDAL 3.7 and newer make files above a megabyte seekable (SOZip), and read those in whole
    pieces."""
    if gdal.GetDriverByName(driver) is None:
        pytest.skip("the plugin was built without c-blosc2")
    if seekable and int(gdal.VersionInfo()) < 3070000:
        pytest.skip("this GDAL knows no SOZip")
    array = rng.integers(0, 3000, (2, 800, 1000), dtype="u2")
    path = str(tmp_path / f"image.{driver.lower()}")
    gdal.GetDriverByName(driver).CreateCopy(path, memory_dataset(array))
    name = f"/vsizip/{tmp_path}/image.zip/image.{driver.lower()}"
    if seekable:
        assert gdal.CopyFile(path, name) == 0
        assert gdal.GetFileMetadata(name, "ZIP")["SOZIP_FOUND"] == "YES"
    else:
        with zipfile.ZipFile(tmp_path / "image.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, f"image.{driver.lower()}")

    def windows(seed):
        dataset = gdal.Open(name)
        for x, y, w, h in random_windows(np.random.default_rng(seed), 1000, 800, 8):
            np.testing.assert_array_equal(dataset.ReadAsArray(x, y, w, h),
                                          array[:, y:y + h, x:x + w])
        return True

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        assert all(threads.map(windows, range(4)))
