"""Arrays of any shape take about the space that python-blosc2 takes for them."""

import os

import numpy as np
import pytest
from support.b2nd import blosc2
from osgeo import gdal


@pytest.mark.parametrize("shape, interleave", [
    ((2_000_000,), "BAND"), ((2_000_000, 1), "BAND"), ((8, 250_000), "BAND"),
    ((660_000, 3), "BAND"), ((2000, 40, 25), "BAND"), ((2000, 40, 25), "LINE"),
    ((16384, 8, 8), "BAND")])
def test_size_is_that_of_python_blosc2(tmp_path, rng, shape, interleave):
    walk = 2000 + np.cumsum(rng.integers(-3, 4, int(np.prod(shape))))
    array = walk.astype("u2").reshape(shape)
    source, path, peer = (str(tmp_path / name) for name in ["a.npy", "a.b2nd", "peer.b2nd"])
    np.save(source, array)
    gdal.Translate(path, source, format="B2ND", creationOptions=[f"INTERLEAVE={interleave}"])
    if interleave == "LINE":
        array = np.ascontiguousarray(array.transpose(1, 0, 2))
    blosc2.asarray(array, urlpath=peer, mode="w", cparams={
        "codec": blosc2.Codec.ZSTD, "clevel": 1, "filters_meta": [0, 2],
        "filters": [blosc2.Filter.SHUFFLE, blosc2.Filter.BYTEDELTA]})
    assert os.path.getsize(path) <= 1.1 * os.path.getsize(peer)
    opened = blosc2.open(path)
    assert opened.schunk.nchunks == -(-array.nbytes // 2**21)
    np.testing.assert_array_equal(opened[:].ravel(), array.ravel())
