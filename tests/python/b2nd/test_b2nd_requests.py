"""However pixels are asked for, they are those of GDAL's own drivers, and no block of a request is
decoded twice."""

import itertools
import math

import numpy as np
import pytest
from support.b2nd import assert_same, blosc2, decoded_blocks, save
from osgeo import gdal
from support import memory_dataset, random_windows

BANDS, HEIGHT, WIDTH = 4, 400, 500

# Axes of the array, chunks and blocks of its bands, lines and pixels.
LAYOUTS = {
    "pixel": ("YXB", (4, 128, 128), (4, 64, 64)),
    "pixel, bands apart": ("YXB", (4, 128, 128), (1, 64, 64)),
    "pixel, uneven": ("YXB", (3, 100, 128), (3, 45, 50)),
    "line": ("YBX", (4, 128, 128), (4, 30, 64)),
    "band": ("BYX", (1, 128, 128), (1, 64, 64)),
    "band, together": ("BYX", (4, 128, 128), (4, 64, 64)),
    "band, pairs": ("BYX", (2, 128, 128), (2, 64, 64)),
    "band, slabs": ("BYX", (1, 100, 500), (1, 10, 500)),
    "columns": ("BXY", (4, 128, 128), (2, 64, 64)),
}
BAND_LISTS = [[1, 2, 3, 4], [4, 3, 2, 1], [3, 1, 2], [1, 3], [3, 1], [2, 4], [2]]


@pytest.fixture(scope="module")
def bands():
    rng = np.random.default_rng(3)
    return rng.integers(0, 90, (BANDS, HEIGHT, WIDTH), dtype="u2") * 3  # beyond a byte


