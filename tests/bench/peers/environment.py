"""The Python environment of the peers: wheels from PyPI, in the user's cache, in a folder of its own
for each list of versions. It sees nothing of the system's Python, so that NumPy and libraries are
those of the wheels; GDAL with our drivers stays in the Python of the tests."""

import hashlib
import os
import pathlib
import subprocess
import sys

REQUIREMENTS = pathlib.Path(__file__).with_name("requirements.txt")
SOURCE_ONLY = ("pyvips",)  # no wheel is there: Python only, with its library in pyvips-binary


def folder():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    text = REQUIREMENTS.read_bytes() + sys.version.encode()
    return (pathlib.Path(cache) / "gdal-ndarray" /
            f"peers-{hashlib.sha256(text).hexdigest()[:12]}-python{sys.version_info[0]}."
            f"{sys.version_info[1]}")


def requirements():
    lines = (line.split("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines())
    return [line for line in lines if line]


def pip(python, *packages):
    """What it has to say if it fails, else None."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
               "--only-binary", ":all:", "--no-binary", ",".join(SOURCE_ONLY), *packages]
    ran = subprocess.run(command, capture_output=True, text=True)
    errors = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")]
    return None if ran.returncode == 0 else (errors or ran.stderr.splitlines() or ["pip failed"])[-1]


def install():
    """(Python of the environment or None, {package: why it is not there}). Made at first use."""
    home = folder()
    python = home / "bin" / "python"
    complete = home / "complete"
    if complete.exists():
        lines = complete.read_text().splitlines()
        return str(python), dict(line.split("\t", 1) for line in lines)
    print(f"installing {', '.join(requirements())} into {home}", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)],
                          capture_output=True, text=True)
    if made.returncode != 0:
        reason = (made.stdout + made.stderr).strip().splitlines()[-1:]
        return None, {"all": f"no virtual environment: {' '.join(reason)}"}
    missing = {}
    if pip(str(python), "-r", str(REQUIREMENTS)) is not None:
        for package in requirements():  # one by one: one that cannot be had keeps no other away
            reason = pip(str(python), package)
            if reason is not None:
                missing[package] = reason
    if len(missing) < len(requirements()):
        complete.write_text("".join(f"{name}\t{reason}\n" for name, reason in missing.items()))
    return str(python), missing
