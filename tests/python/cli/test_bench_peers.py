"""The benchmark of all readers, tests/bench/peers.py: that wrong pixels and failures are seen."""

import csv
import json
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import numpy as np
import pytest
from osgeo import gdal

BENCH = pathlib.Path(__file__).parents[2] / "bench"
sys.path.insert(0, str(BENCH))

from peers.child import first_difference  # noqa: E402

OURS = ["npy"] + ["b2nd_lz4"] * (gdal.GetDriverByName("B2ND") is not None)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """The folder of the results, and what was printed, of a small run without third parties."""
    out = tmp_path_factory.mktemp("peers")
    ran = subprocess.run(
        [sys.executable, BENCH / "peers.py", "--quick", "--size", "1024", "--turns", "1", "--out",
         out, "--tables", "none,lz4", "--readers", ",".join([*OURS, "wrong", "crash", "absent"])],
        capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return out, ran.stdout


def results(out):
    """{reader: its row}"""
    run = json.loads((out / "peers.json").read_text(encoding="utf-8"))
    return {row["key"]: row for table in run["tables"] for row in table["rows"]}


@pytest.mark.slow
def test_right_readers_have_figures_beside_the_limit(bench):
    rows = results(bench[0])
    for key in ["memmap", *OURS]:
        assert rows[key]["error"] is None
        assert set(rows[key]["results"]) >= {"64", "512", "rows", "tiles", "whole"}
        for cell in rows[key]["results"].values():
            assert cell["gbps"] > 0 and cell["p50_us"] <= cell["p99_us"]
        assert rows[key]["results"]["512"]["of_limit"] > 0


@pytest.mark.slow
def test_a_wrong_reader_is_an_error_and_never_the_best_peer(bench):
    out, printed = bench
    rows = results(out)
    for workload in ("64", "rows"):
        assert rows["wrong"]["results"][workload]["error"].startswith("wrong pixels")
    assert "WRONG" in printed
    assert all(cell.get("best_peer") != "wrong"
               for row in rows.values() for cell in row["results"].values())


@pytest.mark.slow
def test_a_reader_that_crashes_or_is_absent_stops_no_other(bench):
    rows = results(bench[0])
    assert rows["crash"]["error"].startswith("the process ended")
    assert rows["absent"]["error"].startswith("ModuleNotFoundError")


@pytest.mark.slow
def test_table_and_picture_parse(bench):
    out, _ = bench
    with open(out / "peers.csv", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["reader"] for line in lines} == {"memmap", "wrong", "crash", "absent", *OURS}
    for line in lines:
        assert bool(line["error"]) != bool(line["gbps"]), line
        assert line["error"] or float(line["gbps"]) > 0
    xml.etree.ElementTree.parse(out / "peers.svg")


@pytest.mark.parametrize("got", [
    np.zeros((3, 5), "u2"), np.zeros((4, 5), "u4"), np.eye(4, 5, k=4, dtype="u2")],
    ids=["shape", "type", "pixel"])
def test_a_difference_in_shape_type_or_one_pixel_is_found(got):
    expected = np.zeros((4, 5), "u2")
    assert first_difference(expected.copy(), expected) is None
    assert first_difference(got, expected) is not None
