"""Makes the seeds in corpus/archive, with NumPy and python-blosc2: python3 tests/fuzz/make_archive_seeds.py"""

import pathlib
import warnings
import zipfile

import blosc2
import numpy as np

folder = pathlib.Path(__file__).parent / "corpus" / "archive"
folder.mkdir(parents=True, exist_ok=True)
IMAGE = np.arange(48, dtype="u2").reshape(6, 8)

np.savez(folder / "one.npz", image=IMAGE)
np.savez(folder / "several.npz", image=IMAGE, stack=np.zeros((2, 2, 2, 2), "u1"), text=np.array(["a"]))
np.savez_compressed(folder / "deflated.npz", image=IMAGE)
# What only Python's zipfile is known to open: bytes around it, and two members of one name.
good = (folder / "one.npz").read_bytes()
(folder / "around.npz").write_bytes(b"#!/bin/sh\n" + good + b"junk")
with warnings.catch_warnings(), zipfile.ZipFile(folder / "twice.npz", "w") as archive:
    warnings.simplefilter("ignore")
    with zipfile.ZipFile(folder / "one.npz") as one:
        for packed in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            archive.writestr("image.npy", one.read("image.npy"), packed)


def tree(name, threshold):
    path = folder / name
    path.unlink(missing_ok=True)
    with blosc2.TreeStore(str(path), mode="w", threshold=threshold) as store:
        store["/scene/0"] = IMAGE
        store["/scene/1"] = IMAGE[::2, ::2].copy()
        scene = store.get_subtree("/scene")
        scene.vlmeta["multiscales"] = {"layout": [
            {"asset": "0"}, {"asset": "1", "derived_from": "0", "transform": {"scale": [2, 2]}}]}


tree("pyramid.b2z", 0)
tree("embedded.b2z", 1 << 20)
