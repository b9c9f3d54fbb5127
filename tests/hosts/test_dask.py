"""Dask's worker processes: the script and the benchmark of the package's examples, equal to NumPy.

tests/run hosts runs it with Debian's Dask, and with the newest (requirements.txt).
"""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tools" / "python"
sys.path.insert(0, str(PACKAGE))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")]))

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
ndimage = pytest.importorskip("scipy.ndimage")

import gdal_ndarray  # noqa: E402

LIMIT = 400_000_000  # bytes of a worker


def peak():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))


def threads_of_a_new_dataset(path):
    """Of the process, before and after a large window is read through GDAL alone."""
    before = len(os.listdir("/proc/self/task"))
    gdal.Open(path).ReadAsArray()
    return len(os.listdir("/proc/self/task")) - before


@pytest.fixture(params=[".npy", ".b2nd"])
def scene(request, tmp_path, rng):
    """Several blocks of Dask along each axis, the last ones of odd lengths."""
    array = np.cumsum(rng.integers(-30, 31, (4500, 4300)), axis=1).astype("i4")
    array = np.clip(array + 30_000, 0, 65_535).astype("u2")
    return gdal_ndarray.store(array, tmp_path / f"scene{request.param}").path, array


@pytest.fixture
def rng():
    return np.random.default_rng(20261128)


def test_the_script_gives_what_numpy_gives(scene, tmp_path):
    path, array = scene
    done = subprocess.run([sys.executable, "-W", "ignore", PACKAGE / "examples" / "by_workers.py", path,
                           "smooth.b2nd", "2", "500 MB"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    words = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
    assert float(words["mean"]) == pytest.approx(array.mean(dtype="f8"), rel=1e-12)
    assert float(words["98th percentile"]) == np.percentile(array, 98, method="inverted_cdf")
    np.testing.assert_array_equal(gdal_ndarray.open(tmp_path / "smooth.b2nd"),
                                  ndimage.gaussian_filter(array, 2, output="f4"))


def test_workers_stay_below_a_limit_that_is_less_than_the_image(tmp_path):
    """A sparse image of 1 GB, which is all there for who reads it."""
    path = str(tmp_path / "large.npy")
    np.lib.format.open_memmap(path, "w+", "u2", (1 << 14, 1 << 15))[::512, ::512] = 1
    image = gdal_ndarray.open(path)
    assert image.nbytes > 2 * LIMIT
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=LIMIT,
                                  dashboard_address=None) as cluster, distributed.Client(cluster) as client:
        processes = set(client.run(os.getpid).values())
        pixels = image.dask((2048, 2048))
        assert int(pixels.sum().compute()) == 32 * 64
        stored = gdal_ndarray.store(pixels.map_blocks(np.negative, dtype="u2"), tmp_path / "new.b2nd")
        assert set(client.run(os.getpid).values()) == processes  # none was ended and began anew
        assert max(client.run(peak).values()) < LIMIT
        for window in image.windows(4096):
            np.testing.assert_array_equal(stored[window], np.negative(image[window]))


def test_workers_read_with_one_thread_unless_asked_for_more(scene):
    path, _ = scene
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, \
            distributed.Client(cluster) as client:
        assert client.submit(threads_of_a_new_dataset, path).result() == 0
        assert client.run(os.environ.get, "OMP_NUM_THREADS").popitem()[1] == "1"


def test_the_benchmark_checks_its_results(tmp_path):
    """A small run of `tests/run bench patterns`, with what is installed here."""
    kinds = ["npy", "b2nd", "lz4", "tif", "zarr"]
    for kind, module in (("tif", "rioxarray"), ("zarr", "zarr.codecs")):
        try:
            __import__(module)
        except ImportError:
            kinds.remove(kind)
    ran = subprocess.run([sys.executable, ROOT / "tests" / "bench" / "patterns.py", "--this-python", "--size", "2500",
                          "--turns", "1", "--out", tmp_path, "--kinds", ",".join(kinds)],
                         capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    rows = {(row["pattern"], row["kind"], row["workers"]): row
            for row in json.loads((tmp_path / "patterns.json").read_text(encoding="utf-8"))}
    assert len(rows) == 3 * len(kinds)
    for row in rows.values():
        assert set(row["seconds"]) >= {"read", "mean", "percentile"} and min(row["seconds"].values()) > 0
        assert min(row["peaks"].values()) > 0
    assert set(rows["workers", "npy", 2]["peaks"]) == {"client", "worker 0", "worker 1"}
    assert "processor time of one worker" in ran.stdout
