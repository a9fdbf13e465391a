"""The verdict: six questions, each answered by a number against a stated threshold."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pipeline.report import fidelity, soundness
from pipeline.report.fidelity import CURVE
from pipeline.report.records import Absent
from pipeline.report.results import Results
from pipeline.report.soundness import Answer

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


QUESTIONS: list[tuple[str, Callable[[Results], Answer], str]] = [
    (
        "Is the tracking sound?",
        soundness.tracking,
        "Yes: tracks last over 70 % of the video, counts vary by under 5 %, under 0.1 % of the "
        "steps come near the search range. With care: 30 %, 15 %, 1 %.",
    ),
    (
        "Is the velocity resolved and above the noise?",
        soundness.speed,
        "Yes: noise is under 10 % of the variance. With care: under 50 %. No: more, or the "
        "velocity forgets itself within two frames (autocorrelation under 0.2).",
    ),
    (
        "Did training converge?",
        fidelity.convergence,
        "Yes: the last fifth brought under 2 % of the fall, or under 0.005. With care: under 10 %.",
    ),
    (
        "Are the laws kept?",
        fidelity.laws,
        "Yes: energy drifts by under 1 % of the kinetic energy, momentum within 1e−6. With care: "
        "10 % and 1e−3, a falling entropy, which an open sample may export, or a rollout that "
        "stopped.",
    ),
    ("Does the structure match?", fidelity.structure, CURVE),
    ("Do the rearrangements match?", fidelity.rearrangements, CURVE),
]


def lights(results: Results) -> list[Light]:
    """The six answers; what cannot be judged says why and gets no colour.

    Where there is no video, nobody asks for its tracking.
    """
    made = []
    for question, judge, threshold in QUESTIONS if results.tracked else QUESTIONS[1:]:
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
