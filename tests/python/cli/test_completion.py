"""Completion for bash: what it offers is what the program lists."""

import pathlib
import shutil
import subprocess

import pytest

from support.tool import PROGRAM

ROOT = next(folder for folder in pathlib.Path(__file__).parents if (folder / "LICENSE").exists())


def offered(*words):
    """For the last of the words, as bash asks for it."""
    if not shutil.which("bash"):
        pytest.skip("no bash")
    script = f"""
compopt() {{ :; }}
. {ROOT / 'tools/gdal_ndarray/completion.bash'}
COMP_WORDS=({PROGRAM} {' '.join(repr(word) for word in words)})
COMP_CWORD={len(words)}
_gdal_ndarray
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    return set(run.stdout.split())


def test_subcommands():
    assert {"info", "convert", "window", "verify", "tune", "compact"} == offered("")
    assert offered("co") == {"convert", "compact"}


def test_options_of_the_program_and_of_a_subcommand():
    assert offered("-") == {"-h", "--help", "--version"}
    assert {"--access", "--co", "--bands", "--overviews", "-q", "--quiet"} <= offered("convert", "a.tif", "-")
    assert offered("convert", "--o") == {"--overviews"}
    assert "--overviews" not in offered("info", "--")


def test_files_are_left_to_bash():
    assert offered("info", "sc") == set()
