"""What opening costs, beside GeoTIFF: alone, with a CRS, among thousands of files, in a VRT of many
tiles. Microseconds of one opening: of processor time, the least of rounds in turn.

Usage: opening.py [FILES [TILES]]     (with GDAL_DRIVER_PATH set)
"""

import os
import statistics
import sys
import tempfile
import time

import numpy as np
from osgeo import gdal, osr

FORMATS = {"tif": "GTiff", "npy": "NPY", "b2nd": "B2ND"}
ROUNDS, OPENINGS, TILE = 15, 40, 64


def save(path, driver, crs=True):
    source = gdal.GetDriverByName("MEM").Create("", TILE, TILE, 1, gdal.GDT_UInt16)
    source.GetRasterBand(1).WriteArray(np.arange(TILE * TILE, dtype="u2").reshape(TILE, TILE))
    if crs:
        place = osr.SpatialReference()
        place.ImportFromEPSG(32633)
        source.SetSpatialRef(place)
        source.SetGeoTransform([500000, 10, 0, 5400000, 0, -10])
    gdal.GetDriverByName(driver).CreateCopy(path, source)


def openings(paths):
    """Microseconds of one opening of each path, in turn so that a noisy machine is so for all."""
    times = {path: [] for path in paths}
    for _ in range(ROUNDS):
        for path in paths:
            start = time.process_time()
            for _ in range(OPENINGS):
                gdal.Open(path)
            times[path].append((time.process_time() - start) / OPENINGS * 1e6)
    return {path: min(values) for path, values in times.items()}


def table(title, folder, names):
    result = openings([os.path.join(folder, name) for name in names])
    print(f"{title}: " + ", ".join(f"{name} {result[os.path.join(folder, name)]:.0f}"
                                   for name in names), flush=True)


def mosaics(folder, tiles):
    """Milliseconds to read a small picture of a VRT, which opens every tile."""
    side = int(tiles**0.5)
    paths = {}
    for ending, driver in FORMATS.items():
        os.mkdir(os.path.join(folder, ending))
        first = os.path.join(folder, ending, f"0.{ending}")
        save(first, driver)
        names = [first] + [os.path.join(folder, ending, f"{i}.{ending}")
                           for i in range(1, side * side)]
        with open(first, "rb") as file:
            content = file.read()
        for name in names[1:]:
            with open(name, "wb") as file:
                file.write(content)
        sources = "".join(
            f"<SimpleSource><SourceFilename>{name}</SourceFilename><SourceBand>1</SourceBand>"
            f'<SourceProperties RasterXSize="{TILE}" RasterYSize="{TILE}" DataType="UInt16" '
            f'BlockXSize="{TILE}" BlockYSize="{TILE}"/>'
            f'<SrcRect xOff="0" yOff="0" xSize="{TILE}" ySize="{TILE}"/>'
            f'<DstRect xOff="{i % side * TILE}" yOff="{i // side * TILE}" xSize="{TILE}" '
            f'ySize="{TILE}"/></SimpleSource>' for i, name in enumerate(names))
        paths[ending] = os.path.join(folder, ending + ".vrt")
        with open(paths[ending], "w") as file:
            file.write(f'<VRTDataset rasterXSize="{side * TILE}" rasterYSize="{side * TILE}">'
                       f'<VRTRasterBand dataType="UInt16" band="1">{sources}</VRTRasterBand>'
                       '</VRTDataset>')
    times = {ending: [] for ending in FORMATS}
    for _ in range(5):
        for ending, path in paths.items():
            start = time.process_time()
            gdal.Open(path).ReadAsArray(buf_xsize=2 * side, buf_ysize=2 * side)
            times[ending].append((time.process_time() - start) * 1e3)
    print(f"a picture of a VRT of {side * side} tiles, ms: " + ", ".join(
        f"{ending} {statistics.median(values):.0f}" for ending, values in times.items()))


def main():
    gdal.UseExceptions()
    files, tiles = [int(v) for v in sys.argv[1:3]] + [5000, 2000][len(sys.argv) - 1:]
    with tempfile.TemporaryDirectory() as folder:
        alone, crowd = os.path.join(folder, "alone"), os.path.join(folder, "crowd")
        os.mkdir(alone)
        os.mkdir(crowd)
        for where in (alone, crowd):
            for ending, driver in FORMATS.items():
                save(os.path.join(where, f"plain.{ending}"), driver, crs=False)
                save(os.path.join(where, f"crs.{ending}"), driver)
        names = [f"{kind}.{ending}" for ending in FORMATS for kind in ("plain", "crs")]
        table("alone, us", alone, names)
        for i in range(900):
            open(os.path.join(crowd, f"other{i}.dat"), "w").close()
        table("among 900 files, us", crowd, names)
        for i in range(900, files):
            open(os.path.join(crowd, f"other{i}.dat"), "w").close()
        table(f"among {files} files, us", crowd, names)
        mosaics(folder, tiles)


main()
