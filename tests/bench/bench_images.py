"""Images to sweep over, made of noise as nature has it and the same at every run, and real ones.

What decides on codecs is how a signal falls off towards fine detail and how much of its last bits
is noise: terrain falls off as 1/f^1.8 and pictures as about 1/f; lenses blur what is finest, and
sensors add noise. Each kind says where its noise comes from.
"""

import numpy as np
from osgeo import gdal

from noise import noisy_image


def fractal(size, exponent, seed, blur=0.0):
    """Mean 0, deviation 1, amplitudes 1/f^exponent; `blur` damps the finest ones, as optics do."""
    rng = np.random.default_rng(seed)
    y = np.fft.fftfreq(size)[:, None].astype("f4")
    x = np.fft.rfftfreq(size)[None].astype("f4")
    radius = np.hypot(x, y)
    radius[0, 0] = 1
    amplitude = radius ** -exponent * np.exp(-blur * radius ** 2)
    amplitude[0, 0] = 0
    phases = np.exp(2j * np.pi * rng.random(amplitude.shape, dtype="f4")).astype("c8")
    image = np.fft.irfft2(amplitude * phases, s=(size, size)).astype("f4")
    return image / image.std()


def land_cover(size):
    """Twelve classes with large patches: which smooth field is highest; 2 % of small objects."""
    best = fractal(size, 1.9, 100)
    classes = np.ones((size, size), dtype="u1")
    for number in range(2, 11):
        field = fractal(size, 1.9, 100 + number)
        classes[field > best] = number
        best = np.maximum(best, field)
    detail = fractal(size, 1.0, 120, blur=20)
    classes[detail > 2.05] = 11
    classes[fractal(size, 1.6, 121) > 2.3] = 12
    return classes


def aerial_rgb(size):
    """(y, x, 3): parcels of the colours of their land cover, light and shade, noise of 1.5 levels."""
    rng = np.random.default_rng(7)
    colours = rng.uniform(60, 150, (13, 3)).astype("f4")
    light = 1 + 0.25 * fractal(size, 1.1, 8, blur=4)
    classes = land_cover(size)
    image = np.empty((size, size, 3), dtype="u1")
    for band in range(3):
        plane = colours[:, band][classes] * light
        plane += 1.5 * rng.standard_normal((size, size), dtype="f4")
        image[..., band] = np.clip(np.rint(plane), 0, 255)
    return image


def rough_elevation(size):
    """Metres, mountains at some 30 m a pixel: neighbours differ by metres, the last bits are noise."""
    return 1200 + 350 * fractal(size, 1.8, 30)


def smooth_elevation(size):
    """Hills at 1 m a pixel, as interpolation leaves them: what three neighbours in a row differ by,
    second differences, is 8 cm."""
    return 1200 + 60 * fractal(size, 1.8, 30, blur=150)


def laser_elevation(size):
    """The same with a scanner's noise of 3 cm, which is as large as what the hills do; all bits."""
    noise = np.random.default_rng(31).standard_normal((size, size), dtype="f4")
    return smooth_elevation(size) + np.float32(0.03) * noise


def centimetres(size):
    """That in whole centimetres, as surveys publish it."""
    return np.rint(laser_elevation(size) * 100) / np.float32(100)


# Name -> function of the side that gives an array (y, x) or (y, x, band), interleave, and GeoTIFF's
# predictors for it.
KINDS = {
    "uint16 satellite": (noisy_image, "BAND", (2,)),
    "float32 elevation, rough": (rough_elevation, "BAND", (3, 2)),
    "float32 elevation, smooth": (smooth_elevation, "BAND", (3, 2)),
    "float32 elevation, laser": (laser_elevation, "BAND", (3, 2)),
    "float32 elevation, in cm": (centimetres, "BAND", (3, 2)),
    "uint8 RGB, PIXEL": (aerial_rgb, "PIXEL", (2,)),
    "uint8 RGB, BAND": (aerial_rgb, "BAND", (2,)),
    "uint8 land cover": (land_cover, "BAND", (2, 1)),
}


def from_file(path, size):
    """The middle of a real image as (y, x) or, its first three bands, (y, x, 3). Small ones are not
    repeated to `size`: large tiles would find the repetition."""
    dataset = gdal.Open(path)
    size = min(size, dataset.RasterXSize, dataset.RasterYSize)
    assert size >= 2048, f"{path}: too small to sweep over"
    image = dataset.ReadAsArray((dataset.RasterXSize - size) // 2,
                                (dataset.RasterYSize - size) // 2, size, size)
    if image.ndim == 3:
        image = np.moveaxis(image[:3], 0, -1) if len(image) >= 3 else image[0]
    return np.ascontiguousarray(image)


def real_kind(path, interleave):
    dataset = gdal.Open(path)
    kind = gdal.GetDataTypeName(dataset.GetRasterBand(1).DataType)
    predictors = (3, 2) if kind.startswith("Float") else (2, 1)
    return lambda size: from_file(path, size), interleave, predictors


def in_memory(image, interleave):
    """A MEM dataset of an array (y, x) or (y, x, band)."""
    bands = 1 if image.ndim == 2 else image.shape[2]
    kinds = {"u1": gdal.GDT_Byte, "u2": gdal.GDT_UInt16, "i2": gdal.GDT_Int16,
             "f4": gdal.GDT_Float32}
    dataset = gdal.GetDriverByName("MEM").Create(
        "", image.shape[1], image.shape[0], bands, kinds[image.dtype.str[1:]],
        options=[f"INTERLEAVE={interleave}"])
    for band in range(bands):
        dataset.GetRasterBand(band + 1).WriteArray(image if bands == 1 else image[..., band])
    return dataset
