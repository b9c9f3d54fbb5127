"""The installed wheel beside the GDALs of one environment. Run by tests/wheel/run, which says what is there:
NDARRAY_OSGEO and NDARRAY_RASTERIO are versions of GDAL, "-", or a text of the sentence that is to be said."""

import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

OSGEO, RASTERIO = (os.environ[name] for name in ("NDARRAY_OSGEO", "NDARRAY_RASTERIO"))
IMPORT_FIRST = os.environ.get("NDARRAY_IMPORT_FIRST", "")
USABLE = [name for name, version in (("osgeo", OSGEO), ("rasterio", RASTERIO)) if re.match(r"\d", version)]
usable = pytest.mark.skipif(not USABLE, reason="no GDAL that the plugin is for")
refused = pytest.mark.skipif(bool(USABLE), reason="all GDALs here are supported")
FORMATS = {"npy": "NPY", "b2nd": "B2ND"}
DTYPES = ["u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "c8", "c16"]


def python(code, check=True, **environment):
    """What a new process prints."""
    first = f"import {IMPORT_FIRST}\n" if IMPORT_FIRST else ""
    run = subprocess.run([sys.executable, "-c", first + code], capture_output=True, text=True,
                         env={**os.environ, **environment})
    assert not check or run.returncode == 0, run.stderr
    return (run.stdout if check else run.stderr).strip()


@pytest.fixture(scope="module")
def gdal_ndarray():
    if IMPORT_FIRST:
        __import__(IMPORT_FIRST)
    import gdal_ndarray as package
    if "rasterio" in USABLE:
        import rasterio  # noqa: F401
        package.enable()
    return package


def numpy_reads(path):
    path = str(path)
    if path.endswith(".npy"):
        return np.load(path)
    return pytest.importorskip("blosc2").open(path)[...]


def image(dtype, shape=(3, 200, 300)):
    values = np.random.default_rng(1).integers(0, 120, shape)
    return (values + 1j * values[::-1] if np.dtype(dtype).kind == "c" else values).astype(dtype)


# --- where it works


@usable
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("suffix", FORMATS)
def test_both_formats_are_written_and_read_as_numpy_has_them(gdal_ndarray, tmp_path, suffix, dtype):
    pixels, path = image(dtype), tmp_path / f"a.{suffix}"
    with gdal_ndarray.create(path, pixels.shape, dtype, crs="EPSG:32633", transform=(10, 0, 5e5, 0, -10, 5e6),
                             nodata=None if np.dtype(dtype).kind == "c" else 7) as writer:
        np.save(tmp_path / "windows.npy", pixels)
        for window in gdal_ndarray.open(tmp_path / "windows.npy").windows(128):
            writer[window] = pixels[window]
    np.testing.assert_array_equal(numpy_reads(path), pixels)
    opened = gdal_ndarray.open(path)
    assert (opened.shape, opened.dtype, opened.dims) == (pixels.shape, np.dtype(dtype), ("band", "y", "x"))
    assert opened.transform == (10, 0, 5e5, 0, -10, 5e6) and "UTM zone 33N" in opened.crs
    assert opened.nodata == (None if np.dtype(dtype).kind == "c" else 7)
    np.testing.assert_array_equal(opened[...], pixels)
    np.testing.assert_array_equal(opened[1, ::-3, 5:250:2], pixels[1, ::-3, 5:250:2])
    buffer = np.zeros((pixels.shape[2], pixels.shape[1]), dtype).T  # strides of another order
    opened.read_into(np.s_[2], buffer)
    np.testing.assert_array_equal(buffer, pixels[2])


@usable
@pytest.mark.parametrize("suffix", FORMATS)
def test_files_of_numpy_and_blosc2_are_read(gdal_ndarray, tmp_path, suffix):
    pixels, path = image("u2"), str(tmp_path / f"a.{suffix}")
    if suffix == "npy":
        np.save(path, pixels.astype(">u2"))
    else:
        pytest.importorskip("blosc2").asarray(pixels, urlpath=path, mode="w", chunks=(1, 100, 128),
                                              blocks=(1, 32, 32))
    np.testing.assert_array_equal(np.asarray(gdal_ndarray.open(path)), pixels)
    with pytest.raises(FileNotFoundError):
        gdal_ndarray.open(tmp_path / f"nothing.{suffix}")
    (tmp_path / f"bad.{suffix}").write_bytes(pathlib.Path(path).read_bytes()[:150])
    with pytest.raises((OSError, ValueError), match=f"bad.{suffix}"):
        gdal_ndarray.open(tmp_path / f"bad.{suffix}")


@usable
def test_archives_are_read_and_pyramids_written(gdal_ndarray, tmp_path):
    blosc2 = pytest.importorskip("blosc2")
    pixels, pyramid = image("u2", (3, 600, 700)), str(tmp_path / "a.b2z")
    np.save(tmp_path / "a.npy", pixels)
    np.savez(tmp_path / "a.npz", pixels)
    np.savez_compressed(tmp_path / "d.npz", pixels)
    if "osgeo" in USABLE:
        from osgeo import gdal
        gdal.GetDriverByName("B2ND").CreateCopy(pyramid, gdal.Open(str(tmp_path / "a.npy")))
        assert gdal.Open(pyramid).GetRasterBand(1).GetOverviewCount() == 2
    else:
        import rasterio.shutil
        rasterio.shutil.copy(str(tmp_path / "a.npy"), pyramid, driver="B2ND")
        assert rasterio.open(pyramid).overviews(1) == [2, 4]
    for name in ("a.npz", "d.npz", "a.b2z"):
        np.testing.assert_array_equal(gdal_ndarray.open(tmp_path / name)[...], pixels)
    np.testing.assert_array_equal(blosc2.open(pyramid, mode="r")["/0"][...], pixels)


@usable
def test_unchanged_by_threads_forks_and_pickles(gdal_ndarray, tmp_path):
    import concurrent.futures
    import multiprocessing
    import pickle
    pixels, path = image("u2"), tmp_path / "a.b2nd"
    with gdal_ndarray.create(path, pixels.shape, "u2", BLOCKSIZE=32) as writer:
        writer[...] = pixels
    opened = gdal_ndarray.open(path)
    places = [(y, x) for y in range(0, 200, 20) for x in range(0, 300, 20)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda at: opened[:, at[0]:at[0] + 20, at[1]:at[1] + 20], places))
    assert all((part == pixels[:, y:y + 20, x:x + 20]).all() for part, (y, x) in zip(parts, places))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(opened))[0], pixels[0])
    for method in ("fork", "spawn"):
        first = IMPORT_FIRST or "os"
        with multiprocessing.get_context(method).Pool(1, initializer=__import__, initargs=(first,)) as pool:
            assert pool.apply(sum_of, (opened,)) == int(pixels.sum(dtype="i8"))


