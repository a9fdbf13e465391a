"""The statistics by the paper's window: the last snapshots only, from one time origin.

    VACF(t) = < v(tau) . v(tau + t) >,   MSD(t) = < |r(tau) - r(tau + t)|^2 >,   RDF(r)

with tau the first of the last N snapshots (appendix E of the paper) and the mean over particles
alone. Their scatter between two runs of the same law is as large as most errors, so they are
printed for comparison; the statistics over all time origins are the ones to judge by.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.analysis.metric import Metric, curve, missing
from pipeline.analysis.plan import Plan
from pipeline.analysis.rdf import rdf
from pipeline.analysis.runs import Run
from pipeline.analysis.uncertainty import gather


def last_window(
    parts: Sequence[Run], settings: Plan, label: np.ndarray, count: int
) -> dict[str, Metric]:
    """Groups rdf_paper, vacf_paper and msd_paper; the VACF is not normalised.

    Args:
        parts: runs on their clocks; the last one counts.
        settings: planned from the experiment.
        label: (N,) patch of each particle.
        count: snapshots of the window.
    """
    names = ("rdf_paper", "vacf_paper", "msd_paper")
    run = parts[-1]
    if len(run.time) < count:
        reason = f"The paper's window is {count} snapshots and the last run has {len(run.time)}."
        return {name: missing(reason) for name in names}
    run = run._replace(
        position=run.position[-count:],
        path=run.path[-count:],
        slide=run.slide[-count:],
        velocity=run.velocity[-count:],
        seen=run.seen[-count:],
        free=run.free[-count:],
        time=run.time[-count:],
    )
    units, lag = int(label.max()) + 1, np.arange(count)
    both = run.free & run.free[0]
    if not both[1:].any():
        reason = "No free particle is present at two times of the paper's window."
        return {name: missing(reason) for name in names}
    moved = ((run.path - run.path[0]) ** 2).sum(axis=2)
    kept = (run.velocity * run.velocity[0]).sum(axis=2)
    number = gather(both.T.astype(float), label, units)
    sums = {"vacf_paper": kept, "msd_paper": moved}
    found = {
        name: curve(name, gather(np.where(both, value, 0.0).T, label, units), number, lag=lag)
        for name, value in sums.items()
    }
    edges = settings.r_edges
    counts = rdf([run], settings.window, edges, label, settings.snapshots)
    found["rdf_paper"] = curve("rdf_paper", *counts, r=(edges[1:] + edges[:-1]) / 2)
    return found
