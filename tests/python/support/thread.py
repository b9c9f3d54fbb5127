"""Reads by many threads, and by forked children."""

import multiprocessing
import threading

import numpy as np
from osgeo import gdal
from support import random_windows

HAS_THREAD_SAFE = hasattr(gdal, "OF_THREAD_SAFE")


def check_windows(dataset, array, seed, count=60):
    rng = np.random.default_rng(seed)
    for x, y, w, h in random_windows(rng, array.shape[2], array.shape[1], count):
        got = dataset.ReadAsArray(x, y, w, h)
        np.testing.assert_array_equal(got, array[:, y:y + h, x:x + w])


def in_threads(count, target):
    failures = []

    def run(number):
        try:
            target(number)
        except BaseException as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


def in_children(count, work, meanwhile=lambda: None):
    """What `work(number)` returns in forked processes, all at once, and beside this one."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=lambda number: queue.put(work(number)), args=(number,))
                for number in range(count)]
    for child in children:
        child.start()
    meanwhile()
    results = [queue.get(timeout=600) for _ in children]
    for child in children:
        child.join(600)
        assert child.exitcode == 0
    return results


def check_in_children(dataset, array):
    """A dataset that was opened before a fork, in four children at once and in the parent."""
    def work(number):
        check_windows(dataset, array, number + 1)
        return number

    check_windows(dataset, array, 0)
    numbers = in_children(4, work, meanwhile=lambda: check_windows(dataset, array, 9))
    assert sorted(numbers) == [0, 1, 2, 3]
