"""The laws along a rollout: nothing to report where they hold, the planted drift where not."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from pipeline.analysis.conservation import balance, conservation, stopped


def observables(count=100, dimension=2, temperature=0.5):
    """A driven gas of equipartition: energy is work, momentum is impulse, entropy grows."""
    time = np.arange(51) * 0.1
    work = 3 * np.sin(time)
    impulse = np.stack([time**2] * dimension, axis=1)
    ones = np.ones(51)
    return {
        "time": time,
        "kinetic": ones * dimension * count * temperature / 2,
        "energy": 7 + work,
        "work": work,
        "momentum": 2 + impulse,
        "impulse": impulse,
        "entropy": count * 0.2 * time,
        "temperature": ones * temperature,
    }


def test_kept_laws_leave_no_drift():
    laws = conservation(observables())
    assert laws["energy_drift"] < 1e-14
    assert laws["momentum_drift"] < 1e-14
    np.testing.assert_allclose(laws["entropy_production"], 0.2)
    assert laws["entropy_decreases"] == 0.0
    assert all(isinstance(value, float) for value in laws.values())


def test_what_particles_lose_to_a_medium_is_no_fall_of_entropy():
    given = observables()
    given["bath_entropy"] = -given["entropy"] + 100 * 0.05 * given["time"]
    laws, left = conservation(given), balance(given)
    np.testing.assert_allclose(laws["entropy_production"], 0.05)
    assert laws["entropy_decreases"] == 0.0
    assert left.chance > 0.0 == balance(observables()).chance
    given["bath_entropy"] = np.full(51, np.nan)  # what is active has none
    np.testing.assert_allclose(conservation(given)["entropy_production"], 0.2)
    assert balance(given).chance == 0.0


def test_chance_is_what_springs_at_rest_change_by():
    """Energies of D velocities, D springs to the ground and D K modes: each is Boltzmann's."""
    rng, N, D, K, T = np.random.default_rng(0), 60, 2, 1, 0.5
    heat = T * 0.5 * rng.normal(size=(4000, N * D * (2 + K))) ** 2
    given = {name: np.full(4000, N * D * T / 2) for name in ("kinetic", "energy", "work")}
    still, given["time"] = np.zeros((4000, D)), np.arange(4000.0)
    given |= {"momentum": still, "impulse": still, "temperature": np.full(4000, T)}
    given |= {"entropy": np.zeros(4000), "bath_entropy": -heat.sum(1) / T}
    left = balance(given, modes=K)
    scatter = np.std(np.diff(left.entropy)[::2])
    assert left.chance == pytest.approx(2 * scatter, rel=0.05)


def test_a_drift_is_told_on_the_scale_of_the_motion():
    given = observables()
    given["energy"] = given["energy"] + 0.01 * 50 * given["time"]
    given["momentum"] = given["momentum"] + np.linspace(0, 1, 51)[:, None]
    laws = conservation(given)
    np.testing.assert_allclose(laws["energy_drift"], 0.01 * 5)
    np.testing.assert_allclose(laws["energy_drift_rate"], 0.01)
    # N m v_rms with <v^2> = D T / m
    np.testing.assert_allclose(laws["momentum_drift"], np.sqrt(2) / (100 * np.sqrt(2 * 0.5)))


def test_refuses_a_file_or_a_set_without_observables(tmp_path):
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    with pytest.raises(ValueError, match="not a rollout"):
        stopped(tmp_path / "empty.h5")
    given = observables()
    del given["work"]
    with pytest.raises(ValueError, match="lacks the observables work"):
        conservation(given)


def test_the_sums_are_those_of_the_balance():
    given = observables()
    given["energy"] = given["energy"] + np.linspace(0, 3, 51) ** 2
    left, laws = balance(given), conservation(given)
    assert laws["energy_drift"] == pytest.approx(9 / 50)
    assert left.energy[-1] == pytest.approx(9 / 50)
    assert left.drift == pytest.approx(laws["energy_drift_rate"] * 5.0)
