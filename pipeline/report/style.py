"""How every figure looks: one colour, one dash and one name per source, calm axes, real text."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from pipeline.learn.settings import VARIANTS

# Okabe and Ito's palette: told apart by every common kind of colour vision, and in grey by dash.
COLOURS = {
    "experiment": "#1a1a1a",
    "truth": "#8a8a8a",
    "metriplectic": "#0072B2",
    "metriplectic_no_udev": "#56B4E9",
    "metriplectic_paper": "#009E73",
    "gns": "#D55E00",
    "gns_sde": "#E69F00",
    "dpd": "#CC79A7",
    "lammps": "#882255",
    "lammps_scaled": "#7F7F00",
}
DASHES = {
    "truth": (0, (6, 2)),
    "metriplectic_no_udev": (0, (5, 1, 1, 1)),
    "metriplectic_paper": (0, (3, 1, 1, 1, 1, 1)),
    "gns": (0, (4, 2)),
    "gns_sde": (0, (2, 1)),
    "dpd": (0, (1, 1)),
    "lammps": (0, (3, 2)),
    "lammps_scaled": (0, (3, 2)),
}
NAMES = {
    "experiment": "experiment",
    "truth": "truth",
    **{name: variant.label for name, variant in VARIANTS.items()},
    "lammps": "the same in LAMMPS",
    "lammps_scaled": "new particles in LAMMPS",
}
# For models that have no colour above, in the order of their entry; dotted, each its own way.
SPARE: tuple[str, ...] = ("#7F3C8D", "#11A579", "#3969AC", "#A5AA99")
SPARE += ("#E73F74", "#80BA5A", "#008695", "#CF1C90", "#4B4B8F", "#F97B72")
OTHERS = [name for name in VARIANTS if name not in COLOURS]
COLOURS |= {name: SPARE[k % len(SPARE)] for k, name in enumerate(OTHERS)}
DASHES |= {name: (0, (1, 1 + k, 3, 1)) for k, name in enumerate(OTHERS, 1)}
MAP = "magma_r"  # pale where nothing happens, dark where particles rearrange; monotone in grey
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "font.size": 11.5,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.labelcolor": "#222222",
    "axes.edgecolor": "#555555",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.limits": (-3, 5),
    "axes.formatter.use_mathtext": True,
    "axes.formatter.useoffset": False,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.labelcolor": "#222222",
    "ytick.labelcolor": "#222222",
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "svg.fonttype": "none",  # text stays text: searchable, editable, set in the reader's font
    "svg.hashsalt": "metriplex",
    "pdf.fonttype": 42,
}


def context() -> AbstractContextManager[None]:
    """The settings under which every figure is drawn and saved."""
    return matplotlib.rc_context(STYLE)


def model_of(source: str) -> str:
    """ "gns_sde_seed1" -> "gns_sde"; "experiment" stays."""
    return source.rsplit("_seed", 1)[0]


def name(source: str) -> str:
    """The printed name of a source or model."""
    model = model_of(source)
    return NAMES.get(model, model.replace("_", " "))


def label(source: str, sources: list[str]) -> str:
    """The printed name, with the seed where `sources` holds several of one model."""
    several = sum(model_of(other) == model_of(source) for other in sources) > 1
    seed = source.rsplit("_seed", 1)[-1]
    return f"{name(source)}, seed {seed}" if several and seed != source else name(source)


def line(source: str) -> dict[str, Any]:
    """Colour and dash of a source, as keyword arguments of Axes.plot."""
    model = model_of(source)
    return {"color": COLOURS.get(model, "#7F3C8D"), "linestyle": DASHES.get(model, "-")}


def panels(columns: int = 1, rows: int = 1, height: float = 3.3) -> tuple[Figure, list[Axes]]:
    """A figure of rows x columns panels (5.6 inches wide for one, 10.2 for more), axes in a list.

    These widths make text about equally large where the page sets one figure or two in a row.
    """
    figure = Figure(figsize=(5.6 if columns == 1 else 10.2, height * rows))
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())


def quantity(words: str, unit: str) -> str:
    """An axis label with its unit in brackets, where there is one."""
    return f"{words} ({unit})" if unit else words


def in_units_of(axis: Axis, unit: str, most: int = 8) -> None:
    """At most so many ticks, on whole numbers where the unit is a frame: there is none between."""
    axis.set_major_locator(MaxNLocator(most, integer=unit == "frames"))


def plain_log(axis: Axis, low: float, high: float) -> None:
    """Label a logarithmic axis from `low` to `high` with a few plain numbers."""
    decades = np.log10(high / low)
    subs = (1.0, 2.0, 5.0) if decades < 1.3 else (1.0, 3.0) if decades < 3 else (1.0,)
    axis.set_major_locator(LogLocator(subs=subs))
    if decades < 5:
        axis.set_major_formatter(lambda value, _: f"{value:.4g}".replace("e-0", "e-"))
    axis.set_minor_formatter(NullFormatter())
