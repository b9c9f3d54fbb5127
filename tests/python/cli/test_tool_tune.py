"""gdal_ndarray tune, as a shell user runs it."""

import json
import os
import shlex
import signal
import subprocess

import numpy as np
import pytest
from support.b2nd import codec_of
from osgeo import gdal
from support.stop import preloading, run_stopped
from support import memory_dataset, random_values
from support.tool import PROGRAM, error, tool, tool_on_terminal

if gdal.GetDriverByName("B2ND") is None:
    pytest.skip("the plugin was built without c-blosc2", allow_module_level=True)

SHORT = ("--budget", "0.1s")
GEOID = "/usr/share/proj/egm96_15.gtx"


def save(path, array, *options):
    gdal.GetDriverByName("GTiff").CreateCopy(str(path), memory_dataset(array), options=options)
    return path


@pytest.fixture
def noise(tmp_path):
    """Colours that no codec makes smaller."""
    rng = np.random.default_rng(1)
    return save(tmp_path / "noise.tif", rng.integers(0, 256, (3, 256, 256), dtype="u1"))


@pytest.fixture
def halves(tmp_path):
    """Larger than a sample; the upper half compresses to nothing, the lower one little."""
    image = np.full((3072, 3072), 7, dtype="u2")
    image[1536:] = np.random.default_rng(2).integers(0, 1024, (1536, 3072))
    return save(tmp_path / "halves.tif", image)


