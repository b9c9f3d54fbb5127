"""Every .npy that NumPy writes is a raster with the same pixels, however they are asked for."""

import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal, gdal_array
from support import DATA, as_bands, memory_dataset, random_windows, shown_dtype

GOLDEN = sorted((DATA / "golden").glob("*.npy"))
PLAIN = [p for p in GOLDEN if "record" not in p.name]
PLANES = [p for p in PLAIN if np.load(p).ndim <= 3]


def ids(paths):
    return [path.stem for path in paths]


def test_golden_files_are_there():
    assert len(GOLDEN) > 70


@pytest.mark.parametrize("path", PLANES, ids=ids(PLANES))
def test_whole_dataset_equals_numpy(path):
    expected = as_bands(np.load(path))
    got = gdal.Open(str(path)).ReadAsArray()
    assert got.dtype == shown_dtype(expected.dtype)
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("path", PLANES, ids=ids(PLANES))
def test_windows_of_bands_equal_numpy(path, rng):
    expected = as_bands(np.load(path))
    expected = expected if expected.ndim == 3 else expected[np.newaxis]
    dataset = gdal.Open(str(path))
    for x, y, w, h in random_windows(rng, dataset.RasterXSize, dataset.RasterYSize, 10):
        for band in range(dataset.RasterCount):
            got = dataset.GetRasterBand(band + 1).ReadAsArray(x, y, w, h)
            np.testing.assert_array_equal(got, expected[band, y:y + h, x:x + w])
        got = dataset.ReadAsArray(x, y, w, h, interleave="pixel")
        window = expected[:, y:y + h, x:x + w]
        np.testing.assert_array_equal(got, window[0] if len(window) == 1 else
                                      window.transpose(1, 2, 0))


@pytest.mark.parametrize("path", PLANES, ids=ids(PLANES))
def test_blocks_equal_windows(path):
    """Clients that read block by block, through GDAL's cache, see the same pixels."""
    dataset = gdal.Open(str(path))
    band = dataset.GetRasterBand(1)
    block_width, block_height = band.GetBlockSize()
    blocks = memory_dataset(as_bands(np.load(path)).astype(shown_dtype(np.load(path).dtype)))
    assert band.Checksum() == blocks.GetRasterBand(1).Checksum()
    raw = band.ReadBlock(0, 0)
    got = np.frombuffer(raw, shown_dtype(np.load(path).dtype))
    w, h = min(block_width, band.XSize), min(block_height, band.YSize)
    got = got.reshape(block_height, block_width)[:h, :w]
    np.testing.assert_array_equal(got, band.ReadAsArray(0, 0, w, h))


@pytest.mark.parametrize("path", [p for p in PLAIN if np.load(p).ndim > 3],
                         ids=lambda p: p.stem)
def test_stack_opens_as_subdatasets(path):
    stack = np.load(path)
    listed = gdal.Open(str(path)).GetSubDatasets()
    assert len(listed) == int(np.prod(stack.shape[:-3]))
    for number, (name, _) in enumerate(listed):
        index = np.unravel_index(number, stack.shape[:-3])
        assert name == f'NPY:"{path}":{",".join(map(str, index))}'
        np.testing.assert_array_equal(gdal.Open(name).ReadAsArray(), as_bands(stack[index]))


def test_index_may_fix_more_axes():
    path = DATA / "golden" / "shape_2x3x4x5_c.npy"
    stack = np.load(path)
    np.testing.assert_array_equal(gdal.Open(f'NPY:"{path}":[1,2]').ReadAsArray(), stack[1, 2])
    np.testing.assert_array_equal(gdal.Open(f"NPY:{path}:[1, 2, 3]").ReadAsArray()[0],
                                  stack[1, 2, 3])


@pytest.mark.parametrize("name, bands", [
    ("record", ["red", "height", "flags"]),
    ("record_aligned", ["a", "b"]),
    ("record_nested", ["point.x", "point.y", "rgb[0]", "rgb[1]", "rgb[2]"]),
    ("record_unicode", ["höhe", "日本"]),
])
def test_record_fields_are_bands(name, bands):
    path = DATA / "golden" / f"{name}.npy"
    records = np.load(path)
    dataset = gdal.Open(str(path))
    assert [dataset.GetRasterBand(i + 1).GetDescription() for i in range(dataset.RasterCount)] \
        == bands
    for number, field in enumerate(bands):
        expected = records
        for part in field.split("."):
            part, _, index = part.partition("[")
            expected = expected[part]
            expected = expected[..., int(index[:-1])] if index else expected
        band = dataset.GetRasterBand(number + 1)
        np.testing.assert_array_equal(band.ReadAsArray(), expected)
        assert band.ReadAsArray().dtype == shown_dtype(expected.dtype)


def test_axes_option_overrides_the_rule(npy, rng):
    array = rng.integers(0, 1000, (5, 6, 7), dtype="u2")
    path = npy(array)
    for axes in ["BYX", "BXY", "YXB", "YBX", "XBY", "xyb"]:
        got = gdal.OpenEx(path, open_options=[f"AXES={axes}"]).ReadAsArray()
        np.testing.assert_array_equal(got, np.einsum(f"{axes.lower()}->byx", array))


