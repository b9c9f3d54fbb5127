"""Random operations on a file give what a model in NumPy says, for GDAL and for NumPy and python-blosc2.

NDARRAY_OPERATIONS: how many; NDARRAY_OPERATIONS_SEED: of the first sequence of 100.
"""

import os

import pytest
from support import operations, sequences

COUNT = int(os.environ.get("NDARRAY_OPERATIONS", "600"))
SEED = int(os.environ.get("NDARRAY_OPERATIONS_SEED", "1"))


def test_random_operations_do_what_the_model_does():
    assert sequences.run(SEED, COUNT) >= COUNT


def test_a_sequence_that_fails_is_cut_down(monkeypatch):
    def fill(self, r):
        self.update().GetRasterBand(1).Fill(r.randrange(100))  # the model does not know of it

    monkeypatch.setattr(operations.World, "fill", fill)
    monkeypatch.setitem(sequences.WEIGHTS, "fill", 40)
    with pytest.raises(AssertionError, match=r"seed 5: .*\n(.*\n)*replay\(\[(.*)\]\)") as failure:
        sequences.run(5, 100, 40)
    assert str(failure.value).splitlines()[-1].count("(") <= 5, "replay, and at most 3 operations"
