"""Star polymers: the molecules put in, the melt that comes out, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.spatial import cKDTree

from pipeline.analysis.correlations import squared_displacements, velocity_products
from pipeline.analysis.runs import runs
from pipeline.lammps import run
from pipeline.simulate import star_polymer
from pipeline.simulate.replicated import StarPolymer

# The paper's density with fewer molecules: seconds instead of minutes.
SMALL = StarPolymer(polymers=300, length=20.2, frames=1200, equilibration=40.0)


@pytest.fixture(scope="module")
def melt():
    return star_polymer.simulate(SMALL, seed=1)


def test_cores_keep_their_distance_across_the_boundary():
    centres = star_polymer.cores(400, 12.0, np.random.default_rng(0))
    nearest = cKDTree(centres, boxsize=12.0).query(centres, k=2)[0][:, 1]
    assert nearest.min() >= star_polymer.APART * 12.0 / 400 ** (1 / 3)


def test_arms_are_chains_from_the_core_of_bonds_at_rest(tmp_path):
    path, rng = tmp_path / "melt.data", np.random.default_rng(0)
    centres = np.array([[1.0, 2.0, 3.0], [9.0, 9.0, 9.0]])
    star_polymer.write(path, centres, 20.0, (10, 5), rng)
    _, _, rest = path.read_text().partition("Atoms # bond")
    atoms, _, bonds = rest.partition("Bonds")
    atom = np.array([line.split() for line in atoms.split("\n") if line], float)
    bond = np.array([line.split() for line in bonds.split("\n") if line], int)[:, 2:] - 1
    assert len(atom) == 2 * 51
    assert len(bond) == 2 * 50
    length = np.linalg.norm(atom[bond[:, 0], 3:] - atom[bond[:, 1], 3:], axis=1)
    assert length == pytest.approx(star_polymer.BOND)
    assert (atom[bond[:, 0], 1] == atom[bond[:, 1], 1]).all()
    # Ten bonds at each core, one at each end of an arm, two at every other bead.
    assert sorted(np.bincount(bond.ravel())) == [1] * 20 + [2] * 80 + [10] * 2
    assert (atom[np.bincount(bond.ravel()) == 10, 2] == 1).all()


@pytest.mark.slow
def test_centres_of_mass_are_at_temperature_one_and_do_not_drift(melt):
    kinetic = melt.attributes["mass"] * melt.velocity.var()
    assert kinetic == pytest.approx(1.0, abs=0.03)
    assert np.abs(melt.velocity.mean(axis=1)).max() < 1e-12
    half = len(melt.time) // 2
    first, second = (melt.velocity[rows].var() for rows in (slice(0, half), slice(half, None)))
    assert first == pytest.approx(second, rel=0.04)


@pytest.mark.slow
def test_positions_follow_the_velocities_inside_the_box(melt):
    assert (melt.position >= 0).all()
    assert (melt.position < melt.box.lengths).all()
    step = np.diff(melt.position, axis=0)
    step -= melt.box.lengths * np.round(step / melt.box.lengths)
    mean = 0.5 * (melt.velocity[1:] + melt.velocity[:-1]) * melt.dt
    assert np.abs(step - mean).max() < 0.05 * np.abs(step).max()


@pytest.mark.slow
def test_molecules_stand_where_the_paper_has_them(melt):
    """First peak of g(r), 1.97 at 2.9 sigma, from distances counted here."""
    edges = np.linspace(0, 8, 81)
    found = np.zeros(80)
    snapshots = melt.position[:: len(melt.time) // 60]
    for position in snapshots:
        tree = cKDTree(position, boxsize=melt.box.lengths)
        found += np.diff(tree.count_neighbors(tree, edges))
    shells = 4 / 3 * np.pi * np.diff(edges**3) * melt.number_density()
    g = found / (len(snapshots) * melt.position.shape[1] * shells)
    assert g[:15].max() < 0.05
    assert 0.5 * (edges[1:] + edges[:-1])[g.argmax()] == pytest.approx(2.9, abs=0.15)
    assert g.max() == pytest.approx(1.97, rel=0.05)


@pytest.mark.slow
def test_diffusion_from_velocities_is_that_from_displacements(melt):
    """Green-Kubo against Einstein, and the 0.107 sigma^2 / tau of three melts of 1000 molecules
    over 75 tau; 300 over 30 tau scatter by 6 %."""
    parts, lag = runs(melt), np.arange(0, 301)
    total, origins = velocity_products(parts, lag)
    green_kubo = trapezoid(total.sum(0) / origins.sum(0), dx=melt.dt) / 3
    far = np.array([300, 600])
    total, origins = squared_displacements(parts, far)
    near, later = total.sum(0) / origins.sum(0)
    einstein = (later - near) / (6 * 300 * melt.dt)
    assert green_kubo == pytest.approx(einstein, rel=0.12)
    assert green_kubo == pytest.approx(0.107, rel=0.15)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"dt": 0.012}, "multiple of the resolved time step"),
        ({"length": 200.0}, "density of beads"),
    ],
)
def test_settings_that_cannot_be_simulated_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        SMALL.replace(**wrong)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    """Ended in the middle of its record it comes out the same, and no piece is run twice."""
    tiny = StarPolymer(polymers=30, length=9.4, frames=31, equilibration=0.5)
    monkeypatch.setattr(star_polymer, "PIECE", 50.0 * 30 * tiny.mass)
    whole = star_polymer.simulate(tiny, 3, tmp_path / "whole")
    lammps, begun = run.run, []

    def interrupted(folder, script, log, **given):
        begun.append(log)
        path = lammps(folder, script, log=log, **given)
        if begun[-1] == "record1.log" and begun.count("record1.log") == 1:
            raise KeyboardInterrupt
        return path

    monkeypatch.setattr(run, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        star_polymer.simulate(tiny, 3, tmp_path / "torn")
    torn = star_polymer.simulate(tiny, 3, tmp_path / "torn")
    pieces = ["melt0", "relax0", "relax1", "record0", "record1", "record1", "record2"]
    assert begun == [f"{piece}.log" for piece in pieces]
    assert np.array_equal(torn.position, whole.position)
    assert np.array_equal(torn.velocity, whole.velocity)
    other = star_polymer.simulate(tiny, 4, tmp_path / "torn")
    assert not np.array_equal(other.position[0], whole.position[0])


def test_pieces_join_without_a_seam(tmp_path, monkeypatch):
    """Where one ends and the next begins, energy is the same and molecules move by v dt."""
    tiny = StarPolymer(polymers=30, length=9.4, frames=31, equilibration=0.5)
    monkeypatch.setattr(star_polymer, "PIECE", 50.0 * 30 * tiny.mass)
    made = star_polymer.simulate(tiny, 3, tmp_path)
    logs = [run.thermo(tmp_path / f"record{k}.log")["TotEng"] for k in range(3)]
    assert logs[0].iloc[-1] == pytest.approx(logs[1].iloc[0], abs=1e-6)
    assert logs[1].iloc[-1] == pytest.approx(logs[2].iloc[0], abs=1e-6)
    step = np.diff(made.position, axis=0)
    step -= made.box.lengths * np.round(step / made.box.lengths)
    mean = 0.5 * (made.velocity[1:] + made.velocity[:-1]) * made.dt
    assert len(step) == 30
    assert np.abs(step - mean).max() < 0.05 * np.abs(step).max()


def test_a_box_too_full_for_another_core_is_refused(monkeypatch):
    monkeypatch.setattr(star_polymer, "APART", 1.5)
    with pytest.raises(ValueError, match="No place was found for core"):
        star_polymer.cores(60, 10.0, np.random.default_rng(0))
