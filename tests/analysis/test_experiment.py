"""The experiment by jobs is that of one, and separates itself from itself."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.experiment import Experiment, noise_floors
from pipeline.analysis.microscope import blur
from pipeline.analysis.plan import Period, plan
from pipeline.analysis.runs import Share
from pipeline.analysis.settings import Statistics
from pipeline.analysis.statistics import COUNTINGS, measure, read_counts, write_counts
from tests.analysis.test_comparison import walk
from tests.analysis.test_statistics import liquid


@pytest.mark.parametrize("jobs", [2, 5, 40])
def test_what_jobs_count_by_blocks_of_time_is_what_one_counts(recording, tmp_path, jobs):
    generator = np.random.default_rng(2)
    first = liquid(recording, 48, 300)
    present = generator.uniform(size=first.present.shape) > 0.1
    trajectory = first._replace(
        present=present,
        run=np.repeat([0, 1], [17, 31]).astype(np.int32),
        velocity=generator.standard_normal(first.velocity.shape),
    )
    period = Period(7.5, 0.03, "given", "")
    settings = plan(trajectory, 1.0, Statistics(snapshots=20, origins=13, lag=4), period)
    judging = Experiment(trajectory, trajectory, settings)
    one = judging.measure()
    paths = [tmp_path / f"{k}.h5" for k in range(jobs)]
    for k, path in enumerate(paths):
        counted = judging.count(share=Share(k, jobs))
        write_counts(path, counted, {"source": "experiment"})
    counted = read_counts(paths, source="experiment")
    shared = judging.measure(counted=counted)
    assert {name for name in one if not one[name].missing} >= set(COUNTINGS)
    assert one.keys() == shared.keys()
    for name, metric in one.items():
        assert metric.data.keys() == shared[name].data.keys(), name
        assert metric.attributes.keys() == shared[name].attributes.keys()
        for key, said in metric.attributes.items():
            same = said if isinstance(said, str) else pytest.approx(said, rel=1e-9, nan_ok=True)
            assert shared[name].attributes[key] == same, (name, key)
        for key, value in metric.data.items():
            np.testing.assert_allclose(shared[name].data[key], value, 1e-9, 1e-9, err_msg=name)


def test_the_map_cannot_overlap_more_than_with_itself_seen_again(recording):
    trajectory = walk(recording, 1)
    settings = plan(trajectory, 1.0, Statistics(r_max=4.0, snapshots=10, origins=20))
    found = measure(trajectory, settings)
    assert "d2min_map_top5" not in noise_floors(found).attributes
    overlap = []
    for sigma in (0.02, 0.2):
        again = measure(blur(trajectory, sigma, np.random.default_rng(0)), settings)
        overlap.append(noise_floors(found, again).attributes["d2min_map_spearman"])
    assert 1.0 > overlap[0] > overlap[1] > 0.0
