"""A training that starts from the regression, beside one that does not."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import graphs
from pipeline.learn.settings import Training
from pipeline.learn.task import prepare
from pipeline.split import Split
from tests.dynamics.systems import CUTOFF, LENGTH, simulated


def test_start_explains_what_the_regression_explains() -> None:
    window = simulated(30).trajectory
    near = graphs.build(window, CUTOFF * LENGTH)
    settings = Training(
        split=Split(train=0.5, validation=0.2), precision="float64", heat_capacity=30.0
    )
    nll = {}
    for choice in (True, False):
        task = prepare(window, near, settings.replace(warm_start=choice), 0)
        times = task.sample.times[:5]
        item = (task.snapshots.batch(times), task.snapshots.after(times))
        batch = type("Item", (), {"now": item[0], "after": item[1]})
        nll[choice] = float(task.learner.terms(batch)["nll"])
    assert nll[True] == pytest.approx(nll[False], abs=2.0)
    assert np.isfinite(nll[True])
    assert nll[True] < nll[False] + 0.1
