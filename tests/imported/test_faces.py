"""Faces of a box where positions and steps have them, or a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.imported.written import LENGTHS, WITHOUT_IDS, dump, few, langevin, read, seeds, walk, xyz


@few
@given(
    seed=seeds,
    factor=st.one_of(st.floats(0.4, 0.93), st.floats(1.1, 3.0)),
    name=st.sampled_from([*WITHOUT_IDS]),
)
def test_a_box_that_is_not_the_one_of_the_positions_is_refused(tmp_path, seed, factor, name):
    r, _ = langevin(seed, 0.3, 0.3, frames=40, count=60)
    path = WITHOUT_IDS[name](tmp_path / name, r % LENGTHS)
    assert read(path, dt=1.0, box=LENGTHS.tolist()).box.periodic == (True, True, True)
    with pytest.raises(ValueError, match=r"correct imported\.box"):
        read(path, dt=1.0, box=(LENGTHS * factor).tolist())


@few
@given(seed=seeds, factor=st.sampled_from([0.96, 0.98, 1.02, 1.04]), friction=st.floats(0, 0.01))
def test_where_steps_last_a_few_crossings_tell_the_box(tmp_path, seed, factor, friction):
    r, _ = langevin(seed, friction, 0.05, frames=20, count=60)
    path = dump(tmp_path / "a.lammpstrj", r % LENGTHS)
    assert read(path, dt=1.0).attributes["warnings"] == []
    with pytest.raises(ValueError, match=r"correct imported\.box"):
        read(path, dt=1.0, box=(LENGTHS * factor).tolist())


@few
@given(seed=seeds, name=st.sampled_from([*WITHOUT_IDS]))
def test_paths_that_go_on_across_faces_are_named_and_keep_their_steps(tmp_path, seed, name):
    r, _ = langevin(seed, 0.0, 0.75)
    steps = np.diff(r, axis=0)
    path = WITHOUT_IDS[name](tmp_path / name, r)
    found = read(path, dt=1.0)
    assert "boxes along x without a jump" in " ".join(found.attributes["warnings"])
    assert (found.position >= found.box.origin).all()
    assert found.velocity[1:] == pytest.approx(steps, abs=0.02)


def test_wrapped_positions_without_any_box_are_cut_where_they_jump(tmp_path):
    r, _ = langevin(3, 0.3, 0.03, frames=20)
    path = xyz(tmp_path / "a.xyz", r % LENGTHS, " i = {t}, time =   {t}.000, E = -17.16")
    found = read(path)
    assert found.dt == 1.0
    assert "the paths were cut there" in found.attributes["warnings"][0]
    step = np.diff(found.position, axis=0)[found.present[1:] & found.present[:-1]]
    assert np.abs(step).max() < 0.3
    assert found.present.sum() > 0.9 * r.shape[0] * r.shape[1]
    fast = xyz(tmp_path / "b.xyz", (20 * (r - r[0]) + r[0]) % LENGTHS, "Time={t}")
    with pytest.raises(ValueError, match=r"set imported\.box|write ids"):
        read(fast)


def test_few_digits_are_no_other_box(tmp_path):
    """Steps across a face that are rounded to nothing are none, and the others are too long."""
    rng = np.random.default_rng(0)
    steps = 0.05 * np.ones((30, 1, 1)) * rng.standard_normal((40, 3))
    path = (rng.random((40, 3)) * LENGTHS + np.cumsum(steps, axis=0)) % LENGTHS
    found = read(dump(tmp_path / "a.dump", np.round(path, 1)), dt=1.0)
    assert "are written in steps of 0.1" in " ".join(found.attributes["warnings"])


def test_unwrapped_steps_longer_than_half_the_box_are_refused(tmp_path):
    """All later stages go to the nearest image."""
    r = walk(width=0.3 * LENGTHS.min())
    with pytest.raises(ValueError, match="more than half of the box of 8 along x"):
        read(dump(tmp_path / "a.lammpstrj", r, names="xu yu zu"), dt=1.0)
