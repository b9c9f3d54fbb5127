"""One image that benchmarks share, made with NumPy alone."""

import numpy as np


def noisy_image(size):
    """Like a satellite band: 12 bits, smooth at all scales, with shot noise."""
    rng = np.random.default_rng(1)
    image = np.zeros((size, size), dtype="f4")
    for octave in range(2, 12):
        cells = max(size >> octave, 2)
        grid = rng.normal(size=(cells + 1, cells + 1)).astype("f4")
        at = np.linspace(0, cells, size, endpoint=False, dtype="f4")
        low = at.astype(int)
        part = (at - low)[:, None]
        columns = grid[:, low] * (1 - part.T) + grid[:, low + 1] * part.T
        for y in range(0, size, 1024):  # in strips: memory
            rows = slice(y, y + 1024)
            image[rows] += (columns[low[rows]] * (1 - part[rows]) +
                            columns[low[rows] + 1] * part[rows]) * (2 ** octave) ** 0.5
    out = np.empty((size, size), dtype="u2")
    for y in range(0, size, 1024):
        rows = np.clip(900 + 9 * image[y:y + 1024], 0, 4000)
        rows += rng.normal(size=rows.shape).astype("f4") * np.sqrt(rows) * 0.35
        out[y:y + 1024] = np.clip(rows, 0, 4095)
    return out
