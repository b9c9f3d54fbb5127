#!/usr/bin/env python3
"""One reader, or one writer, in a process of its own: it answers orders of ../peers.py, one JSON
object a line, on what was its standard output. Whatever libraries print goes to standard error."""

import importlib
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402

from peers import catalogue, workloads  # noqa: E402

BATCH = 1 << 18  # bytes that are read before they are compared: small reads follow each other


def load(code):
    module, name = code.split(":")
    return getattr(importlib.import_module(f"peers.{module}"), name)


def first_difference(pixels, expected):
    """What is wrong, or None."""
    if pixels.shape != expected.shape or pixels.dtype != expected.dtype:
        return f"{pixels.dtype} {pixels.shape} instead of {expected.dtype} {expected.shape}"
    step = max((1 << 20) // max(expected[:1].nbytes, 1), 1)  # strips: comparing takes memory
    for top in range(0, len(expected), step):
        wrong = pixels[top:top + step] != expected[top:top + step]
        if wrong.any():
            at = tuple(np.argwhere(wrong)[0].tolist())
            at = (at[0] + top, *at[1:])
            return f"{pixels[at]} instead of {expected[at]} at {at} of the window"
    return None


class ReaderProcess:
    def __init__(self, order):
        self.image = order["image"]
        self.source = np.load(order["source"], mmap_mode="r")
        self.kind = load(order["code"])
        self.arguments = (order["path"], self.image, order["threads"], order["options"])
        self.stateless = order["stateless"]
        self.plan = {workload.key: workload
                     for workload in workloads.workloads(self.image, order["quick"])}
        self.reader = None
        self.layout = self.kind.layout if hasattr(self.kind, "layout") else None

    def facts(self):
        return {"version": self.kind.version(), "overviews": self.kind.overviews,
                "layout": self.layout(self.arguments[0]) if self.layout else None}

    def opened(self):
        """The seconds that opening took, 0 if it was open."""
        if self.reader is not None and self.stateless:
            return 0.0
        if hasattr(self.reader, "close"):
            self.reader.close()
        self.reader = None
        start = time.perf_counter()
        self.reader = self.kind(*self.arguments)
        return time.perf_counter() - start

    def expected(self, workload, x, y, width, height):
        source = self.source
        if workload.key == "overview":
            source = source[::catalogue.OVERVIEW, ::catalogue.OVERVIEW]
        return source[y:y + height, x:x + width]

    def turn(self, key, turn):
        """Reads the windows of a turn, and compares each with the source, which is not timed."""
        workload = self.plan[key]
        opening = self.opened()
        read = self.reader.overview if key == "overview" else self.reader.window
        seconds, nbytes, batch, held, spent = [], [], [], 0, 0.0
        for window in workloads.windows(workload, self.image, turn):
            start = time.perf_counter()
            pixels = read(*window)
            seconds.append(time.perf_counter() - start)
            spent += seconds[-1]
            nbytes.append(pixels.nbytes)
            batch.append((window, pixels))
            held += pixels.nbytes
            if held >= BATCH or spent > workload.seconds:
                self.compare(workload, batch)
                batch, held = [], 0
            if spent > workload.seconds:
                break
        self.compare(workload, batch)
        return {"opening": opening, "seconds": seconds, "bytes": nbytes}

    def compare(self, workload, batch):
        for window, pixels in batch:
            difference = first_difference(pixels, self.expected(workload, *window))
            if difference:
                raise ValueError(f"wrong pixels: {difference} {window}")


def write(order):
    """The seconds that a file took; what else is to be done with it is not timed."""
    writer = load(order["code"])
    os.sync()
    start = time.perf_counter()
    writer(order["source"], order["path"], order["image"], order["threads"], order["options"])
    seconds = time.perf_counter() - start
    if order["overviews"] and len(order["image"]["shape"]) == 2:
        load("gdal_side:add_overviews")(order["path"])
    return {"seconds": seconds}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    process = None
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if order["do"] == "write":
                answer = write(order)
            elif order["do"] == "reader":
                process = ReaderProcess(order)
                answer = process.facts()
            else:
                answer = process.turn(order["workload"], order["turn"])
        except Exception as error:  # whatever a library raises is its result
            text = str(error).strip().split("\n")[0]
            answer = {"error": text if text.startswith("wrong pixels")
                      else f"{type(error).__name__}: {text}"[:300]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
