"""Particles that never move, that are written twice, or whose positions have few digits."""

from __future__ import annotations

import numpy as np
import pytest

from tests.imported.written import LENGTHS, dump, langevin, read

R, _ = langevin(1, 0.3, 0.1)


def warnings(path, r) -> str:
    return " ".join(read(dump(path / "a.dump", r % LENGTHS), dt=1.0).attributes["warnings"])


def test_a_wall_is_counted(tmp_path):
    r = R.copy()
    r[:, 25:] = r[0, 25:]
    assert "15 of 40 particles of a.dump never move (row 25, for one)" in warnings(tmp_path, r)
    assert warnings(tmp_path, R) == ""


def test_a_particle_twice_is_refused_and_one_meeting_is_not(tmp_path):
    r = R.copy()
    r[:, 7] = r[:, 30]
    with pytest.raises(ValueError, match=r"Particles (7 and 30|30 and 7) .* of a\.dump are at the"):
        warnings(tmp_path, r)
    r[:, 7] = R[:, 7] + R[-1, 30] - R[-1, 7]
    assert "same place" not in warnings(tmp_path, r)


@pytest.mark.parametrize(("digits", "said"), [(1, True), (4, False)])
def test_digits(tmp_path, digits, said):
    found = warnings(tmp_path, np.round(R, digits))
    assert ("are written in steps of 0.1, and particles move by 0.1" in found) == said


def test_several_snapshots_in_a_structure(tmp_path):
    frame = "gas t= {t}\n    2\n" + "".join(
        f"    1SOL      A    {k + 1}   {k}.000   0.000   0.{{t}}00\n" for k in range(2)
    )
    text = "".join(frame.format(t=t) + "   1.00000   1.00000   1.00000\n" for t in range(3))
    (tmp_path / "a.gro").write_text(text)
    with pytest.raises(ValueError, match=r"a\.gro holds 3 snapshots, and of GRO files only the fi"):
        read(tmp_path / "a.gro", dt=1.0)


def test_digits_so_few_that_particles_coincide_are_named(tmp_path):
    coarse = 2.0 * np.round(R % LENGTHS / 2.0)
    with pytest.raises(ValueError, match=r"in steps of 2, and \d+ of 40 particles are at the same"):
        warnings(tmp_path, coarse)


@pytest.mark.parametrize("first", [1, 6, 12])
def test_snapshots_in_each_others_place_are_named(tmp_path, first):
    r = R.copy()
    r[[first, first + 1]] = R[[first + 1, first]]
    assert f"snapshots {first} and {first + 1} in each other's place" in warnings(tmp_path, r)


def test_snapshots_that_go_backwards_are_named(tmp_path):
    r = R.copy()
    r[8:13] = R[8:13][::-1]
    assert "snapshots 8 to 12 backwards" in warnings(tmp_path, r)


def test_snapshots_in_no_order_are_named_and_motion_that_comes_back_is_not(tmp_path):
    r, _ = langevin(2, 0.3, 0.1, frames=40)
    anyhow = r[np.random.default_rng(0).permutation(40)]
    assert "they are in no order" in warnings(tmp_path, anyhow)
    rng = np.random.default_rng(1)
    phase = 2 * np.pi * np.arange(48)[:, None, None] / 12
    strained = 0.25 * LENGTHS + 0.5 * LENGTHS * rng.random((40, 3)) + np.zeros((48, 1, 1))
    strained[..., 0] += 0.2 * np.sin(phase[..., 0]) * strained[..., 1]
    assert "order" not in warnings(tmp_path, strained + 1e-3 * rng.standard_normal((48, 40, 3)))
    lattice = np.stack(np.meshgrid(*[np.arange(4)] * 3), -1).reshape(-1, 3) * LENGTHS / 4 + 0.5
    jitter = 0.05 * rng.standard_normal((40, 64, 3))
    assert "order" not in warnings(tmp_path, lattice + jitter)


def test_a_box_far_wider_than_what_is_in_it_is_named(tmp_path):
    middle = 0.4 * LENGTHS + 0.1 * (R - R[0].mean(axis=0))
    assert "is it a drop, or is the box wrong?" in warnings(tmp_path, middle)
