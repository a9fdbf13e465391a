"""Answers to the questions of the verdict: a number each, against a stated threshold."""

from __future__ import annotations

import numpy as np

from pipeline.analysis.statistics import ERRORS
from pipeline.learn.settings import ENOUGH
from pipeline.report import claims, diffusion, style
from pipeline.report.figures import laws as balances
from pipeline.report.figures import training
from pipeline.report.figures.tracking import measure
from pipeline.report.grades import Answer, Bound, worst
from pipeline.report.html import number, percent
from pipeline.report.remainder import residuals
from pipeline.report.results import Absent, Group, Results
from pipeline.report.tables import seeds

# What decides, here and in the sentences of `pipeline.report.verdict`.
LOST = Bound(0.3, 0.7)  # of the video, that a particle is not followed through
SCATTER = Bound(0.05, 0.15)  # of the count per frame
NEAR = Bound(0.001, 0.01)  # of the steps, longer than nine tenths of the search range
MISSED = Bound(0.03, 0.1)  # 1 - recall or precision, where the truth is known
NOISE = Bound(0.1, 0.5)  # of the variance of the velocities
LONGER = (
    " Forces hardly show in steps of one frame then: over several, which train.stride: null would "
    "take, motion outgrows the error."
)
BRIGHTER = (
    ", and a longer one would outlast the velocities: forces and friction rest on little; film "
    "with more light, or at a lower rate."
)
LATE = Bound(0.02, 0.1)  # of the fall of the validation loss, in the last fifth of training
SMALL = 0.005  # of the negative log-likelihood per particle: a fall that no longer matters
DRIFT = Bound(0.01, 0.1)  # of the energy balance, in mean kinetic energies
SWING = Bound(0.3, 1.0)  # the same, at its largest
FALL = 1e-3  # k per particle that rounding may take from an entropy that stays
MOMENTUM = Bound(1e-6, 1e-3)  # of the momentum balance, in summed thermal momenta
ERROR = Bound(0.05, 0.2)  # of a curve
FLOORS = Bound(1.5, 3.0)  # the same in noise floors, where that is more


def tracking(results: Results) -> Answer:
    """Track lengths, counts and search range; recall and precision where the truth is known."""
    linking = results.json("linking.json")
    count = np.asarray(linking.get("per_frame", []), float)
    if not count.sum() or not linking.get("length", {}).get("count"):
        raise Absent("The linking left no tracks to judge.")
    share = min(_mean_length(linking["length"]) / _frames(results, len(count)), 1.0)
    scatter = float(count.std() / count.mean())
    state = worst(LOST.grade(1 - share), SCATTER.grade(scatter))
    sentence = (
        f"A particle is followed through {percent(share)} of the video on average; the count per "
        f"frame varies by {percent(scatter)}"
    )
    if linking["search_range"] is None:
        sentence += "; how far was searched when the tracks were made is not known."
    else:
        near = _beyond(linking["displacement"], 0.9 * float(linking["search_range"]))
        state = worst(state, NEAR.grade(near))
        sentence += (
            f"; {percent(near) if near else 'none'} of the steps {'are' if near else 'is'} longer "
            f"than nine tenths of the search range."
        )
    try:
        truth = results.json("truth.json")
        recall, precision = float(truth["recall"]), float(truth["precision"])
    except (Absent, KeyError):
        return Answer(state, sentence)
    state = worst(state, MISSED.grade(1 - min(recall, precision)))
    return Answer(
        state,
        f"{sentence} Against the truth: recall {recall:.4f} and precision {precision:.4f} (yes "
        f"from {1 - MISSED.good:.2f}, with care from {1 - MISSED.fair:.2f}).",
    )


def _frames(results: Results, default: int) -> float:
    """Frames of the longest run."""
    try:
        return float(np.unique(results.trajectory().run, return_counts=True)[1].max())
    except Absent:
        return float(default)


