"""One file, many threads and processes, and python-blosc2 in the same process as the plugin."""

import os
import subprocess
import sys
import threading
import zlib

import numpy as np
import pytest
from support.b2nd import assert_same, blosc2, details, save
from osgeo import gdal
from support.thread import HAS_THREAD_SAFE, check_in_children, check_windows, in_children, in_threads

FILTERS = {
    "shuffle": {"codec": blosc2.Codec.ZSTD, "clevel": 1, "filters": [blosc2.Filter.SHUFFLE]},
    "bytedelta": {"codec": blosc2.Codec.LZ4, "filters_meta": [0, 2],
                  "filters": [blosc2.Filter.SHUFFLE, blosc2.Filter.BYTEDELTA]},
    # Chunks that are decoded whole; of which python-blosc2 4.14 cannot read every window.
    "dictionary": {"codec": blosc2.Codec.ZSTD, "clevel": 5, "use_dict": True},
}


@pytest.fixture
def pixels(rng):
    return np.tile(rng.integers(0, 500, (3, 700, 75), dtype="u2"), (1, 1, 12))


def saved(tmp_path, pixels, filters):
    return save(tmp_path / "image.b2nd", pixels, chunks=(2, 256, 300), blocks=(1, 60, 64),
                cparams=FILTERS[filters])


@pytest.fixture(params=FILTERS)
def image(request, tmp_path, pixels):
    return saved(tmp_path, pixels, request.param), pixels


@pytest.fixture
def plain_image(tmp_path, pixels):
    return saved(tmp_path, pixels, "shuffle"), pixels


def test_many_datasets_in_many_threads(image):
    path, array = image
    in_threads(8, lambda number: check_windows(gdal.Open(path), array, number))


def test_threads_fill_and_drop_the_cache(tmp_path, pixels):
    """Blocks that one thread reads while another drops them."""
    path = save(tmp_path / "slabs.b2nd", pixels, chunks=(1, 256, 900), blocks=(1, 64, 900))
    gdal.SetConfigOption("NDARRAY_CACHEMAX", "600KB")
    try:
        in_threads(8, lambda number: check_windows(gdal.Open(path), pixels, number, 100))
        assert details(gdal.Open(path))["CACHE_BYTES_ALL_FILES"] <= 600 << 10
    finally:
        gdal.SetConfigOption("NDARRAY_CACHEMAX", None)
        gdal.Open(path)


def test_large_windows_from_many_threads_at_once(tmp_path, rng):
    """All want the pool's threads at the same time."""
    array = rng.integers(0, 500, (2, 1500, 1500), dtype="u2")
    path = save(tmp_path / "large.b2nd", array, chunks=(1, 512, 512), blocks=(1, 128, 128))
    in_threads(6, lambda _: [assert_same(gdal.Open(path).ReadAsArray(), array) for _ in range(3)])


@pytest.mark.skipif(not HAS_THREAD_SAFE, reason="GDAL < 3.10 has no thread-safe datasets")
def test_one_dataset_in_many_threads(image):
    path, array = image
    dataset = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_THREAD_SAFE)
    assert dataset.IsThreadSafe(gdal.OF_RASTER)
    checksums = [dataset.GetRasterBand(i + 1).Checksum() for i in range(3)]

    def work(number):
        check_windows(dataset, array, number)
        band = dataset.GetRasterBand(1 + number % 3)
        assert band.Checksum() == checksums[number % 3]
        assert band.GetMaskBand().ReadAsArray(0, 0, 2, 2).min() == 255
        assert int(dataset.GetMetadataItem("DECODED_BLOCKS", "B2ND")) > 0
        assert set(dataset.GetMetadata("B2ND")) > {"CACHE_HITS", "CACHE_MISSES"}
        width, height = band.GetBlockSize()
        block = np.frombuffer(band.ReadBlock(0, 0), "u2").reshape(height, width)
        assert_same(block[:50, :50], array[number % 3, :50, :50])

    in_threads(8, work)


def test_forked_children_read(image):
    """As worker processes of PyTorch do: neither the parent's pool nor its contexts' threads are
    there, but its cache and indexes are."""
    path, array = image
    dataset = gdal.Open(path)
    assert_same(dataset.ReadAsArray(), array)  # starts the pool
    dataset.ReadAsArray(5, 5, 100, 100)
    sums = in_children(3, lambda _: int(gdal.Open(path).ReadAsArray().sum()))
    assert sums == [int(array.sum())] * 3
    assert_same(dataset.ReadAsArray(), array)


