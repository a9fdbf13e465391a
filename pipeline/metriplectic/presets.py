"""Plain settings of a model, the contents of model.yaml: presets, defaults and checks."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import nn

from pipeline.closures import (
    bath,
    energy,
    external,
    friction,
    memory,
    neighbourhood,
    pair_energy,
    strain,
    teacher,
    volume,
)
from pipeline.closures.splines import Scales
from pipeline.errors import InputError

CLOSURES: dict[str, Mapping[str, type[nn.Module]]] = {
    "volume": volume.KINDS,
    "energy": energy.KINDS,
    "friction": friction.KINDS,
    "teacher": teacher.KINDS,
    "strain": strain.KINDS,  # solids only
    "bath": bath.KINDS,  # where a medium takes up momentum
    "memory": memory.KINDS,  # and remembers
    "external": external.KINDS,  # walls and traps
    "pair_energy": pair_energy.KINDS,  # attraction
    "neighbourhood": neighbourhood.KINDS,  # weights in volumes, by who is around; fluids only
}

Closures = dict[str, dict[str, Any]]

SPLINES: Closures = {
    "volume": {"kind": "splines"},
    "energy": {"kind": "exponentials"},
    "friction": {"kind": "splines"},
    "teacher": {"kind": "splines"},
}
NETWORKS: Closures = {
    name: {"kind": "network"} for name in ("volume", "energy", "friction", "teacher")
}
PAPER: Closures = {
    "volume": {"kind": "paper"},
    "energy": {"kind": "paper"},
    "friction": {"kind": "network", "taper": False, "volume_factor": False, "scaled": False},
    "teacher": {"kind": "paper"},
}
IDEAL_GAS: Closures = {
    "volume": {"kind": "lucy"},
    "energy": {"kind": "ideal_gas"},
    "friction": {"kind": "revenga"},
    "teacher": {"kind": "uniform"},
}
PRESETS: dict[str, Closures] = {
    "splines": SPLINES,  # the default
    "many_body": {**SPLINES, "neighbourhood": {"kind": "messages"}},
    "splines_solid": {**SPLINES, "strain": {"kind": "green"}},
    "networks": NETWORKS,  # the paper's networks with the invariances restored
    "networks_solid": {**NETWORKS, "strain": {"kind": "green"}},
    "paper": PAPER,  # as printed
    "paper_solid": {**PAPER, "strain": {"kind": "paper"}},
    "ideal_gas": IDEAL_GAS,  # Espanol and Revenga 2003, nothing learned
}
LEARNED = tuple(name for name in PRESETS if name != "ideal_gas")
DEFAULTS: dict[str, Any] = {
    "closures": "splines",  # name of a preset, or kind and options of each closure
    "temperature": 1.0,  # T0: measured velocity variance per component [m length^2 / time^2]
    "volume": 1.0,  # V0: about the volume per particle [length^D]
    "intervals": 20,  # spline intervals between 0 and h
    "trainable_constants": False,  # whether k_B and m are learned, as in the paper
}


class Complete(NamedTuple):
    """Everything that makes a model but its weights, in the order of model.yaml."""

    closures: Closures  # kind and options of each
    temperature: float
    volume: float
    intervals: int
    trainable_constants: bool
    dimension: int
    cutoff: float  # h, range of the interactions [length]

    @property
    def scales(self) -> Scales:
        """Dimension, range and units, as closures take them."""
        return Scales(
            int(self.dimension),
            float(self.cutoff),
            float(self.temperature),
            float(self.volume),
            int(self.intervals),
        )

    def closure(self, name: str) -> Any:
        """The closure called ``name``; None where there is none."""
        if name not in self.closures:
            return None
        options = dict(self.closures[name])
        return CLOSURES[name][options.pop("kind")](self.scales, **options)


def preset(name: str) -> Closures:
    """A copy of the closures of a preset that can be learned.

    Raises:
        InputError: if there is none of that name.
    """
    return copy.deepcopy(_choose("closures", name, {key: PRESETS[key] for key in LEARNED}))


def complete(settings: Mapping[str, Any]) -> Complete:
    """Plain settings with the defaults filled in and a preset written out.

    Args:
        settings: ``dimension`` and ``cutoff``, which have no default, and any of `DEFAULTS`.

    Raises:
        InputError: on an unknown or missing key, an unknown kind, or a scale that is not positive.
    """
    known = {"dimension", "cutoff", *DEFAULTS}
    if set(settings) - known or not {"dimension", "cutoff"} <= set(settings):
        raise InputError(
            f"Model settings must be dimension, cutoff and any of {', '.join(DEFAULTS)}, got "
            f"{', '.join(map(str, settings))}: remove or add keys."
        )
    full = Complete(**copy.deepcopy({**DEFAULTS, **settings}))
    if isinstance(full.closures, str):
        full = full._replace(closures=copy.deepcopy(_choose("closures", full.closures, PRESETS)))
    for name, options in full.closures.items():
        _choose("kind of " + name, options["kind"], _choose("closure", name, CLOSURES))
    if full.dimension not in (2, 3):
        raise InputError(f"The dimension of a model must be 2 or 3, got {full.dimension}.")
    if {"strain", "neighbourhood"} <= set(full.closures):
        raise InputError("A solid's bonds are given: it takes no neighbourhood closure, got both.")
    for name in ("cutoff", "temperature", "volume"):
        if not getattr(full, name) > 0.0:
            raise InputError(
                f"The {name} of a model must be positive, got {getattr(full, name)}: use reduced "
                f"units."
            )
    if full.intervals < 4:
        raise InputError(f"A spline needs at least 4 intervals, got {full.intervals}.")
    return full


def _choose(what: str, name: str, offered: Mapping[str, Any]) -> Any:
    if name not in offered:
        raise InputError(f"Unknown {what} {name!r}: choose one of {', '.join(sorted(offered))}.")
    return offered[name]
