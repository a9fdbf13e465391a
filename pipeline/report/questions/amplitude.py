"""Question 1: are the model's rearrangements too small?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.analysis.metric import sums
from pipeline.analysis.relative_amplitude import amplitude, compared
from pipeline.report import style
from pipeline.report.html import number
from pipeline.report.paper.numbers import title
from pipeline.report.questions.asked import Asked, spread
from pipeline.report.results import Absent, Results
from pipeline.report.tables import Table
from pipeline.report.verdict import Light

QUESTION = "Are rearrangements as large as in the data?"
NARROW = 0.05  # half of an interval that answers the question
RULE = (
    "Yes: the ratio of D²min, model to data, is one within its interval, and the interval is no "
    "wider than 5 % to either side. With care: one is within a wider interval. No: it is not, or "
    "rollouts stopped early."
)
REMEDIES = {"corrected": "taken off", "covariance": "in the variance alone", "none": "left in"}


class Ratio(NamedTuple):
    """Of one model of a data set: the ratio with its interval, and what it is from."""

    value: tuple[float, float, float]
    lags: tuple[int, int]  # at which it was compared, of all
    trainings: int
    rollouts: int
    localisation: str  # what training did about the error of the positions
    error: str  # of the positions, with its unit
    stride: int  # frames in a step of training


def of(asked: Asked, dataset: str) -> dict[str, Ratio]:
    """The ratio of every metriplectic model that was rolled out.

    Raises Absent where nothing rearranges, or nothing was rolled out.
    """
    found, results = {}, asked.results(dataset)
    experiment = sums(asked.experiment(dataset, "d2min"))
    error = _error(results)
    for model in asked.models(dataset):
        made = asked.rollouts(dataset, "d2min", model)
        every = [sums(one) for metrics in made.values() for one in metrics]
        if every:
            trained = results.yaml(f"{next(iter(made)).folder}/model.yaml")["training"]
            found[model] = Ratio(
                amplitude(experiment, every),
                compared(experiment, every),
                len(made),
                len(every),
                str(trained["localisation"]),
                error,
                int(trained.get("stride") or 1),
            )
    if not found:
        raise Absent(f"No rollout of {title(dataset)} has rearrangements.")
    return found


def _stopped(one: Ratio) -> str:
    some, every = one.lags
    return "" if some == every else f", over {some} of {every} lags: rollouts stopped early"


def _error(results: Results) -> str:
    """ "0.023 px": of films in pixels, as the camera sees it."""
    attributes = results.trajectory().attributes
    if "localisation_error_px" in attributes:
        return f"{number(float(np.mean(attributes['localisation_error_px'])))} px"
    return f"{number(float(attributes['localisation_error']))} {results.unit('length')}"


def table(asked: Asked) -> Table:
    """One row per data set and model."""
    found = [
        (dataset, model, one)
        for dataset, models in asked.each("amplitude", of).items()
        for model, one in models.items()
    ]
    rows = [
        [
            title(dataset),
            style.name(model),
            one.error,
            REMEDIES[one.localisation],
            str(one.stride),
            str(one.trainings),
            str(one.rollouts),
            spread(one.value) + _stopped(one),
        ]
        for dataset, model, one in found
    ]
    columns = ["Data set", "Model", "Localisation error", "Treatment"]
    columns += ["Step (frames)", "Trainings", "Rollouts", "D²min, model to data"]
    made = pd.DataFrame(
        [(dataset, model, *one.value, *one.lags) for dataset, model, one in found],
        columns=["dataset", "model", "ratio", "low", "high", "lags", "of"],
    )
    caption = (
        "Mean D²min of the rollouts over that of the data, the geometric mean over lags, with its "
        "95 % interval over patches of the sample and over rollouts. The paper finds some 0.8."
    )
    return Table("amplitude", columns, rows, caption, made)


def light(asked: Asked) -> Light:
    """Judged on the first model of the first data set."""
    try:
        name, models = next(iter(asked.each("amplitude", of).items()))
    except Absent as absent:
        return Light(QUESTION, "unknown", str(absent), RULE)
    one = next(iter(models.values()))
    value, low, high = (round(x, 2) for x in one.value)  # as they are shown
    half = round(max(high - value, value - low), 2)
    inside, narrow = low <= 1 <= high, half <= NARROW
    state = ("good" if narrow else "fair") if inside else "poor"
    if _stopped(one):
        state = "poor"
    said = f"{title(name)}: {spread(one.value)}, from {one.rollouts} rollouts{_stopped(one)}."
    return Light(QUESTION, state, said, RULE)
