"""A folder of results as the contract describes it, from random walks: quick, plausible, false."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import yaml

from pipeline import h5md
from pipeline.analysis import comparison, plan, statistics
from pipeline.analysis.experiment import noise_floors
from pipeline.trajectory import Box, Trajectory
from tests.edits import unsealed

SPACING, STEPS, HALF = 10.0, 40, 20
COLUMNS, ROWS = 14, 11


def walk(seed: int = 0) -> Trajectory:
    """A crystal whose particles jiggle in place, in pixels and frames."""
    random = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))
    place = SPACING * np.stack([x + 0.5 * (y % 2) + 0.7, 0.87 * y + 0.7], axis=-1).reshape(-1, 2)
    position = place + np.cumsum(random.normal(0, 0.15, (STEPS, len(place), 2)), axis=0)
    position[..., 0] += 0.004 * np.arange(STEPS)[:, None] * place[:, 1]
    velocity = np.diff(position, axis=0, prepend=position[:1])
    present = np.ones(position.shape[:2], bool)
    present[0] = False
    present[5:9, 3] = False
    edge = (place.min(axis=1) < 8) | (place[:, 0] > SPACING * COLUMNS - 6)
    attributes = {
        "dataset": "walk", "length_unit": "px", "time_unit": "frame", "dt": 1.0,
        "velocity": "backward difference", "localisation_error": 0.03, "synthetic": True,
    }  # fmt: skip
    return Trajectory(
        position, velocity, present, np.tile(edge, (STEPS, 1)), np.arange(STEPS, dtype=float),
        np.zeros(STEPS, np.int32), np.arange(len(place)), np.full(len(place), -1, np.int32),
        Box(np.array([SPACING * (COLUMNS + 1), 8.7 * (ROWS + 1)]), (False, False), np.zeros(2)),
        attributes, {},
    )  # fmt: skip


def image(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A grey picture (H, W) uint8 with a Gaussian spot at each of points (n, 2)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    light = np.zeros(shape)
    for px, py in points:
        light += np.exp(-0.5 * ((x - px) ** 2 + (y - py) ** 2) / 2.2**2)
    noise = np.random.default_rng(1).normal(0, 0.05, shape)
    return np.clip(255 * (0.2 + 0.7 * light + noise), 0, 255).astype(np.uint8)


def _tracking(folder: Path, trajectory: Trajectory) -> None:
    tracks = pd.concat(
        pd.DataFrame({
            "run": 0, "frame": t, "x": trajectory.position[t, :, 0],
            "y": trajectory.position[t, :, 1], "particle": trajectory.particle,
            "mass": np.random.default_rng(t).normal(900, 90, len(trajectory.particle)),
            "size": np.random.default_rng(t).normal(2.2, 0.1, len(trajectory.particle)),
            "filled": False,
        })
        for t in range(STEPS)
    )  # fmt: skip
    tracks.to_parquet(folder / "tracks.parquet")
    tracks.drop(columns=["particle", "filled"]).to_parquet(folder / "features.parquet")
    shape = (int(8.7 * (ROWS + 1)), int(SPACING * (COLUMNS + 1)))
    frames = [0, STEPS // 2, STEPS - 1]
    with h5py.File(folder / "tracking.h5", "w") as file:
        file["images"] = np.array([image(trajectory.position[t], shape) for t in frames])
        file["frame"], file["run"] = frames, [0, 0, 0]
    parameters = {
        "diameter": {"value": 9, "source": "estimated", "why": "The spots are 2.1 px wide."},
        "search_range": {"value": 3.5, "source": "config", "why": ""},
    }
    tuning = {"parameters": parameters, "evidence": {}, "warnings": ["The spots nearly touch."]}
    (folder / "tuning.json").write_text(json.dumps(tuning))
    step = np.linalg.norm(np.diff(trajectory.position, axis=0), axis=2).ravel()
    count, edges = np.histogram(step, 40, range=(0, 3.85))
    n = len(trajectory.particle)
    linking = {
        "n_features": len(tracks), "n_tracks": n, "n_stubs_removed": 0, "search_range": 3.5,
        "memory": 2, "displacement": {"edges": edges.tolist(), "count": count.tolist()},
        "per_frame": [n] * STEPS, "length": {"edges": [0, 20, 39.5, 40], "count": [0, 3, n - 3]},
        "filled": 0, "warnings": [],
    }  # fmt: skip
    (folder / "linking.json").write_text(json.dumps(linking))


def _statistics(folder: Path, sources: dict[str, Trajectory]) -> None:
    """Statistics and comparison by the project's own analysis, over the test block."""
    planned = plan.plan(sources["experiment"], SPACING)
    measured = {}
    for name, source in sources.items():
        measured[name] = statistics.measure(source, planned, source.free.all(axis=0))
        if name == "experiment":
            measured[name]["noise_floor"] = noise_floors(measured[name])
        note = {"source": name, "settings": plan.described(planned)}
        statistics.write(folder / "statistics" / f"{name}.h5", measured[name], note)
    models = [
        comparison.Source(name.split("_seed")[0], 0, found)
        for name, found in measured.items()
        if "_seed" in name
    ]
    table = comparison.comparison("walk", measured["experiment"], models)
    table.to_csv(folder / "comparison.csv", index=False)


