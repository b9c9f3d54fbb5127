"""Makes the seeds in corpus/tiff, with GDAL, those with checksums, in corpus/b2nd and corpus/block, with
the driver of GDAL_DRIVER_PATH, those that describe what is made of them, in corpus/writer and
corpus/block, and parts of files, in corpus/text and corpus/part:
python3 tests/fuzz/make_other_seeds.py"""

import pathlib

import numpy as np
from osgeo import gdal, gdal_array

corpus = pathlib.Path(__file__).parent / "corpus"
gdal.UseExceptions()
RAMP = np.arange(12 * 20).reshape(12, 20)


def tiff(name, dtype="u1", pages=2, bands=1, description=None, **options):
    """Pages of 20 x 12."""
    path = str(corpus / "tiff" / f"{name}.tif")
    pathlib.Path(path).unlink(missing_ok=True)
    words = [f"{key}={value}" for key, value in options.items()]
    for page in range(pages):
        image = np.stack([(RAMP + page + band) % 200 for band in range(bands)]).astype(dtype)
        source = gdal_array.OpenArray(image)
        if page == 0 and description:
            source.SetMetadataItem("TIFFTAG_IMAGEDESCRIPTION", description)
        more = ["APPEND_SUBDATASET=YES"] if page else []
        gdal.GetDriverByName("GTiff").CreateCopy(path, source, options=words + more)


(corpus / "tiff").mkdir(parents=True, exist_ok=True)
for codec in ("NONE", "LZW", "DEFLATE", "PACKBITS", "ZSTD"):
    tiff(f"codec_{codec.lower()}", COMPRESS=codec)
tiff("predictor", "u2", COMPRESS="LZW", PREDICTOR=2)
tiff("float_predictor", "f4", COMPRESS="DEFLATE", PREDICTOR=3)
tiff("jpeg", bands=3, COMPRESS="JPEG", PHOTOMETRIC="YCBCR")
tiff("tiles", "u2", TILED="YES", BLOCKXSIZE=16, BLOCKYSIZE=16)
tiff("planes", bands=3, INTERLEAVE="BAND")
tiff("bits", NBITS=3)
tiff("big_endian", "i2", ENDIANNESS="BIG")
tiff("big_tiff", BIGTIFF="YES")
tiff("one_page", pages=1)
tiff("complex", "c8")
tiff("imagej", pages=4, description="ImageJ=1.53\nimages=4\nchannels=2\nslices=2\n")
tiff("ome", pages=2, description=(
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image>'
    '<Pixels DimensionOrder="XYZCT" SizeX="20" SizeY="12" SizeZ="2" SizeC="1" SizeT="1" '
    'Type="uint8"><TiffData/></Pixels></Image></OME>'))



def checked(name, image, mask=None, **options):
    """A file with checksums, and its first chunk."""
    path = corpus / "b2nd" / f"checked_{name}.b2nd"
    source = gdal.GetDriverByName("MEM").CreateCopy("", gdal_array.OpenArray(image))
    if mask is not None:
        source.CreateMaskBand(gdal.GMF_PER_DATASET)
        source.GetRasterBand(1).GetMaskBand().WriteArray(mask)
    words = [f"{key}={value}" for key, value in options.items()]
    gdal.GetDriverByName("B2ND").CreateCopy(str(path), source, options=words)
    content = path.read_bytes()
    start = int.from_bytes(content[11:15], "big")
    size = int.from_bytes(content[start + 12:start + 16], "little")
    (corpus / "block" / f"checked_{name}.blosc").write_bytes(content[start:start + size])


SMALL = {"BLOCKSIZE": 8, "CHUNKXSIZE": 16, "CHUNKYSIZE": 8}
noise = np.random.default_rng(1).integers(0, 256, (12, 20)).astype("u2")
checked("zstd", (noise + 256 * RAMP).astype("u2"), **SMALL)
checked("lz4", RAMP.astype("<f4"), COMPRESS="LZ4", **SMALL)
checked("zlib", RAMP.astype("u1"), COMPRESS="ZLIB", **SMALL)
checked("stored", noise.astype("u1"), COMPRESS="LZ4", **SMALL)
checked("one_value", np.full((12, 20), 258, "u2"), **SMALL)
checked("mask", RAMP.astype("u2"), mask=(RAMP % 3 * 255 // 2).astype("u1"), COMPRESS="LZ4", **SMALL)

random = np.random.default_rng(15)
for name, start in (("writer", b""), ("block", b"\x80")):  # few: each is read in many ways
    (corpus / name).mkdir(parents=True, exist_ok=True)
    for number in range(16 if start else 6):
        changes = bytes([0x80 + number // 2 % 8]) if start else b""
        content = random.integers(0, 256, 200, "u1").tobytes()
        (corpus / name / f"described_{number}").write_bytes(changes + content)

TEXTS = ["<u2", "uint16", "f4, (2,3)u1, half", "(2,)<f8", "[('a', '<f4', (2,)), ('', '|V2'), ('b', '>i2')]",
         "{'names': ['a', 'b'], 'formats': ['<f4', ('u1', (3,))], 'offsets': [4, 0], 'itemsize': 8}",
         "[('p', [('x', '<f4'), ('y', '<f4')]), (('Title', 'm'), '|b1', 2)]", "'\\x75' r'2' # two"]
(corpus / "text").mkdir(exist_ok=True)
for number, text in enumerate(TEXTS):
    (corpus / "text" / f"dtype_{number}").write_text(text)
# A trailer, the metalayer of an array, and values in msgpack.
frame = (corpus / "b2nd" / "vlmeta.b2nd").read_bytes()
layer = frame.index(b"\x97\0")
PARTS = {"trailer": frame[frame.rindex(b"\x94\1\x93"):], "layout": frame[layer:layer + 60],
         "map": b"\x82\xa4axes\xa2YX\xa5epoch\xcb@\x9f\x95\0\0\0\0\0", "filter": b"\x92\xa4AUTO\x04",
         "array": b"\x96\xcb" + bytes(8) + b"\xd0\xff\xd1\1\2\xc6\0\0\0\1x\xc0\xc3"}
(corpus / "part").mkdir(exist_ok=True)
for name, content in PARTS.items():
    (corpus / "part" / name).write_bytes(content)
