"""Masks that a .b2nd keeps in itself: an array of bytes in the attribute gdal:mask."""

import concurrent.futures
import os
import subprocess
import sys

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal
from support import memory_dataset
from support.tool import tool

# Reads in a process of its own, with no memory of the writer: flags and masks of all bands.
READ = """
import sys
import numpy as np
from osgeo import gdal
gdal.UseExceptions()
dataset = gdal.Open(sys.argv[1])
bands = [dataset.GetRasterBand(band + 1) for band in range(dataset.RasterCount)]
np.savez(sys.argv[2], flags=[band.GetMaskFlags() for band in bands],
         masks=[band.GetMaskBand().ReadAsArray() for band in bands])
"""


def read_elsewhere(path, folder):
    to = str(folder / "masks.npz")
    subprocess.run([sys.executable, "-c", READ, path, to], check=True)
    with np.load(to) as read:
        os.remove(to)
        return list(read["flags"]), read["masks"]


def blob(rng, shape):
    """A mask as images have them: large areas, ragged edges, and nothing valid at one side."""
    y, x = np.indices(shape)
    mask = np.where(0.3 * y + x > 60 + rng.integers(0, 3, shape), 255, 0).astype("u1")
    mask[shape[0] // 3:shape[0] // 2, shape[1] // 3:] = 0
    return mask


def masked(pixels, masks, flags=0):
    """A source in memory with one mask for all bands, or one for each (None: none)."""
    source = memory_dataset(pixels)
    if flags == gdal.GMF_PER_DATASET:
        source.CreateMaskBand(flags)
        source.GetRasterBand(1).GetMaskBand().WriteArray(masks)
        return source
    for number, mask in enumerate(masks):
        if mask is not None:
            band = source.GetRasterBand(number + 1)
            band.CreateMaskBand(0)
            band.GetMaskBand().WriteArray(mask)
    return source


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 4096, (3, 290, 310), dtype="u2")


@pytest.fixture
def mask(rng):
    return blob(rng, (290, 310))


@pytest.fixture
def image(tmp_path, pixels, mask):
    """A file with one mask for all bands."""
    path = str(tmp_path / "image.b2nd")
    gdal.Translate(path, masked(pixels, mask, gdal.GMF_PER_DATASET), format="B2ND")
    return path


def frame_of(path):
    array = blosc2.open(path)  # in a name: its attributes live no longer than it does
    return array.schunk.vlmeta["gdal:mask"]


def has_mask(path):
    array = blosc2.open(path)
    return "gdal:mask" in array.schunk.vlmeta


def stored(path):
    """The mask as python-blosc2 reads it."""
    return blosc2.ndarray_from_cframe(frame_of(path))[:]


@pytest.mark.parametrize("options", [["INTERLEAVE=BAND"], ["INTERLEAVE=PIXEL"], ["AXES=YBX"],
                                     ["COMPRESS=NONE", "CHUNKXSIZE=256", "CHUNKYSIZE=256"]])
def test_a_mask_of_all_bands_is_in_the_file(tmp_path, pixels, mask, options):
    path = str(tmp_path / "image.b2nd")
    gdal.Translate(path, masked(pixels, mask, gdal.GMF_PER_DATASET), format="B2ND",
                   creationOptions=options)
    assert os.listdir(tmp_path) == ["image.b2nd"]
    flags, masks = read_elsewhere(path, tmp_path)
    assert flags == [gdal.GMF_PER_DATASET] * 3
    for read in masks:
        np.testing.assert_array_equal(read, mask)
    np.testing.assert_array_equal(stored(path), mask)
    np.testing.assert_array_equal(gdal.Open(path).ReadAsArray(), pixels)
    assert "Mask Flags: PER_DATASET" in gdal.Info(path)
    assert "gdal" not in str(gdal.Open(path).GetMetadata())


