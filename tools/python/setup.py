"""What pyproject.toml cannot say: the version is the project's."""

import pathlib
import re

from setuptools import setup

FOLDER = pathlib.Path(__file__).resolve().parent


def version():
    for path, pattern in ((FOLDER.parents[1] / "CMakeLists.txt", r"project\(gdal_ndarray VERSION ([\d.]+)"),
                          (FOLDER / "PKG-INFO", r"(?m)^Version: (.+)$")):  # of a source distribution
        if path.is_file() and (found := re.search(pattern, path.read_text(encoding="utf-8"))):
            return found[1]
    raise RuntimeError("found neither the project's CMakeLists.txt nor PKG-INFO")


setup(version=version())
