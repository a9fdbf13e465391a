"""The learning rate along the steps."""

from __future__ import annotations

import math

WARMUP = 0.03  # fraction of the steps over which the learning rate rises
FINAL = 0.01  # fraction of the peak at which it ends


def rate(step: int, steps: int) -> float:
    """Factor on the learning rate: linear rise, then a cosine down to FINAL."""
    rise = max(1, round(WARMUP * steps))
    if step < rise:
        return (step + 1) / rise
    x = min(1.0, (step - rise) / max(1, steps - rise))
    return FINAL + (1 - FINAL) * 0.5 * (1 + math.cos(math.pi * x))