def test_masks_of_each_band_are_in_the_file(tmp_path, rng, pixels):
    path = str(tmp_path / "image.b2nd")
    masks = [blob(rng, (290, 310)), None, rng.integers(0, 2, (290, 310), dtype="u1") * 255]
    gdal.Translate(path, masked(pixels, masks), format="B2ND")
    masks[1] = np.full((290, 310), 255, "u1")
    assert os.listdir(tmp_path) == ["image.b2nd"]
    flags, read = read_elsewhere(path, tmp_path)
    assert flags == [0, 0, 0]
    np.testing.assert_array_equal(read, masks)
    np.testing.assert_array_equal(stored(path), masks)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (1025, 3), (300, 2100)])
def test_sizes(tmp_path, rng, shape):
    path = str(tmp_path / "image.b2nd")
    mask = rng.integers(0, 2, shape, dtype="u1") * 255
    gdal.Translate(path, masked(np.zeros(shape, "u1"), mask, gdal.GMF_PER_DATASET), format="B2ND")
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(1)
    np.testing.assert_array_equal(band.GetMaskBand().ReadAsArray(), mask)
    np.testing.assert_array_equal(stored(path), mask)


def test_windows_blocks_and_resampling(image, mask):
    dataset = gdal.Open(image)
    band = dataset.GetRasterBand(2).GetMaskBand()
    np.testing.assert_array_equal(band.ReadAsArray(13, 250, 290, 17), mask[250:267, 13:303])
    floats = band.ReadAsArray(5, 6, 70, 80, buf_type=gdal.GDT_Float32)
    np.testing.assert_array_equal(floats, mask[6:86, 5:75].astype("f4"))
    width, height = band.GetBlockSize()
    block = np.frombuffer(band.ReadBlock(0, 0), "u1").reshape(height, width)
    np.testing.assert_array_equal(block, mask[:height, :width])
    np.testing.assert_array_equal(band.ReadAsArray(0, 0, 310, 290, 31, 29), mask[5::10, 5::10])


def test_every_source_format_keeps_its_mask(tmp_path, pixels, mask):
    source = masked(pixels, mask, gdal.GMF_PER_DATASET)
    tiff = str(tmp_path / "internal.tif")
    gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES")
    try:
        gdal.Translate(tiff, source)
    finally:
        gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", None)
    assert os.listdir(tmp_path) == ["internal.tif"]
    chain = [("B2ND", "copy.b2nd"), ("B2ND", "again.b2nd"), ("GTiff", "back.tif"),
             ("NPY", "array.npy"), ("B2ND", "last.b2nd")]
    previous = tiff
    for driver, name in chain:
        path = str(tmp_path / name)
        gdal.Translate(path, previous, format=driver)
        flags, masks = read_elsewhere(path, tmp_path)
        assert flags == [gdal.GMF_PER_DATASET] * 3, name
        np.testing.assert_array_equal(masks[2], mask, err_msg=name)
        previous = path
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".b2nd.msk")]


def test_mask_from_a_band(tmp_path, pixels, mask):
    path = str(tmp_path / "image.b2nd")
    bands = np.concatenate([pixels, mask[np.newaxis]])
    gdal.Translate(path, memory_dataset(bands), format="B2ND", bandList=[1, 2, 3], maskBand=4)
    flags, masks = read_elsewhere(path, tmp_path)
    assert flags == [gdal.GMF_PER_DATASET] * 3
    np.testing.assert_array_equal(masks[0], mask)
    assert os.listdir(tmp_path) == ["image.b2nd"]


