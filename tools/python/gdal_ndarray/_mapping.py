"""A local .npy as NumPy's own memory map, at the place that the driver has found in its header."""

from __future__ import annotations

import ast
import os

import numpy as np

from ._facts import Facts


def view(path: str, facts: Facts) -> np.ndarray:
    """Read-only. ValueError where there is no such array, OSError where the system refuses a map."""
    if facts.driver != "NPY" or facts.is_records:
        what = "its bands are fields of records" if facts.is_records else f"is a file of {facts.driver}"
        raise ValueError(f"{path}: no view without a copy: {what}; index it, or use np.asarray")
    if not os.path.isfile(path):
        raise ValueError(f"{path}: no view without a copy: not a local file")
    layout = facts.layout
    if "SHAPE" not in layout:
        raise ValueError(f"{path}: no view without a copy: is an overview; index it, or use np.asarray")
    if "DATA_OFFSET" not in layout:
        raise ValueError(f"{path}: no view without a copy: is deflated in its archive; index it, or use np.asarray")
    mapped = np.memmap(path, np.dtype(layout["DTYPE"]), "r", int(layout["DATA_OFFSET"]),
                       ast.literal_eval(layout["SHAPE"]), "F" if layout["ORDER"] == "F" else "C")
    return np.asarray(mapped).view(np.ndarray)
