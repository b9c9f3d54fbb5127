"""Python environments with wheels from PyPI, in the user's cache: one for each list of versions.

usage: python3 environment.py newest    makes that environment, and prints its Python
"""

import dataclasses
import hashlib
import os
import pathlib
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]


@dataclasses.dataclass(frozen=True)
class Environment:
    """`from_source`: packages that have no wheel, or whose wheel does not serve. `system`: it sees the
    distribution's packages, GDAL's bindings among them, where the list has no others."""

    name: str
    list: pathlib.Path
    from_source: tuple[str, ...]
    system: bool = False

    def folder(self):
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        text = self.list.read_bytes() + sys.version.encode()
        return (pathlib.Path(cache) / "gdal-ndarray" /
                f"{self.name}-{hashlib.sha256(text).hexdigest()[:12]}-python{sys.version_info[0]}."
                f"{sys.version_info[1]}")

    def requirements(self):
        lines = (line.split("#")[0].strip() for line in self.list.read_text().splitlines())
        return [line for line in lines if line]

    def pip(self, *packages):
        """What it has to say if it fails, else None."""
        command = [str(self.folder() / "bin" / "python"), "-m", "pip", "install", "--quiet",
                   "--disable-pip-version-check", "--only-binary", ":all:",
                   "--no-binary", ",".join(self.from_source), *packages]
        ran = subprocess.run(command, capture_output=True, text=True)
        errors = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")]
        return None if ran.returncode == 0 else (errors or ran.stderr.splitlines() or ["pip failed"])[-1]

    def install(self):
        """(its Python or None, {package: why it is not there}). Made at first use."""
        home = self.folder()
        python = home / "bin" / "python"
        complete = home / "complete"
        if complete.exists():
            lines = complete.read_text().splitlines()
            return str(python), dict(line.split("\t", 1) for line in lines)
        print(f"installing {', '.join(self.requirements())} into {home}", file=sys.stderr, flush=True)
        options = ["--system-site-packages"] if self.system else []
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", *options, str(home)],
                              capture_output=True, text=True)
        if made.returncode != 0:
            reason = (made.stdout + made.stderr).strip().splitlines()[-1:]
            return None, {"all": f"no virtual environment: {' '.join(reason)}"}
        missing = {}
        if self.pip("-r", str(self.list)) is not None:
            for package in self.requirements():  # one by one: one that cannot be had keeps no other away
                reason = self.pip("-c", str(self.list), package)  # in the versions of the list all the same
                if reason is not None:
                    missing[package] = reason
        if len(missing) < len(self.requirements()):
            complete.write_text("".join(f"{name}\t{reason}\n" for name, reason in missing.items()))
        return str(python), missing


# NumPy and libraries are those of the wheels; GDAL with our drivers stays in the Python of the tests.
PEERS = Environment("peers", TESTS / "bench" / "peers" / "requirements.txt", ("pyvips",))
# rasterio's wheel has a GDAL of its own, which cannot load the plugin.
NEWEST = Environment("newest", TESTS / "hosts" / "requirements.txt", ("rasterio",), system=True)


if __name__ == "__main__":
    found, absent = {"peers": PEERS, "newest": NEWEST}[sys.argv[1]].install()
    for name, why in absent.items():
        print(f"not installed: {name}: {why}", file=sys.stderr)
    if found is None or absent:
        sys.exit(1)
    print(found)
