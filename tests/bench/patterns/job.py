"""One run of one pattern on one file, in a process of its own, with the scripts of the package's examples.

usage: python3 job.py JSON    started by patterns.py; prints JSON in its last line
"""

import contextlib
import json
import os
import pathlib
import sys
import tempfile
import time

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent
PACKAGE = FOLDER.parents[2] / "tools" / "python"
sys.path[:0] = [str(FOLDER), str(PACKAGE), str(PACKAGE / "examples")]

import sources  # noqa: E402


def peak():
    """Bytes of memory that this process has had at most, pages of mapped files included."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))


def touch(block):
    """For reading alone: a block is read, and one pixel of it kept."""
    return block[:1, :1].copy()


class Clock:
    """Seconds of each step, and those that processors spent on it, in whatever processes."""

    def __init__(self):
        self.seconds, self.processor = {}, {}
        self.processor_now = time.process_time

    @contextlib.contextmanager
    def step(self, name):
        processor, started = self.processor_now(), time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started
        self.processor[name] = self.processor_now() - processor


def mapped(order, clock):
    import gdal_ndarray
    import memory_mapped as script
    image = gdal_ndarray.open(order["path"])
    pixels = image.view()
    with clock.step("read"):
        for line in range(0, len(pixels), order["side"]):
            np.array(pixels[line:line + order["side"]])
    with clock.step("mean"):
        mean = script.mean(pixels)
    with clock.step("percentile"):
        percentile = script.percentile(pixels, 98)
    with clock.step("smooth"):
        script.smooth(image, pixels, f"{order['folder']}/smooth.b2nd")
    stored = gdal_ndarray.open(f"{order['folder']}/smooth.b2nd")
    return mean, percentile, lambda first, last: stored[first:last], {"process": peak()}


def windows(order, clock):
    import by_windows as script
    if order["kind"] == "zarr":
        image = sources.Zarr(order["path"])
    else:
        import gdal_ndarray
        image = gdal_ndarray.open(order["path"])
    with clock.step("read"):
        for window in image.windows(script.SIDE):
            image[window]
    with clock.step("mean"):
        mean = script.mean(image)
    with clock.step("percentile"):
        percentile = script.percentile(image, 98)
    read = None
    if order["kind"] in ("b2nd", "lz4"):  # the others' results would be .b2nd, too
        with clock.step("smooth"):
            script.smooth(image, f"{order['folder']}/smooth.b2nd")
        stored = gdal_ndarray.open(f"{order['folder']}/smooth.b2nd")
        read = lambda first, last: stored[first:last]  # noqa: E731
    return mean, percentile, read, {"process": peak()}


def workers(order, clock):
    import by_workers as script
    import dask
    from distributed import Client, LocalCluster
    dask.config.set({"distributed.admin.tick.limit": "60s"})
    source = sources.open_source(order["kind"], order["path"])
    pixels = source.dask(order["side"])
    with LocalCluster(n_workers=order["workers"], threads_per_worker=1, memory_limit=order["limit"],
                      dashboard_address=None, silence_logs=50) as cluster, Client(cluster) as client:
        # Imports, and the first graph: what a worker does once.
        processes = set(client.run(os.getpid).values())
        corner = pixels[:128, :128]
        dask.compute([dask.delayed(np.asarray)(corner) for _ in range(4)])
        script.smoothed(corner, source.dims).compute()
        clock.processor_now = lambda: time.process_time() + sum(client.run(time.process_time).values())
        with clock.step("read"):
            pixels.map_blocks(touch, dtype=pixels.dtype, chunks=tuple((1,) * n for n in pixels.numblocks)).compute()
        with clock.step("mean"):
            mean = script.mean(pixels)
        with clock.step("percentile"):
            percentile = script.percentile(pixels, 98)
        with clock.step("smooth"):
            read = source.store(script.smoothed(pixels, source.dims), order["folder"])
        peaks = {f"worker {number}": found for number, found in enumerate(client.run(peak).values())}
        if set(client.run(os.getpid).values()) != processes:
            raise MemoryError(f"a worker was ended: it took more than {order['limit'] / 1e6:.0f} MB")
    return mean, percentile, read, {"client": peak(), **peaks}


def difference(order, read):
    """The largest one between what was stored and what scipy makes of the image, in lines at the edges
    of the image and of blocks."""
    from scipy.ndimage import gaussian_filter
    import by_windows as script
    image = np.load(order["source"], mmap_mode="r")
    largest = 0.0
    for line in (0, order["side"] - 32, len(image) // 2, len(image) - 64):
        first, last = max(line, 0), min(line + 64, len(image))
        outer = slice(max(first - script.REACH, 0), min(last + script.REACH, len(image)))
        expected = gaussian_filter(image[outer], script.SIGMA, output="f4")[first - outer.start:last - outer.start]
        largest = max(largest, float(np.abs(read(first, last) - expected).max()))
    return largest


def main(order):
    if order["pattern"] == "zarr":
        sources.write_zarr(order["source"], order["path"])
        return {}
    clock = Clock()
    with tempfile.TemporaryDirectory(dir=order["folder"]) as order["folder"]:
        mean, percentile, read, peaks = globals()[order["pattern"]](order, clock)
        return {"seconds": clock.seconds, "processor": clock.processor, "mean": mean,
                "percentile": percentile, "peaks": peaks, "difference": difference(order, read) if read and order["check"] else None}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
