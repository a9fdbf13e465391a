"""What the header of a DCD says of times, against its snapshots."""

from __future__ import annotations

import pytest

from tests.imported.written import LENGTHS, apart, dcd, langevin, read

R, _ = langevin(3, 0.3)
T = len(R)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "header",
    [{}, {"steps": 250 * (T - 1)}, {"start": 5000, "steps": 5000 + 250 * T}, {"steps": 0}],
)
def test_the_interval_is_that_of_the_header_in_either_order_of_bytes(tmp_path, order, header):
    found = read(dcd(tmp_path / "a.dcd", R % LENGTHS, order=order, **header))
    assert found.dt == pytest.approx(0.5, rel=1e-5)
    assert (found.attributes["time_unit"], found.attributes["warnings"]) == ("ps", [])
    assert apart(found.position, R, LENGTHS) < 1e-5


ASKED = [
    ({"steps": 2500 * T}, f"{2500 * T} steps in all and {T} snapshots every 250.* contradict"),
    ({"delta": 1.0, "every": 1, "steps": T, "title": ""}, "not the format's .* round time step"),
    ({"delta": 0.005, "title": "by hand"}, "not the format's .* round time step"),
    ({"delta": 2.0, "title": "REMARK DCD file created by CP2K"}, "CP2K wrote it"),
    ({"delta": 0.001, "every": 1, "title": "Cpptraj Generated dcd file."}, "cpptraj wrote it"),
    ({"delta": float("nan")}, "gives no interval"),
]


@pytest.mark.parametrize(("header", "said"), ASKED)
def test_a_time_that_means_nothing_is_asked_for(tmp_path, header, said):
    path = dcd(tmp_path / "a.dcd", R % LENGTHS, **header)
    with pytest.raises(ValueError, match=rf"{said}.* set imported\.dt"):
        read(path)
    assert read(path, dt=0.5, time_unit="ps").dt == 0.5


def test_another_number_of_snapshots_than_announced_is_said(tmp_path):
    for count, said in ((50, "it was stopped or cut short"), (7, "others were appended")):
        path = dcd(tmp_path / "a.dcd", R % LENGTHS, snapshots=count)
        (found,) = read(path).attributes["warnings"]
        assert f"announces {count} snapshots and it holds {T}: {said}" in found


def test_velocities_and_a_snapshot_every_no_step_are_refused(tmp_path):
    with pytest.raises(ValueError, match="holds velocities in place of positions"):
        read(dcd(tmp_path / "a.dcd", R, kind=b"VELD"))
    with pytest.raises(ValueError, match="every 0 steps"):
        read(dcd(tmp_path / "b.dcd", R, every=0))
