"""What the process that opens a file may take of the machine: memory, and threads for one window.

Looked at when a dataset is opened, in the process that opens it.
"""

from __future__ import annotations

import ast
import os
import resource
import sys
from typing import Any

# A mapped .npy counts as memory of its process. Those that one process of Dask keeps open
# (_dataset.MAX_KEPT) take at most half of its limit, if each takes no more than this part.
PART_OF_LIMIT = 8


def memory_limit() -> int | None:
    """Bytes that this process may take, where it has a limit of its own; None where only the machine
    sets one: RLIMIT_AS, a cgroup, or the limit of the dask.distributed worker that it is."""
    limits = [_address_space(), _cgroup(), _dask_worker_limit()]
    return min((limit for limit in limits if limit), default=None)


def is_worker() -> bool:
    """Whether other processes do the same beside this one: a dask.distributed worker, or a child of
    PyTorch's DataLoader. There, one thread a window is enough."""
    if _dask_worker() is not None:
        return True
    torch = sys.modules.get("torch.utils.data")
    return torch is not None and torch.get_worker_info() is not None


def default_open_options(driver: str) -> dict[str, str]:
    """Open options of our drivers that suit this process; of other drivers none."""
    options = {}
    if driver in ("NPY", "B2ND") and is_worker():
        options["NUM_THREADS"] = "1"
    if driver == "NPY" and (limit := memory_limit()):
        options["MAX_RESIDENT"] = f"{max(limit // PART_OF_LIMIT >> 10, 1)}KB"
    return options


def check_main_is_guarded() -> None:
    """Before processes are started by `spawn`, which run the main script again up to where it asks for its
    name. RuntimeError where this call comes from a script that does not: in each of those processes it
    would be called again, and fail, and Python before 3.11.5 may then wait for them for
    ever (python/cpython#94777)."""
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None)
    frame = sys._getframe()
    while frame is not None and not (frame.f_code.co_name == "<module>" and frame.f_globals is vars(main)):
        frame = frame.f_back
    if frame is None or path is None:
        return  # from a thread, a notebook, `python -c`: nothing is run again
    try:
        with open(path, encoding="utf-8") as file:
            statements = ast.parse(file.read()).body
    except (OSError, SyntaxError, ValueError):
        return
    for statement in statements:
        if statement.lineno <= frame.f_lineno <= (statement.end_lineno or statement.lineno):
            if isinstance(statement, ast.If) and "__name__" in ast.dump(statement.test):
                return
            raise RuntimeError(f"{path}, line {statement.lineno}: the processes that Dask starts run this script "
                               "again; put the call under `if __name__ == \"__main__\":`")


def _address_space() -> int | None:
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _cgroup(processes: str = "/proc/self/cgroup", root: str = "/sys/fs/cgroup") -> int | None:
    """The smallest limit of the cgroup and those it is in, if it is less than the machine has."""
    try:
        with open(processes, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    smallest = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    found = None
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            folder, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            folder, name = os.path.join(root, "memory"), "memory.limit_in_bytes"
        else:
            continue
        parts = [part for part in path.split("/") if part and part != ".."]
        for length in range(len(parts) + 1):
            try:
                with open(os.path.join(folder, *parts[:length], name), encoding="ascii") as file:
                    limit = int(file.read())
            except (OSError, ValueError):  # "max", or not to be seen from here
                continue
            if limit < smallest:
                smallest = found = limit
    return found


def _dask_worker() -> Any:
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.get_worker()
    except (AttributeError, ImportError, ValueError):  # not the thread of a task
        return None


def _dask_worker_limit() -> int | None:
    worker = _dask_worker()
    manager = getattr(worker, "memory_manager", worker)
    return getattr(manager, "memory_limit", None) or None
