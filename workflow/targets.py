"""What can be asked for, and what was probably meant by a name that no rule makes."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from typing import Any

EXAMPLES = {"seed": "0", "again": "1", "replica": "0", "part": "0", "parts": "2", "figure": "rdf"}
EXAMPLES |= {"model": "metriplectic", "source": "metriplectic_seed0"}
# What a report leaves beside it: an input of the list of reports, and no rule's output.
RECORD = r"results/[^/]+/report\.json"
FIRST = ("report.html", "tuning.html", "trajectory.h5", "comparison.csv", "lammps/parity.csv")


def products(rules: Iterable[Any]) -> list[Any]:
    """Files that the rules make, as snakemake knows them: outputs, logs and benchmarks."""
    return [file for rule in rules if rule.name != "unknown" for file in rule.products()]


def others(rules: Iterable[Any], home: str) -> str:
    """A regular expression for paths that none of the rules makes or leaves beside what it makes.

    Args:
        rules: all.
        home: the workflow's folder, whose own files are asked for by their full paths.
    """
    made = [re.sub(r"\?P<\w+>", "?:", file.regex().pattern) for file in products(rules)]
    own = rf"{re.escape(home)}/(?!results/)"
    return rf"(?!{own}|data/|(?:{'|'.join([*made, RECORD])})$)(?s:.+)"


def patterns(rules: Iterable[Any]) -> list[str]:
    """What the rules put out, as paths with {wildcards}."""
    return [str(file) for rule in rules if rule.name != "unknown" for file in rule.output]


def sentence(asked: str, made: Iterable[str], names: list[str], settings: Any = None) -> str:
    """Why ``asked`` cannot be made, what was probably meant, and what there is.

    Args:
        asked: the target.
        made: what `patterns` gives.
        names: the data sets that are known.
        settings: called with the name of a data set in ``asked``: it refuses one that is no name.
    """
    if os.path.isabs(asked):
        asked = os.path.relpath(asked)
    parts = asked.split("/")
    if settings is not None and len(parts) > 2 and parts[0] == "results":
        settings(parts[1])
    files = sorted({re.sub(r"\{(\w+)[^}]*\}", _example, pattern) for pattern in made})
    whole = [file.replace("<name>", name) for file in files for name in names]
    whole += [file for file in files if "<name>" not in file]
    if asked in names:
        close = [f"results/{asked}/report.html"]
    else:
        close = difflib.get_close_matches(asked, whole, n=1, cutoff=0.6)
    bare = {file.removeprefix("results/<name>/"): file for file in files}
    close = close or [bare[k] for k in difflib.get_close_matches(asked, bare, n=1, cutoff=0.6)]
    hint = f": did you mean {close[0]}?" if close else "."
    known = ", ".join(names) or "none yet: put a video into data/<name>/"
    return (
        f"No rule makes {asked!r}{hint} The data sets are {known}; of each there is "
        f"results/<name>/ with {', '.join(FIRST)} and what docs/reference/files.md lists."
    )


def _example(wildcard: re.Match[str]) -> str:
    return "<name>" if wildcard[1] == "name" else EXAMPLES.get(wildcard[1], "0")
