"""Checks the rooms of this project: who may include whom, no cycles, sizes, names. Prints what breaks a rule.

usage: python3 tests/layout.py    (exit status 1 where a rule is broken; `tests/run layout` calls it)
"""
import ast
import collections
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MAX_LINES = 400
MAX_FILES = 30
MAX_VIRTUALS = 6  # of one class, its destructor not counted: more than that is no narrow waist

# The rooms: a folder of code, and the folders whose headers its files may include beside its own.
RASTER = "driver/raster"
VOCABULARY = ["driver/store", "driver/store/dtype"]
STORE = [*VOCABULARY, "driver/store/*"]
ROOMS = {
    "driver/store": VOCABULARY,
    "driver/store/dtype": VOCABULARY,
    "driver/store/io": VOCABULARY,
    "driver/store/npy": [*VOCABULARY, "driver/store/io"],
    "driver/store/checksum": VOCABULARY,
    "driver/store/blosc2": [*VOCABULARY, "driver/store/checksum"],
    "driver/store/frame": [*VOCABULARY, "driver/store/checksum", "driver/store/io",
                           "driver/store/blosc2"],
    "driver/store/b2nd": [*VOCABULARY, "driver/store/checksum", "driver/store/io",
                          "driver/store/blosc2", "driver/store/frame"],
    "driver/store/archive": [*VOCABULARY, "driver/store/checksum", "driver/store/io",
                             "driver/store/blosc2", "driver/store/frame", "driver/store/b2nd"],
    "driver/raster": VOCABULARY,
    "driver/raster/files": [*VOCABULARY, "driver/store/io", "driver/store/archive", RASTER],
    "driver/raster/metadata": [*STORE, RASTER, "driver/raster/files"],
    "driver/raster/mask": [*STORE, RASTER, "driver/raster/files"],
    "driver/raster/dataset": [*STORE, RASTER, "driver/raster/files", "driver/raster/metadata",
                              "driver/raster/mask"],
    "driver/raster/create": [*STORE, RASTER, "driver/raster/files", "driver/raster/metadata",
                             "driver/raster/mask", "driver/raster/dataset"],
    "driver/raster/multidim": [*STORE, RASTER, "driver/raster/files", "driver/raster/metadata"],
    "driver/raster/formats": [*STORE, RASTER, "driver/raster/*"],
    "plugin": ["driver/raster/formats"],
    "tools/gdal_ndarray": [*STORE, RASTER, "driver/raster/*"],
    "tools/gdal_ndarray/*": [*STORE, RASTER, "driver/raster/*", "tools/gdal_ndarray"],
}

# (what, pattern of a line of code, the only files that may have it, folders)
WALLS = [
    ("no GDAL below the array files", r'#include *[<"](gdal|cpl_|ogr_|vrt|memdataset|driver/raster/)',
     r"$-", ["driver/store", "tests/store"]),
    ("GDAL errors are raised in driver/raster/gdal_error.cpp alone", r"\bCPLError *\(",
     r"driver/raster/gdal_error\.cpp", ["driver", "plugin"]),
    ("GDAL's version is asked for in driver/raster/gdal_compat.h alone", r"\bGDAL_(VERSION_NUM|COMPUTE_VERSION)\b",
     r"driver/raster/gdal_compat\.h", ["driver", "plugin", "tools"]),
    ("files are mapped in driver/store/io/memory_map_posix.cpp alone",
     r"\b(mmap(64)?|madvise|mincore) *\(",
     r"driver/store/io/memory_map_posix\.cpp", ["driver", "plugin", "tools"]),
    ("the page cache is asked in driver/store/io/local_file_posix.cpp alone",
     r"\b(posix_fadvise|readahead|preadv2) *\(",
     r"driver/store/io/local_file_posix\.cpp", ["driver", "plugin", "tools"]),
    ("c-blosc2 is included by driver/store/blosc2/blosc_codec.cpp alone", r'#include *[<"](blosc2|b2nd)(\.h|/)',
     r"driver/store/blosc2/blosc_codec\.\w+", ["driver", "plugin", "tools"]),
    ("the command line is parsed in tools/gdal_ndarray/main.cpp alone", r"#include *<CLI/",
     r"tools/gdal_ndarray/main\.cpp", ["tools"]),
]


def sources(*folders, suffixes=(".cpp", ".h")):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT).as_posix()


def lines(path):
    return (ROOT / path).read_text(encoding="utf-8").splitlines()


