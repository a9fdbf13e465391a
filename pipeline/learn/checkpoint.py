"""The trained model on disk: model.safetensors and model.yaml, no code inside either."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from safetensors.torch import load_file, save_file

from pipeline.dynamics.limits import Limits
from pipeline.dynamics.walk import Conditions
from pipeline.learn.latent import Latent, alike, assign
from pipeline.metriplectic.model import Metriplectic, build
from pipeline.trajectory import Trajectory
from pipeline.units import ReducedUnits


class Learned(NamedTuple):
    """A trained model with what its use needs."""

    model: Metriplectic
    labels: np.ndarray  # (K,) particles met in training
    z: np.ndarray  # (K,) their latent entropies [k_B]
    met: np.ndarray  # (M,) particles that have a strength; none where all are alike
    log_s: np.ndarray  # (M,) logarithm of their strengths
    record: dict[str, Any]  # contents of model.yaml

    def conditions(self, window: Trajectory, seed: int, substeps: int = 1) -> Conditions:
        """What `pipeline.dynamics.rollout.rollout` needs for the particles of a window.

        Particles met in training keep their latents. Others draw an entropy from its learned law
        and take the strength of the particle most like them in brightness, or draw one too.

        Raises:
            ValueError: if the window is not in the units the model was trained in.
        """
        units = self.record["units"]
        for name in ("length_unit", "time_unit"):
            if window.attributes[name] != units[name]:
                raise ValueError(
                    f"The trajectory's {name} is {window.attributes[name]} and the model was "
                    f"trained on {units[name]}: convert one of them."
                )
        z, _ = assign(window.particle, self.labels, self.z, seed)
        log_s, known = assign(window.particle, self.met, self.log_s, seed + 1)
        log_s = alike(log_s, known, window)
        ranges = self.record["seen"]
        S, V, T = ((float(low), float(high)) for low, high in (ranges[k] for k in "SVT"))
        return Conditions(
            units=ReducedUnits(float(units["length"]), float(units["time"])),
            z=z,
            strength=np.exp(log_s) if len(self.met) else None,
            thermal_period=self.record["measured"]["thermal_period"],
            temperature=float(ranges["mean_T"]),
            limits=Limits(S, V, T, float(ranges["speed"]), float(ranges["heat_capacity"])),
            substeps=substeps,
        )


def save(folder: Path, model: Metriplectic, latent: Latent, record: dict[str, Any]) -> None:
    """Writes model.safetensors and model.yaml; each appears whole or not at all.

    Args:
        folder: results/<name>/<model>/seed<k>.
        model: trained; its tensors are stored under ``model.``.
        latent: stored as ``latent.labels`` and ``latent.z`` of trained particles, ``latent.met``
            and ``latent.log_s`` of those that have a strength.
        record: plain values: units, seen ranges, training settings, provenance.
    """
    tensors = {f"model.{name}": value.cpu() for name, value in model.state_dict().items()}
    known = latent.trained.cpu()
    tensors["latent.labels"] = latent.labels.cpu()[known].contiguous()
    tensors["latent.z"] = latent.z.detach().cpu()[known].contiguous()
    tensors["latent.met"] = latent.labels.cpu()[latent.met.cpu()].contiguous()
    tensors["latent.log_s"] = latent.centred().detach().cpu()[latent.met.cpu()].contiguous()
    save_file(tensors, folder / "model.safetensors.partial")
    text = yaml.safe_dump({"model": model.settings(), **record}, sort_keys=False)
    (folder / "model.yaml.partial").write_text(text)
    for name in ("model.safetensors", "model.yaml"):
        os.replace(folder / f"{name}.partial", folder / name)


def load(folder: str | os.PathLike[str]) -> Learned:
    """Reads what `save` wrote.

    Raises:
        ValueError: if one of the files is missing or does not fit the other.
    """
    folder = Path(folder)
    for name in ("model.safetensors", "model.yaml"):
        if not (folder / name).exists():
            raise ValueError(f"{folder / name} does not exist: train the model first.")
    record = yaml.safe_load((folder / "model.yaml").read_text())
    tensors = load_file(folder / "model.safetensors")
    model = build(record["model"])
    own = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    kind = next(v.dtype for v in own.values() if v.is_floating_point())
    model.to(kind).load_state_dict(own)
    z, log_s = (tensors[f"latent.{name}"].to(torch.float64).numpy() for name in ("z", "log_s"))
    labels, met = (tensors[f"latent.{name}"].numpy() for name in ("labels", "met"))
    return Learned(model.eval(), labels, z, met, log_s, record)