def test_alpha_and_nodata_need_no_mask(tmp_path, rng, pixels, mask):
    nodata = memory_dataset(pixels)
    for number in range(3):
        nodata.GetRasterBand(number + 1).SetNoDataValue(7)
    alpha = memory_dataset(np.concatenate([pixels, mask[np.newaxis]]).astype("u1"))
    alpha.GetRasterBand(4).SetColorInterpretation(gdal.GCI_AlphaBand)
    for name, source, flags in [("nodata", nodata, [gdal.GMF_NODATA] * 3),
                                ("alpha", alpha, [gdal.GMF_ALPHA | gdal.GMF_PER_DATASET] * 3
                                 + [gdal.GMF_ALL_VALID])]:
        path = str(tmp_path / f"{name}.b2nd")
        gdal.Translate(path, source, format="B2ND")
        assert read_elsewhere(path, tmp_path)[0] == flags
        assert not has_mask(path)
    assert sorted(os.listdir(tmp_path)) == ["alpha.b2nd", "nodata.b2nd"]


def test_areas_of_one_value_cost_nothing(tmp_path):
    path = str(tmp_path / "image.b2nd")
    source = memory_dataset(np.zeros((4096, 4096), "u1"))
    source.CreateMaskBand(gdal.GMF_PER_DATASET)
    source.GetRasterBand(1).GetMaskBand().WriteArray(np.full((4096, 2048), 255, "u1"))
    gdal.Translate(path, source, format="B2ND")
    assert len(frame_of(path)) < 1000
    assert stored(path)[:, :2048].min() == 255 and stored(path)[:, 2048:].max() == 0


def test_progress_covers_masks_and_stops(tmp_path, pixels, mask):
    source = masked(pixels, mask, gdal.GMF_PER_DATASET)
    path = str(tmp_path / "image.b2nd")
    told = []
    driver = gdal.GetDriverByName("B2ND")
    driver.CreateCopy(path, source, callback=lambda done, *_: told.append(done) or 1)
    assert told == sorted(told) and told[0] == 0 and told[-1] == 1
    assert any(0 < done < 0.2 for done in told)
    os.remove(path)
    with pytest.raises(RuntimeError, match="nterrupted"):
        driver.CreateCopy(path, source, callback=lambda done, *_: done == 0)
    assert os.listdir(tmp_path) == []


def test_a_mask_beside_the_file_counts_for_more(image, mask):
    beside = str(image) + ".msk"
    gdal.Translate(beside, memory_dataset(255 - mask), format="GTiff",
                   metadataOptions=["INTERNAL_MASK_FLAGS_1=2", "INTERNAL_MASK_FLAGS_2=2",
                                    "INTERNAL_MASK_FLAGS_3=2"])
    dataset = gdal.Open(image)
    band = dataset.GetRasterBand(1)
    np.testing.assert_array_equal(band.GetMaskBand().ReadAsArray(), 255 - mask)
    dataset = band = None
    os.remove(beside)
    dataset = gdal.Open(image)
    band = dataset.GetRasterBand(1)
    np.testing.assert_array_equal(band.GetMaskBand().ReadAsArray(), mask)


def test_updates_and_rewrites_keep_the_mask(image, tmp_path, rng, mask):
    dataset = gdal.Open(image, gdal.GA_Update)
    dataset.SetMetadataItem("KEY", "value")
    dataset.GetRasterBand(1).SetNoDataValue(0)
    dataset.GetRasterBand(1).WriteArray(rng.integers(0, 9, (290, 310), dtype="u2"))
    dataset = None
    flags, masks = read_elsewhere(image, tmp_path)
    assert flags == [gdal.GMF_PER_DATASET] * 3
    np.testing.assert_array_equal(masks[1], mask)
    np.testing.assert_array_equal(stored(image), mask)


@pytest.mark.slow
def test_compaction_keeps_the_mask(tmp_path, rng):
    path = str(tmp_path / "image.b2nd")
    values = rng.integers(0, 65536, (2048, 2048), dtype="u2")
    mask = blob(rng, (2048, 2048))
    gdal.Translate(path, masked(values, mask, gdal.GMF_PER_DATASET), format="B2ND")
    dataset = gdal.Open(path, gdal.GA_Update)
    for turn in range(3):
        dataset.GetRasterBand(1).WriteArray(values ^ turn)
        dataset.FlushCache()
    assert os.stat(path).st_size > 24 << 20
    dataset = None
    tool("compact", path)
    assert os.stat(path).st_size < 12 << 20
    np.testing.assert_array_equal(stored(path), mask)


