"""Question 6: are particles that drive themselves told from those that heat moves?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from pipeline.analysis.activity import by_heat
from pipeline.report import claims
from pipeline.report.html import number, percent
from pipeline.report.paper.numbers import title
from pipeline.report.questions.asked import Asked, spread
from pipeline.report.results import Absent, singular
from pipeline.report.tables import Table
from pipeline.report.verdict import Light

QUESTION = "Is active matter told from passive?"
RULE = (
    "Yes: the report of every data set says rightly whether its particles drive themselves. No: "
    "one says it wrongly. Cannot be said where nobody knows it otherwise, as of films of others."
)

Interval = tuple[float, float, float]
ENDS = ("", "_low", "_high")  # of the names of an interval's numbers


class Drive(NamedTuple):
    """What the displacements of one data set say, and what is known of it."""

    alike: Interval  # mean over rms of the displacements
    heat: float  # the same by heat
    speed: Interval  # of the drive [length / time]
    share: Interval  # of the drive in the mean square displacement
    unit: str
    said: bool  # whether the report calls the particles active
    true: float | None  # speed of the drive of simulated particles; None: nobody knows


def of(asked: Asked, dataset: str) -> Drive:
    """Raises Absent where too few displacements were seen."""
    results = asked.results(dataset)
    film, trajectory = results.statistic("experiment", "d2min").attrs, results.trajectory()
    if "drive_alike" not in film:
        raise Absent(f"Too few displacements of {title(dataset)} were seen.")
    alike, speed, share = (_interval(film, name) for name in ("alike", "speed", "share"))
    settings = asked.settings[dataset].simulate
    known = settings is not None and trajectory.attributes["synthetic"]
    true = float(getattr(settings, "speed", 0.0)) if known else None
    unit = f"{results.unit('length')}/{singular(results.unit('time'))}"
    said = claims.drives_itself(results)
    return Drive(alike, by_heat(trajectory.dimension), speed, share, unit, said, true)


def _interval(film: Mapping[str, Any], name: str) -> Interval:
    value, low, high = (float(film[f"drive_{name}{end}"]) for end in ENDS)
    return value, low, high


def table(asked: Asked) -> Table:
    """One row per data set."""
    found = asked.each("activity", of)
    rows = [
        [
            title(dataset),
            spread(one.alike, 3),
            f"{one.heat:.3f}",
            f"{spread(one.speed)} {one.unit}" if one.said else "–",
            " to ".join(percent(x) for x in one.share[1:]) if one.said else "–",
            "active" if one.said else "passive",
            "–" if one.true is None else number(one.true) if one.true else "passive",
        ]
        for dataset, one in found.items()
    ]
    columns = ["Data set", "Mean over rms", "by heat", "Drive", "of the mean square"]
    columns += ["Its report says", "Put in"]
    made = pd.DataFrame(
        [
            (dataset, one.heat, one.true, *one.alike, *one.speed, *one.share)
            for dataset, one in found.items()
        ],
        columns=["dataset", "heat", "true_speed"]
        + [f"{name}{end}" for name in ("alike", "speed", "share") for end in ENDS],
    )
    caption = (
        "Heat makes displacements that are normally distributed, a drive makes them alike. The "
        "model is passive, with noise and friction that balance: where particles drive themselves "
        "it is fitted all the same, and its report says first that they do. A drive is that of the "
        "paths: collisions and turns take from the speed that was put in."
    )
    return Table("activity", columns, rows, caption, made)


def light(asked: Asked) -> Light:
    """Judged on the data sets whose drive is known."""
    try:
        made = asked.each("activity", of)
    except Absent as absent:
        return Light(QUESTION, "unknown", str(absent), RULE)
    known = {name: one for name, one in made.items() if one.true is not None}
    if not known:
        return Light(QUESTION, "unknown", "Of no data set asked is it known otherwise.", RULE)
    wrong = [name for name, one in known.items() if one.said != bool(one.true)]
    said = [f"{title(name)}: {'active' if one.said else 'passive'}" for name, one in known.items()]
    return Light(QUESTION, "poor" if wrong else "good", f"{'; '.join(said)}.", RULE)
