"""Oscillatory shear: what a cycle undoes and what it leaves."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.results import Absent, Group, Results

NUMBERS = ("reversible", "irreversible", "exchanges", "exchanges_half", "displacement", "d2min")
DARK, LIGHT = "#0072B2", "#A6CEE3"


def cycles(results: Results) -> Figure:
    """Rearrangements, exchanges and displacements of a cycle, for the film and each rollout."""
    found = _sources(results)
    first, of = next(iter(found)), next(iter(found.values()))
    drawing, (shares, bonds, strobe) = style.panels(3, height=3.2)
    _shares(shares, found)
    _exchanges(bonds, found)
    _strobe(strobe, found, results)
    columns = ("run", "start", *NUMBERS)
    rows = [
        pd.DataFrame({key: group.get(key) for key in columns}).assign(source=name)
        for name, group in found.items()
    ]
    stay, undone = (100 * of.get(key).mean() for key in ("irreversible", "reversible"))
    text = (
        f"The shear has a period of {float(of.attrs['intervals']):.4g} frames "
        f"({of.attrs['source']}: {of.attrs['why']}) and a strain amplitude of "
        f"{100 * float(of.attrs['strain']):.2g} %. {first}: {stay:.2g} % of the particles are "
        f"rearranged after a cycle, {undone:.2g} % were on the way and came back. An exchange is a "
        "pair of neighbours that parts while the two on either side of it meet. Right: snapshots "
        "a cycle apart, relative to their mean motion."
    )
    return Figure(
        "cycles",
        drawing,
        pd.concat(rows),
        text + results.lacking("cycles"),
        "Reversible and irreversible rearrangements, exchanges and displacements of a cycle.",
        wide=True,
    )


def _sources(results: Results) -> dict[str, Group]:
    """The cycles of every source by its printed name, those of the whole film first."""
    stored = results.statistics("cycles")
    found = {style.label(source, list(stored)): group for source, group in stored.items()}
    with suppress(Absent):
        film = results.statistic("experiment", "cycles_film")
        if "experiment" not in stored or len(film.get("start")) > len(
            stored["experiment"].get("start")
        ):
            found = {"Whole film": film, **found}
    return found


def _mean(found: dict[str, Group], key: str) -> np.ndarray:
    """(S,) mean over the cycles of each source."""
    return np.array([group.get(key).mean() for group in found.values()])


def _bars(axes: Axes, found: dict[str, Group]) -> np.ndarray:
    """Places of the bars, one source each, and their names below."""
    place = np.arange(len(found))
    axes.set_xticks(place, list(found), rotation=25, ha="right")
    return place


def _shares(axes: Axes, found: dict[str, Group]) -> None:
    place = _bars(axes, found)
    stay, undone = (100 * _mean(found, key) for key in ("irreversible", "reversible"))
    axes.bar(place, stay, 0.6, color=DARK, label="stay rearranged")
    axes.bar(place, undone, 0.6, stay, color=LIGHT, label="come back")
    axes.set(ylabel="Particles (%)", ylim=(0, 1.4 * max((stay + undone).max(), 1e-9)))
    axes.legend()


def _exchanges(axes: Axes, found: dict[str, Group]) -> None:
    place = _bars(axes, found)
    for side, key, colour, words in (
        (-0.18, "exchanges", DARK, "after a cycle"),
        (0.18, "exchanges_half", LIGHT, "at half of it"),
    ):
        axes.bar(place + side, _mean(found, key), 0.36, color=colour, label=words)
    most = max(_mean(found, "exchanges").max(), _mean(found, "exchanges_half").max(), 1e-9)
    axes.set(ylabel="Exchanges (T1) per particle", ylim=(0, 1.4 * most))
    axes.legend()


def _strobe(axes: Axes, found: dict[str, Group], results: Results) -> None:
    sources = list(results.statistics("cycles"))
    looks = {style.label(source, sources): style.line(source) for source in sources}
    for name, group in found.items():
        size = np.sort(group.get("displacements"))
        beyond = 1 - np.arange(len(size)) / len(size)
        axes.plot(size, beyond, label=name, **looks.get(name, {"color": "#999999"}))
    axes.set(xscale="log", yscale="log", ylabel="Share of particles beyond")
    axes.set_xlabel(style.quantity("Displacement over a cycle", results.unit("length")))
    axes.legend()
