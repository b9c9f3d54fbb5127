"""The results of a run as text, JSON, CSV and a chart."""

import csv
import json
import statistics

WORDS = ("image", "table", "reader", "name", "ours", "workload", "gbps", "p50_us", "p99_us", "reads",
         "of_limit", "best_peer", "of_best_peer", "memory_bytes", "file_bytes", "write_seconds",
         "open_seconds", "threads", "layout", "version", "error")
WRONG = "wrong pixels"  # how errors of the comparison begin


def compare(rows, busy):
    """Adds to each result its speed and its ratios to the limit, which is the first row, and to the
    fastest reader that is not ours and never wrong. Medians over turns, the ratios of those within
    a turn; on a `busy` machine the fastest turns, since other programs only make turns slower."""
    speed = max if busy else statistics.median

    def ratio(cell, other):
        mine, theirs = cell["gbps_of_turns"], other["gbps_of_turns"]
        return max(mine) / max(theirs) if busy else statistics.median(
            one / two for one, two in zip(mine, theirs))

    keys = {key for row in rows for key in row["results"]}
    for key in keys:
        cells = {row["key"]: row["results"][key] for row in rows
                 if "gbps_of_turns" in row["results"].get(key, {})}
        for cell in cells.values():
            cell["gbps"] = speed(cell["gbps_of_turns"])
        limit = cells.get(rows[0]["key"])
        peers = {row["key"]: cells[row["key"]]["gbps"] for row in rows[1:]
                 if not row["ours"] and row["key"] in cells and not is_wrong(row)}
        best = max(peers, key=peers.get) if peers else None
        for cell in cells.values():
            cell["of_limit"] = ratio(cell, limit) if limit and key != "overview" else None
            cell["best_peer"] = best
            cell["of_best_peer"] = ratio(cell, cells[best]) if best else None


def is_wrong(row):
    return any(cell.get("error", "").startswith(WRONG) for cell in row["results"].values())


def cell_text(row, key):
    found = row["results"].get(key)
    if found is None:
        return "failed" if row["error"] else "–"
    if "error" in found:
        return "WRONG" if found["error"].startswith(WRONG) else "failed"
    speed = f"{found['p50_us']:.0f} µs" if key == "pixel" else f"{found['gbps']:.2f}"
    return speed if found["of_limit"] is None else f"{speed} ({found['of_limit']:.2f})"


def lines_of_table(header, rows):
    yield "| " + " | ".join(header) + " |"
    yield "| --- |" + " ---: |" * (len(header) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def megabytes(number):
    return "–" if number is None else f"{number / 1e6:.0f}"


def seconds_text(number):
    return "–" if number is None else f"{number:.1f}"


def speed_lines(table):
    names = table["workloads"]
    yield from lines_of_table(
        ["GB/s (of the limit)", *names.values()],
        [[row["name"], *(cell_text(row, key) for key in names)] for row in table["rows"]])


def best_lines(table):
    """The fastest of ours beside the fastest of the others."""
    for key, name in table["workloads"].items():
        cells = [(row, row["results"][key]) for row in table["rows"]
                 if "gbps" in row["results"].get(key, {})]
        ours = [(row, cell) for row, cell in cells if row["ours"]]
        if not ours or ours[0][1]["best_peer"] is None:
            continue
        mine, cell = max(ours, key=lambda pair: pair[1]["gbps"])
        peer = next(row for row, _ in cells if row["key"] == cell["best_peer"])
        verdict = "" if cell["of_best_peer"] >= 1 else "   <- slower"
        yield (f"{name}: {mine['name']}, {cell['of_best_peer']:.2f} times the speed of the best "
               f"peer, {peer['name']}{verdict}")


def time_lines(table):
    names = table["workloads"]

    def text(row, key):
        found = row["results"].get(key, {})
        if "gbps" not in found:
            return "–"
        return f"{found['p50_us']:.0f} / {found['p99_us']:.0f}"

    yield from lines_of_table(
        ["p50 / p99, µs", *names.values()],
        [[row["name"], *(text(row, key) for key in names)] for row in table["rows"]])


def fact_lines(table):
    def memory(row):
        taken = {key: cell["memory"] for key, cell in row["results"].items()
                 if cell.get("memory") is not None}
        whole = taken.pop("whole", None)
        return f"{megabytes(max(taken.values(), default=None))} / {megabytes(whole)}"

    yield from lines_of_table(
        ["", "file, MB", "writing, s", "peak memory, MB: windows / whole beside the array",
         "opening, ms", "threads", "layout", "version"],
        [[row["name"], megabytes(row["bytes"]), seconds_text(row["write_seconds"]), memory(row),
          "–" if row["open_seconds"] is None else f"{1e3 * row['open_seconds']:.2f}",
          str(row["threads"]), row["layout"] or "–", row["version"] or "–"] for row in table["rows"]])


def error_lines(table):
    for row in table["rows"]:
        if row["error"]:
            yield f"ERROR {row['name']}: {row['error']}"
        else:
            for key, cell in row["results"].items():
                if "error" in cell:
                    yield f"ERROR {row['name']}, {table['workloads'][key]}: {cell['error']}"


def text_of(table):
    parts = [f"\n## {table['title']}\n\n{table['image']}\n", *speed_lines(table), "",
             *best_lines(table), "", *time_lines(table), "", *fact_lines(table), "",
             *error_lines(table)]
    return "\n".join(parts).rstrip() + "\n"


def flat(run):
    for table in run["tables"]:
        for row in table["rows"]:
            for key, cell in (row["results"] or {"": {}}).items():
                yield {
                    "image": table["image"], "table": table["key"], "reader": row["key"],
                    "name": row["name"], "ours": int(row["ours"]), "workload": key,
                    "memory_bytes": cell.get("memory"), "file_bytes": row["bytes"],
                    **{word: row[word] for word in ("write_seconds", "open_seconds", "threads",
                                                    "layout", "version")},
                    **{word: cell.get(word) for word in ("gbps", "p50_us", "p99_us", "reads",
                                                         "of_limit", "best_peer", "of_best_peer")},
                    "error": row["error"] or cell.get("error")}


def save(run, folder):
    """peers.json, peers.csv."""
    with open(folder / "peers.json", "w", encoding="utf-8") as file:
        json.dump(run, file, indent=1, ensure_ascii=False)
    with open(folder / "peers.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, WORDS)
        writer.writeheader()
        writer.writerows(flat(run))
