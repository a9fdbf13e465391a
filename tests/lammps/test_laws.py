"""Laws of the plugin whatever the number of ranks: momentum, energy, one path, restarts."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from pipeline.lammps import run
from tests.lammps.systems import by_plugin, crystal, dumped, restarted
from tests.metriplectic.cases import random_model

STEPS, FEW, DT = 100, 25, 1e-2


# More ranks than cores wait for each other most of the time: of those the first few steps.
FOUR = pytest.param(4, marks=pytest.mark.slow)


@pytest.fixture(scope="module")
def on(tmp_path_factory, plugin):
    """``on(ranks)``: the same noisy run on any number of them, path and table of totals.

    Long enough steps that particles cross the faces of the box and of the ranks.
    """

    @cache
    def made(ranks: int):
        folder = tmp_path_factory.mktemp(f"ranks{ranks}")
        model, system = random_model("splines", 2), crystal(2, strong=True)
        steps = STEPS if ranks <= 2 else FEW
        path = by_plugin(folder, plugin, model, system, steps, ranks=ranks, dt=DT)
        return path, run.thermo(folder / "log.lammps")

    return made


@pytest.mark.parametrize("ranks", [1, 2, FOUR])
def test_momentum_is_kept_to_round_off_in_every_step(on, ranks):
    v = on(ranks)[0].v
    change = np.abs(np.diff(v.sum(1), axis=0)).max()
    assert np.abs(np.diff(v, axis=0)).max() > 1e-3  # there is noise
    assert change < 1e-12 * np.abs(v).sum(1).max()


@pytest.mark.parametrize("ranks", [2, FOUR])
def test_any_number_of_ranks_prints_the_same_totals(on, ranks):
    (_, one), (path, many) = on(1), on(ranks)
    one = one[: len(many)]
    assert len(one) == len(path.r) == (STEPS if ranks == 2 else FEW) + 1
    for faces in (9.0, 4.5):
        assert np.ptp(np.floor(path.r / faces), axis=0).max() > 0
    # Round-off grows tenfold in about 50 steps: 1e-14 here, 1e-9 after 400.
    for name in one:
        assert np.allclose(many[name], one[name], rtol=1e-11, atol=1e-11 * np.abs(one[name]).max())


def test_thermo_prints_the_energies_of_the_model(on):
    table = on(1)[1]
    assert np.allclose(table["TotEng"], table["KinEng"] + table["PotEng"], rtol=1e-12)
    change = table["TotEng"] - table["TotEng"][0]
    assert np.abs(change).max() < 0.03 * table["KinEng"].mean()
    assert table["KinEng"].std() > 0.05 * table["KinEng"].mean()


@pytest.mark.slow
def test_ranks_without_particles_do_no_harm(tmp_path, plugin):
    model, system = random_model("splines", 2), crystal(2)
    wide = system._replace(space=system.space.__class__((40.0, 40.0)), r=system.r + 1.0)
    one = by_plugin(tmp_path, plugin, model, wide, 5)
    four = by_plugin(tmp_path, plugin, model, wide, 5, ranks=4)
    assert np.allclose(one.v, four.v, atol=1e-11)


@pytest.mark.parametrize("kind", ["restart", "data"])
def test_a_restarted_run_continues_the_path(tmp_path, plugin, kind):
    model, system = random_model("splines", 2), crystal(2, strong=True)
    whole = by_plugin(tmp_path, plugin, model, system, 10)
    restarted(tmp_path, kind, 4, 10)
    rest = dumped(tmp_path / "rest.dump", system)
    for name in ("v", "S", "T"):
        assert np.allclose(getattr(rest, name), getattr(whole, name)[4:], atol=1e-11)
