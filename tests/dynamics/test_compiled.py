"""The compiled engine takes the path of the torch reference, and says what it leaves to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline import compiler, pairs, space
from pipeline.closures.reference import reference
from pipeline.dynamics import compiled, library
from pipeline.dynamics.compiled import unfit
from pipeline.dynamics.limits import UNLIMITED
from pipeline.dynamics.rollout import Rollout, rollout
from pipeline.dynamics.thermal import Conditions, Thermal
from pipeline.forcing import SampleFlow
from pipeline.metriplectic.presets import SPLINES
from pipeline.pairs import Coincident
from pipeline.trajectory import Box, Trajectory
from pipeline.units import ReducedUnits
from tests.dynamics.systems import conditions, gas, lattice
from tests.metriplectic.cases import CUTOFF, SURROUNDED, random_model, strengths

DT = 1e-3
FRAMES = 41
SIDES = {2: 8, 3: 5}
AROUND = {
    **SURROUNDED,
    "active": {**SPLINES, "bath": {"kind": "active"}},
    "walls": {**SPLINES, "external": {"kind": "walls", "reach": 1.5}},
}


def crystal(dimension: int, frames: int = FRAMES, open_box: bool = False) -> Trajectory:
    """A jittered lattice, hot and fast enough that every term counts, in reduced units."""
    side = SIDES[dimension]
    rng = np.random.default_rng(4)
    r = np.stack(np.meshgrid(*[np.arange(side)] * dimension), -1).reshape(-1, dimension)
    r = r + 0.3 * (rng.random(r.shape) - 0.5)
    window = lattice(frames)
    count = len(r)
    closed = (not open_box,) * dimension
    return window._replace(
        position=np.repeat(r[None], frames, 0),
        velocity=np.repeat(rng.normal(size=r.shape)[None], frames, 0),
        present=np.ones((frames, count), dtype=bool),
        driven=np.zeros((frames, count), dtype=bool),
        time=np.arange(frames) * DT,
        particle=np.arange(count) + 7,
        species=np.full(count, -1, dtype=np.int32),
        box=Box(np.full(dimension, float(side)), closed, np.zeros(dimension)),
        attributes={**window.attributes, "dt": DT},
    )


def led(window: Trajectory, speed: float = 3.0) -> Trajectory:
    """The first particles slide along x, unevenly; some others come and go."""
    row, frames = np.arange(6), len(window.time)
    way = speed * DT * np.arange(frames) + 0.02 * np.sin(np.arange(frames))
    window.driven[:, row] = True
    window.position[:, row, 0] += way[:, None]
    window.present[14:25, 20] = False
    window.present[:20, 31] = False
    return window


def with_attributes(window: Trajectory, **added) -> Trajectory:
    return window._replace(attributes={**window.attributes, **added})


def settings(window: Trajectory, **changes) -> Conditions:
    count = len(window.particle)
    z = np.random.default_rng(2).normal(size=count)
    strength = strengths(count).numpy()
    made = Conditions(ReducedUnits(1.0, 1.0), z, temperature=1.3, strength=strength)
    return replace(made, **changes)


def surroundings(kind: str, dimension: int) -> torch.nn.Module:
    closures = {**AROUND[kind], "pair_energy": {"kind": "splines"}}
    if "external" in closures:
        # Some particles are beyond the ends, where potentials go straight on.
        ends = {"low": (0.3,) * dimension, "high": (SIDES[dimension] - 1.3,) * dimension}
        closures["external"] = {**closures["external"], **ends}
        if closures["external"]["kind"] != "field":
            closures["external"]["axes"] = tuple(range(dimension))
    made = random_model(kind, dimension, closures=closures)
    if kind == "active":
        made.bath.start(-0.3, noise=0.8)
    return made


def stream(window: Trajectory) -> SampleFlow:
    """A medium whose flow changes along the window."""
    powers = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 2.0]])
    values = np.random.default_rng(3).normal(size=(5, 4, 2))
    times = np.linspace(window.time[0], window.time[-1], 5)
    return SampleFlow(times, powers, values, np.full(2, 4.0), np.full(2, 4.0))


def undeformed(dimension: int):
    side = float(SIDES[dimension])
    axis = torch.arange(side, dtype=torch.float64)
    box, reach = space.periodic((side,) * dimension), 1.05 * CUTOFF
    sites = torch.cartesian_prod(*[axis] * dimension)
    # In the order of `crystal`, whose first index runs along y.
    order = torch.from_numpy(
        np.stack(np.meshgrid(*[np.arange(side)] * dimension), -1).reshape(-1, dimension)
    )
    assert len(order) == len(sites)
    return reference(pairs.find(order, box, reach), reach, box)


GREEN = {"kind": "taylor_green", "amplitude": 3.0, "wave": [0.8, 0.7, 0.9]}


def case(name: str):
    """Window, model and conditions of a row of the table."""
    if name in ("fluid in 2D", "fluid in 3D"):
        window = crystal(3 if "3D" in name else 2)
        return window, random_model("splines", window.dimension), settings(window)
    if name == "gas in 3D, forced":
        window = with_attributes(crystal(3), force=GREEN)
        return window, random_model("ideal_gas", 3), settings(window, strength=None)
    if name == "led, come and go":
        window = led(crystal(2))
        return window, random_model("splines", 2), settings(window, substeps=3)
    if name == "open field, led":
        window = led(crystal(2, open_box=True))
        return window, random_model("splines", 2), settings(window)
    if name == "sheared":
        window = with_attributes(crystal(2), shear_rate=2.0)
        window = window._replace(time=window.time + 0.7)
        window.velocity[..., 1] -= 1.0  # across the edge where images slide
        return window, random_model("splines", 2), settings(window)
    if name == "solid":
        window = crystal(2)
        conditions = settings(window, reference=undeformed(2))
        return window, random_model("splines_solid", 2), conditions
    if name == "no gate":
        window = crystal(2)
        return window, random_model("splines", 2), settings(window, gate=None)
    if name == "two runs":
        window = crystal(2)
        window.run[20:] = 1
        return window, random_model("splines", 2), settings(window)
    kind, _, dimension = name.partition(" around, ")
    window = crystal(int(dimension[0]), open_box=True)
    if dimension == "2D":
        window = led(window)
    flow = stream(window) if kind != "brownian" and dimension == "2D" else None
    return window, surroundings(kind, window.dimension), settings(window, flow=flow, substeps=2)


QUICK = (
    "fluid in 2D",
    "gas in 3D, forced",
    "led, come and go",
    "sheared",
    "solid",
    "surrounded around, 2D",
    "brownian around, 2D",
)
SLOW = (
    "fluid in 3D",
    "open field, led",
    "no gate",
    "two runs",
    "bath around, 2D",
    "active around, 2D",
    "walls around, 2D",
    "surrounded around, 3D",
    "brownian around, 3D",
)
TABLE = (*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW))


def both(window: Trajectory, model, conditions: Conditions, seed: int = 3):
    """By torch and by the compiled engine."""
    done = tuple(
        rollout(window, model, replace(conditions, compiled=choice), seed, progress=False)
        for choice in (False, True)
    )
    assert [x.engine for x in done] == ["torch", "compiled"]
    return done


def gap(theirs: np.ndarray, ours: np.ndarray) -> float:
    """Largest difference in units of the scatter, or of a thousandth of one where that is less."""
    assert np.array_equal(np.isnan(theirs), np.isnan(ours))
    seen = ours[~np.isnan(ours)]
    return float(np.nanmax(np.abs(theirs - ours)) / max(seen.std(), 1e-3)) if len(seen) else 0.0


def agree(theirs: Rollout, ours: Rollout, tolerance: float) -> None:
    assert theirs.stopped == ours.stopped
    for name in ("position", "velocity"):
        a, b = (getattr(x.trajectory, name) for x in (theirs, ours))
        assert gap(a, b) < tolerance, name
    for name, value in theirs.trajectory.extra.items():
        assert gap(value, ours.trajectory.extra[name]) < tolerance, name
    for name, value in theirs.observables.items():
        assert gap(value, ours.observables[name]) < 10 * tolerance, name


@pytest.mark.parametrize("name", TABLE)
def test_the_engine_follows_the_reference(name: str) -> None:
    window, model, conditions = case(name)
    theirs, ours = both(window, model, conditions)
    assert theirs.stopped == ""
    moved = ours.trajectory.position[-1] - ours.trajectory.position[0]
    assert np.abs(moved[ours.trajectory.present[[0, -1]].all(0)]).max() > 0.01 * CUTOFF
    agree(theirs, ours, 1e-9)


@pytest.mark.slow
def test_hundreds_of_steps_end_at_the_same_place() -> None:
    agree(*both(lattice(300), gas(), conditions()), 1e-8)


@pytest.mark.parametrize("speed", [1e-6, 1.0])
def test_both_stop_for_the_same_reason(speed: float) -> None:
    window = lattice(40)
    if speed == 1.0:  # hot friction
        theirs, ours = both(window, gas(friction=30.0), conditions(gate=None))
    else:
        limits = UNLIMITED._replace(speed=speed)
        theirs, ours = both(window, gas(), conditions(limits=limits))
    assert theirs.stopped
    agree(theirs, ours, 1e-9)


def test_particles_at_one_place_are_named() -> None:
    window = lattice(5)
    window.position[:, 4] = window.position[:, 9]
    with pytest.raises(Coincident, match=r"Particles (4 and 9|9 and 4) sit on each other"):
        rollout(window, gas(), conditions(), 0, progress=False)


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("networks", {}, "has no NetworkVolume"),
        ("splines", {"integrator": "euler"}, "has no euler integrator"),
    ],
)
def test_what_the_engine_cannot_do_goes_to_torch(kind, changes, words, capsys) -> None:
    compiled.say.cache_clear()
    window = crystal(2, frames=2)
    chosen = settings(window, **changes)
    assert words in unfit(Thermal(random_model(kind, 2), chosen))
    done = rollout(window, random_model(kind, 2), chosen, 0, progress=False)
    assert done.engine == "torch"
    assert words in capsys.readouterr().err


@pytest.fixture
def unloaded():
    """As a process begins: the engine not loaded, nothing said."""
    library.library.cache_clear()
    compiled.say.cache_clear()
    yield
    library.library.cache_clear()


@pytest.mark.parametrize(
    ("command", "words"), [("no-such-compiler", "install g++"), ("false", "did not compile")]
)
def test_without_a_compiler_torch_goes_on_and_says_so(
    monkeypatch, capsys, tmp_path, unloaded, command, words
) -> None:
    monkeypatch.setenv("CXX", command)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done = rollout(lattice(3), gas(), conditions(), 0, progress=False)
    assert done.engine == "torch"
    assert words in capsys.readouterr().err


def test_where_nothing_can_be_kept_the_engine_lives_as_long_as_the_process(
    monkeypatch, tmp_path, unloaded
) -> None:
    kept, asked = library._made(compiler.cache()), []

    def made(folder):
        asked.append(folder)
        if folder == tmp_path / "file" / "metriplex":
            folder.mkdir(parents=True)  # below a file
        return kept

    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(library, "_made", made)
    assert rollout(lattice(3), gas(), conditions(), 0, progress=False).engine == "compiled"
    assert len(asked) == 2
