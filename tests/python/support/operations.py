"""What programs do to a file, by chance, against a model in NumPy (sequences.py makes sequences of it).

An operation is a method of World, and a number from which all its details follow given the model.
"""

import os
import random
import signal
import subprocess
import traceback

import numpy as np
from osgeo import gdal, osr
from support import FORMATS, memory_dataset
from support.model import INTERLEAVES, KEYS, TYPES, Model, creation_options, laid_out, values_of

try:
    import blosc2
except ImportError:
    blosc2 = None


class World:
    """A folder with one file, the dataset that has it open, and its model."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0
        self.dataset = self.model = self.path = None
        self.writable = False

    def new_path(self, driver):
        self.count += 1
        return f"{self.folder}/{self.count}.{driver.lower()}"

    def close(self):
        self.dataset = None

    def open(self, update):
        self.close()
        options = random.Random(self.count).choice([[], ["NUM_THREADS=1"], ["MAX_RESIDENT=0"]])
        flags = gdal.OF_RASTER | (gdal.OF_UPDATE if update else 0)
        self.dataset = gdal.OpenEx(self.path, flags, open_options=options)
        self.writable = update
        self.model.has_gaps = False

    def update(self):
        if self.dataset is None or not self.writable:
            self.open(True)
        return self.dataset

    def check(self, dataset):
        model = self.model
        np.testing.assert_array_equal(dataset.ReadAsArray().reshape(model.array.shape), model.array)
        assert dataset.GetRasterBand(1).DataType == model.type
        for key in KEYS:
            assert dataset.GetMetadataItem(key) == model.items.get(key), key
        assert dataset.GetGeoTransform(can_return_null=True) == model.transform
        crs = dataset.GetSpatialRef()
        assert (crs and crs.GetAuthorityCode(None)) == model.epsg
        for band, description in enumerate(model.descriptions):
            assert dataset.GetRasterBand(band + 1).GetDescription() == description
            assert dataset.GetRasterBand(band + 1).GetNoDataValue() == model.nodata
        # A .msk is written when its raster is closed: GDAL flushes it with no driver.
        if model.mask is not None and (model.driver == "B2ND" or dataset == self.dataset
                                       or self.dataset is None):
            band = dataset.GetRasterBand(1)
            assert band.GetMaskFlags() == gdal.GMF_PER_DATASET
            np.testing.assert_array_equal(band.GetMaskBand().ReadAsArray(), model.mask)
        assert not [name for name in os.listdir(self.folder) if name.startswith(".")]

    def check_file(self):
        """What others find: GDAL, and the program that knows such files without it."""
        self.check(gdal.Open(self.path))
        if self.model.driver == "NPY":
            array = np.load(self.path)
        elif blosc2 is not None:
            array = blosc2.open(self.path, mode="r")[...]
        else:
            return
        np.testing.assert_array_equal(array, self.model.in_file(self.model.array))

    # The operations. `r`: its random numbers.

    def create(self, r):
        self.close()
        if self.path is not None and r.random() < 0.5:
            assert gdal.GetDriverByName(self.model.driver).Delete(self.path) == gdal.CE_None
        driver = r.choice(FORMATS)
        shape = r.randint(1, 4), r.randint(1, 40), r.randint(1, 40)
        interleave = r.choice(list(INTERLEAVES)) if shape[0] > 1 else "BAND"
        self.model = Model(driver, r.choice(TYPES), shape, interleave)
        self.path = self.new_path(driver)
        options = [f"INTERLEAVE={interleave}", *creation_options(r, driver)]
        self.dataset = gdal.GetDriverByName(driver).Create(
            self.path, shape[2], shape[1], shape[0], self.model.type, options=options)
        self.writable = True
        self.model.has_gaps = True
        if r.random() < 0.5:
            self.model.array = values_of(r, self.model.dtype, shape)
            self.dataset.WriteArray(self.model.array)
            self.model.has_gaps = False

    def foreign(self, r):
        """A file of the other program's, in whatever order and cut it likes."""
        self.close()
        shape = r.randint(1, 4), r.randint(1, 40), r.randint(1, 40)
        self.model = model = Model(r.choice(FORMATS), r.choice(TYPES), shape, "BAND")
        self.path = self.new_path(model.driver)
        model.array = values_of(r, model.dtype, shape)
        array = model.in_file(model.array)
        if model.driver == "NPY":
            swapped = array.astype(array.dtype.newbyteorder()) if r.random() < 0.5 else array
            np.save(self.path, np.asfortranarray(swapped) if r.random() < 0.5 else swapped)
        else:
            chunks = [r.randint(1, length) for length in array.shape]
            blosc2.asarray(np.ascontiguousarray(array), urlpath=self.path, mode="w", chunks=chunks,
                           blocks=[r.randint(1, length) for length in chunks])

    def source(self, r):
        """A dataset of another driver with the model of its copy."""
        shape = r.randint(1, 4), r.randint(1, 60), r.randint(1, 60)
        model = Model(r.choice(FORMATS), r.choice(TYPES), shape, "BAND")
        model.array = values_of(r, model.dtype, shape)
        dataset = memory_dataset(model.array)
        if r.random() < 0.5:
            model.transform = (r.randrange(100), 2, 0, 5, 0, -3)
            dataset.SetGeoTransform(model.transform)
        if r.random() < 0.5:
            model.items = {r.choice(KEYS): str(r.random())}
            dataset.SetMetadata(model.items)
        if r.random() < 0.3:
            model.nodata = r.randrange(100)
            for band in range(shape[0]):
                dataset.GetRasterBand(band + 1).SetNoDataValue(model.nodata)
        return dataset, model

    def copy(self, r):
        self.close()
        dataset, model = self.source(r)
        if self.path is None or self.model.driver != model.driver or r.random() < 0.5:
            self.path = self.new_path(model.driver)
        model.interleave = r.choice(list(INTERLEAVES)) if model.array.shape[0] > 1 else "BAND"
        options = [f"INTERLEAVE={model.interleave}", *creation_options(r, model.driver)]
        self.model = model
        self.dataset = gdal.GetDriverByName(model.driver).CreateCopy(self.path, dataset,
                                                                     options=options)
        self.writable = True
        if r.random() < 0.5:
            self.check_file()

    def convert(self, r):
        self.open(False)
        driver = r.choice(FORMATS)
        path = self.new_path(driver)
        source = self.dataset
        self.model.driver = driver
        if self.model.array.shape[0] > 1:
            self.model.interleave = r.choice(list(INTERLEAVES))
        self.dataset = gdal.GetDriverByName(driver).CreateCopy(
            path, source, options=[f"INTERLEAVE={self.model.interleave}",
                                   *creation_options(r, driver)])
        self.path, self.writable = path, True
        self.check_file()

    def write(self, r):
        dataset = self.update()
        x, y, width, height = self.model.window(r)
        bands = r.sample(range(self.model.array.shape[0]), r.randint(1, self.model.array.shape[0]))
        for band in bands:
            values = values_of(r, self.model.dtype, (height, width))
            given = values
            if r.random() < 0.3:  # converted, with values that all types have
                values = values_of(random.Random(0.0), self.model.dtype, (height, width))
                given = values.real.astype(r.choice(["u1", "i2", "f4", "f8", "c16"]))
            assert dataset.GetRasterBand(band + 1).WriteArray(laid_out(r, given), x, y) == 0
            self.model.array[band, y:y + height, x:x + width] = values

    def stretch(self, r):
        """A window of another size than its pixels, by way of GDAL's block cache."""
        dataset = self.update()
        x, y, width, height = self.model.window(r)
        size = r.randint(1, 30), r.randint(1, 30)
        values = values_of(r, self.model.dtype, size).tobytes()
        band = r.randrange(self.model.array.shape[0])
        reference = memory_dataset(self.model.array)
        for written in (dataset, reference):
            written.GetRasterBand(band + 1).WriteRaster(x, y, width, height, values, *size,
                                                        self.model.type)
        self.model.array[band] = reference.GetRasterBand(band + 1).ReadAsArray()

    def read(self, r):
        if self.dataset is None:
            self.open(r.random() < 0.5)
        x, y, width, height = self.model.window(r)
        expected = self.model.array[:, y:y + height, x:x + width]
        band = r.randrange(len(expected))
        buffer = laid_out(r, np.zeros((height, width), self.model.dtype))
        got = self.dataset.GetRasterBand(band + 1).ReadAsArray(x, y, width, height, buf_obj=buffer)
        np.testing.assert_array_equal(got, expected[band])
        got = self.dataset.ReadAsArray(x, y, width, height)
        np.testing.assert_array_equal(got.reshape(expected.shape), expected)
        got = self.dataset.GetRasterBand(band + 1).ReadAsArray(x, y, width, height,
                                                               buf_type=gdal.GDT_CFloat64)
        np.testing.assert_array_equal(got, expected[band].astype("c16"))

    def resample(self, r):
        """By GDAL's own driver of arrays in memory, too."""
        if self.dataset is None:
            self.open(r.random() < 0.5)
        x, y, width, height = self.model.window(r)
        size = {"buf_xsize": r.randint(1, 50), "buf_ysize": r.randint(1, 50)}
        np.testing.assert_array_equal(
            self.dataset.ReadAsArray(x, y, width, height, **size),
            memory_dataset(self.model.array).ReadAsArray(x, y, width, height, **size))

    def block(self, r):
        if self.dataset is None:
            self.open(r.random() < 0.5)
        number = r.randrange(self.model.array.shape[0])
        band = self.dataset.GetRasterBand(number + 1)
        band.FlushCache()  # blocks are read past GDAL's cache
        width, height = band.GetBlockSize()
        column = r.randrange(-(-self.dataset.RasterXSize // width))
        line = r.randrange(-(-self.dataset.RasterYSize // height))
        block = np.frombuffer(band.ReadBlock(column, line), self.model.dtype).reshape(height, width)
        expected = self.model.array[number, line * height:(line + 1) * height,
                                    column * width:(column + 1) * width]
        np.testing.assert_array_equal(block[:expected.shape[0], :expected.shape[1]], expected)
        reference = memory_dataset(self.model.array)
        assert band.Checksum() == reference.GetRasterBand(number + 1).Checksum()

    def fill(self, r):
        band, value = r.randrange(self.model.array.shape[0]), r.randrange(100)
        assert self.update().GetRasterBand(band + 1).Fill(value) == gdal.CE_None
        self.model.array[band] = value

    def nodata(self, r):
        dataset = self.update()
        if self.model.mask is not None or (self.model.has_gaps and self.model.driver == "B2ND"):
            return  # what it means there has tests of its own
        self.model.nodata = r.choice([None, 0, r.randrange(100)])
        for number in range(self.model.array.shape[0]):
            band = dataset.GetRasterBand(number + 1)
            if self.model.nodata is None:
                band.DeleteNoDataValue()
            else:
                band.SetNoDataValue(self.model.nodata)

    def metadata(self, r):
        dataset = self.update()
        key = r.choice(KEYS)
        if r.random() < 0.3:
            dataset.SetMetadataItem(key, None)
            self.model.items.pop(key, None)
        else:
            self.model.items[key] = "x" * r.choice([1, 10, 1000]) + str(r.random())
            dataset.SetMetadataItem(key, self.model.items[key])
        band = r.randrange(len(self.model.descriptions))
        self.model.descriptions[band] = f"band {r.random()}"
        dataset.GetRasterBand(band + 1).SetDescription(self.model.descriptions[band])

    def georeference(self, r):
        self.model.transform = (r.randrange(1000), 2.5, 0, r.randrange(1000), 0, -2.5)
        assert self.update().SetGeoTransform(self.model.transform) == gdal.CE_None
        if r.random() < 0.5:
            self.model.epsg = r.choice(["32633", "3857", "4326"])
            crs = osr.SpatialReference()
            crs.ImportFromEPSG(int(self.model.epsg))
            assert self.dataset.SetSpatialRef(crs) == gdal.CE_None

    def mask(self, r):
        dataset = self.update()
        if self.model.nodata is not None:
            return
        shape = self.model.array.shape[1:]
        if self.model.mask is None:
            assert dataset.CreateMaskBand(gdal.GMF_PER_DATASET) == gdal.CE_None
            self.model.mask = np.zeros(shape, "u1")
            x, y, width, height = 0, 0, shape[1], shape[0]
        else:
            x, y, width, height = self.model.window(r)
        values = (np.random.default_rng(r.getrandbits(32)).integers(0, 3, (height, width)) > 0)
        values = values.astype("u1") * 255
        assert dataset.GetRasterBand(1).GetMaskBand().WriteArray(values, x, y) == gdal.CE_None
        self.model.mask[y:y + height, x:x + width] = values

    def flush(self, _):
        if self.dataset is not None:
            self.dataset.FlushCache()
        self.check_file()

    def reopen(self, r):
        self.close()
        if r.random() < 0.5:
            self.check_file()
        self.open(r.random() < 0.6)
        self.check(self.dataset)

    def child(self, work):
        """A process that does it, and what it says when it has ended: its status."""
        pid = os.fork()
        if pid == 0:
            try:
                work()
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        return pid

    def kill(self, r):
        """Some operations count, by a flush; after it the process writes on, until it is killed."""
        self.close()
        counting = [(r.choice(["write", "metadata", "georeference", "write"]), r.getrandbits(32))
                    for _ in range(r.randint(1, 3))]
        lost = [("write", r.getrandbits(32)) for _ in range(r.randint(0, 3))]

        def work():
            for name, number in counting:
                getattr(self, name)(random.Random(number))
            self.update().FlushCache()
            for name, number in lost:
                getattr(self, name)(random.Random(number))
            os.kill(os.getpid(), signal.SIGKILL)

        assert os.waitpid(self.child(work), 0)[1] == signal.SIGKILL
        # The model goes the same way, without the file.
        stays = counting + (lost if self.model.driver == "NPY" else [])
        path, self.path = self.path, None
        self.dataset, self.writable = Nothing(), True
        for name, number in stays:
            getattr(self, name)(random.Random(number))
        self.path = path
        self.close()
        self.check_file()

    def several(self, r):
        """Processes that write columns of their own, all at once."""
        self.close()
        width = self.model.array.shape[2]
        count = min(width, r.randint(2, 3))
        bounds = [width * number // count for number in range(count + 1)]
        numbers = [r.getrandbits(32) for _ in range(count)]

        def columns(number):
            own = random.Random(numbers[number])
            for _ in range(4):
                band = own.randrange(self.model.array.shape[0])
                y = own.randrange(self.model.array.shape[1])
                shape = (self.model.array.shape[1] - y, bounds[number + 1] - bounds[number])
                yield band, y, bounds[number], values_of(own, self.model.dtype, shape)

        def work(number):
            for band, y, x, values in columns(number):
                dataset = self.update()
                assert dataset.GetRasterBand(band + 1).WriteArray(values, x, y) == 0
                dataset.FlushCache()
            self.close()

        children = [self.child(lambda number=number: work(number)) for number in range(count)]
        assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * count
        for number in range(count):
            for band, y, x, values in columns(number):
                self.model.array[band, y:, x:x + values.shape[1]] = values
        self.check_file()

    def numpy(self, r):
        """The other program writes."""
        self.close()
        x, y, width, height = self.model.window(r)
        whole = self.model.in_file(np.arange(self.model.array.size).reshape(self.model.array.shape))
        bands = self.model.array.shape[0]
        values = values_of(r, self.model.dtype, (bands, height, width))
        self.model.array[:, y:y + height, x:x + width] = values
        axes = [slice(0, bands), slice(y, y + height), slice(x, x + width)]
        index = tuple(axes[axis] for axis in INTERLEAVES[self.model.interleave])
        index = index if whole.ndim == 3 else index[1:]
        if self.model.driver == "NPY":
            np.load(self.path, mmap_mode="r+")[index] = self.model.in_file(values)
        elif blosc2 is not None:
            blosc2.open(self.path, mode="a")[index] = np.ascontiguousarray(self.model.in_file(values))
        self.check_file()

    def compact(self, _):
        self.close()
        if self.model.driver == "B2ND":
            from support.tool import PROGRAM
            subprocess.run([PROGRAM, "compact", "-q", self.path], check=True)
        self.check_file()


class Nothing:
    """A dataset that takes everything: for operations on the model alone."""

    def __getattr__(self, _):
        return lambda *_: 0

    def GetRasterBand(self, _):
        return self
