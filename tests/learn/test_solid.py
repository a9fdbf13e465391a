"""Elastic solids: undeformed bonds through training, files and rollouts; inputs put aside."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from pipeline import graphs
from pipeline.closures.reference import reference, undeformed
from pipeline.dynamics.rollout import rollout
from pipeline.learn.elasticity import moduli
from pipeline.learn.errors_in_variables import draws, with_noise
from pipeline.learn.settings import Training, variant
from pipeline.learn.snapshots import Snapshots
from pipeline.learn.task import prepare
from pipeline.learn.train import train
from pipeline.learn.trained_model import Learned, load
from pipeline.pairs import State, find
from pipeline.simulate.elastic_network import lattice as springs
from pipeline.simulate.replicated import ElasticNetwork
from pipeline.space import periodic
from pipeline.split import Split, blocks
from pipeline.trajectory import Box, Trajectory

SIDE = 7
LENGTH = 0.5  # of a lattice spacing
SETTINGS = Training(
    split=Split(train=120, validation=60),
    steps=100,
    validate_every=50,
    validation_snapshots=10,
    rollout_steps=20,
    rollout_substeps=2,
    shake=0.1,
    heat_capacity=1e6,
    entropy_weight=0.0,
    strength=False,
    learning_rate=0.03,
)


def sheared(frames: int) -> Trajectory:
    """A square whose top is moved aside and brought back, all else following evenly."""
    axis = np.arange(SIDE) * LENGTH
    reference = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    phase = np.linspace(0, 3 * np.pi, frames)
    position = np.repeat(reference[None], frames, axis=0)
    position[..., 0] += 0.25 * (1 - np.cos(phase))[:, None] * reference[:, 1]
    shape = position.shape[:2]
    edge = np.isin(reference[:, 1], axis[[0, -1]])
    attributes = {
        "dataset": "solid",
        "length_unit": "1",
        "time_unit": "1",
        "dt": 0.1,
        "velocity": "backward difference",
        "localisation_error": 0.0,
        "synthetic": True,
    }
    return Trajectory(
        position=position,
        velocity=np.diff(position, axis=0, prepend=position[:1]) / 0.1,
        present=np.ones(shape, bool),
        driven=np.tile(edge, (frames, 1)),
        time=0.1 * np.arange(frames),
        run=np.zeros(frames, np.int32),
        particle=np.arange(shape[1]),
        species=np.zeros(shape[1], np.int32),
        box=Box(np.array([6.0, 4.0]), (False, False), np.zeros(2)),
        attributes=attributes,
        extra={},
        reference=reference,
    )


@pytest.fixture(scope="module")
def data() -> tuple[Trajectory, graphs.Graphs]:
    solid = sheared(270)
    return solid, graphs.build(solid, ratio=1.75)


def test_bonds_are_those_of_the_undeformed_lattice_in_every_snapshot(data) -> None:
    solid, near = data
    snapshots = Snapshots(solid, near, dtype=torch.float64)
    assert near.neighbour_distance == pytest.approx(LENGTH * np.sqrt(2 / np.sqrt(3)))
    found = snapshots.batch(np.array([30, 0])).reference
    one = undeformed(solid, near.neighbour_distance, snapshots.cutoff)
    assert found is not None
    assert one is not None
    bonds = len(one.bonds.i)
    assert bonds == 2 * SIDE * (SIDE - 1) + 2 * (SIDE - 1) ** 2  # sides and diagonals
    assert len(found.bonds.i) == 2 * bonds
    assert found.bonds.n == 2 * SIDE**2
    assert int(found.bonds.i[bonds:].min()) >= SIDE**2
    torch.testing.assert_close(found.r0[bonds:], one.r0)
    assert snapshots.batch(np.array([5, 6])).reference is found


def test_a_solid_must_be_seen_whole(data) -> None:
    solid, near = data
    present = solid.present.copy()
    present[3, 4] = False
    with pytest.raises(ValueError, match="1 particles of the solid are missing"):
        Snapshots(solid._replace(present=present), near)


def test_the_shaken_are_asked_for_the_true_next_position(data) -> None:
    solid, near = data
    batch = Snapshots(solid, near, dtype=torch.float64).batch(np.array([40]))
    moved = with_noise(batch, 0.2, draws(0, 0, torch.device("cpu")))  # at pace 1
    torch.testing.assert_close(moved.r + moved.v_next, batch.r + batch.v_next)
    error = moved.r - batch.r
    assert float(error[batch.mask].std()) == pytest.approx(0.2, rel=0.25)
    assert not error[~batch.mask].any()
    spread = (moved.v_next - moved.v - batch.v_next + batch.v)[batch.mask].square().mean()
    assert float(spread) == pytest.approx(5 * 0.2**2, rel=0.4)
    fast = with_noise(batch, 0.2, draws(0, 0, torch.device("cpu")), pace=2.0)
    asked = (fast.v_next - fast.v) - (batch.v_next - batch.v)
    torch.testing.assert_close(asked, -4 * error - 2 * (fast.v - batch.v))
    i, j = moved.pairs.i, moved.pairs.j
    torch.testing.assert_close(moved.pairs.r, (moved.r[i] - moved.r[j]).norm(dim=1))


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("metriplectic", "GreenStrain"),
        ("metriplectic_no_udev", None),
        ("metriplectic_paper", "PaperStrain"),
    ],
)
def test_the_variants_differ_in_their_elastic_energy(data, model: str, kind: str | None) -> None:
    task = prepare(*data, variant(model, SETTINGS), seed=0)
    strain = task.learner.model.strain
    assert (None if strain is None else type(strain).__name__) == kind
    assert task.measured.thermal_period is None


def test_a_solid_without_any_fluctuation_has_a_finite_loss(data) -> None:
    """Even shear is smooth flow to the last digit: what is left over is no temperature."""
    for model in ("metriplectic", "gns_sde", "dpd"):
        task = prepare(*data, variant(model, SETTINGS), seed=0)
        batch = task.snapshots.batch(task.sample.times[:3])
        item = type(
            "Item", (), {"now": batch, "after": task.snapshots.after(task.sample.times[:3])}
        )
        assert task.measured.temperature > 0
        for name, term in task.learner.terms(item).items():
            assert np.isfinite(float(term.detach())), (model, name)


@pytest.mark.slow
def test_a_learned_solid_follows_its_edges_and_comes_back(data, tmp_path: Path) -> None:
    solid, near = data
    window = solid.window(blocks(solid, 120, 60)["test"])
    train(solid, near, SETTINGS, tmp_path, seed=0)
    learned = load(tmp_path)
    assert isinstance(learned, Learned)
    conditions = learned.conditions(window, 0, 2)
    assert conditions.reference is not None
    done = rollout(window, learned.model, conditions, 0, progress=False)
    assert done.stopped == ""
    assert done.trajectory.reference is window.reference
    free = window.free[0]
    gap = (done.trajectory.position - window.position)[:, free]
    moved = (window.position - window.reference)[:, free]
    assert np.linalg.norm(gap) < 0.2 * np.linalg.norm(moved)
    with h5py.File(tmp_path / "learned.h5") as file:
        group = file["strain"]
        assert float(group["shear"][0]) > 0
        assert np.all(np.diff(group["U"][:]) > 0)


@pytest.fixture(scope="module")
def lattice(tmp_path_factory) -> tuple[ElasticNetwork, Learned, Path]:
    """A lattice of springs and what was learned of it."""
    network, folder = ElasticNetwork(frames=700, relaxation=300), tmp_path_factory.mktemp("lattice")
    made = network.simulate(seed=5)
    settings = SETTINGS.replace(
        split=Split(train=550, validation=100),
        steps=200,
        rollout_steps=5,
        shake=0.0,
        localisation="none",
        memory="auto",
    )
    train(made, graphs.build(made, ratio=1.4), settings, folder, seed=0)
    return network, load(folder), folder


@pytest.mark.slow
def test_moduli_are_learned_from_the_motion(lattice) -> None:
    network, learned, folder = lattice
    with h5py.File(folder / "learned.h5") as file:
        shear, bulk = (file[f"strain/{name}_modulus"][0] for name in ("shear", "bulk"))
        bands = {
            name: [file[f"strain/{end}_{name}_modulus"][0] for end in ("low", "high")]
            for name in ("shear", "bulk")
        }
    scale = 1.0 / learned.record["units"]["time"] ** 2
    for name, true in (("shear", network.shear_modulus), ("bulk", network.bulk_modulus)):
        low, high = (scale * end for end in bands[name])
        assert low < true < high
        assert high - low < 0.5 * true
    assert scale * shear == pytest.approx(network.shear_modulus, rel=0.06)
    assert scale * bulk == pytest.approx(network.bulk_modulus, rel=0.06)
    assert learned.record["training"]["refined"]
    assert learned.record["bond_memory"]["modes"] == 0


def test_moduli_know_their_slopes() -> None:
    """Against differences, which the large heat takes digits of, in strain energy and pressure."""
    made = ElasticNetwork(columns=4, rows=4, frames=60, relaxation=10).simulate(seed=1)
    settings = SETTINGS.replace(split=Split(train=40, validation=10), shake=0.0)
    task = prepare(made, graphs.build(made, ratio=1.4), settings, seed=0)
    model = task.learner.model.double()
    bonds = task.sample.batch(1).reference
    parts = [model.strain.log_c, model.strain.log_b, model.strain.log_s]
    parts += [p for p in model.energy_closure.parameters() if p.requires_grad]
    for number in (0, 1):
        modulus = moduli(model, bonds, 0.3)[number]
        slopes = torch.autograd.grad(modulus, parts, allow_unused=True)
        for p, slope in zip(parts, slopes, strict=True):
            ends = []
            for step in (1e-2, -1e-2):
                with torch.no_grad():
                    p += step
                    ends.append(float(moduli(model, bonds, 0.3)[number]))
                    p -= step
            expected = (ends[0] - ends[1]) / 2e-2
            found = 0.0 if slope is None else float(slope.sum())
            assert found == pytest.approx(expected, rel=5e-3, abs=1e-3 * float(modulus))


@pytest.mark.slow
def test_moduli_are_those_of_long_waves(lattice) -> None:
    """Against shear; growth has no waves of its own."""
    learned = lattice[1]
    long, units = ElasticNetwork(columns=4, rows=60), learned.record["units"]
    body = springs(long.columns, long.rows)
    length, model = units["length"], learned.model.double()
    place = torch.from_numpy(body.places) / length
    box = periodic(body.sides / length)
    bonds = reference(find(place, box, model.cutoff), model.cutoff, box)
    S = torch.full((len(place),), float(learned.z.mean()), dtype=torch.float64)

    def energy(amplitude: float) -> float:
        wave = 2 * np.pi / box.lengths[1]
        aside = torch.stack([torch.sin(wave * place[:, 1]), torch.zeros_like(S)], 1)
        r = place + amplitude * aside
        state = State(r, torch.zeros_like(r), S)
        return float(model.dynamics(state, find(r, box, model.cutoff), bonds).thermo.U.sum())

    x, wave = 0.01, 2 * np.pi / box.lengths[1]
    bend = (energy(x) + energy(-x) - 2 * energy(0.0)) / x**2
    found = bend / (0.5 * wave**2 * box.lengths[0] * box.lengths[1])
    assert float(moduli(learned.model, bonds, float(S[0]))[0]) == pytest.approx(found, rel=5e-3)
