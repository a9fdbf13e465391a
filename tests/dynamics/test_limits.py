"""A rollout that leaves what the model knows ends with a sentence."""

from __future__ import annotations

from pipeline.dynamics.limits import Limits
from pipeline.dynamics.rollout import rollout
from tests.dynamics.systems import conditions, gas, lattice

T = 1e-3


def test_stops_with_a_sentence_and_keeps_what_it_has(tmp_path) -> None:
    narrow = Limits((-1.0, 1.0), (0.1, 3.0), (T / 2, 2 * T), speed=0.03, heat_capacity=20.0)
    hot = lattice(50)
    hot.velocity[:] *= 4.0
    done = rollout(hot, gas(), conditions(limits=narrow), 0, progress=False)
    assert "speed" in done.stopped
    assert done.stopped.startswith("Stopped after")
    count = len(done.trajectory.time)
    assert count < 50
    assert all(len(value) == count for value in done.observables.values())


def test_unstable_friction_is_refused() -> None:
    done = rollout(lattice(5), gas(friction=30.0), conditions(gate=None), 0, progress=False)
    assert "friction" in done.stopped