def test_a_mask_is_updated_in_the_file(image, tmp_path, mask):
    dataset = gdal.Open(image, gdal.GA_Update)
    band = dataset.GetRasterBand(3).GetMaskBand()
    mask[100:140, 20:200] = 255 - mask[100:140, 20:200]
    band.WriteArray(mask[100:140, 20:200], 20, 100)
    np.testing.assert_array_equal(band.ReadAsArray(), mask)
    dataset.FlushCache()
    np.testing.assert_array_equal(stored(image), mask)
    mask[:] = 0
    band.Fill(0)  # by way of GDAL's block cache
    dataset = band = None
    np.testing.assert_array_equal(stored(image), mask)
    assert os.listdir(tmp_path) == ["image.b2nd"]


def test_a_mask_of_each_band_is_updated_in_the_file(tmp_path, rng, pixels):
    path = str(tmp_path / "image.b2nd")
    masks = np.stack([blob(rng, (290, 310)) for _ in range(3)])
    gdal.Translate(path, masked(pixels, masks), format="B2ND")
    dataset = gdal.Open(path, gdal.GA_Update)
    masks[1] = 255 - masks[1]
    dataset.GetRasterBand(2).GetMaskBand().WriteArray(masks[1])
    dataset.GetRasterBand(2).CreateMaskBand(0)  # it is there
    with pytest.raises(RuntimeError, match="mask: found one for all bands, wanted one for each"):
        dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
    dataset = None
    np.testing.assert_array_equal(stored(path), masks)


def test_frequent_updates_of_a_mask_leave_nothing_behind(image, rng):
    dataset = gdal.Open(image, gdal.GA_Update)
    mask = rng.integers(0, 2, (290, 310), dtype="u1") * 255
    for _ in range(20):
        mask = np.roll(mask, 1, axis=0)
        dataset.GetRasterBand(1).GetMaskBand().WriteArray(mask)
        dataset.FlushCache()
    assert len(frame_of(image)) < 290 * 310 // 6
    np.testing.assert_array_equal(stored(image), mask)


@pytest.mark.parametrize("of_band", [False, True])
def test_create_mask_band_makes_one_in_the_file(tmp_path, mask, of_band):
    path = str(tmp_path / "new.b2nd")
    dataset = gdal.GetDriverByName("B2ND").Create(path, 310, 290, 2, gdal.GDT_Byte)
    assert dataset.GetRasterBand(1).GetMaskFlags() == gdal.GMF_ALL_VALID
    made_by = dataset.GetRasterBand(1) if of_band else dataset
    made_by.CreateMaskBand(gdal.GMF_PER_DATASET)
    assert dataset.GetRasterBand(2).GetMaskFlags() == gdal.GMF_PER_DATASET
    assert dataset.GetRasterBand(2).GetMaskBand().ReadAsArray().max() == 0
    dataset.GetRasterBand(1).GetMaskBand().WriteArray(mask)
    made_by = dataset = None
    assert os.listdir(tmp_path) == ["new.b2nd"]
    flags, masks = read_elsewhere(path, tmp_path)
    assert flags == [gdal.GMF_PER_DATASET] * 2
    np.testing.assert_array_equal(masks[0], mask)
    np.testing.assert_array_equal(stored(path), mask)


def test_a_mask_created_without_pixels_hides_everything(tmp_path):
    path = str(tmp_path / "new.b2nd")
    dataset = gdal.GetDriverByName("B2ND").Create(path, 31, 29, 1, gdal.GDT_Byte)
    dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
    dataset = None
    assert read_elsewhere(path, tmp_path)[0] == [gdal.GMF_PER_DATASET]
    assert stored(path).shape == (29, 31) and stored(path).max() == 0


