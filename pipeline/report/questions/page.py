"""results/questions/report.html: the open questions of the paper, one section each."""

from __future__ import annotations

from typing import Any

from pipeline.report import page
from pipeline.report.methods import SOURCES, Methods
from pipeline.report.paper.numbers import title
from pipeline.report.questions import activity, amplitude, comparisons, entropy, memory
from pipeline.report.questions.asked import Asked
from pipeline.report.sections import Section
from pipeline.schema import plain

SECTIONS = [
    Section(
        "amplitude",
        "1. Amplitude of rearrangements",
        "The paper finds displacements around rearrangements 20 % too small. Is D²min, here?",
        [("D²min of rollouts over that of the data", amplitude.table)],
    ),
    Section(
        "architecture",
        "2. Architecture",
        "Whether functions of one variable are enough, or networks learn more.",
        [("The same law with other closures", comparisons.architectures)],
    ),
    Section(
        "entropy",
        "3. Is the entropy unique?",
        "Nobody measured it: do trainings with other seeds agree, and what does it stand for?",
        [
            ("Agreement between seeds", entropy.table),
            ("One seed against another", entropy.figure),
        ],
    ),
    Section(
        "memory",
        "4. Memory",
        "Whether friction depends on the past in a way that one entropy per particle cannot hold.",
        [
            ("Later than a step", memory.table),
            ("Growth of friction", memory.figure),
            ("The step of the model", memory.strides),
            ("What modes of memory bring", memory.modes),
        ],
    ),
    Section(
        "transfer",
        "5. Beyond the training",
        "A law, unlike a fit, also holds where it was not learned.",
        [("Models on other data sets", comparisons.transfers)],
    ),
    Section(
        "activity",
        "6. Active matter",
        "Particles that drive themselves are no equilibrium: is that said, or fitted quietly?",
        [("Displacements against heat", activity.table)],
    ),
]
LIGHTS = (amplitude.light, entropy.light, memory.light, comparisons.light, activity.light)


def content(asked: Asked, provenance: dict[str, Any]) -> dict[str, Any]:
    """What the template shows; ``provenance`` is what `provenance.collect` returned."""
    lights = [light(asked) for light in LIGHTS]
    answered = sum(one.state != "unknown" for one in lights)
    return {
        "name": "Open questions",
        "headline": f"Asked of {'; '.join(map(title, asked.settings))}.",
        "synthetic": "",
        "tuned": False,
        "lights": lights,
        "circumstances": [],
        "unsupported": [],
        "noticed": [],
        "summary": f"{answered} of {len(lights)} questions could be answered with what was run.",
        "sections": page.build(SECTIONS, asked),
        "methods": Methods([], [SOURCES["paper"]]),
        "settings": {"questions": plain(asked.questions)},
        "provenance": page.listed(provenance),
        "models": [],
    }
