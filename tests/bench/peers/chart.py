"""peers.svg: windows of 512² by each reader, as multiples of NumPy's copy, one panel a table."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "data" / "readme"))

from speed import box, text  # noqa: E402

WORKLOAD = "512"
OURS, PEER, LIMIT = "#1f6feb", "#8c959f", "#cf222e"
WIDTH, LEFT, BAR, STEP = 860, 250, 14, 19
PLOT_WIDTH = WIDTH - LEFT - 70


def panel(top, table, most):
    """Its lines of SVG, and where it ends."""
    rows = sorted((row for row in table["rows"][1:]
                   if row["results"].get(WORKLOAD, {}).get("of_limit")),
                  key=lambda row: -row["results"][WORKLOAD]["of_limit"])
    parts = [text(16, top + 18, table["title"], 14, weight="bold")]
    y = top + 30
    one = LEFT + PLOT_WIDTH / most
    parts.append(f'<path d="M{one:g} {y}v{STEP * len(rows)}" stroke="{LIMIT}" '
                 'stroke-dasharray="4 3"/>')
    for row in rows:
        speed = row["results"][WORKLOAD]["of_limit"]
        length = PLOT_WIDTH * speed / most
        parts += [text(LEFT - 8, y + 11, row["name"], 11, "end"),
                  box(LEFT, y, length, BAR, OURS if row["ours"] else PEER),
                  text(LEFT + length + 5, y + 11, f"{speed:.2f}", 10)]
        y += STEP
    return parts, y + 8


def draw(run):
    parts, y = [], 56
    most = max([1, *(row["results"].get(WORKLOAD, {}).get("of_limit") or 0
                     for table in run["tables"] for row in table["rows"])])
    for table in run["tables"]:
        lines, y = panel(y, table, most)
        parts += lines
    height = y + 20
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        "<title>Speed of random windows of 512 × 512 by each reader, as multiples of NumPy's "
        "copy</title>", box(0, 0, WIDTH, height, "#ffffff"),
        text(16, 24, "Random windows of 512², one by one, into NumPy (higher is faster)", 15),
        text(16, 42, "1 = np.array(memmap[window]) out of the uncompressed .npy", 11,
             color="#59636e"),
        *parts, text(WIDTH - 12, height - 6, "measured by tests/run bench peers", 10, "end",
                     "#59636e"), "</svg>"]) + "\n"
