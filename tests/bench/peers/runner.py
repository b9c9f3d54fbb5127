"""Makes the files, starts the readers and has them take turns."""

import json
import os
import pathlib
import selectors
import statistics
import subprocess
import sys
import tempfile
import time

from peers import catalogue
from peers.workloads import workloads

CHILD = pathlib.Path(__file__).with_name("child.py")
PATIENCE = 300  # seconds that one answer may take


def resident(pid):
    """Bytes of its own memory that a process has in use; pages of mapped files are not counted."""
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) << 10
    except OSError:
        pass
    return 0


class Child:
    """A process of child.py. Orders and answers are dictionaries; {"error": TEXT} if it failed."""

    def __init__(self, python, threads, peer):
        environment = dict(os.environ)
        environment.update({name: str(threads) for name in (
            "RAYON_NUM_THREADS", "VIPS_CONCURRENCY", "BLOSC_NTHREADS", "OMP_NUM_THREADS")})
        if peer:  # rasterio's GDAL could not load the plugin
            for name in ("GDAL_DRIVER_PATH", "PYTHONPATH", "LD_PRELOAD"):
                environment.pop(name, None)
        self.noise = tempfile.TemporaryFile()
        self.process = subprocess.Popen([python, str(CHILD)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.noise, env=environment)

    def ask(self, memory=None, **order):
        """`memory` is a list that gets the peak of what the process has in use meanwhile."""
        try:
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()
            return json.loads(self.answer(memory))
        except (OSError, ValueError) as error:
            self.stop()
            return {"error": f"the process ended: {self.last_words() or error}"}
        except TimeoutError:
            self.stop()
            return {"error": f"no answer in {PATIENCE} s"}

    def answer(self, memory):
        end, peak = time.monotonic() + PATIENCE, 0
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not selector.select(PATIENCE if memory is None else 0.002):
                if memory is not None:
                    peak = max(peak, resident(self.process.pid))
                if time.monotonic() > end:
                    raise TimeoutError
        if memory is not None:
            memory.append(max(peak, resident(self.process.pid)))
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise OSError(f"exit status {self.process.returncode}")
        return line

    def last_words(self):
        self.noise.seek(0)
        lines = self.noise.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except OSError:
                pass


class Bench:
    """One run: where its files are, with which Pythons, threads and turns."""

    def __init__(self, folder, peers_python, threads, turns, quick, keep):
        self.folder, self.peers_python, self.keep = folder, peers_python, keep
        self.threads, self.turns, self.quick = threads, turns, quick
        self.files = {}

    def python(self, home):
        return sys.executable if home == "tests" else self.peers_python

    def child(self, home, threads):
        return Child(self.python(home), threads, home == "peers")

    def file(self, key, image):
        """{"path", "bytes", "seconds"} of a file, or {"error"}. Written at first use; a folder that
        is kept has them for the next run."""
        if key == catalogue.SOURCE:
            return {"path": image["path"], "bytes": os.path.getsize(image["path"]), "seconds": None}
        name = f"{image['key']}_{key}"
        if name in self.files:
            return self.files[name]
        file = catalogue.FILES[key]
        path = os.path.join(self.folder, name + file.suffix)
        note = path + ".json"
        if self.keep and os.path.exists(note):
            with open(note) as stream:
                self.files[name] = json.load(stream)
            return self.files[name]
        if self.python(file.home) is None:
            return {"error": "not installed"}
        remove(path)
        child = self.child(file.home, self.threads)
        made = child.ask(do="write", code=file.writer, source=image["path"], path=path, image=image,
                         threads=self.threads, options=file.options, overviews=file.overviews)
        child.stop()
        if "error" not in made:
            made = {"path": path, "bytes": size_of(path), "seconds": made["seconds"]}
            if self.keep:
                with open(note, "w") as stream:
                    json.dump(made, stream)
        self.files[name] = made
        return made

    def forget(self, image, readers):
        """Removes the files of a table, which may be many GB in all."""
        for reader in readers:
            made = self.files.pop(f"{image['key']}_{reader.file}", None)
            if made and "path" in made and not self.keep:
                remove(made["path"])

    def table(self, image, readers):
        """[row] of a table, a dictionary for each reader; see Row.result."""
        rows = [Row(self, image, reader) for reader in readers]
        plan = workloads(image, self.quick)
        try:
            for workload in plan:
                started = time.perf_counter()
                for row in rows:
                    row.check(workload)
                for turn in range(1, min(self.turns, workload.turns) + 1):
                    shift = turn % len(rows)  # nobody always follows the same one
                    for row in rows[shift:] + rows[:shift]:
                        row.measure(workload, turn)
                print(f"  {workload.name}: {time.perf_counter() - started:.0f} s", flush=True)
        finally:
            for row in rows:
                if row.child:
                    row.child.stop()
        return [row.result(plan) for row in rows]


class Row:
    """A reader of a table, with its process and what it has measured."""

    def __init__(self, bench, image, reader):
        self.reader, self.image = reader, image
        self.threads = reader.threads or bench.threads
        self.child, self.error, self.facts = None, None, {}
        self.turns, self.errors, self.memory, self.opening = {}, {}, {}, []
        self.made = bench.file(reader.file, image)
        if "error" in self.made:
            self.error = "writing the file: " + self.made["error"]
        elif bench.python(reader.home) is None:
            self.error = "not installed"
        else:
            self.child = bench.child(reader.home, self.threads)
            self.facts = self.child.ask(
                do="reader", source=image["path"], path=self.made["path"], image=image,
                code=reader.code, threads=self.threads, options=reader.options,
                stateless=reader.stateless, quick=bench.quick)
            self.error = self.facts.get("error")
            self.idle = resident(self.child.process.pid)

    def offers(self, workload):
        if workload.key != "overview":
            return True
        file = catalogue.FILES.get(self.reader.file)
        return bool(file and file.overviews and self.facts.get("overviews"))

    def check(self, workload):
        """A turn that is not timed: it warms up, and shows how much memory is taken."""
        if self.error is None and self.offers(workload):
            peak = []
            self.turn(workload, 0, peak)
            if peak and workload.key not in self.errors:
                taken = peak[0] - self.idle
                if workload.key == "whole":
                    taken -= self.image["bytes"]
                self.memory[workload.key] = max(taken, 0)

    def measure(self, workload, turn):
        if self.error is None and self.offers(workload) and workload.key not in self.errors:
            answer = self.turn(workload, turn, None)
            if answer:
                self.turns.setdefault(workload.key, []).append(answer)
                if not self.reader.stateless:
                    self.opening.append(answer["opening"])

    def turn(self, workload, turn, memory):
        answer = self.child.ask(memory=memory, do="turn", workload=workload.key, turn=turn)
        if "error" not in answer:
            return answer
        self.errors[workload.key] = answer["error"]
        if self.child.process.poll() is not None:
            self.error = answer["error"]
        return None

    def result(self, plan):
        results = {}
        for workload in plan:
            turns = self.turns.get(workload.key)
            if workload.key in self.errors:
                results[workload.key] = {"error": self.errors[workload.key]}
            elif turns:
                results[workload.key] = figures(turns)
                results[workload.key]["memory"] = self.memory.get(workload.key)
        reader = self.reader
        return {"key": reader.key, "name": reader.name, "ours": reader.ours, "error": self.error,
                "version": self.facts.get("version"), "layout": self.facts.get("layout"),
                "threads": self.threads, "bytes": self.made.get("bytes"),
                "write_seconds": self.made.get("seconds"),
                "open_seconds": statistics.median(self.opening) if self.opening else None,
                "results": results}


def figures(turns):
    """Of all turns of one workload: GB/s of each turn, times of single reads."""
    rates = [sum(turn["bytes"]) / sum(turn["seconds"]) / 1e9 for turn in turns]
    single = sorted(second for turn in turns for second in turn["seconds"])
    return {"gbps_of_turns": rates, "reads": len(single),
            "p50_us": 1e6 * statistics.median(single),
            "p99_us": 1e6 * single[min(int(0.99 * len(single)), len(single) - 1)]}


def size_of(path):
    """Bytes of a file, or of all in a folder; sidecars such as overviews are not counted."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(folder, name))
               for folder, _, names in os.walk(path) for name in names)


def remove(path):
    for folder, folders, names in os.walk(path, topdown=False):
        for name in names:
            os.remove(os.path.join(folder, name))
        os.rmdir(folder)
    for leftover in (path, path + ".ovr", path + ".aux.xml"):
        if os.path.exists(leftover):
            os.remove(leftover)
