"""Disks that lose power, are full or fail: what programs under test do to them, written down by
tests/support/disk_journal.cpp, and what may be left of it.

The model of a disk: what a file was given before a sync of it that succeeded is there; of each later
write any sectors may be there, in any order, and the file as long as before, or as it is, or anything
between. Names change in order, and are there after a sync of their folder.
"""

import collections
import errno
import os
import struct
import subprocess
import sys

from support.stop import preloading

RECORD = struct.Struct("<c7xQQQQ")
Event = collections.namedtuple("Event", "kind inode offset first second")


def read_journal(path):
    """The events in the order in which they happened."""
    content = path.read_bytes()
    events, at = [], 0
    while at < len(content):
        kind, inode, offset, first, second = RECORD.unpack_from(content, at)
        at += RECORD.size
        events.append(Event(kind.decode(), inode, offset, content[at:at + first],
                            content[at + first:at + first + second]))
        at += first + second
    return events


class File:
    """What has happened to the content of one file."""

    def __init__(self, content=b"", opaque=False):
        self.durable = content
        self.pending = []
        self.opaque = opaque  # written where nobody has seen it

    def sync(self):
        self.durable = self.left(None, 1)
        self.pending = []

    def left(self, random, sector):
        """Its bytes if the power fails now; `random`: None where nothing is lost."""
        content = bytearray(self.durable)
        end = len(content)
        for kind, offset, data in self.pending:
            if kind == "T":
                if random is None or random.random() < 0.7:
                    content = content[:offset] + bytes(max(0, offset - len(content)))
                continue
            kept = 1 if random is None else random.choice([0, 0, 0.1, 0.5, 0.9, 1, 1])
            for start, stop in sectors(offset, len(data), sector if kept not in (0, 1) else 0):
                if kept == 0 or (kept < 1 and random.random() >= kept):
                    continue
                if len(content) < stop:
                    content += bytes(stop - len(content))
                content[start:stop] = data[start - offset:stop - offset]
            end = max(end, offset + len(data))
        if random is not None and len(content) < end and random.random() < 0.5:
            content += bytes(random.randint(1, end - len(content)))  # longer, and not written
        return bytes(content)


def sectors(offset, size, sector):
    """A range, cut where sectors meet; 0: not cut."""
    start, end = offset, offset + size
    while start < end:
        stop = min(end, (start // sector + 1) * sector) if sector else end
        yield start, stop
        start = stop


class Disk:
    """A folder as it was, and what was done to it since."""

    def __init__(self, folder):
        self.folder = os.path.realpath(folder)
        self.files = {}  # by name
        self.by_inode = {}
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    self.files[name] = self.by_inode[os.stat(path).st_ino] = File(file.read())
        self.pending = []  # changes of names
        self.marks = 0

    def name(self, path):
        path = os.fsdecode(path)
        folder, name = os.path.split(path)
        return name if os.path.realpath(folder) == self.folder else None

    def happen(self, event):
        if event.kind in "CO":
            file = self.by_inode[event.inode] = File(opaque=event.kind == "O")
            self.pending.append(("C", self.name(event.first), file))
        elif event.kind in "WT" and event.inode in self.by_inode:
            self.by_inode[event.inode].pending.append((event.kind, event.offset, event.first))
        elif event.kind == "S" and event.inode in self.by_inode:
            self.by_inode[event.inode].sync()
        elif event.kind == "F":
            self.files = self.names(len(self.pending))
            self.pending = []
        elif event.kind in "RU":
            self.pending.append((event.kind, self.name(event.first), self.name(event.second)))
        elif event.kind == "M":
            self.marks += 1

    def names(self, count):
        """The files by name after so many of the pending changes."""
        files = dict(self.files)
        for kind, name, other in self.pending[:count]:
            if kind == "C":
                files[name] = other
            elif kind == "U":
                files.pop(name, None)
            elif name in files:
                files[other] = files.pop(name)
        files.pop(None, None)
        return files

    def left(self, random, sector, whole=False):
        """{name: bytes} if the power fails now, or is switched off (`whole`)."""
        count = len(self.pending) if whole else random.randint(0, len(self.pending))
        return {name: file.left(None if whole else random, sector)
                for name, file in self.names(count).items() if not file.opaque}


def write_files(folder, files):
    """Makes the folder hold these, and nothing else."""
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


def after_power_losses(disk, events, folder, random, count):
    """For `count` moments, each of them as often as the others: yields how many marks had passed,
    after it has written into the folder what was left."""
    all_moments = range(len(events) + 1)
    moments = sorted(list(all_moments) * (count // len(all_moments))
                     + random.sample(all_moments, count % len(all_moments)))
    done = 0
    for moment in moments:
        while done < moment:
            disk.happen(events[done])
            done += 1
        write_files(folder, disk.left(random, random.choice([512, 4096])))
        yield disk.marks


class Runner:
    """A process that runs Python code, whose calls are written down or fail."""

    LOOP = """
import ctypes, gc, os, sys, traceback
import numpy as np
from osgeo import gdal, gdal_array
gdal.DontUseExceptions()
library = ctypes.CDLL(None)
mark = library.disk_mark
prepare = sys.argv[1]
exec(prepare)
errors = []
gdal.PushErrorHandler(lambda level, number, text: errors.append((level, text)))
for line in sys.stdin:
    code, path, journal, fail, at, count, error, *arguments = eval(line)
    errors.clear()
    library.disk_journal(path.encode(), journal.encode(), fail.encode(), ctypes.c_long(at),
                         ctypes.c_long(count), error)
    dataset = None
    result = []
    raised = None
    try:
        exec(code)
        dataset = None
        gc.collect()
    except Exception:
        raised = traceback.format_exc()
    left = library.disk_failures_left()
    library.disk_journal(b"", b"", b"", ctypes.c_long(0), ctypes.c_long(0), 0)
    print(repr((raised, result, [text for level, text in errors if level >= 3], count - left)),
          flush=True)
"""

    def __init__(self, prepare=""):
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.LOOP, prepare], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=preloading("disk_journal"))

    def run(self, code, path, *arguments, journal="", fail="", at=0, count=0, error=0):
        """(what the code put into `result`, GDAL's errors, how many calls failed). A dataset of the
        name `dataset` is closed before that."""
        request = (code, str(path), str(journal), fail, at, count, error, *arguments)
        self.process.stdin.write(repr(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the process has ended"
        raised, result, errors, failed = eval(line)  # pylint: disable=eval-used
        assert raised is None, raised
        return result, errors, failed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()
        assert self.process.returncode == 0


FULL = {"fail": "write", "error": errno.ENOSPC, "count": 1 << 30}  # and stays so
BROKEN = {"fail": "sync", "error": errno.EIO, "count": 1}
