"""The man pages that tools/man.py makes from tools/README.md, and that both say what --help says."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from support.tool import tool

ROOT = next(folder for folder in pathlib.Path(__file__).parents if (folder / "LICENSE").exists())
README = ROOT / "tools" / "README.md"


def help_under(heading, text):
    """What follows a heading of a help text: CLI11 2.5 and later write it in capitals."""
    return re.search(rf"(?ims)^{heading}:\s*?\n(.*?)(?=\n\n|\Z)", text)[1]


def subcommands():
    return re.findall(r"(?m)^  (\w+)", help_under("subcommands", tool("--help")))


def section(name):
    """Of tools/README.md, what is about one subcommand."""
    text = README.read_text(encoding="utf-8")
    return re.search(rf"(?ms)^## gdal_ndarray {name}$(.*?)(?=^## |\Z)", text)[1]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man")
    subprocess.run([sys.executable, ROOT / "tools" / "man.py", README, folder, "1.2.3"], check=True)
    return {path.name: path for path in folder.iterdir()}


def test_every_subcommand_has_a_section_and_a_page(pages):
    names = subcommands()
    assert {"convert", "info"} <= set(names)
    for name in names:
        assert f"gdal_ndarray-{name}.1" in pages
        assert f"gdal_ndarray {name} " in section(name)


def test_every_option_is_documented_where_its_subcommand_is():
    for name in subcommands():
        shown = help_under("options", tool(name, "--help"))
        lines = re.findall(r"(?m)^ {2,12}(-[\w-]+(?:, *-[\w-]+)*)", shown)
        options = {option for line in lines for option in re.split(", *", line)} - {"-h", "--help"}
        assert options
        documented = set(re.findall(r"`(-[\w-]+)", section(name)))
        assert options <= documented, f"{name} {options - documented}"


def test_pages_are_manual_pages(pages):
    if not shutil.which("groff"):
        pytest.skip("no groff")
    without_asan = {**os.environ, "LD_PRELOAD": ""}  # which finds a fault of groff's
    for name, path in pages.items():
        done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-P-c", path], capture_output=True,
                              text=True, check=True, env=without_asan)
        assert done.stderr == "", name
        text = re.sub(".\b", "", done.stdout)
        assert re.search(r"NAME\n +gdal_ndarray(-\w+)? - \w", text), name
        for heading in ("SYNOPSIS", "DESCRIPTION", "EXAMPLES", "SEE ALSO"):
            assert f"\n{heading}\n" in text or name in ("gdal_ndarray.1", "gdal_ndarray-tune.1"), name
        assert not re.search(r"\]\(|\*\*|`(?!`)", text), name  # no Markdown is left
        assert "gdal-ndarray 1.2.3" in text, name


def test_what_is_typed_stands_in_the_page_as_it_is_typed(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("## gdal_ndarray x\n\nDoes X.\n\n```\ngdal_ndarray x -n\n```\n\n"
                      ".dots and 'quotes', 2\u2078 \u00d7 \\n.\n\n- `-n`, `--none`: [a](b.md) \\ **b**\n"
                      "  - inner\n\n| a | b | default |\n| --- | --- | --- |\n| `-q` | what | `1~` |\n",
                      encoding="utf-8")
    subprocess.run([sys.executable, ROOT / "tools" / "man.py", readme, tmp_path, "1"], check=True)
    assert (tmp_path / "gdal_ndarray-x.1").read_text() == r""".TH GDAL_NDARRAY\-X 1 "" "gdal\-ndarray 1" "gdal\-ndarray"
.nh
.ad l
.SH NAME
gdal_ndarray\-x \- does X
.SH SYNOPSIS
.nf
gdal_ndarray x \-n
.fi
.SH DESCRIPTION
\&.dots and 'quotes', 2\[u2078] \[u00D7] \en.
.TP
\fB\-n\fR, \fB\-\-none\fR
a \e \fBb\fR
.RS
.IP \(bu 2
inner
.RE
.TP
\fB\-q\fR
what. Default: \fB1\(ti\fR.
.SH SEE ALSO
\fBgdal_ndarray\fR(1),
\fBgdal_translate\fR(1),
\fBgdalinfo\fR(1)
"""