def test_children_inherit_open_datasets(image):
    path, array = image
    dataset = gdal.Open(path)
    dataset.ReadAsArray(5, 5, 600, 600)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if (dataset.ReadAsArray() == array).all() else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def use_blosc2(array, path, count):
    """What python-blosc2 does with threads of its own."""
    for _ in range(count):
        assert blosc2.unpack_array2(blosc2.pack_array2(array)).tobytes() == array.tobytes()
        raw = array.tobytes()
        assert blosc2.decompress2(blosc2.compress2(raw, typesize=2)) == raw
        kept = blosc2.open(path)
        np.testing.assert_array_equal(kept[:, 100:500, 300:800], array[:, 100:500, 300:800])


def test_python_blosc2_before_between_and_after(plain_image):
    path, array = plain_image
    use_blosc2(array, path, 1)
    dataset = gdal.Open(path)
    for _ in range(5):
        assert_same(dataset.ReadAsArray(), array)
        use_blosc2(array, path, 1)
    del dataset
    use_blosc2(array, path, 1)


def test_python_blosc2_meanwhile(plain_image):
    """In threads of the same process, all of them at work at once."""
    path, array = plain_image
    stop = threading.Event()
    failures = []

    def work():
        try:
            while not stop.is_set():
                use_blosc2(array, path, 1)
        except BaseException as error:  # pylint: disable=broad-except
            failures.append(error)

    other = threading.Thread(target=work)
    other.start()
    try:
        in_threads(4, lambda number: check_windows(gdal.Open(path), array, number, 40))
    finally:
        stop.set()
        other.join()
    assert not failures, failures[0]


IMPORTS = {"gdal": "from osgeo import gdal; gdal.UseExceptions(); gdal.Open({path!r})",
           "blosc2": "import blosc2; blosc2.set_nthreads(4); blosc2.compress2(b'x' * 100000)"}


@pytest.mark.parametrize("order", [["gdal", "blosc2"], ["blosc2", "gdal"]], ids="-".join)
@pytest.mark.parametrize("last", ["del dataset, kept", "pass"], ids=["closed", "left open"])
def test_either_import_comes_first(plain_image, order, last):
    """The plugin's copy of c-blosc2 and python-blosc2's do not know of each other; nor at exit."""
    path, array = plain_image
    code = f"""
import numpy as np
{IMPORTS[order[0]].format(path=path)}
{IMPORTS[order[1]].format(path=path)}
dataset = gdal.Open({path!r})
kept = blosc2.open({path!r})
for _ in range(3):
    assert (dataset.ReadAsArray() == kept[...]).all()
    assert (dataset.ReadAsArray(20, 30, 400, 300) == kept[:, 30:330, 20:420]).all()
blosc2.set_nthreads(2)
copy = blosc2.asarray(dataset.ReadAsArray(), chunks=(1, 300, 300), blocks=(1, 100, 100))
assert copy.info is not None and (copy[...] == kept[...]).all()
print(int(kept[...].sum()))
{last}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) == int(array.sum())


def test_codecs_in_python_are_not_called(tmp_path, pixels):
    """One that is registered with python-blosc2 is not one of the plugin's."""
    def encode(source, target, _meta, _schunk):
        packed = np.frombuffer(zlib.compress(source), "u1")
        target[:packed.size] = packed
        return packed.size

    def decode(source, target, _meta, _schunk):
        target[:] = np.frombuffer(zlib.decompress(source), "u1")
        return target.size

    if 201 not in blosc2.ucodecs_registry:
        blosc2.register_codec("python", 201, encode, decode)
    path = save(tmp_path / "python.b2nd", pixels[0], chunks=(700, 900), blocks=(70, 900),
                cparams={"codec": 201, "filters": [blosc2.Filter.NOFILTER], "nthreads": 1},
                dparams={"nthreads": 1})
    dataset = gdal.Open(path)
    with pytest.raises(RuntimeError, match="codec 201, which a plugin of c-blosc2 decodes"):
        dataset.ReadAsArray()


def test_a_dataset_opened_before_a_fork_works_in_the_children(image):
    path, array = image
    check_in_children(gdal.Open(path), array)