def _mean_length(histogram: dict) -> float:
    """Mean length of the track that a detection belongs to (long tracks hold more of them)."""
    count, edges = np.asarray(histogram["count"], float), np.asarray(histogram["edges"], float)
    centre = (edges[1:] + edges[:-1]) / 2
    return float((count * centre**2).sum() / (count * centre).sum())


def _beyond(histogram: dict, limit: float) -> float:
    """Share of the counts in bins whose centre lies beyond a limit."""
    count, edges = np.asarray(histogram["count"], float), np.asarray(histogram["edges"], float)
    if not count.sum():
        raise Absent("No particle was linked from one frame to the next.")
    return float(count[(edges[1:] + edges[:-1]) / 2 > limit].sum() / count.sum())


def speed(results: Results) -> Answer:
    """Share of the velocity variance that is localisation error."""
    noise = measure(results)
    attributes = results.trajectory().attributes
    if not np.isfinite(attributes.get("localisation_error_px", [0.0])).all():
        raise Absent(
            "Too few tracks last five frames, so the error of the positions, and with it the noise "
            "of the velocities, is unknown."
        )
    if claims.regime(results) == "overdamped":
        memory = number(float(attributes["regime_memory"][0]))
        return Answer(
            NOISE.grade(noise.share),
            f"The motion is overdamped (memory {memory}), so that steps count, not velocities. "
            f"{diffusion.coefficient(results)} {percent(noise.share)} of the variance of the steps "
            "is error of the positions.",
        )
    if not attributes.get("velocity_resolved", True):
        lag = attributes["velocity_lags"].index(2)
        memory = number(float(attributes["velocity_autocorrelation"][lag]))
        return Answer(
            "poor",
            f"It forgets itself within two frames (autocorrelation {memory} at lag 2, the mean "
            "motion taken out): a difference of positions over one frame is not the velocity of "
            "these particles. "
            f"{percent(noise.share)} of its variance is error of the positions.",
        )
    if noise.floor == 0:
        return Answer("good", "The velocities carry no localisation error.")
    return Answer(
        NOISE.grade(noise.share),
        f"{percent(noise.share)} of the variance of the velocities is error of the positions (rms "
        f"velocity {number(noise.measured)}, noise {number(noise.floor)} {noise.unit})."
        f"{_steps(results, NOISE.grade(noise.share))}",
    )


def _steps(results: Results, state: str) -> str:
    """How long steps of training were for it, or what longer ones would do."""
    if not results.runs:
        return ""
    record = results.yaml(f"{results.first.folder}/model.yaml")
    stride, measured = record["training"].get("stride") or 1, record.get("measured", {})
    if stride == 1 or "change" not in measured:
        return LONGER if state == "poor" and results.settings.train.stride == 1 else ""
    share = float(measured["unexplained"]) / float(measured["change"])
    told = "takes" if results.settings.train.stride is None else "was told to take"
    return (
        f" Training {told} steps of {stride} frames, over which {percent(share)} of what "
        f"velocities change by is motion{BRIGHTER if share < ENOUGH else '.'}"
    )


