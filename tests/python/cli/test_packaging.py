"""What is said of libraries and of the version in several places is the same everywhere."""

import pathlib
import re
import subprocess

import pytest

ROOT = next(folder for folder in pathlib.Path(__file__).parents if (folder / "LICENSE").exists())
BUILT = [path for folder in ("driver", "plugin", "tools") for path in (ROOT / folder).rglob("CMakeLists.txt")]

# What CMake looks for: its name in the recipe for conda, in plugin/README.md, in THIRD-PARTY.md; its package in Debian.
LIBRARIES = {
    "GDAL": ("libgdal-core-devel", "GDAL", "GDAL", "libgdal-dev"),
    "nlohmann_json": ("nlohmann_json", "nlohmann-json", "nlohmann-json", "nlohmann-json3-dev"),
    "Blosc2": ("c-blosc2", "c-blosc2", "c-blosc2", None),  # of PyPI
    "XXHASH": ("xxhash", "xxHash", "xxHash", "libxxhash-dev"),
    "LZ4": ("lz4-c", "LZ4", "LZ4", "liblz4-dev"),
    "ZSTD": ("zstd", "ZSTD", "ZSTD", "libzstd-dev"),
    "hwy": ("libhwy", "Highway", "Highway", "libhwy-dev"),
    "CLI11": ("cli11", "CLI11", "CLI11", "libcli11-dev"),
    "TIFF": ("libtiff", "libtiff", "libtiff", "libtiff-dev"),
    "ZLIB": ("zlib", "zlib", "zlib", "zlib1g-dev"),
    "OpenSSL": ("openssl", "OpenSSL", "OpenSSL", "libssl-dev"),
}
NO_LIBRARIES = {"Threads", "Python3", "PkgConfig"}


def text(*parts):
    return ROOT.joinpath(*parts).read_text(encoding="utf-8")


def looked_for():
    """Libraries, and the least version of each ("" for any)."""
    found = {}
    for path in BUILT:
        lines = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
        found.update(re.findall(r"find_package\((\w+)(?: ([\d.]+))?", lines))
        found.update(re.findall(r"pkg_check_modules\((\w+) [^)]*?>=([\d.]+)\)", lines))
        found.update((name, "") for name in re.findall(r"find_path\((\w+)_INCLUDE_DIR", lines))
    return {name: version for name, version in found.items() if name not in NO_LIBRARIES}


def test_every_library_is_known():
    assert set(looked_for()) == set(LIBRARIES)


@pytest.mark.parametrize("library", LIBRARIES)
def test_library_is_named_with_its_version_where_users_look(library):
    recipe_name, document_name, notice_name, _ = LIBRARIES[library]
    version = looked_for()[library]
    host = re.search(r"(?ms)^  host:\n(.*?)^  run:", text("plugin", "conda", "recipe.yaml"))[1]
    assert re.search(rf"(?m)^    - {recipe_name}{' >=' + re.escape(version) if version else '( |$)'}", host)
    by_hand = re.search(r"(?s)To build by hand you need(.*?)\n\n", text("plugin", "README.md") + "\n\n")[1]
    assert re.search(rf"{document_name}\s+≥\s+{re.escape(version)}" if version else document_name, by_hand)
    assert notice_name in text("THIRD-PARTY.md")


def test_debian_packages_are_built_with_what_setup_installs():
    field = re.search(r"(?m)^Build-Depends: (.*(?:\n .*)*)", text("plugin", "debian", "control"))[1]
    wanted = dict(re.findall(r"([\w+.-]+)(?: \(>?= (?:\d+:)?(\S+)\))?(?:,|$)", field))
    printed = subprocess.run([ROOT / "tools" / "setup", "--list", "package"], capture_output=True, text=True, check=True)
    assert set(wanted) - {"debhelper-compat"} <= set(printed.stdout.split())
    for library, version in looked_for().items():
        package = LIBRARIES[library][-1]
        assert package is None or wanted[package] == version, package


def test_version_is_in_one_place():
    version = re.search(r"(?m)^project\(gdal_ndarray VERSION ([\d.]+)", text("CMakeLists.txt"))[1]
    printed = subprocess.run([ROOT / "tools" / "package", "version"], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == version
    assert re.search(r"(?m)^## (.*)$", text("CHANGELOG.md"))[1].split()[0] in ("Unreleased", version)
    for path in [*BUILT, *(ROOT / "plugin").rglob("*"), *(ROOT / "tools" / "python").rglob("*.*")]:
        if path.is_file() and path.suffix in (".txt", ".yaml", ".toml", ".py", ".in", ".cmake", "") and \
                "__pycache__" not in path.parts:
            assert f'"{version}"' not in path.read_text(encoding="utf-8"), path


def test_nothing_is_downloaded_by_the_build():
    for path in [ROOT / "CMakeLists.txt", ROOT / "tests" / "CMakeLists.txt", *BUILT]:
        assert not re.search(r"FetchContent|ExternalProject|file\(DOWNLOAD", path.read_text(encoding="utf-8")), path
