"""A .b2z as python-blosc2 and Python's zipfile read it, and levels as NumPy makes them."""

import zipfile

import numpy as np
from support.b2nd import blosc2


def levels_of(path):
    """The arrays of its levels, the image first, and the attributes of each and of their group. The ZIP
    is whole: each checksum is that of its member."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert names[0] == "0.b2nd" and names[-2:] == ["__vlmeta__.b2f", "embed.b2e"], names
    store = blosc2.open(str(path), mode="r")
    assert isinstance(store, blosc2.TreeStore)
    assert sorted(store.keys()) == sorted("/" + name[:-5] for name in names[:-2])
    group = store.vlmeta[:]
    layout = group["multiscales"]["layout"]
    assert [level["asset"] for level in layout] == [name[:-5] for name in names[:-2]]
    arrays = [store["/" + level["asset"]] for level in layout]
    return [array[...] for array in arrays], [dict(array.schunk.vlmeta[:]) for array in arrays], group


def halved(image, valid=None, method="average", axes=(-2, -1)):
    """Half of it along two axes, in steps that have nothing in common with those of the driver: each
    pixel with NumPy's means of the four, as float64, or their most frequent value."""
    image = np.moveaxis(np.asarray(image), axes, (-2, -1))
    valid = np.ones(image.shape, bool) if valid is None else np.moveaxis(valid, axes, (-2, -1))
    if image.dtype.kind == "f":
        valid = valid & ~np.isnan(image)
    pad = [(0, 0)] * (image.ndim - 2) + [(0, image.shape[-2] % 2), (0, image.shape[-1] % 2)]
    there = np.pad(np.ones(image.shape, bool), pad)
    image, valid = np.pad(image, pad), np.pad(valid, pad)
    four = [part[..., y::2, x::2] for y in (0, 1) for x in (0, 1)
            for part in [np.where(valid & there, image, np.nan).astype("f8")]]
    first = image[..., ::2, ::2]
    any_valid = np.any([~np.isnan(part) for part in four], axis=0)
    if method == "nearest":
        result = first
    elif method == "average":
        with np.errstate(invalid="ignore"):
            count = np.sum([~np.isnan(part) for part in four], axis=0)
            mean = np.nansum(four, axis=0) / np.maximum(count, 1)
        if image.dtype.kind in "iu":
            mean = np.floor(mean + 0.5)
        result = np.where(any_valid, mean, first).astype(image.dtype)
    else:
        votes = np.array([np.sum([a == b for b in four], axis=0) for a in four])
        result = np.choose(np.argmax(votes, axis=0), four)
        result = np.where(any_valid, result, first).astype(image.dtype)
    return np.moveaxis(result, (-2, -1), axes), np.moveaxis(any_valid, (-2, -1), axes)