def convergence(results: Results) -> Answer:
    """How much the validation loss still fell at the end of training, and what it left."""
    run = results.first
    table = training.history(results, run).dropna(subset="validation_nll")
    loss, step = table["validation_nll"].to_numpy(), table["step"].to_numpy()
    left = residuals(results)
    asked = results.yaml(f"{run.folder}/model.yaml")["training"]
    if asked.get("bath") == "brownian" and asked["steps"] == 1:
        solved = "Forces, D and smoothness are solutions of equations, with nothing left to train."
        return Answer(left.state, f"{solved}{left.sentence}")
    if len(loss) < 5:
        few = "Training was validated fewer than five times, too few to judge."
        raise Absent(f"{few}{left.sentence}")
    best = np.minimum.accumulate(loss)
    before = best[np.searchsorted(step, step[0] + 0.8 * (step[-1] - step[0]))]
    if best[0] == best[-1]:
        return Answer(
            "poor",
            f"The validation loss of {style.name(run.model)} never fell: what was learned from the "
            f"first frames does not hold on later ones.{_cut_short(results)}{left.sentence}",
        )
    late, share = before - best[-1], (before - best[-1]) / (best[0] - best[-1])
    return Answer(
        worst("good" if late < SMALL else LATE.grade(share), left.state),
        f"Over the last fifth of {step[-1]:.0f} steps the validation loss of "
        f"{style.name(run.model)} fell {_fall(float(late), share)}; the checkpoint kept is that of "
        f"step {table['step'][training.kept(table)]:.0f}.{_cut_short(results)}{_refined(results)}"
        f"{left.sentence}",
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


def _refined(results: Results) -> str:
    """A sentence where the training block was looked at as a whole in the end."""
    model = results.yaml(f"{results.first.folder}/model.yaml")
    if not model["training"].get("refined"):
        return ""
    bends = ", with what forces change within a frame" if model.get("bends") else ""
    return f" From there steps of the whole training block at once were taken{bends}."


def laws(results: Results) -> Answer:
    """Energy and momentum left over after the driving, and entropy gained."""
    left = balances.kept(results, results.first)
    _moved(results)
    swing, momentum = np.abs(left.energy).max(), np.abs(left.momentum).max()
    drift = min(left.drift, swing)  # a fitted trend may overshoot what it is fitted to
    gained = float(left.entropy[-1])
    if not np.isfinite([swing, momentum, gained]).all():
        raise Absent("No free particle moves along the rollout, so that no balance can be drawn.")
    state = worst(DRIFT.grade(drift), SWING.grade(swing))
    state = worst(state, MOMENTUM.grade(momentum))
    stopped = results.rollout(results.first.source)[1]
    state = worst(state, "good" if gained >= -FALL - left.chance and not stopped else "fair")
    sentence = (
        f"Along the rollout the energy drifts from the work done by {_share(drift)} the mean "
        f"kinetic energy and is never off by more than {_share(swing)} it; momentum and impulse "
        f"differ by {number(float(momentum))} of the particles' summed thermal momentum, and the "
        f"entropy changes by {number(gained)} k per particle{_chance(left)}.{_substeps(results)}"
    )
    return Answer(state, f"{stopped} {sentence}".strip())


def _chance(left: balances.Balance) -> str:
    """What is said of an entropy that a medium is part of."""
    if not left.chance:
        return ""
    return f", that of the medium included (chance alone: up to {number(left.chance)} either way)"


def _substeps(results: Results) -> str:
    """A sentence on the steps per snapshot that the forces ask for, if more than one was tried."""
    found = results.yaml(f"{results.first.folder}/model.yaml").get("substeps", {})
    tried = found.get("drift", {})
    if len(tried) < 2:
        return ""
    told = ", ".join(f"{percent(value)} at {k}" for k, value in tried.items())
    brownian = claims.regime(results) == "overdamped"
    what = "Less what the medium gave" if brownian else "By its forces alone"
    return (
        f" {what} the model's energy drifts by {told} steps per snapshot; rollouts "
        f"take {found['chosen']}, unless rollout.substeps says otherwise."
    )


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


def single(results: Results) -> Answer:
    """Errors of how far particles get and, of an inertial film, how long they keep a velocity."""
    overdamped = claims.regime(results) == "overdamped"
    return _errors(results, ("msd",) if overdamped else ("vacf", "msd"))


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
        bound = Bound(*(max(e, n * known) for e, n in zip(ERROR, FLOORS, strict=True)))
        states.append(bound.grade(value))
        parts.append(f"{ERRORS[metric].lower()} {percent(value)} (noise floor {percent(floor)})")
    if not states:
        raise Absent(notes[0] if notes else f"{style.name(model)} was not compared in this.")
    joined = " and ".join(parts).replace("d²min", "D²min")
    state = worst(*states, "fair" if stopped else "good")
    return Answer(state, f"{stopped} Error of {style.name(model)}: {joined}.".strip())