def sum_of(opened):
    return int(opened[...].sum(dtype="i8"))


@usable
@pytest.mark.parametrize("suffix, driver", FORMATS.items())
def test_hosts_themselves_read_and_write(gdal_ndarray, tmp_path, suffix, driver):
    pixels = image("u2")
    if "osgeo" in USABLE:
        from osgeo import gdal, gdal_array
        assert gdal.__version__.startswith(OSGEO)
        path = str(tmp_path / f"osgeo.{suffix}")
        gdal.GetDriverByName(driver).CreateCopy(path, gdal_array.OpenArray(pixels))
        np.testing.assert_array_equal(numpy_reads(path), pixels)
        np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(10, 20, 30, 40), pixels[:, 20:60, 10:40])
    if "rasterio" in USABLE:
        import rasterio
        assert rasterio.__gdal_version__ == RASTERIO
        path = str(tmp_path / f"rasterio.{suffix}")
        with rasterio.open(path, "w", driver=driver, width=300, height=200, count=3, dtype="uint16",
                           crs="EPSG:32633", transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5e6)) as dataset:
            dataset.write(pixels)
        np.testing.assert_array_equal(numpy_reads(path), pixels)
        with rasterio.open(path) as dataset:
            assert dataset.driver == driver and dataset.crs.to_epsg() == 32633
            np.testing.assert_array_equal(dataset.read(2, window=((20, 60), (10, 40))), pixels[1, 20:60, 10:40])
    if len(USABLE) == 2:  # each reads what the other has written
        with rasterio.open(str(tmp_path / f"osgeo.{suffix}")) as dataset:
            np.testing.assert_array_equal(dataset.read(), pixels)
        np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), pixels)


