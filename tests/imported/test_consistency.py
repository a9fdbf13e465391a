"""Whatever the format: clean files enter, and files that contradict themselves are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.imported.written import (
    FORMATS,
    LENGTHS,
    apart,
    dump,
    extended,
    few,
    langevin,
    read,
    seeds,
    xyz,
)

frictions = st.sampled_from([0.0, 0.3, 1.0, 5.0, 30.0])


@few
@given(
    seed=seeds, friction=frictions, speed=st.floats(0.01, 0.75), name=st.sampled_from([*FORMATS])
)
def test_clean_files_enter_as_they_were_written(tmp_path, seed, friction, speed, name):
    r, v = langevin(seed, friction, speed)
    path = FORMATS[name](tmp_path / name, r % LENGTHS, v)
    found = read(path, dt=1.0)
    assert len(found.attributes["warnings"]) == (name == "a.trr")  # it says 0.5 ps
    centre = 0.5 * LENGTHS if name == "a.gsd" else 0.0
    assert apart(found.position + centre, r, LENGTHS) < 0.01
    assert found.velocity == pytest.approx(v, abs=0.01)
    differences = read(path, dt=1.0, velocities="difference")
    assert differences.velocity[1:] == pytest.approx(np.diff(r, axis=0), abs=0.02)


@few
@given(
    seed=seeds,
    friction=st.sampled_from([0.0, 0.3, 0.8]),
    factor=st.sampled_from([1e-3, 0.01, 0.1, 0.5, 2.0, 5.0, 20.0, 1e3]),
    name=st.sampled_from([*FORMATS]),
)
def test_a_wrong_interval_contradicts_the_velocities(tmp_path, seed, friction, factor, name):
    r, v = langevin(seed, friction)
    path = FORMATS[name](tmp_path / name, r % LENGTHS, v)
    with pytest.raises(ValueError, match=rf"over dt = {factor:g} makes .* velocities are 0\.[3-8]"):
        read(path, dt=factor)


@few
@given(seed=seeds, factor=st.floats(1e-3, 0.5), name=st.sampled_from([*FORMATS]))
def test_nobody_diffuses_faster_than_he_moves(tmp_path, seed, factor, name):
    """Velocities are forgotten within the interval, and still bound the displacement."""
    r, v = langevin(seed, 30.0, 1.0)
    path = FORMATS[name](tmp_path / name, r % LENGTHS, v)
    assert read(path, dt=1.0).attributes["velocity"] == "measured"
    with pytest.raises(ValueError, match="do not go along with the velocities"):
        read(path, dt=0.2 * factor)


SPOILT = {
    "others": lambda v: v[:, ::-1],
    "axes": lambda v: v[..., [1, 2, 0]],
    "sign": lambda v: -v,
    "late": lambda v: np.roll(v, 20, axis=0),
    "factor": lambda v: 1.4 * v,
}


@few
@given(seed=seeds, how=st.sampled_from([*SPOILT]), name=st.sampled_from([*FORMATS]))
def test_velocities_that_are_not_those_of_the_steps_are_refused(tmp_path, seed, how, name):
    """Motion that lasts over several intervals says itself how fast it is."""
    r, v = langevin(seed, 0.1, frames=40)
    path = FORMATS[name](tmp_path / name, r % LENGTHS, SPOILT[how](v))
    with pytest.raises(ValueError, match=r"set imported\.velocities: difference"):
        read(path, dt=1.0)


@few
@given(seed=seeds, heat=st.floats(0.5, 4.0))
def test_velocities_may_fluctuate_beside_a_motion_that_lasts(tmp_path, seed, heat):
    """Swimmers in a liquid: what is recorded at a moment is mostly thermal."""
    r, v = langevin(seed, 0.02, frames=30)
    thermal = heat * np.random.default_rng(seed).standard_normal(v.shape)
    path = extended(tmp_path / "a.xyz", r % LENGTHS, v + thermal)
    assert read(path, dt=1.0).attributes["velocity"] == "measured"


@few
@given(
    early=st.integers(1, 99),
    gaps=st.lists(st.integers(1, 13), max_size=3),
    dt=st.floats(1e-3, 1e3),
)
def test_the_interval_is_that_of_most_snapshots(tmp_path, early, gaps, dt):
    r, _ = langevin(1, 1.0, 0.1)
    steps = np.concatenate([[0], early + 100 * np.arange(len(r) - 1)])
    for gap in gaps:
        steps[gap + 1 :] += 130
    path = dump(tmp_path / "a.lammpstrj", r % LENGTHS, steps=steps.tolist())
    found = read(path, dt=dt)
    assert found.time == pytest.approx(steps * dt / 100)
    assert found.successive().tolist() == (np.diff(steps) == 100).tolist()
    assert f"{1 + len(set(gaps))} of 14 intervals" in found.attributes["warnings"][0]
    assert not found.present[1:][~found.successive()].any()


def test_the_same_particles_in_every_snapshot(tmp_path):
    r, _ = langevin(4, 1.0)
    text = dump(tmp_path / "a.lammpstrj", r % LENGTHS).read_text()
    head, *snapshots = text.split("ITEM: TIMESTEP\n")
    for was, now, said in (
        ("\n7 1 ", "\n99 1 ", "not the same in snapshot 2"),
        ("\n7 1 ", "\n8 1 ", "two particles of id 8 in snapshot 2"),
    ):
        changed = [s.replace(was, now, 1) if k == 2 else s for k, s in enumerate(snapshots)]
        path = tmp_path / "b.lammpstrj"
        path.write_text("ITEM: TIMESTEP\n".join([head, *changed]))
        with pytest.raises(ValueError, match=said):
            read(path, dt=1.0)
    mixed = xyz(
        tmp_path / "a.xyz", r % LENGTHS, f'Lattice="{" ".join(map(str, np.diag(LENGTHS).ravel()))}"'
    )
    lines = mixed.read_text().split("\n")
    lines[2] = lines[2].replace("A", "B")
    lines[len(r[0]) + 2 + 5] = lines[len(r[0]) + 2 + 5].replace("A", "B")
    mixed.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"row . is of another species in snapshot 1"):
        read(mixed, dt=1.0)


def test_nothing_that_moves_and_snapshots_written_twice(tmp_path):
    r, _ = langevin(5, 1.0)
    with pytest.raises(ValueError, match=r"No particle of a\.lammpstrj moves in 15 snapshots"):
        read(dump(tmp_path / "a.lammpstrj", np.repeat(r[:1], 15, axis=0) % LENGTHS), dt=1.0)
    twice = r[[0, 1, 2, 2, *range(3, 15)]]
    found = read(dump(tmp_path / "a.lammpstrj", twice % LENGTHS), dt=1.0)
    assert "1 of 15 snapshots repeat the positions" in found.attributes["warnings"][0]
