"""Whether what a model leaves of steps it was not trained on is noise, and what it is if not."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.report.grades import Answer, Bound, worst
from pipeline.report.html import number, percent
from pipeline.report.results import Absent, Results

NOISY = Bound(0.05, 0.2)  # correlation of what a model leaves, in time and between neighbours
SIZE = Bound(0.1, 0.4)  # its variance over that of the model, off 1
LASTING = 0.1  # share of what is left, or correlation, that is named
STANDS = 0.5  # of a force that lasts, to be one of places
# What to change where residuals fail a test, by its name and the sign of the failure.
HINTS = {
    ("memory", True): "a force is missing, or steps are alike by how they were filmed: try "
    "a longer graph.cutoff, train.external, train.bath, train.memory or a longer train.stride",
    ("memory", False): "the error of the positions is larger than was measured: look at the "
    "tracking, or set train.localisation: covariance",
    ("neighbours", True): "neighbours are carried together, by a flow or a drift of the stage: "
    "try link.drift: mean or train.bath_flow: sample",
    ("neighbours", False): "neighbours push each other more than the forces say: raise "
    "train.steps or graph.cutoff",
    ("chi2", True): "the noise is larger than was learned, or single steps are wrong: look at the "
    "tracking, raise train.steps",
    ("chi2", False): "the noise is smaller than was learned: is the error of the positions "
    "overestimated?",
}
LEFT = {
    "chi2": "their variance over the model's is",
    "memory": "they remember the step before by",
    "neighbours": "those of neighbours correlate by",
}


def residuals(results: Results) -> Answer:
    """Whether what the first model leaves of steps not trained on is noise; no rollout is needed.

    Each number is judged by how far it is off beyond twice its standard error.
    """
    try:
        found = results.group(f"{results.first.folder}/learned.h5", "residuals")
    except Absent:
        return Answer("good", "")
    states, parts, hints, unsure = [], [], [], False
    lasts = _lasting(results, float(found.get("neighbours")[0]))
    for name, words in LEFT.items():
        if name not in found.data or not np.isfinite(found.get(name)).all():
            continue
        value, error = (float(x) for x in found.get(name))
        off, bound = value - (1.0 if name == "chi2" else 0.0), SIZE if name == "chi2" else NOISY
        state = bound.grade(max(abs(off) - 2 * error, 0.0))
        states.append(state)
        wide = f" ± {2 * error:.2f}" if 2 * error > bound.fair else ""
        unsure |= bool(wide)
        parts.append(f"{words} {value:.2f}{wide}".replace("-", "−"))
        if state != "good" and not (name == "memory" and lasts):
            hints.append(HINTS[name, off > 0])
    if not states:
        return Answer("good", "")
    told = f" What it leaves of steps it was not trained on: {', '.join(parts)}"
    told += f" ({'; '.join(hints)})" if hints else ""
    if worst(*states) == "good" and unsure:
        states.append("fair")
        told += ": too few steps to tell it from noise."
    else:
        told += ": noise, as it should be." if worst(*states) == "good" else f".{lasts}"
    told += modes(results)
    explained = float(found.get("explained")[0])
    if explained > 0:  # forces of Brownian motion drown in its noise
        told += f" It explains {percent(explained)} of the variance of their change."
    return Answer(worst(*states), told)


def _lasting(results: Results, shared: float) -> str:
    """What residuals remember, in sentences; "" where they do not.

    Args:
        shared: correlation of those of neighbours.
    """
    try:
        found = results.group(f"{results.first.folder}/learned.h5", "lasting")
    except Absent:
        return ""
    force, error, place, time, share = (
        float(found.get(name)[0]) for name in ("force", "error", "place", "time", "share")
    )
    if force < max(error, LASTING):
        length = float(results.yaml(f"{results.first.folder}/model.yaml")["units"]["length"])
        before = results.trajectory().attributes["localisation_error"]
        return (
            f" By its lags {percent(error)} of what is left is error of the positions: "
            f"{number(length * float(found.get('sigma')[0]))} {results.unit('length')} in place of "
            f"the {number(before)} that were measured before training."
        )
    told = (
        f" By its lags {percent(force)} of what is left is a force that lasts, half of it over "
        f"{number(time)} steps: {percent(share)} of the variance of the change"
    )
    if place > STANDS * force:
        return f"{told}. It stands at its places: try train.external: walls_field or field."
    if shared > LASTING:
        return f"{told}. Neighbours share it: try train.bath_flow: sample or link.drift: mean."
    ground = f", {percent(place)} the ground's" if place > 0 else ""
    return (
        f"{told}. Neighbours do not share it, and it does not stand at places ({percent(error)} "
        f"error of the positions{ground}): each particle has its own, as of discs that tilt or "
        "spin, swimmers that turn or jets of air. No term of this model holds it, and rollouts go "
        "without; train.memory: auto looks for modes that do."
    )


def modes(results: Results) -> str:
    """The modes of memory of the first model, in sentences; "" where none were looked for."""
    stored = results.yaml(f"{results.first.folder}/model.yaml")
    record = stored.get("memory") or stored.get("bond_memory")
    if not record or record.get("why"):
        return ""
    if not record["modes"]:
        return " Modes of memory were looked for, and the validation block is no likelier with one."
    count = int(record["modes"])
    columns = [record["time"][name] for name in ("value", "low", "high")]
    lasts = " and ".join(
        f"{number(value)} ({number(low)} to {number(high)})"
        for value, low, high in zip(*columns, strict=True)
    )
    held = "a mode of memory that lasts" if count == 1 else f"{count} modes of memory that last"
    told = f" It has {held} {lasts} steps"
    friction = number(sum(record["friction"]))
    if "bond_memory" in stored:
        told += ": springs along its bonds that let go, which rollouts have (Relaxation modulus)"
    elif record["kind"] == "maxwell":
        told += (
            f": friction of {friction} per step that comes late, and the noise that belongs to it "
            "as in a medium in equilibrium"
        )
    else:
        told += (
            ": a force that friction need not pay for, so that no balance of noise and friction is "
            "claimed"
        )
    if before := record.get("without"):
        told += f". Without, they remember {before[0]:.2f} ± {before[1]:.2f}"
    return f"{told}.{_untold(record)}"


def _untold(record: dict[str, Any]) -> str:
    """Whether the data could tell that friction does not belong to the noise."""
    found = [x for x in record["trials"] if x["value"] == "1 active after 1 maxwell"]
    if record["kind"] != "maxwell" or not found:
        return ""
    gain, error = (f"{found[0][k]:.3f}".replace("-", "−") for k in ("gain", "error"))
    return (
        f" With friction of any strength the validation block is no likelier (ln p by {gain} ± "
        f"{error} a particle): the balance is in keeping with the data."
    )
