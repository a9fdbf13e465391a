"""Search range and memory from how positions change over three successive frames."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.video.spots import mutual

if TYPE_CHECKING:
    from pipeline.video.tune import Tuning


def estimate(
    tuning: Tuning, given: Mapping[str, Any], triples: list[list[np.ndarray]], near: float
) -> None:
    """Chooses search_range and memory.

    Args:
        triples: for each place of the video, (K, 2) positions in up to three successive frames.
        near: median distance between neighbours [px].
    """
    steps, later, gone = [], 0, 0
    for triple in triples:
        for first, second in pairwise(triple):
            i, j = mutual(first, second, 0.5 * near)
            steps.append(np.linalg.norm(second[j] - first[i], axis=1))
        if len(triple) == 3:
            missed, seen = _dropped(triple, 0.5 * near)
            gone, later = gone + missed, later + seen
    step = np.concatenate(steps)
    quantile = float(np.percentile(step, 99)) if len(step) else 0.0
    least = min(near / 3, float(tuning.parameters["diameter"]))
    estimate = round(float(np.clip(1.5 * quantile, least, 0.5 * near)), 2)
    taken = tuning.take(
        "search_range",
        given,
        estimate,
        f"1.5 times the 99th percentile of the displacements ({quantile:.2f} px), but at least "
        f"{least:.2f} px, so that rare fast particles are followed, and at most half the distance "
        f"between neighbours ({near:.2f} px).",
    )
    share = gone / later if later else 0.0
    tuning.take(
        "memory",
        given,
        _memory(share),
        f"{100 * share:.2g} % of the particles are missed in a frame and seen again in the next.",
    )
    count, edges = np.histogram(step, 50, (0.0, 0.5 * near))
    tuning.evidence["displacement"] = np.stack([(edges[1:] + edges[:-1]) / 2, count], axis=1)
    tuning.evidence["count"] = np.array([len(triple[0]) for triple in triples])
    if 1.5 * quantile > 0.5 * near:
        tuning.warnings.append(
            f"particles move up to {quantile:.2f} px a frame, much of the {near:.2f} px to their "
            f"neighbours (search_range = {taken:g} px): some will be mistaken for one another; "
            "record faster."
        )


def _dropped(triple: list[np.ndarray], reach: float) -> tuple[int, int]:
    """Particles seen in the first and third frame, and those of them missed in the second."""
    first, second, third = triple
    i, _ = mutual(first, third, reach)
    between, _ = mutual(first, second, reach)
    missed = int((~np.isin(i, between)).sum())
    return missed, len(i)


def _memory(share: float) -> int:
    """Frames to wait so that fewer than 1 in 10 000 losses outlast it, 2 or 3.

    Not below 2 however few are missed in the frames looked at: in thousands of frames every
    particle is missed once, and a track that breaks inside the view is a particle lost.
    """
    if share >= 1:
        return 3
    wait = np.ceil(np.log(1e-4) / np.log(share)) - 1 if share > 0 else 0
    return int(np.clip(wait, 2, 3))