@usable
def test_each_gdal_has_drivers_of_its_own_and_none_is_loaded_twice():
    print_found = ("found = gdal_ndarray.enable(); again = gdal_ndarray.enable(); assert found == again\n"
                   "print(sorted((g.version, g.drivers) for g in found))")
    for order in (USABLE, USABLE[::-1]):
        imports = "".join("from osgeo import gdal\n" if name == "osgeo" else "import rasterio\n" for name in order)
        for code in (imports + "import gdal_ndarray\n", "import gdal_ndarray\n" + imports):
            versions = sorted(version for version in (OSGEO, RASTERIO) if version != "-")
            assert python(code + print_found) == str([(version, ("NPY", "B2ND")) for version in versions])


@usable
def test_importing_enables_unless_told_not_to(tmp_path):
    np.save(tmp_path / "a.npy", image("u2"))
    code = f"import gdal_ndarray; print(gdal_ndarray.open({str(tmp_path / 'a.npy')!r}).shape)"
    assert python(code) == "(3, 200, 300)"
    assert re.search("GDAL has no driver NPY|not recognized as", python(code, False, GDAL_NDARRAY_ENABLE="NO"))
    assert python(code.replace(";", "; gdal_ndarray.enable();", 1), GDAL_NDARRAY_ENABLE="NO") == "(3, 200, 300)"


@usable
def test_works_where_the_cache_cannot_be_written(tmp_path):
    code = "import gdal_ndarray, os; print([g.drivers for g in gdal_ndarray.enable()], end='')"
    (tmp_path / "file").write_text("")
    assert "NPY" in python(code, XDG_CACHE_HOME=str(tmp_path / "file"))
    assert "NPY" in python(code, XDG_CACHE_HOME=str(tmp_path / "new"))
    assert (tmp_path / "new" / "gdal-ndarray" / "plugins").stat().st_mode & 0o77 == 0


@usable
def test_path_is_a_folder_for_gdal_driver_path(tmp_path):
    np.save(tmp_path / "a.npy", image("u2"))
    for name in USABLE:
        code = f"from gdal_ndarray.__main__ import path; path({name!r})"
        folder = python(code)
        assert sorted(file.name for file in pathlib.Path(folder).iterdir()) == \
            [".".join((OSGEO if name == "osgeo" else RASTERIO).split(".")[:2])]
        reads = "from osgeo import gdal; gdal.UseExceptions(); print(gdal.Open(name).ReadAsArray().shape)" \
            if name == "osgeo" else "import rasterio; print(rasterio.open(name).read().shape)"
        assert python(f"name = {str(tmp_path / 'a.npy')!r}\n{reads}", GDAL_DRIVER_PATH=folder,
                      PYRAMIDS_KEEP_GDAL_ENV="1") == "(3, 200, 300)"


