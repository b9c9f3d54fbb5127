#!/usr/bin/env python3
"""Makes the files of this folder again. Needs NumPy, nothing of this project.

golden/      files as NumPy writes them, one for each property; readers compare with np.load.
             .b2nd as python-blosc2 writes them: golden_b2nd.py makes them and says what is in them
malformed/   files that must be refused; expected.tsv has a line for each: name, tab, a regular
             expression for the error message
"""

import io
import pathlib
import struct

import malformed_b2nd
import numpy as np

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE / "golden"
MALFORMED = HERE / "malformed"
DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
COPY = malformed_b2nd.COPY
ORDERS = {"little": "<", "big": ">"}


def values(dtype, shape):
    """Values that differ from pixel to pixel and use the type's whole width where it has one."""
    dtype = np.dtype(dtype)
    count = int(np.prod(shape))
    rng = np.random.default_rng(count * 31 + dtype.num)
    if dtype.kind == "b":
        flat = rng.integers(0, 2, count)
    elif dtype.kind in "iu":
        info = np.iinfo(dtype)
        flat = rng.integers(info.min, info.max, count, dtype=dtype.newbyteorder("="), endpoint=True)
    else:
        flat = rng.normal(0, 100, count)
        if dtype.kind == "c":
            flat = flat + 1j * rng.normal(0, 100, count)
    return np.asarray(flat).astype(dtype).reshape(shape)


def save(name, array, version=None):
    with open(GOLDEN / f"{name}.npy", "wb") as file:
        np.lib.format.write_array(file, array, version=version, allow_pickle=False)


def golden():
    for code in DTYPES:
        for order, prefix in ORDERS.items():
            if np.dtype(code).itemsize == 1 and order == "big":
                continue  # a byte has no order
            array = values(prefix + code, (3, 5, 7))
            name = f"{np.dtype(code).name}_{order}"
            save(f"{name}_c", array)
            save(f"{name}_fortran", np.asfortranarray(array))
    for shape in [(11,), (1, 1), (5, 6), (6, 1), (9, 8, 3), (9, 8, 4), (9, 8, 5), (2, 3, 4, 5),
                  (2, 1, 3, 4, 5)]:
        name = "shape_" + "x".join(map(str, shape))
        save(name + "_c", values("<u2", shape))
        save(name + "_fortran", np.asfortranarray(values("<u2", shape)))
    for version in [(1, 0), (2, 0), (3, 0)]:
        save(f"version_{version[0]}", values("<i4", (5, 6)), version)

    record = np.dtype([("red", "u1"), ("height", "<f4"), ("flags", ">u2")])
    array = np.zeros((4, 5), record)
    for field in record.names:
        array[field] = values(record[field], (4, 5))
    save("record", array)
    aligned = np.dtype([("a", "u1"), ("b", "<f8")], align=True)
    array = np.zeros((4, 5), aligned)
    array["a"] = values("u1", (4, 5))
    array["b"] = values("<f8", (4, 5))
    save("record_aligned", array)
    nested = np.dtype([("point", [("x", "<i2"), ("y", "<i2")]), ("rgb", "u1", (3,))])
    array = np.zeros((4, 5), nested)
    array["point"]["x"] = values("<i2", (4, 5))
    array["point"]["y"] = -values("<i2", (4, 5))
    array["rgb"] = values("u1", (4, 5, 3))
    save("record_nested", array)
    names = np.dtype([("höhe", "<f4"), ("日本", "<i2")])
    array = np.zeros((3, 4), names)
    array["höhe"] = values("<f4", (3, 4))
    save("record_unicode", array, (3, 0))

    buffer = io.BytesIO()
    np.save(buffer, values("<u2", (5, 6)))
    (GOLDEN / "bytes_after_the_array.npy").write_bytes(buffer.getvalue() + b"more" * 100)


def npy(text, data=b"", version=1, length=None):
    """A .npy file with any header text, and any idea of how long that is."""
    text = text.encode("latin-1")
    length = len(text) if length is None else length
    packed = struct.pack("<H" if version == 1 else "<I", length)
    return b"\x93NUMPY" + bytes([version, 0]) + packed + text + data


