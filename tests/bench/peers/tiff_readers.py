"""Readers of TIFF other than the GDAL that the tests use. As array_readers.py."""

import warnings

import numpy as np

from peers.array_readers import versions
from peers.catalogue import OVERVIEW


class Rasterio:
    """The wheel, with a GDAL of its own."""

    overviews = True

    def __init__(self, path, image, threads, options):
        import rasterio
        from rasterio.windows import Window

        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        self.make_window = Window
        self.dataset = rasterio.open(path, NUM_THREADS=str(threads))
        self.bands = 1 if len(image["shape"]) == 2 else None

    @staticmethod
    def version():
        import rasterio

        return f"{versions('rasterio')}, GDAL {rasterio.__gdal_version__}"

    @staticmethod
    def layout(path):
        import rasterio

        with rasterio.open(path) as dataset:
            return "tiles {} × {}".format(*dataset.block_shapes[0])

    def window(self, x, y, width, height):
        pixels = self.dataset.read(self.bands, window=self.make_window(x, y, width, height))
        return pixels if self.bands else np.moveaxis(pixels, 0, -1)

    def overview(self, x, y, width, height):
        window = self.make_window(*(OVERVIEW * number for number in (x, y, width, height)))
        return self.dataset.read(1, window=window, out_shape=(height, width))

    def close(self):
        self.dataset.close()


class TiffFile:
    """Tiles as chunks of a Zarr store, which is tifffile's way to windows; whole images by asarray."""

    overviews = True

    def __init__(self, path, image, threads, options):
        import tifffile
        import zarr

        zarr.config.set({"threading.max_workers": threads})
        self.threads = threads
        self.file = tifffile.TiffFile(path)
        self.series = self.file.series[0]
        self.array = self.level(1)
        self.small = self.level(OVERVIEW) if len(self.series.levels) > 1 else None

    def level(self, factor):
        import zarr

        number = next(number for number, level in enumerate(self.series.levels)
                      if level.shape[1] == self.series.shape[1] // factor)
        return zarr.open_array(self.series.aszarr(level=number, maxworkers=self.threads), mode="r")

    @staticmethod
    def version():
        return versions("tifffile", "imagecodecs", "zarr")

    @staticmethod
    def layout(path):
        import tifffile

        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            return f"tiles {page.tilelength} × {page.tilewidth}" if page.is_tiled else "rows"

    def window(self, x, y, width, height):
        if (height, width) == self.series.shape[:2]:
            return self.series.asarray(level=0, maxworkers=self.threads)
        return self.array[y:y + height, x:x + width]

    def overview(self, x, y, width, height):
        return self.small[y:y + height, x:x + width]

    def close(self):
        self.file.close()


class TiffMap(TiffFile):
    """An uncompressed TIFF in rows, mapped into memory."""

    overviews = False

    def __init__(self, path, image, threads, options):
        import tifffile

        self.array = tifffile.memmap(path, mode="r")

    def window(self, x, y, width, height):
        return np.array(self.array[y:y + height, x:x + width])

    def close(self):
        pass


class Vips:
    """Regions, libvips' way to windows; its threads are asked for by VIPS_CONCURRENCY."""

    overviews = True

    def __init__(self, path, image, threads, options):
        import pyvips

        pyvips.cache_set_max(0)  # else an image that is opened anew is the old one, with its tiles
        self.image = pyvips.Image.new_from_file(path, access="random")
        self.region = pyvips.Region.new(self.image)
        self.dtype = image["dtype"]
        self.tail = tuple(image["shape"][2:])
        self.small = None
        if not self.tail and self.image.get("n-pages") > 1:
            self.small = pyvips.Region.new(
                pyvips.Image.new_from_file(path, access="random", page=1))

    @staticmethod
    def version():
        import pyvips

        return "{}, libvips {}.{}.{}".format(versions("pyvips"), *map(pyvips.version, range(3)))

    @staticmethod
    def layout(path):
        return TiffFile.layout(path)

    def window(self, x, y, width, height):
        if (width, height) == (self.image.width, self.image.height):
            return self.image.numpy()  # in parallel, which a region is not
        return self.pixels(self.region, x, y, width, height)

    def overview(self, x, y, width, height):
        return self.pixels(self.small, x, y, width, height)

    def pixels(self, region, x, y, width, height):
        return np.frombuffer(region.fetch(x, y, width, height), self.dtype).reshape(
            (height, width) + self.tail)
