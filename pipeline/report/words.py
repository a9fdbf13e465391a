"""Numbers as people write them."""

from __future__ import annotations

from typing import Any

import numpy as np


def number(value: Any) -> str:
    """A value as people write it: three significant digits, a dash where there is none."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple, np.ndarray)):
        return ", ".join(number(part) for part in value)
    if isinstance(value, (float, np.floating)):
        value = float(value)
        if not np.isfinite(value):
            return "–"
        if value == round(value) and abs(value) < 1e6:
            return f"{value:.0f}".replace("-", "−")
        digits = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
        return digits.replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
    return "–" if value is None else str(value)


def percent(value: float) -> str:
    """0.0712 -> "7.1 %"; a dash for NaN; what is left of rounding is 0."""
    if abs(value) < 1e-8:
        return "0 %"
    return f"{number(float(f'{100 * value:.2g}'))} %" if np.isfinite(value) else "–"
