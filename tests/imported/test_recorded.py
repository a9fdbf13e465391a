"""Snapshots of one file say the same of themselves, in whatever format they came."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.imported.recorded import Frame, collect

R = np.random.default_rng(0).random((6, 20, 3))
BOX = np.array([8.0, 9.0, 10.0])


def frames(**changed) -> list[Frame]:
    """Snapshots of which those from the third on say something else."""
    same = {"periodic": (True,) * 3, "length_unit": "A", "time_unit": "ps", "lengths": BOX}
    return [
        Frame(r, time=float(t), **(same | (changed if t >= 3 else {}))) for t, r in enumerate(R)
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"periodic": (True, True, False)}, "which faces are periodic"),
        ({"length_unit": "nm"}, "a unit of lengths: nm after A"),
        ({"time_unit": None}, "a unit of times: None after ps"),
        ({"unwrapped": True}, "whether positions go on across faces"),
        ({"dimension": 2}, "dimensions: 2 after None"),
    ],
)
def test_what_numbers_mean_must_not_change(changed, said):
    assert collect(frames(), "a").notes == ()
    with pytest.raises(ValueError, match=rf"a says in snapshot 3 something else .*{said}"):
        collect(frames(**changed), "a")


def test_snapshots_that_were_never_written_are_refused():
    """HDF5 and netCDF fill in zeros for what a program that was stopped did not write."""
    held = frames()
    for position in (
        np.zeros((20, 3)),
        np.ones((20, 3)),
        np.where(np.arange(20)[:, None] < 5, 0, R[4]),
    ):
        held[4] = held[4]._replace(position=position)
        with pytest.raises(ValueError, match=r"of 20 particles at one place in snapshot 4"):
            collect(held, "a")
    held[4] = held[4]._replace(position=np.where(np.arange(20)[:, None] < 1, 0, R[4]))
    assert len(collect(held, "a").position) == 6


def test_a_box_of_some_snapshots_is_that_of_the_others_and_said():
    held = [frame._replace(lengths=None) if t % 2 else frame for t, frame in enumerate(frames())]
    found = collect(held, "a")
    assert found.notes == (
        "Only 3 of 6 snapshots of a give a box: it is taken for the others, too.",
    )
    assert (found.lengths == BOX).all()
    held[2] = held[2]._replace(lengths=2 * BOX)
    assert (collect(held, "a").lengths[3] == 2 * BOX).all()
    late = collect([frames()[0]._replace(lengths=None), *frames()[1:]], "a")
    assert (late.first.lengths == BOX).all()
