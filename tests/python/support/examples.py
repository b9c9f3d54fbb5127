"""The examples in the documents. test_examples.py sees to it that each is asked for here by a test, which
runs it."""

import dataclasses
import pathlib
import re

ROOT = next(folder for folder in pathlib.Path(__file__).parents if (folder / "LICENSE").exists())
DOCUMENTS = ["README.md", "driver/README.md", "tools/README.md", "tools/python/README.md",
             "tools/python/examples/README.md"]


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block. `section`: the headings that it is under, but the title: "Use / Python"."""

    section: str
    language: str
    code: str

    @property
    def is_example(self):
        """Not so are synopses, output and drawings."""
        return bool(self.language) or self.code.startswith("$ ")


def blocks(document):
    headings, found = [], []
    text = (ROOT / document).read_text(encoding="utf-8")
    for match in re.finditer(r"(?ms)^```(\w*)\n(.*?)^```$|^(##+) ([^\n]*)$", text):
        if match[3]:
            headings[len(match[3]) - 2:] = [match[4]]
        else:
            found.append(Block(" / ".join(headings), match[1], match[2]))
    return found


def code_of(document, section):
    """All examples of a section, one after the other."""
    found = [block.code for block in blocks(document) if block.section == section and block.is_example]
    assert found, f"{document} has no example under {section}"
    return "\n".join(found)


def commands_of(document, section):
    """[(command, output)] of examples that show a shell."""
    return [tuple(part.partition("\n")[::2])
            for part in re.split(r"(?m)^\$ ", code_of(document, section))[1:]]


def spans(document):
    """What stands between ` in running text and could be run: calls with arguments, commands, and names
    of datasets."""
    text = re.sub(r"(?ms)^```.*?^```$", "", (ROOT / document).read_text(encoding="utf-8"))
    return [span for span in dict.fromkeys(re.findall(r"`([^`\n]*)`", text)) if re.search(
        r"^[a-z_]\w*(\.\w+)*\(.+\)|^gdal\w*(\.py)? +\S|^\w+:\"|^/vsi\w+/\{", span)]