def test_a_read_only_file_gets_its_mask_beside_it(image, mask):
    dataset = gdal.Open(image)
    dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
    dataset.GetRasterBand(1).GetMaskBand().WriteArray(255 - mask)
    dataset = None
    assert os.path.exists(image + ".msk")
    dataset = gdal.Open(image)
    np.testing.assert_array_equal(dataset.GetRasterBand(1).GetMaskBand().ReadAsArray(), 255 - mask)
    np.testing.assert_array_equal(stored(image), mask)


def test_masks_have_the_overviews_of_their_rasters(image, mask):
    dataset = gdal.Open(image)
    dataset.BuildOverviews("NEAREST", [2, 4])
    dataset = None
    dataset = gdal.Open(image)
    band = dataset.GetRasterBand(1).GetMaskBand()
    assert band.GetOverviewCount() == 2
    half = band.GetOverview(0).ReadAsArray()
    np.testing.assert_array_equal(half, mask[::2, ::2])
    np.testing.assert_array_equal(band.ReadAsArray(0, 0, 310, 290, 155, 145), half)
    reduced = gdal.OpenEx(image, open_options=["OVERVIEW_LEVEL=0"])
    assert reduced.GetRasterBand(1).GetMaskFlags() == gdal.GMF_PER_DATASET
    np.testing.assert_array_equal(reduced.GetRasterBand(1).GetMaskBand().ReadAsArray(), half)


@pytest.mark.skipif(not hasattr(gdal, "OF_THREAD_SAFE"), reason="GDAL 3.10 or newer")
def test_threads_share_a_dataset_and_its_mask(image, pixels, mask):
    dataset = gdal.OpenEx(image, gdal.OF_RASTER | gdal.OF_THREAD_SAFE)

    def read(number):
        band = dataset.GetRasterBand(number % 3 + 1)
        return band.ReadAsArray(), band.GetMaskBand().ReadAsArray()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for number, (values, valid) in enumerate(pool.map(read, range(24))):
            np.testing.assert_array_equal(values, pixels[number % 3])
            np.testing.assert_array_equal(valid, mask)


def test_a_mask_that_python_blosc2_wrote(tmp_path, mask):
    path = str(tmp_path / "image.b2nd")
    array = blosc2.asarray(np.zeros((290, 310), "f4"), urlpath=path, mode="w")
    array.schunk.vlmeta["gdal:mask"] = blosc2.asarray(mask, chunks=(100, 90)).to_cframe()
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(1)
    assert band.GetMaskFlags() == gdal.GMF_PER_DATASET
    np.testing.assert_array_equal(band.GetMaskBand().ReadAsArray(), mask)


def test_stacks_have_no_mask(tmp_path, errors):
    path = str(tmp_path / "stack.b2nd")
    array = blosc2.asarray(np.ones((2, 3, 29, 31), "u1"), urlpath=path, mode="w")
    array.schunk.vlmeta["gdal:mask"] = blosc2.asarray(np.zeros((29, 31), "u1")).to_cframe()
    dataset = gdal.Open(f'B2ND:"{path}":[1]')
    assert dataset.GetRasterBand(1).GetMaskFlags() == gdal.GMF_ALL_VALID
    assert errors == []


@pytest.mark.slow
def test_a_mask_without_room_goes_beside_the_file(tmp_path, rng):
    path = str(tmp_path / "image.b2nd")
    noise = np.frombuffer(rng.bytes(6000 * 6000), "u1").reshape(6000, 6000)
    source = memory_dataset(np.zeros((6000, 6000), "u1"))
    source.CreateMaskBand(gdal.GMF_PER_DATASET)
    source.GetRasterBand(1).GetMaskBand().WriteArray(noise)
    gdal.Translate(path, source, format="B2ND")
    assert sorted(os.listdir(tmp_path)) == ["image.b2nd", "image.b2nd.msk"]
    dataset = gdal.Open(path)
    np.testing.assert_array_equal(dataset.GetRasterBand(1).GetMaskBand().ReadAsArray(), noise)
    assert not has_mask(path)
