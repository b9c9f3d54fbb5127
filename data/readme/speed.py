#!/usr/bin/env python3
"""Draws speed.svg, the picture of README.md, from the tables of tests/README.md.

    python3 data/readme/speed.py

Needs only Python's standard library. A test checks that the picture is the one of the tables.
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURE = pathlib.Path(__file__).with_name("speed.svg")
# Heading of the table's section; title and unit; for each row that is drawn: its name in the table,
# in the picture, and its colour.
PANELS = [
    ("Windows of `.npy`", "Uncompressed", "1 = NumPy's own copy out of np.load(…, mmap_mode=\"r\")", [
        ("`ReadAsArray` of the `.npy`", ".npy", "#1f6feb"),
        ("GeoTIFF, uncompressed, 512² tiles", "GeoTIFF", "#8c959f"),
        ("VRTRawRasterBand on the `.npy`", "VRT on the .npy", "#d0d7de")]),
    ("Windows of `.b2nd`", "Compressed", "1 = b2nd_get_slice_cbuffer, c-blosc2's own reader", [
        ("`ReadAsArray` of the `.b2nd`", ".b2nd, LZ4", "#1f6feb"),
        ("GeoTIFF, uncompressed, 256² tiles", "GeoTIFF, uncompressed", "#8c959f"),
        ("GeoTIFF, ZSTD and predictor 2, 256² tiles", "GeoTIFF, ZSTD", "#d0d7de")]),
]
WIDTH, HEIGHT = 860, 330
LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT, PANEL_STEP = 44, 84, 360, 180, 430
BAR, SCALE = 26, 50  # pixels of a bar's width, and of a speed of 1


def table(document, heading):
    """Column names, and rows as {name: figures}, of the first table under a heading."""
    section = document.split(f"### {heading}\n", 1)[1].split("\n### ", 1)[0]
    rows = [[cell.strip().replace("*", "") for cell in line.strip("|").split("|")]
            for line in section.splitlines() if line.startswith("|")]
    return rows[0][1:], {row[0]: [float(re.match(r"[0-9.]+", cell)[0]) for cell in row[1:]]
                         for row in rows[2:]}


def text(x, y, content, size=12, anchor="start", color="#1f2328", weight="normal"):
    content = content.replace("&", "&amp;").replace("<", "&lt;")
    return (f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{color}" '
            f'font-weight="{weight}">{content}</text>')


def box(x, y, width, height, color):
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{color}"/>'


def panel(left, document, heading, title, unit, series):
    columns, rows = table(document, heading)
    bottom = TOP + PLOT_HEIGHT
    yield text(left, TOP - 40, title, 15, weight="bold")
    yield text(left, TOP - 22, unit, 11, color="#59636e")
    yield f'<path d="M{left} {bottom}h{PLOT_WIDTH}" stroke="#59636e"/>'
    yield (f'<path d="M{left} {bottom - SCALE}h{PLOT_WIDTH}" stroke="#cf222e" '
           'stroke-dasharray="4 3"/>')
    yield text(left - 6, bottom - SCALE + 4, "1", 11, "end", "#cf222e")
    step = PLOT_WIDTH / len(columns)
    for column, name in enumerate(columns):
        start = left + column * step + (step - BAR * len(series)) / 2
        yield text(start + BAR * len(series) / 2, bottom + 16, name, 12, "middle")
        for number, (row, _, color) in enumerate(series):
            figure = rows[row][column]
            x, height = start + number * BAR, figure * SCALE
            yield box(x + 1, bottom - height, BAR - 2, height, color)
            yield text(x + BAR / 2, bottom - height - 4, f"{figure:.2f}", 10, "middle").replace(
                "<text", '<text paint-order="stroke" stroke="#ffffff" stroke-width="3"', 1)
    x = left
    for _, name, color in series:
        yield box(x, bottom + 32, 11, 11, color)
        yield text(x + 16, bottom + 42, name, 11)
        x += 30 + 6.2 * len(name)


def draw(document):
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
             f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
             "<title>Speed of random windows by their size, as multiples of NumPy's and of "
             "c-blosc2's own readers</title>", box(0, 0, WIDTH, HEIGHT, "#ffffff"),
             text(LEFT, 24, "Speed of reading random windows into NumPy, by size of window "
                  "(higher is faster)", 14)]
    for number, arguments in enumerate(PANELS):
        parts += panel(LEFT + number * PANEL_STEP, document, *arguments)
    parts += [text(WIDTH - 12, HEIGHT - 6, "measured by tests/run bench and tests/run bench b2nd", 10,
                   "end", "#59636e"), "</svg>"]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(draw((ROOT / "tests/README.md").read_text(encoding="utf-8")), encoding="utf-8")