def creation_options(line):
    words = line.split()
    assert words[::2] == ["-co"] * (len(words) // 2), line
    return words[1::2]


def converted(source, options, path):
    gdal.Translate(str(path), str(source), format="B2ND", creationOptions=options)
    return gdal.Open(str(path))


def ratio_of(dataset):
    return float(dataset.GetMetadataItem("RATIO", "IMAGE_STRUCTURE"))


def report_of(*arguments):
    return json.loads(tool("tune", "--json", *arguments))


def patient_report(is_enough, *arguments):
    """With more time where a busy machine got too little done, for as long as there is more to do."""
    budget = 0.5
    while True:
        report = report_of(*arguments, "--budget", f"{budget}s")
        if is_enough(report):
            return report
        more = report["not_tried"] > 0 or not report["sample"]["whole_image"]
        assert more and budget < 1e6, report
        budget *= 4


def final(report):
    return [c for c in report["configurations"] if c["final"]]


def test_a_copy_of_a_b2nd_is_tuned_as_it_is_cut(noise, tmp_path):
    """The driver would keep the source's shapes, the sample's copies have others unless they are said."""
    cut = {"BLOCKXSIZE": 32, "BLOCKYSIZE": 16, "CHUNKXSIZE": 64, "CHUNKYSIZE": 64}
    source = tmp_path / "cut.b2nd"
    converted(noise, [f"{name}={value}" for name, value in cut.items()], source).FlushCache()
    default, = [c for c in report_of(source, *SHORT)["configurations"] if c["default"]]
    assert {name: default["options"][name] for name in cut} == cut


def test_the_last_line_converts_the_image(noise, tmp_path):
    text = tool("tune", noise, *SHORT)
    line = text.splitlines()[-1]
    written = converted(noise, creation_options(line), tmp_path / "noise.b2nd")
    np.testing.assert_array_equal(written.ReadAsArray(), gdal.Open(str(noise)).ReadAsArray())
    shown = dict(option.split("=") for option in creation_options(line))
    assert codec_of(written) == shown["COMPRESS"]
    assert written.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE") == shown["INTERLEAVE"]


@pytest.mark.parametrize("command", [
    ["gdal_translate", "-of", "B2ND"], [str(PROGRAM), "convert"]], ids=["translate", "convert"])
def test_the_last_line_can_be_pasted_into_a_command(command, noise, tmp_path):
    if command[0] == str(PROGRAM) and " convert " not in tool("--help"):
        pytest.skip("this program has no convert")
    line = tool("tune", noise, *SHORT).splitlines()[-1]
    target = tmp_path / "pasted.b2nd"
    pasted = " ".join(map(shlex.quote, command)) + f" {line} {noise} {target}"
    done = subprocess.run(pasted, shell=True, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")
    np.testing.assert_array_equal(gdal.Open(str(target)).ReadAsArray(),
                                  gdal.Open(str(noise)).ReadAsArray())


@pytest.mark.parametrize("gdal_type, bands, interleave", [
    (gdal.GDT_Byte, 3, "PIXEL"), (gdal.GDT_Byte, 3, "BAND"), (gdal.GDT_Byte, 1, "BAND"),
    (gdal.GDT_UInt16, 1, "BAND"), (gdal.GDT_Float32, 2, "PIXEL")])
def test_the_default_is_what_a_copy_has_without_options(gdal_type, bands, interleave, tmp_path):
    array = random_values(np.random.default_rng(4), gdal_type, (bands, 300, 700))
    path = save(tmp_path / "image.tif", array, f"INTERLEAVE={interleave}")
    default, = [c for c in report_of(path, "--budget", "0.05s")["configurations"] if c["default"]]
    options = [f"{name}={value}" for name, value in default["options"].items()]
    converted(path, options, tmp_path / "shown.b2nd")
    converted(path, [], tmp_path / "plain.b2nd")
    shown, plain = ((tmp_path / name).read_bytes() for name in ("shown.b2nd", "plain.b2nd"))
    assert shown == plain


def test_the_table_marks_one_row_and_the_default(noise):
    lines = tool("tune", noise, *SHORT).splitlines()
    head = dict(line.split(maxsplit=1) for line in lines[:lines.index("")])
    assert head["Source"].endswith(": 256x256, 3 bands of Byte, 197 kB")
    assert head["Read"] == "in    windows of 512 x 512"
    assert head["Sample"] == "the whole image" and head["Objective"] == "balanced"
    assert "configurations in" in head["Tried"]
    assert not any("..." in line for line in lines)  # no progress in a pipe
    assert sum(line.startswith(">") for line in lines) == 2  # the row, and what the mark means
    assert sum(line.endswith("  default") for line in lines) == 1


def test_quietly_only_the_options_are_printed(noise):
    text = tool("tune", "-q", noise, *SHORT)
    assert text.count("\n") == 1 and "COMPRESS=" in creation_options(text)[0]


def test_the_default_wins_near_ties(noise):
    report = patient_report(lambda r: len(final(r)) > 2, noise, "--objective", "size")
    chosen, = [c for c in report["configurations"] if c["recommended"]]
    assert chosen["default"]
    assert max(c["ratio"] for c in final(report)) < 1.03 * chosen["ratio"]


@pytest.mark.slow
def test_the_size_objective_finds_what_is_small():
    report = patient_report(lambda r: r["tried"] > 8, GEOID, "--objective", "size")
    chosen, = [c for c in report["configurations"] if c["recommended"]]
    assert report["tried"] == len(report["configurations"])
    for other in report["configurations"]:
        assert other["ratio"] <= 1.1 * chosen["ratio"], other
    assert report["recommended"] == " ".join(
        f"-co {name}={value}" for name, value in chosen["options"].items())


def test_the_front_is_what_nothing_beats_twice():
    configurations = report_of(GEOID, "--budget", "0.5s")["configurations"]
    for one in configurations:
        beaten = any(other["ratio"] >= one["ratio"] and other["p50_ms"] <= one["p50_ms"] and
                     (other["ratio"], other["p50_ms"]) != (one["ratio"], one["p50_ms"])
                     for other in configurations)
        assert one["pareto"] != beaten, one
    assert all(c["p50_ms"] <= c["p99_ms"] for c in configurations)


def test_a_sample_foretells_the_ratio_of_the_whole(halves, tmp_path):
    report = patient_report(lambda r: r["sample"]["pieces"] > 15, halves, "--objective", "size")
    assert not report["sample"]["whole_image"]
    assert 0 < report["sample"]["pixels"] < 3072 * 3072
    chosen, = [c for c in report["configurations"] if c["recommended"]]
    whole = converted(halves, creation_options(report["recommended"]), tmp_path / "whole.b2nd")
    assert chosen["ratio"] == pytest.approx(ratio_of(whole), rel=0.15)


@pytest.mark.parametrize("access", ["window=64", "rows", "bands", "whole"])
def test_every_way_to_read_gets_an_answer(access, noise, tmp_path):
    line = tool("tune", "-q", noise, *SHORT, "--access", access)
    converted(noise, creation_options(line), tmp_path / "out.b2nd")


@pytest.mark.parametrize("gdal_type, shape", [
    (gdal.GDT_Byte, (1, 1)), (gdal.GDT_Float64, (1, 3000)), (gdal.GDT_Int32, (3000, 1)),
    (gdal.GDT_CFloat32, (50, 60)), (gdal.GDT_CInt16, (20, 20)), (gdal.GDT_UInt16, (70, 8, 9))])
def test_odd_images(gdal_type, shape, tmp_path):
    array = random_values(np.random.default_rng(3), gdal_type, shape)
    path = save(tmp_path / "odd.tif", array)
    line = tool("tune", "-q", path, "--budget", "0.05s")
    written = converted(path, creation_options(line), tmp_path / "odd.b2nd")
    np.testing.assert_array_equal(written.ReadAsArray(), gdal.Open(str(path)).ReadAsArray())


def test_a_huge_source_is_sampled(noise, tmp_path):
    (tmp_path / "huge.vrt").write_text(f"""
        <VRTDataset rasterXSize="1000000000" rasterYSize="1000000">
        <VRTRasterBand dataType="Byte" band="1"><SimpleSource>
        <SourceFilename>{noise}</SourceFilename><SrcRect xOff="0" yOff="0" xSize="256" ySize="256"/>
        <DstRect xOff="0" yOff="0" xSize="1000000000" ySize="1000000"/>
        </SimpleSource></VRTRasterBand></VRTDataset>""")
    for access in ("rows", "whole"):
        report = report_of(tmp_path / "huge.vrt", *SHORT, "--access", access)
        assert report["sample"]["pixels"] < 10e6 and report["tried"] > 0


def test_the_budget_is_kept(halves):
    """By a clock that goes on when it is asked: it is asked often, and heeded."""
    tried = []
    for budget in (0.1, 0.5, 2):
        report = json.loads(tool("tune", "--json", halves, "--budget", f"{budget}s",
                                 env=preloading("step_clock", STEP_CLOCK_US="1000")))
        assert report["seconds"] < 1.5 * budget + 1
        tried.append(report["tried"])
    assert 0 < tried[0] < tried[-1], tried


def test_nothing_is_left_behind(noise, tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    tool("tune", noise, *SHORT, env={**os.environ, "TMPDIR": str(folder)})
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("number, call", [(signal.SIGINT, 4), (signal.SIGTERM, 40)])
def test_an_interrupt_in_a_trial_leaves_nothing_behind(number, call, halves, tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    done = run_stopped([PROGRAM, "tune", halves, "--budget", "600s"], folder, call, number,
                       twice=True,  # as from `timeout`, and shells in shells
                       env={"TMPDIR": str(folder)})
    assert (done.returncode, done.stdout, done.stderr) == (
        1, "", "gdal_ndarray tune: interrupted\n")
    assert list(folder.iterdir()) == []


def test_progress_is_shown_on_a_terminal_only(noise):
    assert "...100 - done." in tool_on_terminal("tune", noise, *SHORT)
    assert "..." not in tool_on_terminal("tune", "-q", noise, *SHORT)


def test_failures_are_told_in_one_line(noise, tmp_path):
    assert error("tune", tmp_path / "none.tif").startswith(str(tmp_path / "none.tif"))
    noise.write_bytes(noise.read_bytes()[:100_000])
    assert "noise.tif" in error("tune", noise, *SHORT)
    small = save(tmp_path / "small.tif", np.zeros((9, 9), "u1"))
    for place, reason in [(tmp_path / "no folder", "No such file"), (small, "Not a directory")]:
        assert error("tune", small, *SHORT, env={**os.environ, "TMPDIR": str(place)}) == (
            f"{place}: cannot make a temporary folder: {reason}" +
            (" or directory" if place != small else ""))


@pytest.mark.parametrize("array, message", [
    (np.float32(3), "shape: found (), wanted"), (np.array(["a", "b"]), "dtype: found '<U1' (text)"),
    (np.zeros((2, 3, 4, 5), "u1"), "bands: found none, wanted")])
def test_what_is_no_image_is_told_in_one_line(array, message, tmp_path):
    path = tmp_path / "array.npy"
    np.save(path, array)
    assert error("tune", path, *SHORT).startswith(f"{path}: {message}")


@pytest.mark.parametrize("arguments, found", [
    (["--budget", "soon"], "soon"), (["--budget", "-1s"], "-1"), (["--budget", "0"], "0"),
    (["--access", "window=0"], "window=0"), (["--access", "window=1x"], "window=1x"),
    (["--access", "tiles"], "tiles"), (["--objective", "beauty"], "beauty"),
    (["--levels"], "--levels")])
def test_wrong_usage_is_told_in_one_line(arguments, found):
    assert found in error("tune", GEOID, *arguments, code=2)
    assert "SRC" in error("tune", code=2)
