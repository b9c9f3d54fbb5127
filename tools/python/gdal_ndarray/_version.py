"""The version, which is the project's in CMakeLists.txt: from the installed package's metadata, or, in
a checkout, from that file."""

from __future__ import annotations

import importlib.metadata
import pathlib
import re


def version() -> str:
    project = pathlib.Path(__file__).resolve().parents[3] / "CMakeLists.txt"
    if project.is_file():
        found = re.search(r"project\(gdal_ndarray VERSION ([\d.]+)", project.read_text(encoding="utf-8"))
        if found:
            return found[1]
    return importlib.metadata.version("gdal-ndarray")
