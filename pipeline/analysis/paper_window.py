"""The statistics by the paper's window: the last snapshots only, from one time origin.

    VACF(t) = < v(tau) . v(tau + t) >,   MSD(t) = < |r(tau) - r(tau + t)|^2 >,   RDF(r)

with tau the first of the last N snapshots (appendix E of the paper) and the mean over particles
alone. Their scatter between two runs of the same law is as large as most errors, so they are
printed for comparison; the statistics over all time origins are the ones to judge by.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.analysis.metric import Compared, Metric, Sample, Statistic, curve, missing
from pipeline.analysis.rdf import rdf
from pipeline.analysis.uncertainty import gather

NAMES = ("rdf_paper", "vacf_paper", "msd_paper")


def last_window(sample: Sample) -> dict[str, Metric]:
    """Groups rdf_paper, vacf_paper and msd_paper of the last run; the VACF is not normalised."""
    settings, label, run = sample.settings, sample.label, sample.parts[-1]
    count = settings.paper_window
    if not count:
        return {}
    if len(run.time) < count:
        reason = f"The paper's window is {count} snapshots and the last run has {len(run.time)}."
        return {name: missing(reason) for name in NAMES}
    columns = ("position", "path", "velocity", "seen", "free", "time")
    run = replace(run, **{name: getattr(run, name)[-count:] for name in columns})
    lag = np.arange(count)
    both = run.free & run.free[0]
    if not both[1:].any():
        reason = "No free particle is present at two times of the paper's window."
        return {name: missing(reason) for name in NAMES}
    moved = ((run.path - run.path[0]) ** 2).sum(axis=2)
    kept = (run.velocity * run.velocity[0]).sum(axis=2)
    number = gather(both.T.astype(float), label, sample.patches)
    found = {
        name: curve(gather(np.where(both, value, 0.0).T, label, sample.patches), number, lag=lag)
        for name, value in {"vacf_paper": kept, "msd_paper": moved}.items()
    }
    edges = settings.r_edges
    counts = rdf([run], settings.window, edges, label, settings.snapshots)
    found["rdf_paper"] = curve(*counts, r=(edges[1:] + edges[:-1]) / 2)
    return found


PAPER = Statistic(last_window, dict.fromkeys(NAMES, Compared()))
