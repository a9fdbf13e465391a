"""The verdict: six questions, what decides each in words, and the lights of their answers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from pipeline.regime import INERTIAL
from pipeline.report import claims
from pipeline.report.answers import (
    DRIFT,
    ERROR,
    FALL,
    FLOORS,
    LATE,
    LOST,
    MOMENTUM,
    NEAR,
    NOISE,
    SCATTER,
    SMALL,
    convergence,
    laws,
    rearrangements,
    single,
    speed,
    structure,
    tracking,
)
from pipeline.report.grades import Answer
from pipeline.report.html import number, percent
from pipeline.report.remainder import NOISY, SIZE
from pipeline.report.results import Absent, Results

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


CURVE = (
    f"Yes: error under {percent(ERROR.good)} or {FLOORS.good:g} noise floors. With care: under "
    f"{percent(ERROR.fair)} or {FLOORS.fair:g} noise floors."
)
QUESTIONS: list[tuple[str, Callable[[Results], Answer], str]] = [
    (
        "Is the tracking sound?",
        tracking,
        f"Yes: tracks last over {percent(1 - LOST.good)} of the video, counts vary by under "
        f"{percent(SCATTER.good)}, under {percent(NEAR.good)} of the steps come near the search "
        f"range. With care: {percent(1 - LOST.fair)}, {percent(SCATTER.fair)}, "
        f"{percent(NEAR.fair)}.",
    ),
    (
        "Is the velocity resolved and above the noise?",
        speed,
        f"Yes: noise is under {percent(NOISE.good)} of the variance. With care: under "
        f"{percent(NOISE.fair)}. No: more, or the velocity forgets itself within two frames "
        f"(memory under {INERTIAL:g}).",
    ),
    (
        "Did training converge, and leave noise?",
        convergence,
        f"Yes: the last fifth brought under {percent(LATE.good)} of the fall, or under {SMALL:g}. "
        f"With care: under {percent(LATE.fair)}. What is left must be noise: as large as the "
        f"model's within {percent(SIZE.good)}, correlated with the step before and between "
        f"neighbours by under {NOISY.good:g}. With care: {percent(SIZE.fair)}, {NOISY.fair:g}.",
    ),
    (
        "Are the laws kept?",
        laws,
        f"Yes: energy drifts by under {percent(DRIFT.good)} of the kinetic energy, momentum within "
        f"{number(MOMENTUM.good)}. With care: {percent(DRIFT.fair)} and {number(MOMENTUM.fair)}, "
        f"an entropy that falls by over {FALL:g} k per particle (of particles and a medium, by "
        "more than chance besides), which an open sample may export, or a rollout that stopped.",
    ),
    ("Does the structure match?", structure, CURVE),
    ("Do the rearrangements match?", rearrangements, CURVE),
]


# What is asked instead where the motion is overdamped.
STEPS: tuple[str, Callable[[Results], Answer], str] = (
    "Are the steps above the noise?",
    speed,
    "The motion is overdamped, so steps are asked for, not velocities. Yes: error of the positions "
    f"is under {percent(NOISE.good)} of their variance. With care: under {percent(NOISE.fair)}.",
)
# And where neighbours move independently, so that D2min would say nothing.
SINGLE: tuple[str, Callable[[Results], Answer], str] = (
    "Does the motion of particles match?",
    single,
    "Neighbours move independently, so the motion of single particles is asked for, not "
    f"rearrangements. {CURVE}",
)


def questions(results: Results) -> list[tuple[str, Callable[[Results], Answer], str]]:
    """The six questions that these data can be asked; where there is no video, five."""
    asked = list(QUESTIONS)
    with suppress(Absent):
        if claims.regime(results) == "overdamped":
            asked[1] = STEPS
        if results.tracked and claims.independent(results) and claims.regime(results) != "unknown":
            asked[5] = SINGLE
    return asked if results.tracked else asked[1:]


def lights(results: Results) -> list[Light]:
    """The answers; what cannot be judged says why and gets no colour."""
    made = []
    for question, judge, threshold in questions(results):
        try:
            state, sentence = judge(results)
        except Absent as absent:
            state, sentence = "unknown", str(absent)
        made.append(Light(question, state, sentence, threshold))
    return made


def summary(answers: list[Light]) -> str:
    """How many questions are answered yes, with care and no, in one sentence."""
    counts = {state: sum(light.state == state for light in answers) for state in WORDS}
    verb = "is" if counts["good"] == 1 else "are"
    text = f"Of {len(answers)} questions, {counts['good']} {verb} answered yes"
    for state, word in (("fair", "with care"), ("poor", "no")):
        text += f", {counts[state]} {word}" if counts[state] else ""
    return text + (f"; {counts['unknown']} cannot be answered." if counts["unknown"] else ".")