def includes(path):
    for line in lines(path):
        if match := re.match(r'#include "([^"]+)"', line):
            yield match[1]


def unit(path):
    """A header with its implementation, whatever system that is for."""
    return re.sub(r"(_posix)?\.(h|cpp)$", "", path)


def matches(folder, pattern):
    return folder == pattern or (pattern.endswith("/*") and os.path.dirname(folder) == pattern[:-2])


def room_rule(folder):
    return next((allowed for room, allowed in ROOMS.items() if matches(folder, room)), None)


def broken_walls():
    for what, pattern, allowed, folders in WALLS:
        for path in sources(*folders):
            if re.fullmatch(allowed, path):
                continue
            for number, line in enumerate(lines(path), 1):
                if re.search(pattern, line.split("//")[0]):
                    yield f"{path}:{number}: {what}: {line.strip()}"


def broken_rooms():
    for path in sources("driver", "plugin", "tools"):
        folder = os.path.dirname(path)
        allowed = room_rule(folder)
        if allowed is None:
            yield f"{path}: {folder} is no room (tests/layout.py names them)"
            continue
        for header in includes(path):
            other = os.path.dirname(header)
            if other != folder and not any(matches(other, room) for room in allowed):
                yield f"{path}: {folder} may not include {header}"


def cycles():
    """Groups of units that include each other, directly or not (Tarjan's components)."""
    uses = collections.defaultdict(set)
    for path in sources("driver", "plugin", "tools"):
        uses[unit(path)] |= {unit(header) for header in includes(path)} - {unit(path)}
    found, order, low, stack = [], {}, {}, []

    def visit(name):
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in sorted(uses.get(name, ())):
            if other not in order:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == order[name]:
            group = stack[stack.index(name):]
            del stack[stack.index(name):]
            if len(group) > 1:
                found.append(group)

    for name in sorted(uses):
        if name not in order:
            visit(name)
    return [f"a cycle of includes: {' '.join(sorted(group))}" for group in found]


def too_large():
    for path in sources("driver", "plugin", "tools", "tests", "data", suffixes=(".cpp", ".h", ".py")):
        count = len(lines(path))
        if count > MAX_LINES:
            yield f"{path}: {count} lines, wanted at most {MAX_LINES}"
    for top in ("driver", "plugin", "tools", "tests"):
        for folder, _, files in os.walk(ROOT / top):
            files = [name for name in files if not name.endswith(".pyc")]
            folder = os.path.relpath(folder, ROOT)
            if len(files) > MAX_FILES and "/corpus/" not in folder + "/":
                yield f"{folder}: {len(files)} files, wanted at most {MAX_FILES}"


def wide_waists():
    """Classes that have too many virtual functions of their own. A class starts and ends in the first
    column, as clang-format has it; what `override`s another class's is that one's."""
    for path in sources("driver", "plugin", "tools", suffixes=(".h",)):
        name, count = None, 0
        for line in lines(path):
            if match := re.match(r"(?:class|struct) (\w+)[^;]*$", line):
                name, count = match[1], 0
            elif re.match(r"\s+virtual (?!~)", line):
                count += 1
            elif line == "};":
                if count > MAX_VIRTUALS:
                    yield f"{path}: {name}: {count} virtual functions, wanted at most {MAX_VIRTUALS}"
                count = 0


def names_given_twice():
    """The second of two tests of one name hides the first, and so does a constant."""
    for path in sources("tests", "tools", suffixes=(".py",)):
        count = collections.Counter()
        for node in ast.parse("\n".join(lines(path))).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                count[node.name] += 1
            elif isinstance(node, ast.Assign):
                count.update(name.id for target in node.targets for name in ast.walk(target)
                             if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store))
        yield from (f"{path}: {name} stands for two things" for name in count if count[name] > 1)


def files_named_twice():
    """pytest imports a file of tests by its name alone, and refuses the second of one name."""
    folders = collections.defaultdict(list)
    for path in sources("tests", suffixes=(".py",)):
        if os.path.basename(path).startswith("test_"):
            folders[os.path.basename(path)].append(path)
    return [f"{paths[1]}: the name of {paths[0]}" for paths in folders.values() if len(paths) > 1]


def main():
    broken = [*broken_walls(), *broken_rooms(), *cycles(), *too_large(), *wide_waists(), *names_given_twice(),
              *files_named_twice()]
    print("\n".join(broken), end="\n" if broken else "")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
