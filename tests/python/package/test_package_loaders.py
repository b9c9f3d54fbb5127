"""Random crops from the processes of a data loader, as PyTorch's: forked or spawned, with files open."""

import multiprocessing
import os
import pickle

import gdal_ndarray
import numpy as np
import pytest
from osgeo import gdal

SIDE, CROPS, EPOCHS, WORKERS = 24, 40, 2, 2
PATIENCE = 60  # seconds until a child that does not answer counts as deadlocked


class Crops:
    """As a torch.utils.data.Dataset: item `index` is a crop at a place of its own."""

    def __init__(self, *images):
        self.images = images

    def __len__(self):
        return CROPS * len(self.images)

    def __getitem__(self, index):
        image = self.images[index % len(self.images)]
        rng = np.random.default_rng(index)
        y, x = (int(rng.integers(0, length - SIDE + 1)) for length in image.shape[-2:])
        return y, x, image[..., y:y + SIDE, x:x + SIDE]


class DatasetCrops(Crops):
    """The same with a dataset of GDAL's that the parent has opened; for forked children only."""

    def __getitem__(self, index):
        y, x, _ = super().__getitem__(index)
        return y, x, self.dataset.ReadAsArray(x, y, SIDE, SIDE)


def open_files(paths):
    """How many descriptors of this process are of these files."""
    found = []
    for entry in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{entry}"))
        except FileNotFoundError:  # that of listing them
            pass
    return sum(name in paths for name in found)


def serve(crops, orders, answers):
    """What a worker of a loader does: takes lists of indices until there are no more."""
    paths = {image.path for image in crops.images}
    for indices in iter(orders.get, None):
        answers.put(([(index, crops[index]) for index in indices], open_files(paths)))


def epochs(method, crops, between=lambda: None):
    """All crops of several epochs, out of workers that live for one epoch as loaders have them by
    default, and how many files of the images each had open in the end."""
    context = multiprocessing.get_context(method)
    found, opened = [], []
    for epoch in range(EPOCHS):
        answers = context.Queue()
        order = np.random.default_rng(epoch).permutation(len(crops))
        workers = []
        for number in range(WORKERS):
            orders = context.Queue()
            worker = context.Process(target=serve, args=(crops, orders, answers), daemon=True)
            worker.start()
            workers.append((worker, orders))
            for batch in np.array_split(order[number::WORKERS], 5):
                orders.put([int(index) for index in batch])
            orders.put(None)
        between()  # the parent reads, too
        for _ in range(5 * WORKERS):
            batch, files = answers.get(timeout=PATIENCE)
            found.extend(batch)
            opened.append(files)
        for worker, _ in workers:
            worker.join(PATIENCE)
            assert worker.exitcode == 0
    return found, opened


@pytest.fixture
def images(saved, rng):
    """One image of each format, which have been read from, and the pixels of each."""
    arrays = [rng.integers(0, 60000, (2, 300, 400), dtype="u2") for _ in range(2)]
    names = ["first.npy", "second.b2nd" if gdal.GetDriverByName("B2ND") else "second.npy"]
    images = [saved(array, name) for name, array in zip(names, arrays)]
    for image in images:
        image[0, :2]
    return images, arrays


def check(found, arrays):
    assert len(found) == EPOCHS * CROPS * len(arrays)
    for index, (y, x, crop) in found:
        np.testing.assert_array_equal(crop, arrays[index % len(arrays)][:, y:y + SIDE, x:x + SIDE])
    assert len({(index, y, x) for index, (y, x, _) in found}) == CROPS * len(arrays)


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_random_crops(images, method):
    opened, arrays = images
    crops = Crops(*opened)
    before = open_files({image.path for image in opened})
    assert len(pickle.dumps(crops)) < 10_000
    found, files = epochs(method, crops, lambda: [crops[index] for index in range(len(crops))])
    check(found, arrays)
    # Of each file the one that was inherited, and one of its own.
    assert max(files) <= len(opened) + (before if method == "fork" else 0)
    assert open_files({image.path for image in opened}) == before  # nothing piles up here


def test_forked_children_read_from_a_dataset_that_was_opened_before(images):
    opened, arrays = images
    for image, array in zip(opened, arrays):
        crops = DatasetCrops(image)
        crops.dataset = gdal.Open(image.path)
        crops.dataset.ReadAsArray()
        check(epochs("fork", crops, lambda: crops[0])[0], [array])
