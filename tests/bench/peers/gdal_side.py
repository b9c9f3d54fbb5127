"""GDAL with our drivers: writing files from the .npy of an image, and reading."""

from osgeo import gdal

from peers.array_readers import versions
from peers.catalogue import OVERVIEW, tile_side

gdal.UseExceptions()


def open_source(path, shape):
    return gdal.OpenEx(path, open_options=["AXES=" + ("YX" if len(shape) == 2 else "YXB")])


def write(source, path, image, threads, options):
    """A copy by GDAL, of one thread for NPY; returns the shape of its chunks."""
    driver = options["driver"]
    creation = list(options.get("creation", []))
    dataset = open_source(source, image["shape"])
    side = tile_side(image["shape"])
    if driver in ("GTiff", "COG"):
        gdal.SetConfigOption("GDAL_NUM_THREADS", str(threads))
        creation += [f"NUM_THREADS={threads}", "BIGTIFF=IF_SAFER"]
    if driver == "GTiff":
        creation += ["TILED=YES", f"BLOCKXSIZE={side}", f"BLOCKYSIZE={side}"]
    elif driver == "COG":
        creation += ["OVERVIEW_RESAMPLING=NEAREST", f"BLOCKSIZE={side}"]
    else:
        creation += [f"NUM_THREADS={threads}"] if driver == "B2ND" else []
    if len(image["shape"]) == 3 and driver != "COG":
        creation.append("INTERLEAVE=PIXEL")
    gdal.Translate(path, dataset, format=driver, creationOptions=creation)


def add_overviews(path):
    """One level, of every fourth pixel; COG writes its own."""
    dataset = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_UPDATE)
    if dataset.GetRasterBand(1).GetOverviewCount() == 0:
        dataset.BuildOverviews("NEAREST", [OVERVIEW])


def layout(path):
    """The shape of its chunks or tiles, and of blocks where it has them."""
    dataset = gdal.Open(path)
    structure = dataset.GetMetadata("IMAGE_STRUCTURE")
    if "CHUNKS" in structure:
        return f"chunks {structure['CHUNKS']}, blocks {structure['BLOCKS']}"
    if dataset.GetDriver().ShortName == "NPY":
        return "rows"
    width, height = dataset.GetRasterBand(1).GetBlockSize()
    return f"tiles {height} × {width}"


class Gdal:
    """ReadAsArray, with the open option NUM_THREADS. GDAL's block cache has its default size."""

    overviews = True

    def __init__(self, path, image, threads, options):
        # GTiff of GDAL 3.6 and later and our drivers know the option.
        self.dataset = gdal.OpenEx(path, open_options=[f"NUM_THREADS={threads}"])
        bands = self.dataset.RasterCount
        self.band = self.dataset.GetRasterBand(1) if bands == 1 else None

    layout = staticmethod(layout)

    @staticmethod
    def version():
        return f"{versions()}, GDAL {gdal.__version__}"

    def window(self, x, y, width, height):
        if self.band is not None:
            return self.band.ReadAsArray(x, y, width, height)
        return self.dataset.ReadAsArray(x, y, width, height, interleave="pixel")

    def overview(self, x, y, width, height):
        return self.band.ReadAsArray(
            x * OVERVIEW, y * OVERVIEW, width * OVERVIEW, height * OVERVIEW, width, height)
