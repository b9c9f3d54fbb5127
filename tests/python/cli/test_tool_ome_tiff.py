"""gdal_ndarray convert of OME-TIFF: planes where the XML says they are, else pages."""

import itertools
import subprocess

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal
from support.tiff import gdal_stack, write_stack
from support.tool import PROGRAM, tool

NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
SIZES = {"T": 3, "Z": 4, "C": 2}
LENGTH = 24


@pytest.fixture
def pages(rng):
    return rng.integers(0, 60000, (LENGTH, 10, 12), dtype="u2")


def ome(tiff_data="<TiffData/>", order="XYZCT", sizes=None, pixels="", root="", images=1):
    sizes = {"X": 12, "Y": 10, **SIZES, **(sizes or {})}
    text = " ".join(f'Size{axis}="{size}"' for axis, size in sizes.items())
    image = (f'<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="{order}" Type="uint16" '
             f'{text}>{pixels}{tiff_data}</Pixels></Image>')
    return ('<?xml version="1.0" encoding="UTF-8"?><!-- Warning: this comment is an OME-XML '
            f'metadata block -->\n<OME xmlns="{NAMESPACE}" {root}>{image * images}</OME>')


def in_order(pages, order):
    """The pages as (t, z, c, y, x), which are counted as `order` says."""
    slowest_first = order[:1:-1]
    array = pages.reshape(*(SIZES[axis] for axis in slowest_first), *pages.shape[1:])
    return np.moveaxis(array, [slowest_first.index(axis) for axis in "TZC"], [0, 1, 2])


