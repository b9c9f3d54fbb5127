"""What one operation on a file costs, in a child of this process: memory and processor time."""

import os
import pickle
import resource
import subprocess

import numpy as np
from osgeo import gdal
from support.tool import PROGRAM


def open_only(path):
    return gdal.Open(path)


def info(path):
    dataset = gdal.Open(path)
    return None if dataset is None else len(gdal.Info(dataset))


def window(path):
    dataset = gdal.Open(path)
    if dataset is None or dataset.RasterCount == 0:
        return
    band = dataset.GetRasterBand(1)
    width, height = min(band.XSize, 512), min(band.YSize, 512)
    band.ReadAsArray(band.XSize - width, band.YSize - height, width, height)
    band.GetMaskBand().ReadAsArray(0, 0, width, height)


def update(path):
    dataset = gdal.Open(path, gdal.GA_Update)
    if dataset is None or dataset.RasterCount == 0:
        return
    dataset.GetRasterBand(1).WriteArray(np.ones((1, 1), "u1"))
    dataset.SetMetadataItem("author", "me")
    dataset.FlushCache()


def verify(path):
    subprocess.run([PROGRAM, "verify", "--quiet", path], capture_output=True, check=False)


OPERATIONS = {"open": open_only, "info": info, "window": window, "verify": verify, "update": update}


def status(name):
    """A line of /proc/self/status, in MB."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name + ":"))


def run(operation, path, errors):
    gdal.PushErrorHandler(lambda level, number, text: errors.append(text))
    gdal.DontUseExceptions()
    try:
        OPERATIONS[operation](path)
    except (MemoryError, RuntimeError) as error:
        errors.append(repr(error))


def cost(operation, path, max_mb=None):
    """Megabytes above what the process had, seconds of processor time, and GDAL's messages. With
    `max_mb`, the process can have no more address space than that besides."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        errors = []
        with open("/proc/self/clear_refs", "w", encoding="utf-8") as file:
            file.write("5")  # the peak is what it is now
        before, start = status("VmRSS"), resource.getrusage(resource.RUSAGE_SELF)
        if max_mb:
            limit = int((status("VmSize") + max_mb) * (1 << 20))
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        run(operation, path, errors)
        after = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = (after.ru_utime + after.ru_stime - start.ru_utime - start.ru_stime +
                   children.ru_utime + children.ru_stime)
        megabytes = max(status("VmHWM") - before, 0)
        if operation == "verify":
            megabytes = children.ru_maxrss / 1024
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump((megabytes, seconds, errors), pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    ended = os.waitpid(child, 0)[1]
    assert ended == 0 and data, f"{operation} of {path}: ended with status {ended}"
    return pickle.loads(data)
