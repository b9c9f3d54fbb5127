"""What is compared: files, the readers of each, and the tables that they meet in.

Every file has the shape of chunks or tiles that is best for windows of 512² by its reader's own
documentation or, where that names none, among 128², 256² and 512² by trial. `home` is the Python that
a reader or writer lives in: "tests", which has GDAL and our drivers, or "peers", the environment of
requirements.txt, where wheels bring libraries of their own. Nothing is imported here that both do
not have.
"""

import dataclasses

SOURCE = "source"  # the .npy of the image, which all else is made from and compared with
OVERVIEW = 4  # pixels of the image to one of the overview


@dataclasses.dataclass(frozen=True)
class File:
    """A file to read: `writer` is "module:function" of (source, path, image, threads, options)."""
    key: str
    writer: str
    suffix: str
    options: dict = dataclasses.field(default_factory=dict)
    home: str = "tests"
    overviews: bool = False


@dataclasses.dataclass(frozen=True)
class Reader:
    """`code` is "module:Class". `threads` is 1 for those that have no more, 0 for as many as asked
    for. One that is `stateless` keeps no pixels, and stays open; others open the file anew before
    each turn, so that no cache has seen any of its windows."""
    key: str
    name: str
    file: str
    code: str
    options: dict = dataclasses.field(default_factory=dict)
    home: str = "peers"
    threads: int = 0
    stateless: bool = False
    ours: bool = False


def tiff(key, *options, **more):
    return File(key, "gdal_side:write", ".tif", {"driver": "GTiff", "creation": options}, **more)


def array_files():
    for codec in ("none", "lz4", "zstd"):
        for library in ("zarr", "tensorstore"):
            yield File(f"{library}_{codec}", f"array_files:write_{library}", ".zarr",
                       {"codec": codec}, "peers")
        yield File(f"hdf5_{codec}", "array_files:write_hdf5", ".h5", {"codec": codec}, "peers")
    for codec in ("lz4", "zstd"):
        yield File(f"blosc2_{codec}", "array_files:write_blosc2", ".b2nd", {"codec": codec}, "peers")


FILES = {file.key: file for file in [
    File("npy", "gdal_side:write", ".npy", {"driver": "NPY"}, overviews=True),
    File("b2nd_lz4", "gdal_side:write", ".b2nd", {"driver": "B2ND", "creation": ["COMPRESS=LZ4"]},
         overviews=True),
    File("b2nd_zstd", "gdal_side:write", ".b2nd", {"driver": "B2ND"}, overviews=True),
    tiff("tiff_none", overviews=True),
    tiff("tiff_lzw", "COMPRESS=LZW", "PREDICTOR=2", overviews=True),
    tiff("tiff_deflate", "COMPRESS=DEFLATE", "PREDICTOR=2", overviews=True),
    tiff("tiff_zstd", "COMPRESS=ZSTD", "PREDICTOR=2", overviews=True),
    File("cog_zstd", "gdal_side:write", ".tif", {"driver": "COG", "creation": [
        "COMPRESS=ZSTD", "PREDICTOR=YES"]}, overviews=True),
    File("tiff_lines", "array_files:write_plain_tiff", ".tif", home="peers"),
    *array_files(),
]}


def gdal(key, name, file, **more):
    return Reader(key, name, file, "gdal_side:Gdal", home="tests", **more)


def zarr_readers(codec):
    words = "" if codec == "none" else f", {codec.upper()}"
    yield Reader(f"zarr_{codec}", f"zarr-python{words}", f"zarr_{codec}", "array_readers:Zarr")
    yield Reader(f"zarrs_{codec}", f"zarrs{words}", f"zarr_{codec}", "array_readers:Zarrs")
    yield Reader(f"tensorstore_{codec}", f"tensorstore{words}", f"tensorstore_{codec}",
                 "array_readers:TensorStore")


def blosc2_readers(codec):
    name = f"python-blosc2, {codec.upper()}"
    yield Reader(f"blosc2_{codec}", name, f"blosc2_{codec}", "array_readers:Blosc2")
    yield Reader(f"blosc2_{codec}_mmap", f"{name}, mmap", f"blosc2_{codec}",
                 "array_readers:Blosc2", {"mmap_mode": "r"})


MEMMAP = Reader("memmap", "np.array(memmap[window])", SOURCE, "array_readers:MemMap", home="tests",
                threads=1, stateless=True)
