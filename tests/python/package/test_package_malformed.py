"""Malformed files through the package: Python's exceptions, with the message that each has."""

import re

import gdal_ndarray
import numpy as np
import pytest
from support import DATA, FORMATS

LINES = (DATA / "malformed" / "expected.tsv").read_text().splitlines()


@pytest.mark.parametrize("form", FORMATS)
def test_malformed_files_raise_their_message(form):
    files = [line.split("\t") for line in LINES if line.split("\t")[0].endswith(form.lower())]
    for name, pattern in files:
        path = str(DATA / "malformed" / name)
        with pytest.raises((OSError, ValueError, RuntimeError)) as raised:
            image = gdal_ndarray.open(path)
            np.asarray(image[...])
        assert re.search(pattern, str(raised.value)), (name, raised.value)
        assert path in str(raised.value)
    assert len(files) >= 40
