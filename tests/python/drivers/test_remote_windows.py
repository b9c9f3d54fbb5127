"""Windows of files on a server: how many requests they take, how many at once, and what is said
when one fails."""

import numpy as np
import pytest
from support.http import http_server  # noqa: F401
from osgeo import gdal

# In flight at once: some tens. The connection that opened the file may stay open beside them.
MOST_CONNECTIONS = 40


@pytest.fixture
def remote(http_server, npy, tmp_path):  # noqa: F811
    """Opens an array in a format from the server, and forgets what that took."""
    gdal.VSICurlClearCache()

    def open_remote(array, ending, **options):
        path = npy(array)
        if ending == "b2nd":
            local = str(tmp_path / "array.b2nd")
            gdal.Translate(local, path, format="B2ND",
                           creationOptions=[f"{key}={value}" for key, value in options.items()])
            path = local
        dataset = gdal.Open(http_server.serve(path, f"image.{ending}"))
        http_server.sent_bytes = http_server.requests = 0
        http_server.most_connections = http_server.connections
        return dataset

    return open_remote


def test_lines_far_apart_are_asked_for_some_at_a_time(remote, http_server):  # noqa: F811
    array = np.zeros((200, 100000), "u1")
    array[:, 70000:70100] = np.arange(200, dtype="u1")[:, np.newaxis] + np.arange(100, dtype="u1")
    dataset = remote(array, "npy")
    np.testing.assert_array_equal(dataset.ReadAsArray(70000, 0, 100, 200), array[:, 70000:70100])
    assert http_server.most_connections <= MOST_CONNECTIONS
    assert http_server.requests == 200
    assert http_server.sent_bytes == 200 * 100


@pytest.mark.parametrize("bands_first", [True, False])
def test_lines_of_bands_are_bounded_together(remote, http_server, rng, bands_first):  # noqa: F811
    array = rng.integers(0, 255, (5, 60, 40000), dtype="u1")
    array = array if bands_first else np.asfortranarray(array)
    dataset = remote(array, "npy")
    np.testing.assert_array_equal(dataset.ReadAsArray(17, 3, 9, 50), array[:, 3:53, 17:26])
    assert http_server.most_connections <= MOST_CONNECTIONS


def test_gaps_are_read_over_where_that_costs_less_than_a_request(remote, http_server,  # noqa: F811
                                                                 rng):
    array = rng.integers(0, 255, (150, 20000), dtype="u1")
    dataset = remote(array, "npy")
    np.testing.assert_array_equal(dataset.ReadAsArray(100, 0, 100, 150), array[:, 100:200])
    assert http_server.requests <= 2
    assert http_server.sent_bytes <= array.nbytes


def test_blocks_of_hundreds_of_chunks_are_asked_for_some_at_a_time(remote, http_server,  # noqa: F811
                                                                   rng):
    if gdal.GetDriverByName("B2ND") is None:
        pytest.skip("the plugin was built without c-blosc2")
    array = rng.integers(0, 255, (128 * 64, 2048), dtype="u1")  # does not compress
    dataset = remote(array, "b2nd", CHUNKS="64,2048", BLOCKS="64,64")
    np.testing.assert_array_equal(dataset.ReadAsArray(1000, 0, 10, 8192), array[:, 1000:1010])
    assert http_server.most_connections <= MOST_CONNECTIONS
    assert http_server.sent_bytes < array.nbytes / 4


@pytest.mark.parametrize("width, lines", [(100000, 3), (100000, 100), (100, 100)])
@pytest.mark.parametrize("status, remedy", [(503, "GDAL_HTTP_MAX_RETRY"), (403, "credentials"),
                                            (404, "no longer there")])
def test_a_failed_request_says_its_status_and_what_to_do(remote, http_server, width,  # noqa: F811
                                                         lines, status, remedy):
    dataset = remote(np.zeros((1000, width), "u1"), "npy")
    http_server.failure = status
    with pytest.raises(RuntimeError) as failed:
        dataset.ReadAsArray(0, 700, 7, lines)
    text = str(failed.value)
    assert f"HTTP status {status}" in text and remedy in text
    assert "image.npy: cannot read bytes 7" in text  # at 700 lines of a hundred or more


def test_a_server_that_is_gone_is_an_error_of_http(remote, http_server):  # noqa: F811
    dataset = remote(np.zeros((1000, 100000), "u1"), "npy")
    http_server.shutdown()
    http_server.server_close()
    with pytest.raises(RuntimeError, match="no answer over HTTP.*GDAL_HTTP_MAX_RETRY"):
        dataset.ReadAsArray(0, 500, 7, 100)


def test_what_follows_the_chunks_is_one_request(http_server, npy, tmp_path, rng):  # noqa: F811
    if gdal.GetDriverByName("B2ND") is None:
        pytest.skip("the plugin was built without c-blosc2")
    gdal.VSICurlClearCache()
    local = str(tmp_path / "array.b2nd")
    array = rng.integers(0, 255, (2048, 2048), dtype="u1")
    copy = gdal.Translate(local, npy(array), format="B2ND", metadataOptions=["A=" + 40000 * "b"],
                          creationOptions=["CHUNKXSIZE=16", "CHUNKYSIZE=16", "BLOCKSIZE=16"])
    copy.GetRasterBand(1).SetMetadataItem("C", str(rng.integers(0, 2**62, 3000).tolist()))
    copy = None
    dataset = gdal.Open(http_server.serve(local, "image.b2nd"))
    assert len(dataset.GetMetadataItem("A")) == 40000
    gets = [name for name, method in http_server.asked if method == "GET"]
    assert gets.count("image.b2nd") == 2, "the header, and all behind the chunks"


def test_whole_chunks_are_read_without_a_look_at_their_directories(remote, http_server,  # noqa: F811
                                                                   rng):
    if gdal.GetDriverByName("B2ND") is None:
        pytest.skip("the plugin was built without c-blosc2")
    array = rng.integers(0, 200, (2048, 2048), dtype="u1")
    array[512:768, 512:768] = 0  # a chunk that is not there
    dataset = remote(array, "b2nd", CHUNKXSIZE=256, CHUNKYSIZE=256, BLOCKSIZE=64)
    np.testing.assert_array_equal(dataset.ReadAsArray(), array)
    assert http_server.requests <= 3
    np.testing.assert_array_equal(dataset.ReadAsArray(100, 100, 1000, 1000),
                                  array[100:1100, 100:1100])
