"""What pyproject.toml cannot say: the version is the project's; with plugins, which tools/package puts there,
it is a wheel of this system, and for every Python."""

import pathlib
import re

from setuptools import Distribution, setup

FOLDER = pathlib.Path(__file__).resolve().parent
HAS_PLUGINS = any(FOLDER.glob("gdal_ndarray/plugins/*/*.so"))


def version():
    for path, pattern in ((FOLDER.parents[1] / "CMakeLists.txt", r"project\(gdal_ndarray VERSION ([\d.]+)"),
                          (FOLDER / "PKG-INFO", r"(?m)^Version: (.+)$")):  # of a source distribution
        if path.is_file() and (found := re.search(pattern, path.read_text(encoding="utf-8"))):
            return found[1]
    raise RuntimeError("found neither the project's CMakeLists.txt nor PKG-INFO")


class DistributionWithPlugins(Distribution):
    def has_ext_modules(self):
        return HAS_PLUGINS


commands = {}
if HAS_PLUGINS:
    from setuptools.command.bdist_wheel import bdist_wheel

    class WheelForEveryPython(bdist_wheel):
        def get_tag(self):
            return "py3", "none", super().get_tag()[2]

    commands["bdist_wheel"] = WheelForEveryPython

setup(version=version(), distclass=DistributionWithPlugins, cmdclass=commands)
