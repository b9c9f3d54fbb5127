"""The program gdal_ndarray, run as a shell user runs it."""

import os
import pathlib
import pty
import resource
import subprocess

PROGRAM = pathlib.Path(os.environ["GDAL_DRIVER_PATH"]).parent / "bin" / "gdal_ndarray"


def tool(*arguments, code=0, **keywords):
    """Runs it in pipes; returns what it wrote to stdout, or to stderr where `code` is an error. None: it
    found something, and said what on stdout."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          timeout=900, **keywords)
    assert done.returncode == (1 if code is None else code), (done.returncode, done.stdout, done.stderr)
    return done.stderr if code else done.stdout


def processor_seconds(*arguments):
    """Runs it, and returns the time that processors took: of two runs, the larger one costs more on
    any machine, and whatever else that does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    tool(*arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def error(*arguments, code=1, **keywords):
    """The one line that a failing run writes to stderr, without the program's name."""
    text = tool(*arguments, code=code, **keywords)
    lines = text.splitlines()
    name = f"gdal_ndarray {arguments[0]}: "
    assert len(lines) == 1 and lines[0].startswith(name), text
    return lines[0][len(name):]


def tool_on_terminal(*arguments, code=0):
    """Runs it on a pseudo-terminal and returns all that appears there."""
    master, slave = pty.openpty()
    process = subprocess.Popen([PROGRAM, *map(str, arguments)], stdin=slave, stdout=slave,
                               stderr=slave, close_fds=True)
    os.close(slave)
    shown = b""
    try:
        while part := os.read(master, 65536):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(master)
    assert process.wait(timeout=900) == code, shown
    return shown.decode()
