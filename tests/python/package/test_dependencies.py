"""What CMake looks for is what tools/setup, the documents and the conda recipe name."""

import pathlib
import re
import subprocess

import pytest

ROOT = next(folder for folder in pathlib.Path(__file__).parents if (folder / "LICENSE").exists())

# What CMake calls a library: its packages of Debian and conda-forge, its name in plugin/README.md.
LIBRARIES = {
    "GDAL": ("libgdal-dev", "libgdal-core-devel", "GDAL"),
    "nlohmann_json": ("nlohmann-json3-dev", "nlohmann_json", "nlohmann-json"),
    "Blosc2": ("blosc2", "c-blosc2", "c-blosc2"),
    "xxhash.h": ("libxxhash-dev", "xxhash", "xxHash"),
    "PkgConfig": ("pkgconf", "pkg-config", "pkg-config"),
    "liblz4": ("liblz4-dev", "lz4-c", "LZ4"),
    "libzstd": ("libzstd-dev", "zstd", "ZSTD"),
    "hwy": ("libhwy-dev", "libhwy", "Google Highway"),
    "CLI11": ("libcli11-dev", "cli11", "CLI11"),
    "TIFF": ("libtiff-dev", "libtiff", "libtiff"),
    "ZLIB": ("zlib1g-dev", "zlib", "zlib"),
    "OpenSSL": ("libssl-dev", "openssl", "OpenSSL"),
}
OF_THE_SYSTEM = {"Threads", "Python3"}


def asked_for():
    """(name, least version or "") of each library that the plugin and the program are built with."""
    found = set()
    for folder in ("driver", "plugin", "tools"):
        for path in (ROOT / folder).rglob("CMakeLists.txt"):
            text = path.read_text(encoding="utf-8")
            found.update(re.findall(r"find_package\((\w+) ?([\d.]*)", text))
            found.update(re.findall(r"pkg_check_modules\([^)]*?([\w-]+)>=([\d.]+)\)", text))
            found.update((name, "") for name in re.findall(r"find_path\(\w+ (\S+)", text))
    return sorted((name, version) for name, version in found if name not in OF_THE_SYSTEM)


def test_all_libraries_are_looked_at():
    assert {name for name, _ in asked_for()} == set(LIBRARIES)


@pytest.mark.parametrize("name, version", asked_for())
def test_library_is_named_wherever_it_is_installed_from(name, version):
    debian, conda, words = LIBRARIES[name]
    listed = subprocess.run([ROOT / "tools" / "setup", "--list", "build"], capture_output=True, text=True, check=True)
    assert re.search(rf"(?m)^{re.escape(debian)}(==|$)", listed.stdout)
    recipe = (ROOT / "plugin/conda/recipe.yaml").read_text(encoding="utf-8")
    found = re.search(rf"(?m)^    - {re.escape(conda)}(?: >=([\d.]+))?$", recipe)
    assert found, f"recipe.yaml names no {conda}"
    assert not version or found[1] == version
    document = re.search(r"(?s)To build by hand you need.*?without these",
                         (ROOT / "plugin/README.md").read_text(encoding="utf-8"))[0]
    least = rf"\s+≥\s+{re.escape(version)}\b" if version else ""
    assert re.search(re.escape(words) + least, document)
