"""The settings of the tracking, where they come from, and what they and the tracks warn of."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd

from pipeline.report.records import Absent
from pipeline.report.results import Results
from pipeline.report.tables import Table
from pipeline.report.words import number


def parameters(results: Results) -> Table:
    """Tracking parameters: value, estimated or from the config, and why."""
    found = results.json("tuning.json").get("parameters", {})
    if not found:
        raise Absent("The tuning stored no parameters.")
    rows = [
        [
            name.replace("_", " "),
            number(entry.get("value")),
            "estimated" if entry.get("source") == "estimated" else "from the config",
            str(entry.get("why", "")),
        ]
        for name, entry in found.items()
    ]
    columns = ["Parameter", "Value", "Source", "Why"]
    return Table(
        "parameters",
        columns,
        rows,
        "Lengths in pixels, times in frames. Any of them can be fixed in the config.",
        pd.DataFrame(rows, columns=columns),
    )


def warnings(results: Results) -> list[str]:
    """The warnings of tuning, linking and velocities."""
    sentences = []
    for name in ("tuning.json", "linking.json"):
        try:
            sentences += [str(s) for s in results.json(name).get("warnings", [])]
        except Absent:
            continue
    with suppress(Absent):
        sentences += [str(s) for s in results.trajectory().attributes.get("warnings", [])]
    sentences = [s[:1].upper() + s[1:] for s in dict.fromkeys(sentences)]
    return sentences or ["Tuning, linking and velocities gave no warning."]
