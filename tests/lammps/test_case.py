"""A rollout takes the same path in LAMMPS as in Python: driven, forced, between sliding images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.conservation import conservation
from pipeline.dynamics.rollout import Rollout
from pipeline.lammps import case, parity
from pipeline.lammps.export import of_learned
from pipeline.lammps.settings import Lammps
from pipeline.learn.trained_model import Learned
from pipeline.metriplectic.presets import SPLINES, Closures
from pipeline.trajectory import Box, Trajectory
from tests.dynamics.systems import LENGTH, TIME, lattice
from tests.metriplectic.cases import random_model

FRAMES, SUBSTEPS, SEED = 12, 3, 4
FORCE = {"kind": "taylor_green", "amplitude": 0.02, "wave": [np.pi / 8, np.pi / 4]}


def swaying() -> Trajectory:
    """An open field whose lower two rows sway and whose highest row is sometimes lost."""
    window, t = lattice(FRAMES, temperature=0.01), np.arange(FRAMES)
    position, driven, present = (x.copy() for x in (window.position, window.driven, window.present))
    driven[:, :16] = driven[:, 56:] = True
    present[:, -3], present[5, -2] = False, False
    position[:, :16, 0] += (0.1 * np.sin(t))[:, None] * LENGTH
    velocity = np.where(driven[..., None], 0.0, window.velocity)
    velocity[1:, :16] = np.diff(position[:, :16], axis=0) / TIME
    box = Box(window.box.lengths, (False, False), np.zeros(2))
    return window._replace(
        position=position, velocity=velocity, driven=driven, present=present, box=box
    )


SIDE = 8.0  # of the lattice
WALLS = {
    "kind": "walls",
    "low": (-0.4,) * 2,
    "high": (SIDE - 0.6,) * 2,
    "axes": (0, 1),
    "reach": 2.0,
}
FIELD = {"kind": "field", "low": (0.0, 0.0), "high": (SIDE, SIDE), "intervals": 5}
SURROUNDINGS: dict[str, Closures] = {
    "nothing": {},
    "attraction in a trap": {"external": FIELD, "pair_energy": {"kind": "splines"}},
    "stream": {"bath": {"kind": "crowded", "rate": 0.6, "conductance": 0.3}},
    "liquid": {"bath": {"kind": "brownian"}, "friction": {"kind": "none"}, "external": WALLS},
    "air": {"bath": {"kind": "active"}, "external": WALLS},
}


def learned(around: str = "nothing") -> Learned:
    """A model as if it had been trained on the lattice."""
    closures = {**SPLINES, **SURROUNDINGS[around]}
    model = random_model("splines", 2, temperature=0.003, volume=0.9, closures=closures)
    if around == "air":
        model.bath.start(-0.2, noise=1e-4)
    random = np.random.default_rng(1)
    labels = np.arange(64) + 100
    log_s = 0.1 * random.normal(size=64)
    scale = {"length": LENGTH, "time": TIME, "length_unit": "um", "time_unit": "s"}
    wide = [-1e9, 1e9]
    seen = {"S": wide, "V": wide, "T": wide, "mean_T": 0.003, "speed": 1e9, "heat_capacity": 1.0}
    record = {
        "units": scale,
        "seen": seen,
        "measured": {"thermal_period": None},
        "training": {"dataset": "gas", **BATHS.get(around, {})},
    }
    z = 0.1 * random.normal(size=64)
    return Learned(model, labels, z, labels, log_s, record)


BATHS = {
    "stream": {"bath": "crowded", "bath_flow": "sample"},
    "liquid": {"bath": "brownian", "bath_flow": "rest"},
}


def by_lammps(folder: Path, plugin: Path, window: Trajectory, model: Learned, ranks: int):
    begun = case.begin(window, model, SEED, SUBSTEPS)
    case.write(folder, begun, case.whole_window(begun, str(plugin)))
    return case.rollout(begun, folder, case.INPUT, ranks)


def open_lattice() -> Trajectory:
    """A closed container: nobody is driven, and the box has sides."""
    window = lattice(FRAMES, temperature=0.01)
    return window._replace(box=Box(window.box.lengths, (False, False), np.zeros(2)))


def forced(window: Trajectory) -> Trajectory:
    return window._replace(attributes={**window.attributes, "force": FORCE})


def sheared() -> Trajectory:
    """A drifting lattice between images that slide by more than a box, and are on their way."""
    window = lattice(FRAMES, temperature=0.01)
    velocity = window.velocity + np.array([0.0, -0.3]) * LENGTH / TIME
    attributes = {**window.attributes, "shear_rate": 0.3}
    return window._replace(velocity=velocity, time=window.time + 3.7, attributes=attributes)


def same(theirs: Rollout, ours: Trajectory, begun: case.Case) -> None:
    """Paths, entropies and everything logged agree; momentum less what was given is kept."""
    logged = begun.walk.log.arrays(ours.time, FRAMES)
    assert theirs.observables.keys() == logged.keys() - {"half_kick"}
    assert np.allclose(theirs.trajectory.position, ours.position, rtol=0, atol=1e-9)
    assert np.allclose(theirs.trajectory.velocity, ours.velocity, rtol=0, atol=1e-9)
    assert np.allclose(theirs.trajectory.extra["entropy"], ours.extra["entropy"], atol=1e-8)
    thermal = np.abs(logged["kinetic"]).max()
    for name in theirs.observables:
        # An active medium claims no entropy: it is NaN in both.
        scale = max(np.nan_to_num(np.abs(logged[name])).max(), 1e-3 * thermal)
        found = theirs.observables[name]
        assert np.allclose(found, logged[name], rtol=0, atol=1e-9 * scale, equal_nan=True), name
    assert conservation(theirs.observables)["momentum_drift"] < 1e-12


WINDOWS = {
    "driven": swaying,
    "forced": lambda: forced(lattice(FRAMES)),
    "driven and forced": lambda: forced(swaying()),
    "sheared": sheared,
}


@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize("ranks", [1, 2])
def test_particles_go_where_python_takes_them_and_what_drives_them_is_accounted(
    tmp_path, plugin, kind, ranks
):
    window, model = WINDOWS[kind](), learned()
    theirs = by_lammps(tmp_path, plugin, window, model, ranks)
    begun = case.begin(window, model, SEED, SUBSTEPS)
    same(theirs, parity.walked(begun, FRAMES), begun)
    given = theirs.observables["work"]
    assert np.abs(given).max() > 1e-3 * theirs.observables["kinetic"].mean()
    if "driven" in kind:
        assert begun.driven.sum() == 23
    if kind == "sheared":
        crossed = np.floor(theirs.trajectory.position[..., 1] / window.box.lengths[1])
        assert np.ptp(crossed, axis=0).max() > 0


IN = {
    "attraction in a trap": open_lattice,
    "stream": swaying,
    "liquid": open_lattice,
    "air": open_lattice,
}


@pytest.mark.parametrize("around", IN)
@pytest.mark.parametrize("ranks", [1, 2])
def test_what_surrounds_particles_does_so_alike_and_is_accounted(tmp_path, plugin, around, ranks):
    window, model = IN[around](), learned(around)
    theirs = by_lammps(tmp_path, plugin, window, model, ranks)
    begun = case.begin(window, model, SEED, SUBSTEPS)
    same(theirs, parity.walked(begun, FRAMES), begun)
    given = theirs.observables
    assert np.abs(given["impulse"]).max() > 5e-3 * given["kinetic"].mean()
    if around == "stream":
        assert begun.driven.sum() == 23
        assert np.abs(given["bath_work"]).max() > 1e-3 * given["kinetic"].mean()


def test_the_medium_of_another_sample_is_not_known():
    with pytest.raises(ValueError, match="flow of another sample is not known: train with"):
        of_learned(learned("stream"))


def test_the_table_keeps_its_bounds_and_would_show_another_model(tmp_path, plugin):
    window, model = swaying(), learned()
    made = by_lammps(tmp_path, plugin, window, model, 1).trajectory
    wanted = Lammps(steps=20, states=2)
    table = parity.compare(window, model, made, plugin, wanted, SUBSTEPS, SEED).set_index(
        "quantity"
    )
    assert (table["relative difference"] < 1e-9).all()
    assert "displacement after 7 snapshots (rms; difference in cutoffs)" in table.index
    other = parity.compare(window, model, made, plugin, wanted, SUBSTEPS, SEED + 1)
    assert (other["relative difference"] > other["bound"]).any()


def test_particles_that_come_and_go_are_refused():
    window = lattice(4)
    present = window.present.copy()
    present[2:, 0] = False
    with pytest.raises(ValueError, match=r"come and go .*rollout\.frames"):
        case.begin(window._replace(present=present), learned(), SEED, 1)


def test_two_zeros_do_not_differ():
    # The kinetic energy of a solid at rest.
    assert parity.apart(np.zeros(1), np.zeros(1)) == 0.0
    assert parity.apart(np.zeros(1), np.ones(1)) == np.inf
