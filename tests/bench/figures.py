"""Keeps figures: puts the rows and sections of a run in the place of those of the same workloads in figures.md, and its
rows into the README's table. What the run did not measure stays as it is, byte for byte."""
from __future__ import annotations

import pathlib
import re

import table
from workloads import HERE, ROOT, WORKLOADS

FIGURES, README = HERE / "figures.md", ROOT / "README.md"


class Different(Exception):
    """What is kept cannot stand beside what was measured; the message says why."""


def _in_order(kept: dict[str, str], new: dict[str, str]) -> list[str]:
    """The newer of each workload, in the order of the workloads; those that are gone are left out."""
    return [new.get(key, kept.get(key)) for key in WORKLOADS if key in new or key in kept]


def with_rows(text: str, results: dict) -> str:
    """`text` with the overview's rows of `results` in its table."""
    heading, rule, *rows = table.overview(results)
    if heading not in text:
        raise Different(f"the table has other columns than {heading}")
    before, rest = text.split(f"{heading}\n{rule}\n", 1)
    lines = rest.splitlines(keepends=True)
    end = next((i for i, line in enumerate(lines) if not line.startswith("|")), len(lines))
    key = lambda line: line.split()[1]  # "W4" of "| W4 MNIST ..."
    merged = _in_order({key(line): line for line in lines[:end]}, {key(row): row + "\n" for row in rows})
    return "".join([before, f"{heading}\n{rule}\n", *merged, *lines[end:]])


def with_sections(text: str, results: dict) -> str:
    """`text` with the sections of the workloads of `results`."""
    head, *sections = re.split(r"^(?=### )", text, flags=re.MULTILINE)
    kept = {re.match(r"### (\w+):", section)[1]: section.rstrip("\n") + "\n" for section in sections}
    new = {key: "\n".join(table.details(key, result)).rstrip("\n") + "\n"
           for key, result in results["workloads"].items()}
    return head.rstrip("\n") + "\n\n" + "\n".join(_in_order(kept, new))


def with_versions(text: str, results: dict) -> str:
    """`text` with the versions of `results` in the line of versions."""
    line = re.search(r"^Versions: (.*)\.$", text, flags=re.MULTILINE)
    versions = sorted({*line[1].split(", "), *table.versions(results)})
    return text.replace(line[0], f"Versions: {', '.join(versions)}.", 1)


def keep(results: dict, figures: pathlib.Path = FIGURES, readme: pathlib.Path = README) -> None:
    """Writes both files. Refuses figures of another machine, unless nothing of the old ones would be left."""
    text, machine = figures.read_text(), table.machine(results)
    if machine not in text:
        if set(results["workloads"]) != set(WORKLOADS):
            raise Different(f"{figures.name} is of another machine or system than this one: {machine}")
        text = re.sub(r"^.*$(?=\n\nVersions: )", lambda _: machine, text, count=1, flags=re.MULTILINE)
    text = with_sections(with_rows(with_versions(text, results), results), results)
    overview = with_rows(readme.read_text(), results)  # both or neither
    figures.write_text(text)
    readme.write_text(overview)
