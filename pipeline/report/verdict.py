"""The verdict: six questions, each answered by a number against a stated threshold."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pipeline.report import style
from pipeline.report.figures import laws, training, velocity
from pipeline.report.results import Absent, Results
from pipeline.report.tables import number

WORDS = {"good": "Yes", "fair": "With care", "poor": "No", "unknown": "Cannot be said"}


class Light(NamedTuple):
    """state: good, fair, poor or unknown; threshold: the sentence that says what decides."""

    question: str
    state: str
    sentence: str
    threshold: str

    @property
    def word(self) -> str:
        return WORDS[self.state]


def grade(value: float, good: float, fair: float) -> str:
    """good at or below the first bound, fair at or below the second, else poor."""
    if not np.isfinite(value):
        return "poor"
    return "good" if value <= good else "fair" if value <= fair else "poor"


def worst(*states: str) -> str:
    """The most severe of several states."""
    return max(states, key=("good", "fair", "poor").index)


def tracking(results: Results) -> tuple[str, str]:
    """Recall and precision where the truth is known; else track length and search range."""
    linking = results.json("linking.json")
    count = np.asarray(linking.get("per_frame", []), float)
    if not count.size or not linking.get("length", {}).get("count"):
        raise Absent("The linking left no tracks to judge.")
    length = linking["length"]
    weight = np.asarray(length["count"], float)
    centre = (np.asarray(length["edges"])[1:] + np.asarray(length["edges"])[:-1]) / 2
    # Of the particles in a frame: the mean length of the track a detection belongs to.
    mean = float((weight * centre**2).sum() / max((weight * centre).sum(), 1e-12))
    share = min(mean / len(count), 1.0)
    moved = linking["displacement"]
    cumulative = np.cumsum(moved["count"]) / max(np.sum(moved["count"]), 1)
    reach = float(moved["edges"][1 + int(np.searchsorted(cumulative, 0.999))])
    reach /= float(linking["search_range"])
    scatter = float(count.std() / count.mean()) if count.mean() > 0 else np.inf
    state = worst(grade(1 - share, 0.3, 0.7), grade(reach, 0.8, 0.95), grade(scatter, 0.05, 0.15))
    sentence = (
        f"A detection belongs to a track that lasts {100 * share:.0f} % of the video on "
        f"average; the count per frame varies by {100 * scatter:.1f} %; 99.9 % of the steps "
        f"are shorter than {100 * reach:.0f} % of the search range."
    )
    try:
        truth = results.json("truth.json")
        recall, precision = float(truth["recall"]), float(truth["precision"])
        state = worst(state, grade(1 - min(recall, precision), 0.03, 0.1))
        sentence += (
            f" Against the truth: recall {recall:.3f}, precision {precision:.3f} (0.97 is "
            "good, 0.90 fair)."
        )
    except (Absent, KeyError):
        pass
    return state, sentence


def speed(results: Results) -> tuple[str, str]:
    """Share of the velocity variance that is localisation error."""
    noise = velocity.measure(results)
    if noise.floor == 0:
        return "good", "Velocities are exact or measured directly: no localisation error enters."
    return grade(noise.share, 0.1, 0.5), (
        f"Of the variance of the velocities, {100 * noise.share:.0f} % is error of the positions "
        f"(rms velocity {number(noise.measured)}, noise {number(noise.floor)} in the units of the "
        "data)."
    )


def convergence(results: Results) -> tuple[str, str]:
    """How much the validation loss still fell over the last fifth of training."""
    run = results.first
    table = training.history(results, run).dropna(subset="validation_nll")
    loss, step = table["validation_nll"].to_numpy(), table["step"].to_numpy()
    if len(loss) < 5:
        raise Absent("Training was validated fewer than five times, too few to judge.")
    best = np.minimum.accumulate(loss)
    before = best[np.searchsorted(step, step[0] + 0.8 * (step[-1] - step[0]))]
    gained = (before - best[-1]) / max(best[0] - best[-1], 1e-12)
    state = "poor" if not np.isfinite(loss[-1]) else grade(gained, 0.02, 0.1)
    kept = step[int(np.argmin(loss))]
    return state, (
        f"Over the last fifth of its {step[-1]:.0f} steps the validation loss of "
        f"{style.name(run.model)} still gained {100 * gained:.1f} % of all it gained; "
        f"the checkpoint kept is that of step {kept:.0f}."
    )


def kept_laws(results: Results) -> tuple[str, str]:
    """Energy and momentum left over after the driving, and entropy gained."""
    run = results.first
    left = laws.residuals(laws.observables(results, run))
    energy, momentum = np.abs(left.energy).max(), np.abs(left.momentum).max()
    state = worst(grade(energy, 0.01, 0.1), grade(momentum, 1e-6, 1e-3))
    gained = left.entropy[-1]
    state = worst(state, "good" if gained >= 0 else "poor")
    stopped = results.group(f"{run.folder}/rollout.h5", "observables").attrs.get("stopped", "")
    return ("poor" if stopped else state), (
        f"Along the rollout energy strays from the work done by at most {number(100 * energy)} % "
        f"of the mean kinetic energy, momentum from the impulse by {number(momentum)} of "
        f"N m v rms, and entropy changes by {number(float(gained))} k_B. {stopped}".strip()
    )


def _errors(results: Results, metrics: tuple[str, ...]) -> tuple[str, str]:
    """Errors of the first run in `metrics`, each against its noise floor."""
    table = results.csv("comparison.csv")
    run = results.first
    mine = table[(table["model"] == run.model) & (table["seed"] == run.seed)]
    states, parts = [], []
    for metric in metrics:
        rows = mine[(mine["metric"] == metric) & mine["value"].notna()]
        if rows.empty:
            continue
        value, floor = float(rows["value"].iloc[0]), float(rows["noise_floor"].iloc[0])
        floor = floor if np.isfinite(floor) else 0.0
        states.append(grade(value, max(0.05, 1.5 * floor), max(0.2, 3 * floor)))
        parts.append(
            f"{metric.replace('_', ' ')} {100 * value:.0f} % (noise floor {100 * floor:.0f} %)"
        )
    if not states:
        raise Absent(f"The comparison holds no {' or '.join(metrics)} for {style.name(run.model)}.")
    return worst(*states), f"Relative error of {style.name(run.model)}: {', '.join(parts)}."


QUESTIONS: list[tuple[str, Callable[[Results], tuple[str, str]], str]] = [
    (
        "Is the tracking sound?",
        tracking,
        "Good: tracks over 70 % of the video, counts within 5 %, steps under 80 % of the range; "
        "fair: 30 %, 15 %, 95 %.",
    ),
    (
        "Is the velocity above the noise?",
        speed,
        "Good: noise under 10 % of the variance; fair: under 50 %.",
    ),
    (
        "Did training converge?",
        convergence,
        "Good: under 2 % gained in the last fifth; fair: under 10 %.",
    ),
    (
        "Are the laws kept?",
        kept_laws,
        "Good: energy within 1 %, momentum within 1e−6, entropy not falling; fair: 10 % and 1e−3.",
    ),
    (
        "Does the structure match?",
        lambda results: _errors(results, ("rdf",)),
        "Good: error under 5 % or 1.5 noise floors; fair: under 20 % or 3 noise floors.",
    ),
    (
        "Do the rearrangements match?",
        lambda results: _errors(results, ("d2min", "d2min_histogram")),
        "Good: error under 5 % or 1.5 noise floors; fair: under 20 % or 3 noise floors.",
    ),
]


def lights(results: Results) -> list[Light]:
    """The six answers; what cannot be judged says why and gets no colour."""
    made = []
    for question, answer, threshold in QUESTIONS:
        try:
            state, sentence = answer(results)
        except Absent as absent:
            state, sentence = "unknown", str(absent)
        made.append(Light(question, state, sentence, threshold))
    return made