@pytest.mark.parametrize("options, message", [
    (["AXES=YX"], "AXES: found YX, wanted 3 letters for shape"),
    (["AXES=YYX"], "AXES: found YYX, wanted letters out of B, Y and X"),
    (["AXES=ABC"], "AXES: found ABC"),
])
def test_impossible_axes_are_refused(npy, errors, options, message):
    assert gdal.OpenEx(npy(np.zeros((5, 6, 7), "u1")), open_options=options) is None
    assert len(errors) == 1 and message in errors[0]


class TestBuffers:
    """Band lists, spacings and types of the caller's buffer."""

    @pytest.fixture(params=["BYX", "YXB", "YBX", "fortran"])
    def image(self, request, npy, rng):
        bands = rng.integers(0, 250, (5, 40, 31), dtype="u2")
        if request.param == "fortran":
            path, axes = npy(np.asfortranarray(bands)), "BYX"
        else:
            axes = request.param
            path = npy(np.ascontiguousarray(np.einsum(f"byx->{axes.lower()}", bands)))
        return gdal.OpenEx(path, open_options=[f"AXES={axes}"]), bands

    @pytest.mark.parametrize("order", [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [2, 3, 1], [4, 4, 2, 3],
                                       [1, 3, 5], [3]])
    def test_band_lists_in_any_order(self, image, order):
        dataset, bands = image
        raw = dataset.ReadRaster(3, 2, 20, 30, band_list=order)
        got = np.frombuffer(raw, "u2").reshape(len(order), 30, 20)
        np.testing.assert_array_equal(got, bands[np.array(order) - 1, 2:32, 3:23])

    def test_strided_and_flipped_buffers(self, image):
        dataset, bands = image
        for view in [np.s_[::2, ::3], np.s_[::-1, ::1], np.s_[::1, ::-1], np.s_[::-2, ::-2]]:
            memory = np.full((80, 93), 7, "u2")
            step_y, step_x = view[0].step, view[1].step
            target = memory[view][:40, :31]
            try:
                dataset.GetRasterBand(2).ReadAsArray(buf_obj=target)
            except (RuntimeError, ValueError) as error:
                # Some bindings refuse negative pixel strides before the driver is asked.
                assert step_x < 0 or step_y < 0, error
                continue
            np.testing.assert_array_equal(target, bands[1])
            untouched = np.ones(memory.shape, bool)
            untouched[view][:40, :31] = False
            assert (memory[untouched] == 7).all()

    @pytest.mark.parametrize("code", ["u1", "i2", "f4", "f8", "c8", "i8"])
    def test_types_convert_as_gdal_does(self, image, code):
        dataset, bands = image
        gdal_type = gdal_array.NumericTypeCodeToGDALTypeCode(np.dtype(code).type)
        memory = memory_dataset((bands * 3).astype("u2"))  # beyond a byte: values saturate
        path = dataset.GetDescription()
        scaled = path.replace("array", "scaled")
        np.save(scaled, np.load(path) * np.uint16(3))
        options = [f"AXES={dataset.GetMetadataItem('AXES', 'IMAGE_STRUCTURE')}"]
        dataset = gdal.OpenEx(scaled, open_options=options)
        for order in [[1, 2, 3, 4, 5], [3, 1]]:
            arguments = dict(buf_type=gdal_type, band_list=order)
            assert dataset.ReadRaster(1, 2, 30, 31, **arguments) \
                == memory.ReadRaster(1, 2, 30, 31, **arguments)

    @pytest.mark.parametrize("algorithm", ["NearestNeighbour", "Bilinear", "Cubic", "Average"])
    @pytest.mark.parametrize("size", [(10, 13), (62, 80), (31, 20)])
    def test_resampling_as_gdal_does(self, image, algorithm, size):
        dataset, bands = image
        arguments = dict(buf_xsize=size[0], buf_ysize=size[1],
                         resample_alg=getattr(gdal, f"GRIORA_{algorithm}"))
        np.testing.assert_array_equal(dataset.ReadAsArray(**arguments),
                                      memory_dataset(bands).ReadAsArray(**arguments))

    def test_fractional_windows_as_gdal_does(self, image):
        dataset, bands = image
        # Not MEM, which rounds such windows to whole pixels.
        memory = gdal.Translate("/vsimem/reference.tif", memory_dataset(bands))
        for algorithm in [gdal.GRIORA_NearestNeighbour, gdal.GRIORA_Bilinear]:
            arguments = dict(xoff=3.6, yoff=2.7, xsize=20, ysize=10, buf_xsize=20, buf_ysize=10,
                             resample_alg=algorithm)
            assert dataset.ReadRaster(**arguments) == memory.ReadRaster(**arguments)


def test_progress_is_called_and_can_stop(npy, errors):
    path = npy(np.zeros((3, 3000, 3000), "u2"))
    dataset = gdal.Open(path)
    calls = []
    dataset.ReadAsArray(callback=lambda done, *_: calls.append(done) or 1)
    assert calls[-1] == 1.0 and calls == sorted(calls) and len(calls) > 1
    assert dataset.ReadAsArray(callback=lambda done, *_: 0) is None
    assert "interrupted" in "".join(errors)


