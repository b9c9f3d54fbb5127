"""What a .b2nd file says of itself, what users keep in it, and what GDAL keeps beside it."""

import json
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from support.b2nd import SHAPES, assert_same, blosc2, codec_of, details, save
from osgeo import gdal, osr
from support import memory_dataset

UTM = 32633
TRANSFORM = [10, 0.5, 500000, 0.25, -10, 5400000]  # x = 10 column + 0.5 line + 500000, ...
GDAL_TRANSFORM = (500000, 10, 0.5, 5400000, 0.25, -10)


def crs_of(code=UTM):
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(code)
    crs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return crs


@pytest.fixture
def keep(tmp_path):
    """Saves an array with variable-length metalayers, and returns the path."""

    def make(items, shape=(20, 30), raw=False):
        path = str(tmp_path / "kept.b2nd")
        array = blosc2.asarray(np.arange(np.prod(shape), dtype="u2").reshape(shape) % 200,
                               urlpath=path, mode="w")
        for key, value in items.items():
            if raw:
                array.schunk.vlmeta.set_vlmeta(key, value, typesize=1)
            else:
                array.schunk.vlmeta[key] = value
        return path

    return make


def test_image_structure(tmp_path):
    cparams = {"codec": blosc2.Codec.LZ4HC, "clevel": 7,
               "filters": [blosc2.Filter.BITSHUFFLE, blosc2.Filter.BYTEDELTA],
               "filters_meta": [0, 4]}
    path = save(tmp_path / "array.b2nd", np.zeros((60, 50, 3), ">i2"), chunks=(20, 20, 3),
                blocks=(7, 9, 3), cparams=cparams)
    dataset = gdal.Open(path)
    assert codec_of(dataset) == "LZ4HC"
    structure = dataset.GetMetadata("IMAGE_STRUCTURE")
    del structure["CODEC" if "CODEC" in structure else "COMPRESSION"]
    ratio = float(structure.pop("RATIO"))
    assert ratio == pytest.approx(60 * 50 * 3 * 2 / os.stat(path).st_size, rel=0.01)
    assert structure == {"LAYOUT": "B2ND", "DTYPE": ">i2", "SHAPE": "(60, 50, 3)",
                         "CHUNKS": "(20, 20, 3)", "BLOCKS": "(7, 9, 3)",
                         "FILTERS": "BITSHUFFLE,BYTEDELTA(4)", "AXES": "YXB",
                         "INTERLEAVE": "PIXEL"}


@pytest.mark.parametrize("codec", ["BLOSCLZ", "LZ4", "LZ4HC", "ZLIB", "ZSTD"])
def test_names_of_codecs(tmp_path, codec):
    path = save(tmp_path / "array.b2nd", np.arange(600).reshape(20, 30),
                cparams={"codec": blosc2.Codec[codec], "filters": [blosc2.Filter.NOFILTER]})
    dataset = gdal.Open(path)
    assert codec_of(dataset) == codec
    assert dataset.GetMetadataItem("FILTERS", "IMAGE_STRUCTURE") == "NONE"


def test_domain_of_the_driver(tmp_path, rng):
    array = rng.integers(0, 999, (60, 50), dtype="u2")
    path = save(tmp_path / "array.b2nd", array, **SHAPES, cparams={"clevel": 3})
    dataset = gdal.Open(path)
    assert "B2ND" in dataset.GetMetadataDomainList()
    facts = details(dataset)
    kept = blosc2.open(path)
    assert facts["CHUNK_COUNT"] == kept.schunk.nchunks == 9
    assert facts["BLOCKS_PER_CHUNK"] == 9
    assert facts["SPECIAL_CHUNKS"] == 0
    assert facts["UNCOMPRESSED_BYTES"] == kept.schunk.nbytes
    assert facts["COMPRESSED_BYTES"] == kept.schunk.cbytes
    assert facts["FRAME_BYTES"] == os.stat(path).st_size
    assert facts["LEVEL"] == 3
    assert facts["METALAYERS"] == "b2nd"
    assert facts["DECODED_BLOCKS"] == facts["CACHE_HITS"] == facts["CACHE_MISSES"] == 0
    assert dataset.GetMetadataItem("CHUNK_COUNT", "B2ND") == "9"
    dataset.ReadAsArray()
    # None of the blocks that are all padding, at the right edge.
    assert dataset.GetMetadataItem("DECODED_BLOCKS", "B2ND") == "72"