class Image:
    def __init__(self, layout, bands, path):
        self.axes, chunk, self.block = LAYOUTS[layout]
        order = ["BYX".index(axis) for axis in self.axes]
        save(path, bands.transpose(order).copy(), chunks=[chunk[i] for i in order],
             blocks=[self.block[i] for i in order], cparams={"clevel": 1})
        self.chunk, self.path = chunk, str(path)
        self.bands = bands

    def open(self, **options):
        options = [f"AXES={self.axes}"] + [f"{key}={value}" for key, value in options.items()]
        return gdal.OpenEx(self.path, open_options=options)

    def blocks_of(self, x, y, width, height, order):
        """How many blocks a window of some bands touches."""
        counts = []
        for axis, wanted in enumerate([{band - 1 for band in order}, range(y, y + height),
                                       range(x, x + width)]):
            chunk, block = self.chunk[axis], self.block[axis]
            counts.append(len({(at // chunk, at % chunk // block) for at in wanted}))
        return math.prod(counts)


@pytest.fixture(params=LAYOUTS, scope="module")
def image(request, tmp_path_factory, bands):
    return Image(request.param, bands, tmp_path_factory.mktemp("image") / "image.b2nd")


@pytest.fixture
def no_cache(tmp_path):
    """Nothing hides a block that is decoded twice."""
    gdal.SetConfigOption("NDARRAY_CACHEMAX", "0")
    yield
    gdal.SetConfigOption("NDARRAY_CACHEMAX", None)
    gdal.Open(save(tmp_path / "last.b2nd", np.zeros((2, 2), "u1")))


@pytest.fixture(scope="module")
def reference(bands):
    return memory_dataset(bands)


@pytest.mark.parametrize("order", BAND_LISTS, ids=str)
def test_band_lists_in_any_order(image, no_cache, order):
    for threads in (1, 2):
        dataset = image.open(NUM_THREADS=threads)
        for window in [(0, 0, WIDTH, HEIGHT), (37, 41, 300, 277), (130, 140, 1, 1)]:
            x, y, w, h = window
            raw = []
            decoded = decoded_blocks(dataset, lambda: raw.append(
                dataset.ReadRaster(*window, band_list=order)))
            got = np.frombuffer(raw[0], "u2").reshape(len(order), h, w)
            assert_same(got, image.bands[np.array(order) - 1, y:y + h, x:x + w])
            assert decoded == image.blocks_of(*window, order)


def test_bands_more_than_once(image):
    order = [4, 4, 2, 4]
    got = np.frombuffer(image.open().ReadRaster(band_list=order), "u2")
    assert_same(got.reshape(4, HEIGHT, WIDTH), image.bands[np.array(order) - 1])


@pytest.mark.parametrize("order", [[1, 2, 3, 4], [3, 1, 2], [1, 3]], ids=str)
def test_pixels_interleaved_in_memory(image, no_cache, order):
    """The buffer's order differs from the file's, in either way."""
    dataset = image.open()
    size = 2 * len(order)
    buffer = bytearray(300 * 277 * size)
    decoded = decoded_blocks(dataset, lambda: dataset.ReadRaster(
        37, 41, 300, 277, band_list=order, buf_pixel_space=size, buf_line_space=300 * size,
        buf_band_space=2, buf_obj=buffer))
    got = np.frombuffer(buffer, "u2").reshape(277, 300, len(order))
    expected = image.bands[np.array(order) - 1, 41:318, 37:337].transpose(1, 2, 0)
    assert_same(got, expected)
    assert decoded == image.blocks_of(37, 41, 300, 277, order)


@pytest.mark.parametrize("gdal_type", [gdal.GDT_Byte, gdal.GDT_Float32, gdal.GDT_Float64,
                                       gdal.GDT_CFloat32, gdal.GDT_Int16],
                         ids=gdal.GetDataTypeName)
def test_types_convert_as_gdal_does(image, reference, no_cache, gdal_type):
    dataset = image.open()
    for window, order in itertools.product([(0, 0, WIDTH, HEIGHT), (37, 41, 300, 277)],
                                           [[1, 2, 3, 4], [3, 1]]):
        arguments = {"buf_type": gdal_type, "band_list": order}
        raw = []
        decoded = decoded_blocks(dataset, lambda: raw.append(
            dataset.ReadRaster(*window, **arguments)))
        assert raw[0] == reference.ReadRaster(*window, **arguments)
        assert decoded == image.blocks_of(*window, order)


def test_conversion_in_pieces(tmp_path, no_cache, rng):
    """A temporary of a few megabytes is filled by whole blocks, wherever the window begins."""
    pixels = np.tile(rng.integers(0, 500, (2500, 40), dtype="u2"), (1, 60))
    reference = memory_dataset(pixels)
    for number, (chunks, blocks) in enumerate([((500, 2400), (50, 2400)), ((512, 512), (128, 128)),
                                               ((2500, 100), (2500, 20))]):
        path = save(tmp_path / f"{number}.b2nd", pixels, chunks=chunks, blocks=blocks,
                    cparams={"clevel": 1})
        dataset = gdal.Open(path)
        for window in [(0, 0, 2400, 2500), (15, 23, 2200, 2100)]:
            raw, same = [], []
            decoded = decoded_blocks(dataset, lambda: raw.append(
                dataset.ReadRaster(*window, buf_type=gdal.GDT_Float32)))
            assert raw[0] == reference.ReadRaster(*window, buf_type=gdal.GDT_Float32)
            assert decoded == decoded_blocks(dataset, lambda: same.append(
                dataset.ReadRaster(*window)))


@pytest.mark.parametrize("algorithm", ["NearestNeighbour", "Bilinear", "Cubic", "Average"])
@pytest.mark.parametrize("size", [(125, 100), (1000, 800), (500, 200)], ids=str)
def test_resampling_as_gdal_does(image, reference, algorithm, size):
    arguments = {"buf_xsize": size[0], "buf_ysize": size[1],
                 "resample_alg": getattr(gdal, f"GRIORA_{algorithm}")}
    dataset = image.open()
    assert_same(dataset.ReadAsArray(**arguments), reference.ReadAsArray(**arguments))
    arguments.update(xoff=37, yoff=41, win_xsize=300, win_ysize=277)
    assert_same(dataset.GetRasterBand(3).ReadAsArray(**arguments),
                reference.GetRasterBand(3).ReadAsArray(**arguments))


def test_fractional_windows_as_gdal_does(image, bands):
    # Not MEM, which rounds such windows to whole pixels.
    reference = gdal.Translate("/vsimem/reference.tif", memory_dataset(bands))
    for algorithm in [gdal.GRIORA_NearestNeighbour, gdal.GRIORA_Bilinear]:
        arguments = {"xoff": 3.6, "yoff": 2.7, "xsize": 200, "ysize": 100, "buf_xsize": 200,
                     "buf_ysize": 100, "resample_alg": algorithm}
        assert image.open().ReadRaster(**arguments) == reference.ReadRaster(**arguments)


def test_strided_and_flipped_buffers(image):
    dataset = image.open()
    for view in [np.s_[::2, ::3], np.s_[::-1, ::1], np.s_[::1, ::-1], np.s_[::-2, ::-2]]:
        memory = np.full((2 * HEIGHT, 3 * WIDTH), 7, "u2")
        target = memory[view][:HEIGHT, :WIDTH]
        try:
            dataset.GetRasterBand(2).ReadAsArray(buf_obj=target)
        except (RuntimeError, ValueError) as error:
            # Some bindings refuse negative strides before the driver is asked.
            assert min(view[0].step, view[1].step) < 0, error
            continue
        assert_same(target, image.bands[1])
        target[...] = 7
        assert (memory == 7).all()


def test_blocks_equal_windows(image, reference):
    """Clients that read block by block, through GDAL's cache, see the same pixels."""
    dataset = image.open()
    for number in range(1, BANDS + 1):
        band = dataset.GetRasterBand(number)
        assert band.Checksum() == reference.GetRasterBand(number).Checksum()
        block_width, block_height = band.GetBlockSize()
        across, down = -(-WIDTH // block_width), -(-HEIGHT // block_height)
        for block_x, block_y in itertools.product({0, across - 1}, {0, down - 1}):
            x, y = block_x * block_width, block_y * block_height
            w, h = min(block_width, WIDTH - x), min(block_height, HEIGHT - y)
            got = np.frombuffer(band.ReadBlock(block_x, block_y), "u2")
            got = got.reshape(block_height, block_width)[:h, :w]
            assert_same(got, image.bands[number - 1, y:y + h, x:x + w])


def test_blocks_of_gdal_are_whole_blocks_of_the_file(image):
    """So that programs which read by them decode nothing twice."""
    dataset = image.open()
    width, height = dataset.GetRasterBand(1).GetBlockSize()
    for size, block, chunk, side in [(width, image.block[2], image.chunk[2], WIDTH),
                                     (height, image.block[1], image.chunk[1], HEIGHT)]:
        assert size == side or size % block == 0 and (chunk % size == 0 or size == block)


def test_random_windows(image, rng):
    dataset = image.open()
    for x, y, w, h in random_windows(rng, WIDTH, HEIGHT, 60):
        assert_same(dataset.ReadAsArray(x, y, w, h), image.bands[:, y:y + h, x:x + w])


def test_statistics_histogram_and_mask(image):
    dataset = image.open()
    band = dataset.GetRasterBand(2)
    low, high, mean, deviation = band.ComputeStatistics(False)
    expected = image.bands[1]
    assert (low, high) == (expected.min(), expected.max())
    np.testing.assert_allclose([mean, deviation], [expected.mean(), expected.std()], rtol=1e-5)
    assert sum(band.GetHistogram(-0.5, 299.5, 30, approx_ok=False)) == expected.size
    assert band.GetMaskFlags() == gdal.GMF_ALL_VALID
    assert (band.GetMaskBand().ReadAsArray(3, 4, 50, 60) == 255).all()


@pytest.mark.parametrize("shapes", [{"chunks": (1, 512, 512), "blocks": (1, 128, 128)},
                                    {"chunks": (1, 100, 3000), "blocks": (1, 10, 3000)},
                                    {"chunks": (3, 700, 3000), "blocks": (3, 70, 300)}], ids=str)
def test_progress_is_called_and_can_stop(tmp_path, no_cache, errors, shapes):
    path = str(tmp_path / "large.b2nd")
    line = np.arange(3000, dtype="u2")
    pixels = np.broadcast_to(line, (3, 3000, 3000)).copy()
    blosc2.asarray(pixels, urlpath=path, cparams={"clevel": 1}, **shapes)
    dataset = gdal.Open(path)
    calls, got = [], []
    decoded = decoded_blocks(dataset, lambda: got.append(
        dataset.ReadAsArray(callback=lambda done, *_: calls.append(done) or 1)))
    assert_same(got[0], pixels)
    assert calls[-1] == 1.0 and calls == sorted(calls) and len(calls) > 1
    assert decoded == decoded_blocks(dataset, dataset.ReadAsArray)
    assert dataset.ReadAsArray(callback=lambda done, *_: 0) is None
    assert "interrupted" in "".join(errors)


def test_zero_copy_is_declined(image):
    """There is nothing in the file that could be mapped."""
    dataset = image.open()
    with pytest.raises((RuntimeError, ValueError, TypeError)):
        dataset.GetRasterBand(1).GetVirtualMemAutoArray(
            options=["USE_DEFAULT_IMPLEMENTATION=NO"])


def test_copies_by_gdal(image, tmp_path):
    """gdal_translate into formats that ask by lines, by tiles and by bands."""
    for name, options in [("a.tif", []), ("b.tif", ["TILED=YES", "INTERLEAVE=PIXEL"]),
                          ("c.npy", [])]:
        driver = "NPY" if name.endswith("npy") else "GTiff"
        copy = gdal.Translate(str(tmp_path / name), image.open(), format=driver,
                              creationOptions=options)
        assert_same(copy.ReadAsArray(), image.bands)


def test_warped_by_gdal(image, bands):
    warped = []
    for source in (image.open(), memory_dataset(bands)):
        dataset = gdal.GetDriverByName("VRT").CreateCopy("", source)
        dataset.SetGeoTransform([500000, 10, 0, 5400000, 0, -10])
        warped.append(gdal.Warp("", dataset, format="MEM", srcSRS="EPSG:32633",
                                dstSRS="EPSG:3857", resampleAlg="bilinear").ReadAsArray())
    assert warped[0].any()
    assert_same(*warped)
