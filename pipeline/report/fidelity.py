"""Is the model faithful: the last four questions of the verdict."""

from __future__ import annotations

import numpy as np

from pipeline.report import claims, style
from pipeline.report.figures import laws as balances
from pipeline.report.figures import training
from pipeline.report.records import Absent, Group
from pipeline.report.results import Results
from pipeline.report.soundness import Answer, grade, worst
from pipeline.report.tables import METRICS, seeds
from pipeline.report.words import number, percent

SMALL = 0.005  # of the negative log-likelihood per particle
CURVE = "Yes: error under 5 % or 1.5 noise floors. With care: under 20 % or 3 noise floors."


def convergence(results: Results) -> Answer:
    """How much the validation loss still fell over the last fifth of training."""
    run = results.first
    table = training.history(results, run).dropna(subset="validation_nll")
    loss, step = table["validation_nll"].to_numpy(), table["step"].to_numpy()
    if len(loss) < 5:
        raise Absent("Training was validated fewer than five times, too few to judge.")
    best = np.minimum.accumulate(loss)
    before = best[np.searchsorted(step, step[0] + 0.8 * (step[-1] - step[0]))]
    if best[0] == best[-1]:
        return Answer(
            "poor",
            f"The validation loss of {style.name(run.model)} never fell: what was learned from the "
            f"first frames does not hold on later ones.{_cut_short(results)}",
        )
    late, share = before - best[-1], (before - best[-1]) / (best[0] - best[-1])
    return Answer(
        "good" if late < SMALL else grade(share, 0.02, 0.1),
        f"Over the last fifth of {step[-1]:.0f} steps the validation loss of "
        f"{style.name(run.model)} fell {_fall(float(late), share)}; the checkpoint kept is that of "
        f"step {table['step'][training.kept(table)]:.0f}.{_cut_short(results)}",
    )


def _fall(late: float, share: float) -> str:
    if late <= 0:
        return "no further"
    return f"by {number(late)} per particle, {percent(share)} of its whole fall"


def _cut_short(results: Results) -> str:
    """A sentence where training ended before its steps were done."""
    done = results.yaml(f"{results.first.folder}/model.yaml")["training"]
    if done.get("ended"):
        return f" {done['ended']}"
    limit = done.get("max_minutes")
    if limit is None or float(done.get("seconds", 0)) < 60 * float(limit):
        return ""
    return (
        f" Training was ended by its limit of {number(float(limit))} minutes, before its "
        f"{done['steps']} steps were done (settings: train.max_minutes)."
    )


def laws(results: Results) -> Answer:
    """Energy and momentum left over after the driving, and entropy gained."""
    found = balances.observables(results, results.first)
    left = balances.residuals(found)
    _moved(results)
    swing, momentum = np.abs(left.energy).max(), np.abs(left.momentum).max()
    drift = min(balances.drift(left), swing)  # a fitted trend may overshoot what it is fitted to
    gained = float(left.entropy[-1])
    state = worst(grade(drift, 0.01, 0.1), grade(swing, 0.3, 1.0))
    state = worst(state, grade(momentum, 1e-6, 1e-3))
    stopped = str(found.attrs.get("stopped", ""))
    state = worst(state, "good" if gained >= 0 and not stopped else "fair")
    sentence = (
        f"Along the rollout the energy drifts from the work done by {_share(drift)} the mean "
        f"kinetic energy and is never off by more than {_share(swing)} it; momentum and impulse "
        f"differ by {number(float(momentum))} of the particles' summed thermal momentum, and the "
        f"entropy changes by {number(gained)} k per particle."
    )
    return Answer(state, f"{stopped} {sentence}".strip())


def _moved(results: Results) -> str:
    """Why the first model's rollout stopped early, "" if it did not. Raises Absent for no step."""
    length, stopped = results.rollout(results.first.source)
    if length == 1:
        raise Absent(f"The rollout made no step to judge. {stopped}")
    return stopped


def _share(value: float) -> str:
    return f"{percent(value)} of" if value < 10 else f"{number(float(value))} times"


def structure(results: Results) -> Answer:
    """Error of g(r) of the first model against its noise floor."""
    claims.resolved(results)
    return _errors(results, ("rdf",))


def rearrangements(results: Results) -> Answer:
    """Errors of D2min of the first model, and its amplitude."""
    claims.companions(results)
    claims.resolved(results)
    answer = _errors(results, ("d2min", "d2min_histogram"))
    model = results.statistic(results.first.source, "d2min")
    experiment = results.statistic("experiment", "d2min")
    last = _last(experiment, model)
    ratio = float(model.get("mean")[last] / experiment.get("mean")[last])
    return Answer(
        answer.state,
        f"{answer.sentence} At the longest lag the mean D²min is {number(ratio)} times that of "
        "the experiment.",
    )


def _last(experiment: Group, model: Group) -> int:
    """Index of the longest lag at which both are defined."""
    both = np.isfinite(experiment.get("mean")) & np.isfinite(model.get("mean"))
    if not both.any():
        raise Absent("Experiment and model have D²min at no common lag.")
    return int(np.flatnonzero(both)[-1])


def _errors(results: Results, metrics: tuple[str, ...]) -> Answer:
    """Errors of the first model in `metrics` (median over seeds), each against its noise floor."""
    model, stopped = results.first.model, _moved(results)
    table = seeds(results)
    states, parts, notes = [], [], []
    for metric in metrics:
        rows = table[(table["model"] == model) & (table["metric"] == metric)]
        if rows.empty or not np.isfinite(rows["value"].iloc[0]):
            notes += [str(note) for note in rows.get("note", []) if isinstance(note, str)]
            continue
        value, floor = float(rows["value"].iloc[0]), float(rows["noise_floor"].iloc[0])
        known = floor if np.isfinite(floor) else 0.0
        states.append(grade(value, max(0.05, 1.5 * known), max(0.2, 3 * known)))
        parts.append(f"{METRICS[metric].lower()} {percent(value)} (noise floor {percent(floor)})")
    if not states:
        raise Absent(notes[0] if notes else f"{style.name(model)} was not compared in this.")
    joined = " and ".join(parts).replace("d²min", "D²min")
    state = worst(*states, "fair" if stopped else "good")
    return Answer(state, f"{stopped} Error of {style.name(model)}: {joined}.".strip())
