"""What small hostile files cost: a table of each of tests/python/support/bombs.py, and each operation.

usage: tests/run bench limits [NAME...]

Megabytes above what a process has that has opened files before, and milliseconds of processor time, of
the fastest of three runs; "verify" is a process of its own, less what it takes for a file of 4 KB.
"""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
from osgeo import gdal  # noqa: E402
from support.bombs import bombs  # noqa: E402
from support.cost import OPERATIONS, cost  # noqa: E402

RUNS = 3


def best(operation, path, content):
    costs = []
    for _ in range(RUNS):
        path.write_bytes(content)
        for sidecar in path.parent.glob(path.name + ".*"):
            sidecar.unlink()
        megabytes, seconds, _ = cost(operation, str(path))
        costs.append((megabytes, seconds))
        if seconds > 1:
            break
    return min(mb for mb, _ in costs), min(seconds for _, seconds in costs)


def main():
    gdal.UseExceptions()
    names = sys.argv[1:]
    print("| file | bytes | " + " | ".join(OPERATIONS) + " |")
    print("| --- | ---: |" + " ---: |" * len(OPERATIONS))
    with tempfile.TemporaryDirectory() as folder:
        idle = {}
        for form in ("npy", "b2nd"):
            first = pathlib.Path(folder) / f"first.{form}"
            gdal.GetDriverByName(form.upper()).Create(str(first), 64, 64, 1, gdal.GDT_Byte)
            for operation in ("info", "window", "update"):
                OPERATIONS[operation](str(first))
            idle[form] = best("verify", first, first.read_bytes())
        for name, content in bombs().items():
            if names and name not in names:
                continue
            cells = []
            for operation in OPERATIONS:
                megabytes, seconds = best(operation, pathlib.Path(folder) / name, content)
                if operation == "verify":
                    less = idle[name.split(".")[1]]
                    megabytes, seconds = max(megabytes - less[0], 0), max(seconds - less[1], 0)
                cells.append(f"{megabytes:.0f} MB, {1e3 * seconds:.0f} ms")
            print(f"| `{name}` | {len(content):,} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