def convert(path, name="o.npy", message=""):
    """Returns the array, after a look at what was written to stderr."""
    target = path.parent / name
    done = subprocess.run([PROGRAM, "convert", path, target], capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0 and done.stdout == ""
    if message:
        assert message in done.stderr and "page by page" in done.stderr
    else:
        assert done.stderr == ""
    return np.load(target) if name.endswith(".npy") else blosc2.open(str(target))


@pytest.mark.parametrize("order", ["XY" + "".join(axes) for axes in itertools.permutations("ZCT")])
def test_every_dimension_order(pages, tmp_path, order):
    path = write_stack(tmp_path / "s.ome.tif", pages, description=ome(order=order))
    expected = in_order(pages, order)
    assert expected.shape == (3, 4, 2, 10, 12)
    np.testing.assert_array_equal(convert(path), expected)


def test_axes_have_names_and_the_xml_is_kept(pages, tmp_path):
    text = ome(order="XYCTZ", sizes={"T": 1, "Z": 12})
    path = write_stack(tmp_path / "s.ome.tif", pages, description=text)
    array = convert(path, "o.b2nd")
    assert array.shape == (12, 2, 10, 12)
    assert array.schunk.vlmeta["dimension_names"] == ["z", "c", "y", "x"]
    np.testing.assert_array_equal(array[:], pages.reshape(12, 2, 10, 12))
    assert "DimensionOrder" in str(array.schunk.vlmeta["gdal"])
    text = ome(sizes={"T": 1, "Z": 1, "C": 24})
    path = write_stack(tmp_path / "t.ome.tif", pages, description=text)
    np.testing.assert_array_equal(convert(path), pages)
    assert gdal.Open(str(tmp_path / "o.npy")).RasterCount == 24


def listed(places):
    return "".join(f'<TiffData IFD="{ifd}" FirstT="{t}" FirstZ="{z}" FirstC="{c}" PlaneCount="1"/>'
                   for ifd, (t, z, c) in enumerate(places))


def test_pages_in_any_order(pages, tmp_path, rng):
    places = [tuple(place) for place in rng.permutation(list(np.ndindex(3, 4, 2)))]
    expected = np.empty((3, 4, 2, 10, 12), "u2")
    for page, place in zip(pages, places):
        expected[place] = page
    path = write_stack(tmp_path / "s.ome.tif", pages, description=ome(listed(places)), big=True)
    np.testing.assert_array_equal(convert(path), expected)


def test_runs_of_planes_go_on_in_dimension_order(pages, tmp_path):
    data = ('<TiffData IFD="10" PlaneCount="14"/>'
            '<TiffData IFD="0" FirstT="1" FirstC="1" FirstZ="2" PlaneCount="10"/>')
    path = write_stack(tmp_path / "s.ome.tif", pages, description=ome(data, "XYZCT"))
    expected = in_order(np.concatenate([pages[10:], pages[:10]]), "XYZCT")
    np.testing.assert_array_equal(convert(path), expected)


def test_own_uuid_and_own_name_are_this_file(pages, tmp_path):
    data = '<TiffData><UUID FileName="{}">urn:uuid:{}</UUID></TiffData>'
    for uuid, name in (("a", "renamed.ome.tif"), ("b", "s.ome.tif")):
        text = ome(data.format(name, uuid), root='UUID="urn:uuid:a"')
        path = write_stack(tmp_path / "s.ome.tif", pages, description=text)
        np.testing.assert_array_equal(convert(path), in_order(pages, "XYZCT"))


def test_prefixed_elements(pages, tmp_path):
    text = ome()
    for name in ("OME", "Image", "Pixels", "TiffData"):
        text = text.replace(f"<{name}", f"<o:{name}").replace(f"</{name}", f"</o:{name}")
    path = write_stack(tmp_path / "s.ome.tif", pages, description=text.replace("xmlns", "xmlns:o"))
    np.testing.assert_array_equal(convert(path), in_order(pages, "XYZCT"))


@pytest.mark.parametrize("channel", ['<Channel SamplesPerPixel="3"/>', "<Channel/>", ""])
def test_samples_of_a_pixel_are_bands(tmp_path, rng, channel):
    pages = rng.integers(0, 255, (12, 10, 12, 3), dtype="u1")
    path = write_stack(tmp_path / "s.ome.tif", pages,
                       description=ome(sizes={"C": 3}, pixels=channel, order="XYCZT"))
    array = convert(path, "o.b2nd")
    np.testing.assert_array_equal(array[:], pages.reshape(3, 4, 10, 12, 3))
    assert array.schunk.vlmeta["dimension_names"] == ["t", "z", "y", "x", "band"]


def test_smaller_copies_between_planes_are_no_planes(pages, tmp_path):
    data = listed(list(np.ndindex(3, 4, 2))).replace('IFD="23"', 'IFD="24"')
    with_copy = [*pages[:23], pages[0, ::2, ::2], pages[23]]
    path = write_stack(tmp_path / "s.ome.tif", with_copy, description=ome(data),
                       fields={23: {254: 1}})
    np.testing.assert_array_equal(convert(path), pages.reshape(3, 4, 2, 10, 12))
    text = ome(data.replace('IFD="24"', 'IFD="23"'))
    path = write_stack(tmp_path / "s.ome.tif", with_copy, description=text, fields={23: {254: 1}})
    np.testing.assert_array_equal(convert(path, message="IFD: found 23"), pages)


OTHER_XML = [
    (ome('<TiffData><UUID FileName="o.ome.tif">urn:uuid:b</UUID></TiffData>',
         root='UUID="urn:uuid:a"'), "TiffData: found file o.ome.tif, wanted planes of this file"),
    (ome(images=2), "Image: found 2, wanted one"),
    (ome(sizes={"Z": 5}), "SizeZ, SizeC and SizeT: found ("),
    (ome(sizes={"Z": 2}), "SizeZ, SizeC and SizeT: found ("),
    (ome(sizes={"X": 13}), "SizeX and SizeY: found 13 and 10, wanted the pages' 12 and 10"),
    (ome(sizes={"Z": 0}), "SizeZ: found 0"),
    (ome(sizes={"Z": -4}), "SizeZ: found -4"),
    (ome(sizes={"Z": "4x"}), "SizeZ: found 4x"),
    (ome(sizes={"Z": 2147483647, "T": 2147483647, "C": 2147483647}), "SizeZ, SizeC and SizeT: found (2147483647, "),
    (ome(sizes={"Z": 10 ** 30}), "SizeZ: found 1000"),
    (ome(order="XYZZT"), "DimensionOrder: found XYZZT"),
    (ome(order="CXYZT"), "DimensionOrder: found CXYZT"),
    (ome(pixels='<Channel SamplesPerPixel="2"/>'), "SamplesPerPixel: found 2, wanted the pages' 1"),
    (ome(""), "TiffData: found none"),
    (ome("<BinData/>"), "TiffData: found none"),
    (ome("<TiffData/><TiffData/>"), "TiffData: found a plane twice"),
    (ome('<TiffData IFD="3"/>'), "TiffData: found planes without a page"),
    (ome('<TiffData PlaneCount="23"/><TiffData FirstT="2" FirstC="1" FirstZ="3" IFD="0"/>'),
     "TiffData: found a page for two planes"),
    (ome('<TiffData IFD="5" PlaneCount="24"/>'), "IFD: found 25, wanted one of a full page"),
    (ome('<TiffData PlaneCount="2147483647"/>'), "TiffData: found planes beyond the image's"),
    (ome('<TiffData FirstZ="4"/>'), "TiffData: found planes beyond the image's"),
    (ome('<TiffData FirstZ="-1"/>'), "TiffData: found planes beyond the image's"),
    (ome('<TiffData IFD="99999999999999999999"/>'), "TiffData: found planes beyond the image's"),
    (ome()[:-30], "text: found what is no XML"),
    (f'<OME xmlns="{NAMESPACE}"><BinaryOnly MetadataFile="a" UUID="b"/></OME>', "Image: found 0"),
    (f'<OME xmlns="{NAMESPACE}"><Image/></OME>', "Pixels: found 0"),
    ("<OME>" + "<a>" * 200000, "text: found what is no XML"),
    ("<OME>" + "<a>" * 9000 + "</a>" * 9000 + "</OME>", "Image: found 0"),
    (ome() + " " * (16 << 20), "size: found 16"),
    ("<!DOCTYPE x [<!ENTITY a 'aaaa'>]>" + ome("&a;"), "TiffData: found none"),
]


@pytest.mark.parametrize("text, message", OTHER_XML, ids=range(len(OTHER_XML)))
def test_other_xml_is_pages_as_before(pages, tmp_path, text, message):
    path = write_stack(tmp_path / "s.ome.tif", pages, description=text)
    np.testing.assert_array_equal(convert(path, message="OME-XML: " + message), pages)


@pytest.mark.parametrize("text", [
    "cells, OME", "<root><OME/></root>", '<?xml version="1.0"?><note>plain</note>', "<", ""])
def test_other_descriptions_say_nothing(pages, tmp_path, text):
    path = write_stack(tmp_path / "s.tif", pages, description=text)
    if "<root>" in text:
        np.testing.assert_array_equal(convert(path, message="first element"), pages)
    else:
        np.testing.assert_array_equal(convert(path), pages)


def test_chosen_pages_are_pages_of_the_file(pages, tmp_path):
    path = write_stack(tmp_path / "s.ome.tif", pages, description=ome(order="XYTCZ"))
    tool("convert", path, tmp_path / "o.npy", "--bands", "5,1")
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), pages[[4, 0]])


def test_overviews_of_pages_are_not_planes(tmp_path, rng):
    pages = rng.integers(0, 255, (24, 300, 280), dtype="u1")
    path = gdal_stack(tmp_path / "s.ome.tif", pages, ["TILED=YES"])
    first = gdal.Open(f"GTIFF_DIR:1:{path}", gdal.GA_Update)
    first.SetMetadataItem("TIFFTAG_IMAGEDESCRIPTION", ome(sizes={"X": 280, "Y": 300}))
    del first
    np.testing.assert_array_equal(convert(path), in_order(pages, "XYZCT"))


def test_many_planes_are_placed_at_once(tmp_path):
    count = 60_000
    pages = np.arange(count * 4, dtype="u2").reshape(count, 2, 2)
    data = "".join(f'<TiffData IFD="{count - 1 - t}" FirstT="{t}" FirstZ="0" FirstC="0"/>'
                   for t in range(count))
    text = ome(data, sizes={"X": 2, "Y": 2, "T": count, "Z": 1, "C": 1})
    path = write_stack(tmp_path / "s.ome.tif", pages, big=True, description=text)
    np.testing.assert_array_equal(convert(path), pages[::-1])
