"""The authors' saved weights, read into a model with the paper's own closures.

They are a state dict of float32 tensors, two hidden layers per network:

    theirs                                     here
    log_k_B, log_m                             log_k_B, log_m
    model_W.MLP.layers.{0,2,4}                 volume.network           input r/h
    teacher.layers.{0,2,4}                     teacher.network          r/h, v_ij
    model_A | model_B | model_C.layers.{0,2,4} friction.networks.{0-2}  r/h, T_i
    model_U_vol.layers.{0,1,2}, .t             energy_closure.network   S, V
    model_epsilon.MLP.layers.{0,2,4}           strain.strain            u_ij/h, r0_ij/h
    model_U_dev.layers.{0,1,2}                 strain.network           S, invariants
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import Tensor

from pipeline.metriplectic.model import Metriplectic, build
from pipeline.metriplectic.presets import PAPER, Closures

LAYERS = ("input", "hidden", "output")
NETWORKS = {
    "model_W.MLP": ("volume.network", (0, 2, 4)),
    "teacher": ("teacher.network", (0, 2, 4)),
    "model_A": ("friction.networks.0", (0, 2, 4)),
    "model_B": ("friction.networks.1", (0, 2, 4)),
    "model_C": ("friction.networks.2", (0, 2, 4)),
    "model_U_vol": ("energy_closure.network", (0, 1, 2)),
}
SOLID = {
    "model_epsilon.MLP": ("strain.strain", (0, 2, 4)),
    "model_U_dev": ("strain.network", (0, 1, 2)),
}
SIGNS = {
    "model_U_vol.t": "energy_closure.network.signs",
    "model_U_dev.t": "strain.network.signs",
}


def read(path: Path, cutoff: float) -> Metriplectic:
    """Model from a file of the authors' weights; ``cutoff`` is h in the units of their data."""
    return convert(torch.load(path, map_location="cpu", weights_only=True), cutoff)


def convert(theirs: dict[str, Tensor], cutoff: float) -> Metriplectic:
    """Model with the paper's closures and the weights ``theirs``.

    The dimension is read from the teacher's inputs (r/h and D velocities), widths from shapes.

    Raises:
        ValueError: if a tensor is missing, or one is left over.
    """
    networks = dict(NETWORKS)
    if any(name.startswith("model_epsilon") for name in theirs):
        networks |= SOLID
    names = {"log_k_B": "log_k_B", "log_m": "log_m"}
    for their_name, (name, numbers) in networks.items():
        for number, layer in zip(numbers, LAYERS, strict=True):
            for kind in ("weight", "bias"):
                names[f"{their_name}.layers.{number}.{kind}"] = f"{name}.{layer}.{kind}"
    names |= {key: value for key, value in SIGNS.items() if key in theirs}
    missing, extra = set(names) - set(theirs), set(theirs) - set(names)
    if missing or extra:
        raise ValueError(
            f"These are not the authors' weights as published: missing {sorted(missing)}, "
            f"unknown {sorted(extra)}; check the file."
        )
    model = build(
        {
            "dimension": theirs["teacher.layers.0.weight"].shape[1] - 1,
            "cutoff": cutoff,
            "closures": _closures(theirs, solid=len(networks) > len(NETWORKS)),
            "trainable_constants": True,
        }
    )
    model = model.to(theirs["log_k_B"].dtype)
    state = model.state_dict()
    for their_name, name in names.items():
        state[name] = theirs[their_name].reshape(state[name].shape)
    model.load_state_dict(state)
    return model


def _closures(theirs: dict[str, Tensor], solid: bool) -> Closures:
    """The paper's closures with the widths of the saved networks."""
    closures: Closures = copy.deepcopy(PAPER)
    firsts = {
        "volume": "model_W.MLP",
        "energy": "model_U_vol",
        "friction": "model_A",
        "teacher": "teacher",
    }
    if solid:
        closures["strain"] = {"kind": "paper"}
        firsts["strain"] = "model_epsilon.MLP"
    for name, first in firsts.items():
        closures[name]["width"] = len(theirs[f"{first}.layers.0.bias"])
    return closures
