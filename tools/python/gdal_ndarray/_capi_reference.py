"""As much of osgeo's module osr as this package uses (see _capi)."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import byref

from ._clibrary import as_texts, library, taken


class SpatialReference:
    def __init__(self, handle: int | None = None):
        self.handle = handle or library.OSRNewSpatialReference(None)

    def __del__(self) -> None:
        library.OSRDestroySpatialReference(self.handle)

    def SetFromUserInput(self, text: str) -> int:
        return library.OSRSetFromUserInput(self.handle, text.encode())

    ImportFromWkt = SetFromUserInput

    def SetAxisMappingStrategy(self, strategy: int) -> None:
        library.OSRSetAxisMappingStrategy(self.handle, strategy)

    def ExportToWkt(self, options: Sequence[str] = ()) -> str | None:
        text = ctypes.c_void_p()
        failed = library.OSRExportToWktEx(self.handle, byref(text), as_texts(list(options)))
        found = taken(text.value)
        return None if failed else found

    def IsGeographic(self) -> int:
        return library.OSRIsGeographic(self.handle)

    def GetLinearUnitsName(self) -> str | None:
        name = ctypes.c_char_p()
        library.OSRGetLinearUnits(self.handle, byref(name))
        return name.value.decode() if name.value else None
