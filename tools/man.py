#!/usr/bin/env python3
"""Makes the man pages of gdal_ndarray from tools/README.md.

    python3 tools/man.py tools/README.md FOLDER VERSION

Each section "## gdal_ndarray [SUBCOMMAND]" becomes a page of its own. Its first paragraph is the line
under NAME, the code block after it the SYNOPSIS, what follows the DESCRIPTION, and each "### TITLE" a
section. Knows the Markdown of that file: headings, paragraphs, code blocks, lists, tables; `code`,
**bold** and [links](address), of which the text is kept. Needs only Python's standard library.
"""

import pathlib
import re
import sys

ITEM = re.compile(r"( *)- (.*)")
TERM = re.compile(r"((?:`[^`]+`(?:, )?)+): (.*)", re.DOTALL)


def escaped(text, code=False):
    """The text in troff, which has characters of its own for those of programs."""
    special = {"\\": r"\e"}
    if code:  # to be typed as they stand
        special.update({"-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"})
    return "".join(special.get(c, c if c.isascii() else rf"\[u{ord(c):04X}]") for c in text)


def inline(text):
    """A paragraph's text with its marks."""
    text = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", text)
    parts = re.split(r"(`[^`]+`|\*\*[^*]+\*\*)", text)
    made = "".join(rf"\fB{escaped(part.strip('`*'), part[0] == '`')}\fR" if part[:1] in ("`", "*")
                   and len(part) > 2 else escaped(part) for part in parts)
    return guarded(made)


def guarded(line):
    """A line that does not begin as a request does."""
    return r"\&" + line if line[:1] in (".", "'") else line


def blocks(lines):
    """(kind, content) of each block: "heading" text, "code" lines, "list" lines, "table" rows or
    "paragraph" text."""
    at = 0
    while at < len(lines):
        line, start = lines[at], at
        at += 1
        if line.startswith("```"):
            while not lines[at].startswith("```"):
                at += 1
            yield "code", lines[start + 1:at]
            at += 1
        elif line.startswith("#"):
            yield "heading", line.lstrip("# ")
        elif line.strip():
            while at < len(lines) and lines[at].strip() and not lines[at].startswith(("```", "#")):
                at += 1
            found = lines[start:at]
            if line.startswith("|"):
                yield "table", [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
                                for row in found]
            elif ITEM.fullmatch(line):
                yield "list", found
            else:
                yield "paragraph", " ".join(found)


def code_block(lines):
    return [".RS 4", ".nf", *[guarded(escaped(line, code=True)) for line in lines], ".fi", ".RE"]


def items(lines):
    """(depth, text) of each item of a list."""
    found = []
    for line in lines:
        item = ITEM.fullmatch(line)
        if item:
            found.append((len(item[1]) // 2, item[2]))
        else:
            found[-1] = (found[-1][0], found[-1][1] + " " + line.strip())
    return found


def list_block(lines):
    made, depth = [], 0
    for level, text in items(lines):
        made += [".RS"] * (level - depth) + [".RE"] * (depth - level)
        depth = level
        term = TERM.fullmatch(text)
        made += [".TP", inline(term[1]), inline(term[2])] if term else [r".IP \(bu 2", inline(text)]
    return made + [".RE"] * depth


def table_block(rows):
    """A row is a term; what its columns after the second say has their heading before it."""
    heading, _, *body = rows
    made = []
    for row in body:
        text = row[1] + "".join(f". {name.capitalize()}: {cell}"
                                for name, cell in zip(heading[2:], row[2:]) if cell)
        made += [".TP", inline(row[0]), inline(text.rstrip(".") + ".")]
    return made


def page(name, lines, others, version):
    """The page of one section."""
    made = [f'.TH {escaped(name.upper(), code=True)} 1 "" "gdal\\-ndarray {version}" "gdal\\-ndarray"']
    made += [".nh", ".ad l"]  # names of options are not to be broken
    content = list(blocks(lines))
    (first, summary), *content = content
    assert first == "paragraph", f"{name}: no paragraph after the heading"
    summary = re.sub(r"\\f[BR]", "", inline(summary.rstrip(".")))  # whatis wants plain text
    made += [".SH NAME", rf"{escaped(name, code=True)} \- {summary[0].lower()}{summary[1:]}"]
    if content and content[0][0] == "code":
        made += [".SH SYNOPSIS", ".nf"]
        made += [guarded(escaped(line, code=True)) for line in content.pop(0)[1]] + [".fi"]
    if content and content[0][0] != "heading":
        made.append(".SH DESCRIPTION")
    for kind, text in content:
        if kind == "heading":
            made.append(f".SH {escaped(text.upper())}")
        elif kind == "paragraph":
            made += [".PP", inline(text)]
        elif kind == "code":
            made += [".PP", *code_block(text)]
        else:
            made += list_block(text) if kind == "list" else table_block(text)
    made += [".SH SEE ALSO", ",\n".join(rf"\fB{escaped(other, code=True)}\fR(1)" for other in others)]
    # A paragraph after a heading is one anyway.
    return re.sub(r"(?m)^(\.SH .*)\n\.PP$", r"\1", "\n".join(made)) + "\n"


def sections(text):
    """Lines of each section "## gdal_ndarray ...", by the name of its page."""
    found, current, in_code = {}, None, False
    for line in text.splitlines():
        in_code ^= line.startswith("```")
        if line.startswith("## ") and not in_code:
            title = line[3:].split()
            current = found.setdefault("-".join(title), []) if title[0] == "gdal_ndarray" else None
        elif current is not None:
            current.append(line)
    return found


def main(source, folder, version):
    pages = sections(pathlib.Path(source).read_text(encoding="utf-8"))
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in pages.items():
        others = [other for other in pages if other != name] if name == "gdal_ndarray" \
            else ["gdal_ndarray", "gdal_translate", "gdalinfo"]
        (folder / f"{name}.1").write_text(page(name, lines, others, version), encoding="ascii")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(f"usage: {sys.argv[0]} README FOLDER VERSION")
    main(*sys.argv[1:])
