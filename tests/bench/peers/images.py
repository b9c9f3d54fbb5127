"""The images that are read, made at first use and the same at every run."""

import numpy as np

from noise import noisy_image


def picture(side):
    """uint8 (y, x, 3): parcels of land, light, shade and noise."""
    from bench_images import aerial_rgb

    return aerial_rgb(side)


def stack(side):
    """uint16 (y, x, 16), like the bands of one scene: the same ground, each with its own noise."""
    rng = np.random.default_rng(3)
    ground = noisy_image(side).astype("f4")
    image = np.empty((side, side, 16), dtype="u2")
    for band in range(16):
        light = ground * (0.5 + 0.06 * band)
        light += rng.standard_normal(light.shape, dtype="f4") * np.sqrt(light + 1) * 0.35
        image[..., band] = np.clip(light, 0, 4095)
    return image


# Key -> what it is, its function of the side, and what the side of the band is divided by.
IMAGES = {
    "band": ("uint16, 12 bits, like a noisy satellite image", noisy_image, 1),
    "picture": ("uint8, three bands, like an aerial picture", picture, 4),
    "stack": ("uint16, 16 bands", stack, 8),
}
