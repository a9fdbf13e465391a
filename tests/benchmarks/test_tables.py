"""The tables: systems with structure, and a line for every stage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from benchmarks import rollout, training
from benchmarks.stages import table
from benchmarks.systems import ideal_gas


def test_the_gas_has_structure() -> None:
    gas = ideal_gas()
    last = gas.trajectory.position[-1] % 1.0
    nearest = cKDTree(last, boxsize=1.0).query(last, k=2)[0][:, 1]
    assert nearest.min() > 0.01
    assert np.ptp(gas.trajectory.extra["temperature"][-1]) > 0


@pytest.mark.slow
@pytest.mark.parametrize("what", [training, rollout])
def test_splines_are_far_faster_than_nested_autograd(what) -> None:
    times = what.measure(ideal_gas(), repeats=1)
    # The goal is a factor of 10; one measurement on a busy machine is held to less.
    assert times["splines"] < times[what.NESTED] / 5


def test_stages_are_read_from_the_files_of_snakemake(tmp_path) -> None:
    folder = tmp_path / "some" / "benchmarks"
    folder.mkdir(parents=True)
    head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    (folder / "long.tsv").write_text(head + "12.5\t0:00:12\t300.2\t1\t1\t1\t1\t1\t1\t10.0\n")
    (folder / "short.tsv").write_text(head + "0.1\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n")
    lines = table(tmp_path).splitlines()
    assert lines[0].startswith("stages of results/some")
    assert lines[1].split() == ["long", "12.5", "10.0", "300"]
    assert lines[2].split() == ["short", "0.1", "nan", "nan"]
