"""Baselines from plain settings."""

from __future__ import annotations

from typing import Any

from torch import nn

from pipeline.baselines.dpd import DPD
from pipeline.baselines.gns import GNS, GNSSDE
from pipeline.errors import InputError

KINDS: dict[str, type[nn.Module]] = {"dpd": DPD, "gns": GNS, "gns_sde": GNSSDE}


def build(settings: dict[str, Any]) -> Any:
    """Baseline from the contents of model.yaml; weights come by load_state_dict.

    Args:
        settings: ``kind`` and what its class asks for.

    Raises:
        InputError: on an unknown kind or a scale that is not positive.
    """
    kind = settings.get("kind")
    if kind not in KINDS:
        raise InputError(f"There is no baseline {kind!r}: choose one of {', '.join(KINDS)}.")
    return KINDS[kind](settings)