class TestUserMetadata:
    @pytest.mark.parametrize("value, text", [
        ("text", "text"), ("höhe 日本 \n\"quoted\"", "höhe 日本 \n\"quoted\""), ("", ""),
        (5, "5"),
        (-(1 << 63), "-9223372036854775808"), ((1 << 64) - 1, "18446744073709551615"),
        (2.5, "2.5"), (True, "true"), (None, "null"), ([1, "a", None], '[1,"a",null]'),
        ({"a": {"b": [1, 2]}}, '{"a":{"b":[1,2]}}'), (b"\x00\xff", "(2 bytes)"),
        ({"thumbnail": b"\x00\xff"}, '{"thumbnail":"(2 bytes)"}'), (np.float64(0.1), "0.1"),
    ])
    def test_values(self, keep, value, text):
        assert gdal.Open(keep({"key": value})).GetMetadata() == {"key": text}

    @pytest.mark.parametrize("name, shown", [
        ("with space", "with space"), ("höhe", "höhe"), ("ns:key", "ns_key"), ("a=b=c", "a_b_c"),
        ("x" * 31, "x" * 31)])
    def test_names(self, keep, name, shown):
        assert gdal.Open(keep({name: "value"})).GetMetadata() == {shown: "value"}

    def test_many(self, keep):
        items = {f"key {number}": number for number in range(15)}
        assert gdal.Open(keep(items)).GetMetadata() == {k: str(v) for k, v in items.items()}

    def test_subdatasets_have_it_too(self, keep):
        path = keep({"title": "a stack", "spatial:transform": TRANSFORM}, (2, 3, 20, 30))
        dataset = gdal.Open(f'B2ND:"{path}":[1]')
        assert dataset.GetMetadata() == {"title": "a stack"}
        assert dataset.GetGeoTransform() == GDAL_TRANSFORM

    @pytest.mark.parametrize("content", [
        b"", b"\xc1", b"\x01\x02", b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
        b"\xdf\x7f\xff\xff\xff", b"\x91" * 100_000 + b"\xc0", b"\x81\x01\x02",
        b"\xdd" + struct.pack(">I", 5_000_000) + b"\xc0" * 5_000_000,
        b"\xdb" + struct.pack(">I", 80_000_000) + b"a" * 80_000_000,
    ], ids=["empty", "no type", "two values", "array cut short", "string cut short",
            "map cut short", "deep", "map of integers", "many values", "long string"])
    def test_values_that_are_not_shown(self, keep, content):
        """A note stands for them; other metadata and all pixels are there."""
        path = keep({"a": b"\xa3yes", "hostile": content, "z": b"\xa3yes"}, raw=True)
        dataset = gdal.Open(path)
        metadata = dataset.GetMetadata()
        assert metadata["a"] == metadata["z"] == "yes"
        assert metadata["hostile"].startswith("(") and len(metadata["hostile"]) < 200
        assert_same(dataset.ReadAsArray(), blosc2.open(path)[...])

    @pytest.mark.parametrize("content, text", [
        (b"\xa3\xff\xfea", "\ufffd\ufffda"), (b"\x81\xa2\xff\xfe\x01", '{"\ufffd\ufffd":1}'),
        (b"\xa3a\x00b", "a"), (b"\xa5<&\">'", "<&\">'")],
        ids=["not UTF-8", "key not UTF-8", "NUL", "markup"])
    def test_odd_texts(self, keep, content, text):
        path = keep({"odd": content}, raw=True)
        assert gdal.Open(path).GetMetadata() == {"odd": text}

    def test_long_values_are_measured_not_shown(self, keep):
        path = keep({"long": "z" * 5_000_000})
        assert gdal.Open(path).GetMetadata() == {"long": "(5000000 bytes)"}

    @pytest.mark.slow
    def test_long_values_need_little_memory(self, keep):
        """As JSON, each of these bytes is six characters."""
        path = keep({"nul": b"\xdb" + struct.pack(">I", 40_000_000) + bytes(40_000_000)}, raw=True)
        code = f"""
import resource
from osgeo import gdal
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert gdal.Open({path!r}) is not None
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
        grown = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True,
                                   text=True).stdout)
        assert grown < 200 << 10  # in KiB

    def test_it_is_not_copied_to_the_sidecar(self, keep):
        path = keep({"title": "first"})
        gdal.Open(path).SetProjection(crs_of().ExportToWkt())
        array = blosc2.open(path, mode="a")
        array.schunk.vlmeta["title"] = "second"
        assert gdal.Open(path).GetMetadata() == {"title": "second"}


class TestPlaceOnEarth:
    def test_transform(self, keep):
        dataset = gdal.Open(keep({"spatial:transform": TRANSFORM}))
        assert dataset.GetGeoTransform() == GDAL_TRANSFORM
        assert dataset.GetMetadata() == {}

    def test_transform_as_a_tuple(self, keep):
        """python-blosc2 marks tuples in a way of its own; affine.Affine is one."""
        path = keep({"spatial:transform": tuple(TRANSFORM)})
        assert gdal.Open(path).GetGeoTransform() == GDAL_TRANSFORM

    @pytest.mark.parametrize("value", [[1, 2, 3], TRANSFORM + [0, 0, 1], "text", 5, None, [],
                                       [1, 2, 3, 4, 5, "6"], [1, 2, 3, 4, 5, float("inf")],
                                       [1, 2, 3, 4, 5, float("nan")], {"a": 1}])
    def test_what_is_no_transform_is_metadata(self, keep, value):
        dataset = gdal.Open(keep({"spatial:transform": value}))
        assert dataset.GetGeoTransform(can_return_null=True) is None
        assert list(dataset.GetMetadata()) == ["spatial_transform"]

    @pytest.mark.parametrize("key, value", [
        ("proj:code", "EPSG:32633"), ("proj:wkt2", crs_of().ExportToWkt(["FORMAT=WKT2_2019"])),
        ("proj:projjson", crs_of().ExportToPROJJSON()),
        ("proj:projjson", json.loads(crs_of().ExportToPROJJSON()))],
        ids=["code", "wkt2", "projjson text", "projjson"])
    def test_crs(self, keep, key, value):
        dataset = gdal.Open(keep({key: value}))
        assert dataset.GetSpatialRef().IsSame(crs_of())
        assert dataset.GetSpatialRef().GetAuthorityCode(None) == str(UTM)
        assert dataset.GetMetadata() == {}

    def test_axes_of_geographic_crs(self, keep):
        """Pixels are (longitude, latitude), as in every GDAL raster."""
        crs = gdal.Open(keep({"proj:code": "EPSG:4326"})).GetSpatialRef()
        assert crs.GetDataAxisToSRSAxisMapping() == [2, 1]

    def test_the_first_that_can_be_read(self, keep):
        dataset = gdal.Open(keep({"proj:code": "EPSG:4326", "proj:wkt2": crs_of().ExportToWkt(),
                                  "proj:projjson": {"type": "nonsense"}}))
        assert dataset.GetSpatialRef().IsSame(crs_of())
        dataset = gdal.Open(keep({"proj:wkt2": "nonsense", "proj:code": "EPSG:4326"}))
        assert dataset.GetSpatialRef().IsSame(crs_of(4326))
        assert dataset.GetMetadata() == {"proj_wkt2": "nonsense"}

    @pytest.mark.parametrize("value", ["nonsense", "EPSG:99999999", 32633, None, [], {"a": 1}, "",
                                       "http://127.0.0.1:1/x", "/etc/hostname", "@file.prj"])
    def test_what_is_no_crs_is_metadata_without_errors(self, keep, errors, value):
        dataset = gdal.Open(keep({"proj:code": value}))
        assert dataset.GetSpatialRef() is None
        assert list(dataset.GetMetadata()) == ["proj_code"]
        assert errors == []


class TestSidecar:
    def test_it_wins(self, keep):
        path = keep({"spatial:transform": TRANSFORM, "proj:code": "EPSG:4326", "title": "file"})
        dataset = gdal.Open(path)
        dataset.SetProjection(crs_of().ExportToWkt())
        dataset.SetGeoTransform([1, 2, 0, 3, 0, -4])
        dataset.SetMetadataItem("title", "sidecar")
        dataset.SetMetadataItem("mine", "1")
        del dataset
        dataset = gdal.Open(path)
        assert dataset.GetGeoTransform() == (1, 2, 0, 3, 0, -4)
        assert dataset.GetSpatialRef().IsSame(crs_of())
        assert dataset.GetMetadata() == {"title": "sidecar", "mine": "1"}
        assert dataset.GetFileList() == [path, path + ".aux.xml"]
        os.unlink(path + ".aux.xml")
        dataset = gdal.Open(path)
        assert dataset.GetGeoTransform() == GDAL_TRANSFORM
        assert dataset.GetMetadata() == {"title": "file"}

    def test_opening_writes_none(self, keep, tmp_path):
        path = keep({"spatial:transform": TRANSFORM, "proj:code": "EPSG:4326", "title": "file"})
        dataset = gdal.Open(path)
        dataset.ReadAsArray()
        dataset.GetMetadata("B2ND")
        del dataset
        assert os.listdir(tmp_path) == ["kept.b2nd"]

    def test_band_metadata(self, keep):
        path = keep({}, (3, 20, 30))
        dataset = gdal.Open(path)
        band = dataset.GetRasterBand(2)
        band.SetNoDataValue(7)
        band.SetDescription("near infrared")
        band.SetColorInterpretation(gdal.GCI_AlphaBand)
        statistics = band.ComputeStatistics(False)
        del band, dataset
        dataset = gdal.Open(path)
        band = dataset.GetRasterBand(2)
        assert band.GetNoDataValue() == 7
        assert band.GetDescription() == "near infrared"
        assert band.GetColorInterpretation() == gdal.GCI_AlphaBand
        assert band.GetStatistics(False, False) == pytest.approx(statistics)
        pixels = blosc2.open(path)[1]
        pixels = pixels[pixels != 7]
        assert statistics == pytest.approx([pixels.min(), pixels.max(), pixels.mean(),
                                            pixels.std()])

    @pytest.mark.parametrize("shape", [(400, 600), (3, 400, 600), (400, 600, 3)])
    def test_overviews_beside_the_file(self, keep, tmp_path, shape):
        path = keep({}, shape)
        dataset = gdal.Open(path)
        pixels = dataset.ReadAsArray()
        dataset.BuildOverviews("NEAREST", [2, 4])
        del dataset
        assert sorted(os.listdir(tmp_path)) == ["kept.b2nd", "kept.b2nd.ovr"]
        dataset = gdal.Open(path)
        reference = memory_dataset(pixels)
        reference.BuildOverviews("NEAREST", [2, 4])
        for number in range(1, dataset.RasterCount + 1):
            band, expected = dataset.GetRasterBand(number), reference.GetRasterBand(number)
            assert band.GetOverviewCount() == 2
            for level in (0, 1):
                assert_same(band.GetOverview(level).ReadAsArray(),
                            expected.GetOverview(level).ReadAsArray())
        assert_same(dataset.ReadAsArray(buf_xsize=300, buf_ysize=200),
                    reference.ReadAsArray(buf_xsize=300, buf_ysize=200))
        assert path + ".ovr" in dataset.GetFileList()


@pytest.mark.parametrize("shape, dtype, colours", [
    ((20, 30, 3), "u1", "RGB"), ((20, 30, 3), "<u2", "RGB"), ((20, 30, 4), "u1", "RGBA"),
    ((20, 30, 3), "<f4", "UUU"), ((20, 30, 3), "i1", "UUU"), ((3, 20, 30), "u1", "UUU"),
    ((20, 30), "u1", "U")])
def test_colours(tmp_path, shape, dtype, colours):
    path = save(tmp_path / "array.b2nd", np.zeros(shape, dtype))
    dataset = gdal.Open(path)
    names = [gdal.GetColorInterpretationName(dataset.GetRasterBand(number + 1)
                                             .GetColorInterpretation())
             for number in range(dataset.RasterCount)]
    assert "".join(name[0] for name in names) == colours


def set_category(band):
    band.SetCategoryNames(["sea", "land"])


def set_colors(band):
    table = gdal.ColorTable()
    table.SetColorEntry(1, (10, 20, 30, 255))
    band.SetColorTable(table)


def set_attribute_table(band):
    table = gdal.RasterAttributeTable()
    table.CreateColumn("name", gdal.GFT_String, gdal.GFU_Name)
    table.SetValueAsString(0, 0, "sea")
    band.SetDefaultRAT(table)


@pytest.mark.parametrize("change, read", [
    (lambda band: band.SetDescription("red"), lambda band: band.GetDescription()),
    (lambda band: band.SetNoDataValue(7), lambda band: band.GetNoDataValue()),
    (lambda band: band.SetScale(0.5), lambda band: band.GetScale()),
    (lambda band: band.SetOffset(3), lambda band: band.GetOffset()),
    (lambda band: band.SetUnitType("m"), lambda band: band.GetUnitType()),
    (lambda band: band.SetMetadataItem("a", "b"), lambda band: band.GetMetadata()),
    (lambda band: band.SetMetadataItem("a", "b", "C"), lambda band: band.GetMetadata("C")),
    (lambda band: band.SetColorInterpretation(gdal.GCI_RedBand),
     lambda band: band.GetColorInterpretation()),
    (lambda band: band.SetDefaultHistogram(0, 9, [1, 2, 3]),
     lambda band: band.GetDefaultHistogram(force=0)),
    (set_category, lambda band: band.GetCategoryNames()),
    (set_colors, lambda band: band.GetColorTable().GetColorEntry(1)),
    (set_attribute_table, lambda band: band.GetDefaultRAT().GetValueAsString(0, 0))],
    ids=["description", "nodata", "scale", "offset", "unit", "item", "domain", "color", "histogram",
         "categories", "color table", "attribute table"])
def test_what_one_band_of_a_stack_says_is_kept(tmp_path, change, read):
    source = gdal.GetDriverByName("MEM").Create("", 8, 8, 6, gdal.GDT_Byte)
    change(source.GetRasterBand(4))
    path = str(tmp_path / "stack.b2nd")
    gdal.GetDriverByName("B2ND").CreateCopy(path, source)
    assert read(gdal.Open(path).GetRasterBand(4)) == read(source.GetRasterBand(4))
