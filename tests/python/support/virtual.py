"""Names for the same file behind GDAL's virtual file systems."""

import gzip
import pathlib
import zipfile

import pytest
from osgeo import gdal


def _in_memory(path, folder):
    name = f"/vsimem/{path.name}"
    gdal.FileFromMemBuffer(name, path.read_bytes())
    return name


def _zipped(method):
    def name(path, folder):
        with zipfile.ZipFile(folder / "image.zip", "w", method) as archive:
            archive.write(path, path.name)
        return f"/vsizip/{folder}/image.zip/{path.name}"

    return name


def _gzipped(path, folder):
    with gzip.open(folder / f"{path.name}.gz", "wb") as out:
        out.write(path.read_bytes())
    return f"/vsigzip/{folder}/{path.name}.gz"


def _part_of_a_file(path, folder):
    content = path.read_bytes()
    (folder / "container.bin").write_bytes(b"x" * 1234 + content + b"y" * 99)
    return f"/vsisubfile/1234_{len(content)},{folder}/container.bin"


SYSTEMS = {"vsimem": _in_memory, "vsizip, deflated": _zipped(zipfile.ZIP_DEFLATED),
           "vsizip, stored": _zipped(zipfile.ZIP_STORED), "vsigzip": _gzipped,
           "vsisubfile": _part_of_a_file}


@pytest.fixture(params=SYSTEMS)
def behind_a_virtual_file_system(request, tmp_path):
    """Takes the path of a file to its name in one of the systems."""
    names = []

    def name_of(path):
        names.append(SYSTEMS[request.param](pathlib.Path(path), tmp_path))
        return names[-1]

    yield name_of
    for name in names:
        if name.startswith("/vsimem/"):
            gdal.Unlink(name)