def _learned(path: Path) -> None:
    r = np.linspace(0, 1.72, 60)
    S, V = np.linspace(-1, 1, 20), np.linspace(0.5, 1.5, 24)
    grid_S, grid_V = np.meshgrid(S, V, indexing="ij")
    with h5py.File(path, "w") as file:
        file["kernel/r"], file["kernel/w"], file["kernel/dw"] = r, (1.72 - r) ** 2, 2 * (r - 1.72)
        file["pair_force/r"], file["pair_force/value"] = r[10:], 0.02 / (0.3 + r[10:]) ** 4
        file["energy/S"], file["energy/V"] = S, V
        file["energy/T"], file["energy/P"] = np.exp(grid_S) / grid_V, np.exp(grid_S) / grid_V**2
        file["energy/U"] = np.exp(grid_S)
        for name, size in (("a2", 0.3), ("b2", 0.5), ("c2", 0.1)):
            file[f"friction/{name}"] = size * (1.72 - r) ** 2
        file["friction/r"] = r
        file["pair_friction/r"], file["pair_friction/value"] = r[10:], 0.1 * (1.72 - r[10:])
        file["pair_friction/across"] = 0.05 * (1.72 - r[10:])
        samples = np.random.default_rng(0).normal(0, 0.1, (2, 300))
        file["energy/samples_S"], file["energy/samples_V"] = samples[0], 1 + samples[1]
        file["latent/correlation_mass"] = 0.4
        size = np.repeat([2.0, 2.4], 40)
        s = 0.4 * size + np.random.default_rng(2).normal(0, 0.02, 80)
        count, edges = np.histogram(s, 60)
        values = {"edges": edges, "count": count, "particle": np.arange(80), "s": s, "size": size}
        for name, value in values.items():
            file[f"strength/{name}"] = value
        file["strength/correlation_size"] = np.corrcoef(s, size)[0, 1]
        for name in ("temperature", "entropy", "latent"):
            file[f"{name}/edges"], file[f"{name}/count"] = np.arange(11.0), np.arange(10)


def _model(folder: Path, test: Trajectory, seed: int) -> Trajectory:
    folder.mkdir(parents=True)
    step = np.arange(0, 1000, 20)
    loss = 2 * np.exp(-step / 120) - 3
    history = {"step": step, "epoch": step // 100, "seconds": 0.02 * step, "train_nll": loss}
    history = pd.DataFrame(history | {"validation_nll": loss + 0.05})
    history.to_csv(folder / "training.csv", index=False)
    noise = np.random.default_rng(seed).normal(0, 0.1, test.position.shape)
    rollout = test._replace(position=test.position + np.cumsum(noise, axis=0))
    h5md.write(folder / "rollout.h5", rollout)
    time, count = test.time, len(test.particle)
    with unsealed(folder / "rollout.h5") as file:
        group = file.create_group("observables")
        group["time"], group["work"] = time, 0.2 * (time - time[0])
        group["energy"] = 0.2 * (time - time[0]) + 1e-3 * np.sin(time)
        group["kinetic"], group["temperature"] = np.full(HALF, count), np.ones(HALF)
        group["internal"], group["entropy"] = -np.ones(HALF), 0.1 * (time - time[0])
        group["momentum"] = np.full((HALF, 2), 1e-9)
        group["impulse"] = np.zeros((HALF, 2))
        group.attrs["stopped"], group.attrs["ms_per_step"] = "", 7.5
    _learned(folder / "learned.h5")
    training = {"localisation": "corrected", "strength": True, "strength_scale": 0.3}
    training |= {"seconds": 12.5, "validation_nll": -2.9, "steps": 60, "batch": 5}
    record = {"training": training, "measured": {"thermal_period": 12.0}, "parameters": 253}
    units = {"length": SPACING, "time": 1.0, "length_unit": "px", "time_unit": "frame"}
    record |= {"units": units, "seen": {"mean_T": 1.1}, "model": {"dimension": 2}}
    (folder / "model.yaml").write_text(yaml.safe_dump(record))
    return rollout


def results(folder: Path) -> Path:
    """Write every file a report reads to `folder` and return it."""
    folder.mkdir(parents=True)
    (folder / "statistics").mkdir()
    trajectory = walk()
    h5md.write(folder / "trajectory.h5", trajectory)
    _tracking(folder, trajectory)
    test = trajectory.window(slice(HALF, STEPS))
    sources = {"experiment": test, "truth": test}
    for model in ("metriplectic", "gns_sde"):
        sources[f"{model}_seed0"] = _model(folder / model / "seed0", test, len(model))
    _statistics(folder, sources)
    truth = {
        "recall": 0.991,
        "precision": 0.998,
        "position_error_px": 0.031,
        "velocity": {"x": 1.0},
    }
    (folder / "truth.json").write_text(json.dumps(truth))
    return folder
