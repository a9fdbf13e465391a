"""Settings of the rollouts."""

from __future__ import annotations

from pipeline.schema import Section, key


class Rollout(Section):
    """How trained models are rolled out over the test block."""

    frames: int | None = key(
        "Frames of the test block to roll out; null takes all of them.",
        default=None,
        least=2,
        most=1_000_000_000,
    )
    substeps: int = key("Integrator substeps per snapshot interval.", default=1, least=1, most=1000)
    repeats: int = key(
        "Rollouts per training, each with noise of its own; errors are means over them.",
        default=1,
        least=1,
        most=100,
    )
