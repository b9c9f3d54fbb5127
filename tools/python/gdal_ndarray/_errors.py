"""GDAL's errors as Python's own exceptions, whether or not the program has called UseExceptions.

GDAL's settings are left as they are: an error handler is put on GDAL's stack, which each thread has
for itself, for the time of one call.
"""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from . import _plugin
from ._gdal import gdal

T = TypeVar("T")

_NOTHING = contextlib.nullcontext()


def call(path: str, function: Callable[..., T], *arguments: Any, void: bool = False, warn: bool = True,
         **named: Any) -> T:
    """Calls a function of GDAL and returns what it returns.

    Failed has a call that raised, returned None or an error's number, or, where it is `void`, has
    reported an error. Then: FileNotFoundError, PermissionError, OSError, ValueError (values, options
    and types that GDAL or the driver refuse) or MemoryError, with the driver's message.
    GDAL's warnings become Python's (RuntimeWarning), unless `warn` is off.
    """
    reports: list[tuple[int, int, str]] = []
    result: Any = None
    raised: RuntimeError | None = None
    gdal.PushErrorHandler(lambda *report: reports.append(report))
    try:
        with _without_exceptions():
            result = function(*arguments, **named)
    except RuntimeError as error:
        raised = error
    finally:
        gdal.PopErrorHandler()
    if result is not None and not isinstance(result, int) and not reports:
        return result
    errors = [(number, _public(text)) for level, number, text in reports if level >= gdal.CE_Failure]
    for level, _, text in reports:
        if level == gdal.CE_Warning and warn:
            warnings.warn(_public(text), RuntimeWarning, stacklevel=3)
    failed = bool(errors) if void else result is None or (isinstance(result, int) and result != 0)
    if raised is not None or failed:
        if not errors and raised is not None:
            errors = [(gdal.CPLE_AppDefined, str(raised))]
        raise exception(path, errors) from None
    return result


def _public(text: str) -> str:
    """A message with the name that a new file is going to have (create._PartialFolder)."""
    return re.sub(r"/\.([^/]+)\.writing/\1", r"/\1", text)


def _without_exceptions() -> contextlib.AbstractContextManager:
    """GDAL's exceptions off in this thread, where that can be (3.7 and newer): they do not say which
    error it is. Also where the program has not chosen, of which GDAL would warn."""
    if not hasattr(gdal, "ExceptionMgr"):
        return _NOTHING
    chosen = getattr(gdal, "_UserHasSpecifiedIfUsingExceptions", bool)()
    return _NOTHING if chosen and not gdal.GetUseExceptions() else gdal.ExceptionMgr(useExceptions=False)


def quietly(function: Callable[..., T], *arguments: Any) -> T | None:
    """What a function of GDAL returns, or None where it fails; nothing is reported."""
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        with _without_exceptions():
            return function(*arguments)
    except RuntimeError:
        return None
    finally:
        gdal.PopErrorHandler()


def exception(path: str, errors: list[tuple[int, str]]) -> Exception:
    """The exception of errors that GDAL has reported about a dataset: numbers and messages."""
    number = errors[0][0] if errors else gdal.CPLE_OpenFailed
    message = "; ".join(dict.fromkeys(text for _, text in errors)) or f"{path}: GDAL cannot open it"
    if number == gdal.CPLE_OutOfMemory:
        return MemoryError(message)
    if number == gdal.CPLE_UserInterrupt:
        return InterruptedError(message)
    if number in (gdal.CPLE_IllegalArg, gdal.CPLE_NotSupported, gdal.CPLE_ObjectNull):
        return ValueError(message)
    # What cannot be written is not there yet, which is no reason.
    if _is_plain(path) and "cannot write" not in message:
        if not os.path.exists(path):
            return FileNotFoundError(message if errors else f"{path}: no such file")
        if not os.access(path, os.R_OK):
            return PermissionError(message)
        driver = {".npy": "NPY", ".b2nd": "B2ND"}.get(os.path.splitext(path)[1].lower())
        if driver and gdal.GetDriverByName(driver) is None:
            return OSError(no_driver(path, driver))
    return OSError(message if path in message else f"{path}: {message}")


def no_driver(path: str, driver: str) -> str:
    """A message for those who need one that GDAL has not."""
    return (f"{path}: GDAL has no driver {driver}; `python -m gdal_ndarray` says where it looks for plugins. "
            + _plugin.problems()).rstrip()


def _is_plain(path: str) -> bool:
    """Whether a dataset's name can only be a path, as names of drivers and virtual files are not."""
    return not path.startswith("/vsi") and ":" not in path and not path.lstrip().startswith(("<", "{"))