def header(descr="'<u2'", order="False", shape="(5, 6)"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def malformed():
    data = bytes(60)
    cases = {
        "version_4": (npy(header(), data, version=4), r"version: found 4\.0, wanted 1\.0, 2\.0 or"),
        "only_magic": (b"\x93NUMPY", r"cut short: 6 of at least 8 bytes; copy it again"),
        "length_cut": (b"\x93NUMPY\x02\x00\x40\x00", r"cut short: 10 of at least 12 bytes; copy it again"),
        "header_cut": (npy(header())[:40], r"cut short: 40 of at least 70 bytes; copy it again"),
        "header_absurd": (npy(header(), data, 2, 1 << 31),
                          COPY + r"header length: found 2147483648 bytes, wanted at most"),
        "data_cut": (npy(header(), data[:-1]),
                     r"cut short: 129 of 130 bytes; copy it again \(shape \(5, 6\)\)"),
        "data_missing": (npy(header()), r"cut short: 70 of 130 bytes; copy it again \(shape \(5, 6\)\)"),
        "shape_overflow": (npy(header(shape="(4294967296, 4294967296)"), data),
                           COPY + r"shape: found \(4294967296, 4294967296\), wanted less than 2\^63"),
        "shape_overflow_times_item": (npy(header("'<c16'", shape="(1152921504606846976,)"), data),
                                      COPY + r"shape: found .*, wanted less than 2\^63"),
        "shape_beyond_int64": (npy(header(shape="(99999999999999999999,)"), data),
                               COPY + r"header literal: found .* wanted an integer below 2\^63"),
        "shape_exceeds_file": (npy(header(shape="(50000, 60000)"), data),
                               r"cut short: 138 of 6000000078 bytes; copy it again \(shape \(50000, 60000\)\)"),
        "shape_zero": (npy(header(shape="(5, 0)"), data), r"shape: found \(5, 0\), wanted no axis"),
        "shape_none": (npy(header(shape="()"), data), r"shape: found \(\), wanted at least one axis"),
        "shape_negative": (npy(header(shape="(-5, 6)"), data), COPY + r"shape: found \(-5, 6\), wanted"),
        "shape_list": (npy(header(shape="[5, 6]"), data), COPY + r"shape: found \[5, 6\], wanted a tuple"),
        "shape_float": (npy(header(shape="(5.0, 6)"), data), COPY + r"header literal: found .* wanted"),
        "shape_65_axes": (npy(header(shape="(" + "1," * 65 + ")"), data),
                          r"shape: found 65 axes, wanted at most 64"),
        "dtype_object": (npy(header("'|O'"), data),
                         r"dtype: found '\|O' \(Python objects\), wanted"),
        "dtype_text": (npy(header("'<U5'"), data), r"dtype: found '<U5' \(text\), wanted"),
        "dtype_bytes": (npy(header("'|S5'"), data), r"dtype: found '\|S5' \(bytes\), wanted"),
        "dtype_datetime": (npy(header("'<M8[ns]'"), data),
                           r"dtype: found '<M8\[ns\]' \(times\), wanted"),
        "dtype_timedelta": (npy(header("'<m8[s]'"), data),
                            r"dtype: found '<m8\[s\]' \(durations\), wanted"),
        "dtype_void": (npy(header("'|V4'"), data), r"dtype: found '\|V4' \(raw bytes\), wanted"),
        "dtype_long_double": (npy(header("'<f16'"), data),
                              r"dtype: found '<f16' \(long double\), wanted"),
        "dtype_empty": (npy(header("''"), data), COPY + r"dtype: found '', wanted"),
        "dtype_number": (npy(header("5"), data), COPY + r"descr: found 5, wanted a type string or a list"),
        "record_of_text": (npy(header("[('a', '<u2'), ('name', '<U5')]"), data),
                           r"field 'name': dtype: found '<U5' \(text\), wanted"),
        "record_empty": (npy(header("[]"), data), COPY + r"descr: found a record without fields"),
        "record_huge": (npy(header("[('a', '<u2', (65536,)), ('b', '<u2', (65536,))]"), data),
                        r"descr: found more fields, wanted at most 65536"),
        "order_number": (npy(header(order="1"), data), COPY + r"fortran_order: found 1, wanted True or"),
        "key_missing": (npy("{'descr': '<u2', 'shape': (5, 6)}\n", data), COPY + r"header keys: found only"),
        "key_unknown": (npy("{'descr': '<u2', 'colour': 1, 'shape': (5, 6)}\n", data),
                        COPY + r"header key: found 'colour', wanted"),
        "key_twice": (npy("{'descr': '<u2', 'descr': '<u2', 'shape': (5, 6)}\n", data),
                      COPY + r"header keys: found only 'descr' 'shape', wanted"),
        "literal_open": (npy("{'descr': '<u2', 'shape': (5, 6\n", data), COPY + r"header literal: found"),
        "literal_call": (npy("{'descr': exit(1), 'shape': (5, 6)}\n", data),
                         COPY + r"header literal: found 'exit\(1\).*' at byte \d+, wanted a Python"),
        "literal_after": (npy(header() + "; import os", data), COPY + r"header literal: found '; import"),
        "literal_deep": (npy(header(shape="(" * 100 + ")" * 100), data),
                         COPY + r"header literal: found .* wanted at most 32 levels"),
        "literal_list": (npy("[1, 2]\n", data), COPY + r"header literal: found \[1, 2\], wanted a dict"),
        "literal_empty": (npy("", data), COPY + r"header literal: found the end, wanted a Python literal"),
        "axis_too_long": (npy(header("'|u1'", shape="(1, 2147483648)"), data),
                          r"cut short: 139 of 2147483727 bytes; copy it again \(shape \(1, 2147483648\)\)"),
    }
    lines = []
    for ending, files in [("npy", cases), ("b2nd", malformed_b2nd.cases())]:
        for name, (content, message) in sorted(files.items()):
            (MALFORMED / f"{name}.{ending}").write_bytes(content)
            lines.append(f"{name}.{ending}\t{message}\n")
    (MALFORMED / "expected.tsv").write_text("".join(lines))


if __name__ == "__main__":
    for folder, endings, make in [(GOLDEN, ["npy"], golden),
                                  (MALFORMED, ["npy", "b2nd"], malformed)]:
        folder.mkdir(exist_ok=True)
        for old in [path for ending in endings for path in folder.glob(f"*.{ending}")]:
            old.unlink()
        make()