@pytest.mark.slow
def test_tallest_raster_in_steps_and_copied(plugin, tmp_path):
    """Lines are counted to the last one, 2^31 - 2."""
    path = str(tmp_path / "tall.npy")
    tall = np.lib.format.open_memmap(path, mode="w+", dtype="u1", shape=((1 << 31) - 1, 1))
    tall[-1] = 7
    dataset = gdal.Open(path)
    calls = []
    raw = dataset.ReadRaster(0, (1 << 30), 1, (1 << 30) - 1,
                             callback=lambda done, *_: calls.append(done) or 1)
    assert raw[-1] == 7 and raw[0] == 0 and calls[-1] == 1.0
    count = [0]

    def stop_soon(*_):
        count[0] += 1
        return count[0] < 5

    with pytest.raises(RuntimeError, match="interrupted"):
        plugin.CreateCopy("/vsimem/tall.npy", dataset, callback=stop_soon)


@pytest.mark.slow
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("shape", [(12000, 12000), (144_000_000,)])
def test_conversion_needs_little_memory(tmp_path, order, shape):
    path = str(tmp_path / "large.npy")
    np.lib.format.open_memmap(path, mode="w+", dtype="u1", shape=shape, fortran_order=order == "F")
    code = f"""
import resource
from osgeo import gdal
import numpy as np
dataset = gdal.Open({path!r})
target = np.ones((dataset.RasterYSize, dataset.RasterXSize), "i2")
dataset.GetRasterBand(1).ReadAsArray(0, 0, 100, 1)  # starts threads
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
dataset.GetRasterBand(1).ReadAsArray(buf_obj=target)
assert target.max() == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True,
                               text=True).stdout)
    assert grown < (144_000_000 >> 10) + (40 << 10)  # in KiB: the file's pages, and little else


def test_statistics_and_histogram(npy, rng):
    array = rng.normal(5, 2, (300, 400)).astype("f4")
    dataset = gdal.Open(npy(array))
    band = dataset.GetRasterBand(1)
    low, high, mean, deviation = band.ComputeStatistics(False)
    assert (low, high) == (array.min(), array.max())
    np.testing.assert_allclose([mean, deviation], [array.mean(), array.std()], rtol=1e-5)
    assert sum(band.GetHistogram(-10, 20, 10)) == array.size


def test_gdal_sees_layout(npy, rng):
    structure = gdal.Open(npy(np.zeros((9, 8, 3), ">i2"))).GetMetadata("IMAGE_STRUCTURE")
    assert structure == {"LAYOUT": "NPY", "DTYPE": ">i2", "SHAPE": "(9, 8, 3)", "ORDER": "C",
                         "DATA_OFFSET": "128", "NPY_VERSION": "1.0", "AXES": "YXB",
                         "INTERLEAVE": "PIXEL"}


def test_image_with_colours_last_is_rgb(npy):
    def colours(array):
        dataset = gdal.Open(npy(array))
        return [dataset.GetRasterBand(i + 1).GetColorInterpretation()
                for i in range(dataset.RasterCount)]

    assert colours(np.zeros((9, 8, 3), "u1")) == [gdal.GCI_RedBand, gdal.GCI_GreenBand,
                                                  gdal.GCI_BlueBand]
    assert colours(np.zeros((3, 8, 9), "u1")) == [gdal.GCI_Undefined] * 3
    assert colours(np.zeros((9, 8, 3), "f4")) == [gdal.GCI_Undefined] * 3


def test_every_half_precision_value(npy):
    halves = np.arange(65536, dtype="u2").view("f2").reshape(256, 256)
    path = npy(halves)
    dataset = gdal.Open(path)
    got = dataset.GetRasterBand(1).ReadAsArray(buf_type=gdal.GDT_Float32)
    np.testing.assert_array_equal(got, halves.astype("f4"))
    dataset = gdal.Open(path, gdal.GA_Update)
    with np.errstate(invalid="ignore"):
        values = np.nextafter(halves.astype("f4"), np.float32(1e9))  # between halves: rounds
    dataset.GetRasterBand(1).WriteArray(values)
    del dataset
    with np.errstate(over="ignore", invalid="ignore"):
        np.testing.assert_array_equal(np.load(path), values.astype("f2"))


def test_advice_is_taken(npy):
    """AdviseRead asks the kernel to read ahead; any window may be advised, of any file."""
    for path in [npy(np.zeros((3, 300, 400), "u2")), str(DATA / "golden" / "record.npy")]:
        dataset = gdal.Open(path)
        assert dataset.AdviseRead(0, 0, dataset.RasterXSize, dataset.RasterYSize) == gdal.CE_None
        assert dataset.AdviseRead(1, 1, 2, 2, None, None, None, [2]) == gdal.CE_None
        assert dataset.GetRasterBand(1).AdviseRead(0, 1, 3, 1) == gdal.CE_None
