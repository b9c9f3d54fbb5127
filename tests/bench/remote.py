#!/usr/bin/env python3
"""Files on a server: requests, bytes and time to open them and to read windows, beside a COG.

    GDAL_DRIVER_PATH=build/gdalplugins python3 tests/bench/remote.py [--size 8192] [--latency 20]

A server on this machine answers each request after a fixed time (milliseconds, round trip and server
together) and counts requests and the bytes of their bodies. /vsicurl/ reads, with
GDAL_DISABLE_READDIR_ON_OPEN=EMPTY_DIR, as is usual for COGs. One band of uint16 like a noisy
satellite image, with a CRS: .npy, .b2nd (the default, and LZ4), and a COG of ZSTD and predictor 2
with its overviews. Nothing is cached before a file is opened; windows are at random places, the same
for all, out of one open dataset, and are compared with the image.

"open": gdal.Open. "info": what `gdalinfo` asks for beyond that. Windows: the mean of each.
"""

import argparse
import http.server
import multiprocessing
import os
import re
import tempfile
import time

import numpy as np
from osgeo import gdal, osr

from noise import noisy_image

WINDOWS = {64: 24, 512: 16, 2048: 6}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one piece

    def do_HEAD(self):
        self.answer(send_body=False)

    def do_GET(self):
        self.answer(send_body=True)

    def answer(self, send_body):
        time.sleep(self.server.latency)
        try:
            file = open(os.path.join(self.server.folder, os.path.basename(self.path)), "rb")
        except OSError:
            self.count(0)
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            start, stop = (int(asked[1]), min(int(asked[2]) + 1, size)) if asked else (0, size)
            file.seek(start)
            body = file.read(stop - start) if send_body else b""
        self.count(len(body))
        self.send_response(206 if asked else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(stop - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        self.end_headers()
        self.wfile.write(body)

    def count(self, nbytes):
        if self.server.log:
            print(f"    {self.command} {self.path} {self.headers.get('Range', '')}", flush=True)
        with self.server.requests.get_lock():
            self.server.requests.value += 1
            self.server.nbytes.value += nbytes

    def log_message(self, *_):
        pass


class Server:
    """In a process of its own, so that it takes no time of the reader's."""

    def __init__(self, folder, latency, log):
        self.requests, self.nbytes = multiprocessing.Value("q", 0), multiprocessing.Value("q", 0)
        port = multiprocessing.Queue()
        self.process = multiprocessing.Process(
            target=self.serve, args=(folder, latency, log, port), daemon=True)
        self.process.start()
        self.port = port.get()

    def serve(self, folder, latency, log, port):
        http.server.ThreadingHTTPServer.request_queue_size = 1000
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.folder, server.latency, server.log = folder, latency, log
        server.requests, server.nbytes = self.requests, self.nbytes
        port.put(server.server_port)
        server.serve_forever()

    def measure(self, action):
        """(requests, bytes, seconds) of an action, and what it returns."""
        before = self.requests.value, self.nbytes.value
        start = time.perf_counter()
        result = action()
        seconds = time.perf_counter() - start
        return np.array([self.requests.value - before[0], self.nbytes.value - before[1],
                         seconds]), result


def make_files(folder, size):
    image = noisy_image(size)
    source = gdal.GetDriverByName("MEM").Create("", size, size, 1, gdal.GDT_UInt16)
    source.GetRasterBand(1).WriteArray(image)
    place = osr.SpatialReference()
    place.ImportFromEPSG(32633)
    source.SetSpatialRef(place)
    source.SetGeoTransform([500000, 10, 0, 5400000, 0, -10])
    for name, driver, options in [
            (".npy", "NPY", []), (".b2nd, the default", "B2ND", []),
            (".b2nd, LZ4", "B2ND", ["COMPRESS=LZ4"]),
            ("COG, ZSTD, predictor 2", "COG", ["COMPRESS=ZSTD", "PREDICTOR=2"])]:
        path = os.path.join(folder, f"{len(os.listdir(folder))}.{driver.lower()}")
        gdal.GetDriverByName(driver).CreateCopy(path, source, options=options)
        yield name, path
    yield None, image


def read_all(server, url, image):
    """{column: (requests, bytes, seconds)} of one file."""
    gdal.VSICurlClearCache()
    size = len(image)
    columns = {}
    columns["open"], dataset = server.measure(lambda: gdal.Open(url))
    columns["info"], _ = server.measure(lambda: gdal.Info(dataset, format="json"))
    band = dataset.GetRasterBand(1)
    for side, count in WINDOWS.items():
        rng = np.random.default_rng(side)
        used = []
        for x, y in rng.integers(0, size - side, (count, 2)).tolist():
            taken, window = server.measure(lambda: band.ReadAsArray(x, y, side, side))
            assert np.array_equal(window, image[y:y + side, x:x + side])
            used.append(taken)
        columns[f"{side}²"] = np.mean(used, axis=0)
    band = dataset = None
    gdal.VSICurlClearCache()
    dataset = gdal.Open(url)
    columns["whole"], pixels = server.measure(dataset.ReadAsArray)
    assert np.array_equal(pixels, image)
    return columns


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=8192, help="side of the image in pixels")
    parser.add_argument("--latency", type=float, default=20, help="of each request, ms")
    parser.add_argument("--log", action="store_true", help="prints each request")
    arguments = parser.parse_args()
    gdal.UseExceptions()
    gdal.SetCacheMax(64 << 20)
    gdal.SetConfigOption("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR")
    print(f"GDAL {gdal.__version__}, uint16 {arguments.size}², {arguments.latency:g} ms a request")
    with tempfile.TemporaryDirectory() as folder:
        *files, (_, image) = make_files(folder, arguments.size)
        server = Server(folder, arguments.latency / 1000, arguments.log)
        rows = {}
        for name, path in files:
            if arguments.log:
                print(name)
            url = f"/vsicurl/http://127.0.0.1:{server.port}/{os.path.basename(path)}"
            rows[f"{name} ({os.path.getsize(path) / 1e6:.0f} MB)"] = read_all(server, url, image)
        server.process.terminate()
    columns = list(next(iter(rows.values())))
    print("\n| requests, KB, ms | " + " | ".join(columns) + " |\n| --- |" + " ---: |" * len(columns))
    for name, row in rows.items():
        cells = [f"{row[c][0]:.3g}, {row[c][1] / 1e3:.0f}, {1e3 * row[c][2]:.0f}" for c in columns]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