@usable
def test_folders_follow_the_library(tmp_path, gdal_ndarray):
    """One that is replaced gets another folder; folders of those that are gone go."""
    from gdal_ndarray import _plugin
    library = tmp_path / "libgdal.so.1"
    library.write_bytes(b"one")
    version = OSGEO if "osgeo" in USABLE else RASTERIO
    first = _plugin._make(_plugin.Gdal(str(library), version, ()), tmp_path / "cache")
    assert first == _plugin._make(_plugin.Gdal(str(library), version, ()), tmp_path / "cache")
    link, = (first.parents[2] / "gdal_ndarray.libs").glob("libgdal-ndarray-*")
    assert link.samefile(library)
    assert link.name.encode() in (first / "gdal_ndarray.so").read_bytes()
    assert _plugin.PLACEHOLDER not in (first / "gdal_ndarray.so").read_bytes()
    other = tmp_path / "other"
    other.write_bytes(b"two")
    other.replace(library)
    assert _plugin._make(_plugin.Gdal(str(library), version, ()), tmp_path / "cache") != first
    library.unlink()
    third = tmp_path / "libgdal.so.3"
    third.write_bytes(b"three")
    last = _plugin._make(_plugin.Gdal(str(third), version, ()), tmp_path / "cache")
    assert [folder.name for folder in (tmp_path / "cache").iterdir()] == [last.parents[2].name]


@usable
def test_commands_of_the_module(tmp_path):
    pixels = image("u2")
    np.save(tmp_path / "a.npy", pixels)

    def run(*words):
        return subprocess.run([sys.executable, "-c", (f"import {IMPORT_FIRST}; " if IMPORT_FIRST else "")
                               + "import sys; from gdal_ndarray.__main__ import main; sys.exit(main())",
                               *map(str, words)], capture_output=True, text=True)

    done = run("convert", tmp_path / "a.npy", tmp_path / "a.b2nd", "-co", "COMPRESS=LZ4",
               "-srcwin", 10, 20, 100, 50)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(numpy_reads(tmp_path / "a.b2nd"), pixels[:, 20:70, 10:110])
    assert "Size is 100, 50" in run("info", tmp_path / "a.b2nd").stdout
    assert '"driverShortName":"B2ND"' in run("info", tmp_path / "a.b2nd", "-json").stdout.replace(" ", "")
    done = run("info", tmp_path / "nothing.npy")
    assert done.returncode == 1 and "nothing.npy" in done.stderr
    assert run("convert", tmp_path / "a.npy").returncode == 2
    assert run("fly").returncode == 2
    assert "NDARRAY_CACHEMAX" in run("help").stdout
    if not IMPORT_FIRST:  # which the processes that it starts do not
        done = run()
        assert done.returncode == 0, done.stdout


@usable
def test_notices_are_installed():
    import importlib.metadata
    files = importlib.metadata.files("gdal-ndarray")
    for name in ("LICENSE", "THIRD-PARTY.md"):
        text = next(file for file in files if file.name == name).read_text()
        assert "Permission is hereby granted" in text


# --- where it does not


@refused
def test_why_not_is_one_sentence():
    wanted = OSGEO if OSGEO != "-" else RASTERIO
    text = python("import gdal_ndarray\ntry: gdal_ndarray.enable()\nexcept RuntimeError as error: print(error)")
    assert re.search(wanted, text) and text.startswith("GDAL 3.") and text.count("\n") == 0
    assert "NPY" in python("import gdal_ndarray\ntry: gdal_ndarray.create('a.npy', (2, 3), 'u1')\n"
                           "except OSError as error: print(error)")


@refused
def test_other_rasters_are_read_all_the_same(tmp_path):
    code = f"""
import numpy as np, rasterio, gdal_ndarray
pixels = np.arange(6, dtype="u2").reshape(2, 3)
shape = dict(width=3, height=2, count=1, dtype="uint16")
with rasterio.open({str(tmp_path / 'a.tif')!r}, "w", driver="GTiff", **shape) as d:
    d.write(pixels, 1)
print((gdal_ndarray.open({str(tmp_path / 'a.tif')!r})[...] == pixels).all())"""
    assert python(code).splitlines()[-1] == "True"