NONE = [
    gdal("npy", "NPY driver", "npy", ours=True, stateless=True),
    gdal("npy_1", "NPY driver, 1 thread", "npy", ours=True, stateless=True, threads=1),
    gdal("gdal_none", "GDAL, GeoTIFF", "tiff_none"),
    Reader("rasterio_none", "rasterio, GeoTIFF", "tiff_none", "tiff_readers:Rasterio"),
    Reader("tifffile_none", "tifffile.memmap", "tiff_lines", "tiff_readers:TiffMap", threads=1,
           stateless=True),
    Reader("pyvips_none", "pyvips, GeoTIFF", "tiff_none", "tiff_readers:Vips"),
    Reader("h5py_none", "h5py, contiguous", "hdf5_none", "array_readers:Hdf5", threads=1,
           stateless=True),
    *zarr_readers("none"),
]
LZ4 = [
    gdal("b2nd_lz4", "B2ND driver, LZ4", "b2nd_lz4", ours=True),
    gdal("b2nd_lz4_1", "B2ND driver, LZ4, 1 thread", "b2nd_lz4", ours=True, threads=1),
    *blosc2_readers("lz4"),
    *zarr_readers("lz4"),
    Reader("h5py_lz4", "h5py, bitshuffle LZ4", "hdf5_lz4", "array_readers:Hdf5", threads=1),
    gdal("gdal_lzw", "GDAL, GeoTIFF LZW", "tiff_lzw"),
    Reader("tifffile_lzw", "tifffile, GeoTIFF LZW", "tiff_lzw", "tiff_readers:TiffFile"),
]
ZSTD = [
    gdal("b2nd_zstd", "B2ND driver, ZSTD", "b2nd_zstd", ours=True),
    gdal("b2nd_zstd_1", "B2ND driver, ZSTD, 1 thread", "b2nd_zstd", ours=True, threads=1),
    *blosc2_readers("zstd"),
    *zarr_readers("zstd"),
    Reader("h5py_zstd", "h5py, Blosc ZSTD", "hdf5_zstd", "array_readers:Hdf5", threads=1),
    gdal("gdal_zstd", "GDAL, GeoTIFF ZSTD", "tiff_zstd"),
    gdal("gdal_deflate", "GDAL, GeoTIFF DEFLATE", "tiff_deflate"),
    gdal("gdal_cog", "GDAL, COG ZSTD", "cog_zstd"),
    Reader("rasterio_zstd", "rasterio, GeoTIFF ZSTD", "tiff_zstd", "tiff_readers:Rasterio"),
    Reader("rasterio_cog", "rasterio, COG ZSTD", "cog_zstd", "tiff_readers:Rasterio"),
    Reader("tifffile_zstd", "tifffile, GeoTIFF ZSTD", "tiff_zstd", "tiff_readers:TiffFile"),
    # The wheel's libtiff has no ZSTD, and libvips then gives zeros without raising an error.
    Reader("pyvips_deflate", "pyvips, GeoTIFF DEFLATE", "tiff_deflate", "tiff_readers:Vips"),
]
MANY_BANDS = [
    NONE[0], LZ4[0], ZSTD[0],
    *[reader for reader in LZ4 + ZSTD if reader.key in (
        "blosc2_lz4_mmap", "tensorstore_lz4", "blosc2_zstd_mmap", "zarrs_zstd", "tensorstore_zstd",
        "h5py_zstd", "gdal_zstd", "gdal_deflate", "rasterio_zstd", "tifffile_zstd",
        "pyvips_deflate")],
]
# Only when named, in any table.
BROKEN = [
    Reader(key, name, SOURCE, code, home="tests", threads=1) for key, name, code in [
        ("wrong", "a reader that is wrong", "broken_readers:Wrong"),
        ("crash", "a reader that crashes", "broken_readers:Crash"),
        ("absent", "a reader that is not installed", "absent:Reader")]
]
# Key of a table -> title, image, readers. The limit takes turns with the others in each.
TABLES = {
    "none": ("Uncompressed", "band", [MEMMAP, *NONE]),
    "lz4": ("Fast codecs: LZ4, LZW", "band", [MEMMAP, *LZ4]),
    "zstd": ("Small files: ZSTD, DEFLATE", "band", [MEMMAP, *ZSTD]),
    "picture": ("A picture: uint8, (y, x, 3)", "picture", [MEMMAP, *MANY_BANDS]),
    "stack": ("16 bands of uint16, (y, x, 16)", "stack", [MEMMAP, *MANY_BANDS]),
}
READERS = {reader.key: reader for reader in
           [MEMMAP, *NONE, *LZ4, *ZSTD, *BROKEN]}


def tile_side(image_shape):
    """Of chunks and tiles: 256, or 128 where a pixel is many samples."""
    return 128 if len(image_shape) == 3 and image_shape[2] > 4 else 256
