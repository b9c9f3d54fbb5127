"""Readers that fail as readers may. They show that the table says so, and that others go on."""

import os

from peers.array_readers import MemMap


class Wrong(MemMap):
    """One wrong bit in one pixel of each third window."""

    reads = 0

    def window(self, x, y, width, height):
        pixels = super().window(x, y, width, height)
        self.reads += 1
        if self.reads % 3 == 0:
            pixels[-1, -1] ^= 1
        return pixels


class Crash(MemMap):
    def window(self, x, y, width, height):
        os._exit(3)
