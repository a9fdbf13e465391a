"""What does not come from U and the friction of pairs: pair energy, walls and the medium."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.curves import zero
from pipeline.report.figures.learned import BLUE, Scales, band, group, metriplectic, scales
from pipeline.report.html import interval, number, percent
from pipeline.report.results import Absent, Group, Results

TERMS = {
    "walls": "walls",
    "field": "a smooth field",
    "walls_field": "a smooth field on top of walls",
    "bath": "a medium",
    "pair_energy": "a pair energy",
    "strength": "strengths of particles",
}


def chosen(results: Results) -> str:
    """Which terms were tried on the validation block, what they gained, and which were kept."""
    record = results.yaml(f"{metriplectic(results).folder}/model.yaml")
    told = [_trial(trial) for trial in record.get("choice", [])]
    if not told:
        raise Absent(
            "No term beside U(S, V) and the friction of pairs was tried. Of those left to the data "
            "(auto), walls, a smooth field and a medium are tried where nobody enters or leaves, a "
            "pair energy where Brownian particles pull at each other beyond the error."
        )
    return (
        f"Tried on the validation block, in log-likelihood per particle and step: "
        f"{'; '.join(told)}. A term is kept where the gain exceeds twice its standard error; a "
        "pair energy in any case, since it is tried only where particles pull."
    )


def _trial(trial: dict[str, Any]) -> str:
    verdict = "kept" if trial["kept"] else "left out"
    setting, value = trial["setting"], trial["value"]
    term = TERMS[value] if setting == "external" else f"{TERMS[setting]} ({value})"
    gain, error = (number(float(trial[name])) for name in ("gain", "error"))
    return f"{term} gains {gain} (standard error {error}), {verdict}"


def medium(results: Results) -> str:
    """Friction and noise of the medium with their bands, in sentences."""
    told, unit = drag(results), scales(results)
    try:
        found = group(results, "bath")
    except Absent:
        return told or balance(results)
    rate = _interval(found, "rate", 1 / unit.time)
    if int(found.get("brownian")[0]):
        D = _interval(found, "diffusion", unit.length**2 / unit.time)
        area = f" {unit.length_unit}²/{unit.time_unit}" if unit.length_unit else ""
        return (
            f"The model's particle alone diffuses with D = {D}{area}; friction and mass are not "
            "in an overdamped film."
        )
    if not int(found.get("active")[0]):
        said = (
            f"The medium slows a particle at the rate {rate}{_per(unit)} and keeps it at its heat."
        )
        return f"{said} {told or balance(results)}"
    gamma, noise = float(found.get("rate")[0]), float(found.get("g2")[0]) / unit.temperature
    return (
        f"{balance(results)} In the model the friction of the medium takes "
        f"{percent(2 * gamma / unit.time)} of the kinetic energy{_per(unit)} (rate {rate}) and its "
        f"noise gives {percent(2 * noise / unit.time)}."
    )


def drag(results: Results) -> str:
    """Friction of the medium as instruments tell it from the tracks; "" where they do not."""
    try:
        rate, unit = results.json("drag.json")["rate"], scales(results)
    except Absent:
        return ""
    if rate is None:
        return ""
    value, low, high = (float(rate[name]) for name in ("value", "low", "high"))
    said = f"A medium slows particles at the rate {interval(value, low, high)}{_per(unit)}"
    if low <= 0:
        said = f"No medium is seen: its rate is {interval(value, low, high)}{_per(unit)}"
    said = (
        f"{said}, by a regression of the tracks with instruments of some frames before, which "
        "share no error of the positions with the step."
    )
    if low <= 0 or _has_medium(results):
        return said
    return (
        f"{said} This model has no medium, and its pairs do what the medium does: set train.bath: "
        "uniform with train.bath_flow: sample for one that holds this rate."
    )


def _has_medium(results: Results) -> bool:
    try:
        group(results, "bath")
    except Absent:
        return False
    return True


def balance(results: Results) -> str:
    """What a medium takes of the motion, or feeds into it, by the balance of energy of the film."""
    found, unit = _group(results, "net_friction"), scales(results)
    value, low, high = (float(found.get(name)[0]) / unit.time for name in ("value", "low", "high"))
    rate = interval(value, low, high)
    verdict = "it cannot be told from a medium in equilibrium, nor from none"
    if high < 0:
        verdict = "below zero it feeds energy into the motion, as the air of an air table does"
    elif low > 0:
        verdict = "it takes motion, beyond what its noise gives"
    said = (
        f"The medium's friction less what its noise gives is {rate}{_per(unit)}, by the balance of "
        f"energy along the film: {verdict}."
    )
    if not float(_group(results, "bath").get("active")[0]):
        return said
    return (
        f"{said} Friction and noise are not tied to one another here: no fluctuation-dissipation "
        "theorem is claimed for this medium."
    )


def _per(unit: Scales) -> str:
    return f" per {unit.time_unit}" if unit.time_unit else ""


def _interval(found: Group, name: str, factor: float) -> str:
    """ "0.2 (95 %: 0.19 to 0.21)"."""
    value = factor * float(found.get(name)[0])
    if f"low_{name}" not in found.data:
        return number(value)
    low, high = (factor * float(found.get(f"{side}_{name}")[0]) for side in ("low", "high"))
    return interval(value, low, high)


def _group(results: Results, name: str) -> Group:
    """A group that only models with the term have; Absent says so."""
    try:
        return group(results, name)
    except Absent:
        words = {"net_friction": "medium", "pair_energy": "pair energy"}.get(
            name, "external potential"
        )
        raise Absent(f"The model has no {words}: the settings or the data left it out.") from None


def pair_energy(results: Results) -> Figure:
    """psi(r), the energy of a pair beside U(S, V), with its band."""
    found, unit = _group(results, "pair_energy"), scales(results)
    drawing, (axes,) = style.panels(height=3.0)
    table = _line(axes, found, "r", "psi", unit)
    zero(axes)
    axes.set(xlabel=unit.distance, ylabel="Pair energy ψ (kT)")
    low = int(table["value"].to_numpy().argmin())
    place, depth = (float(table[name].iloc[low]) for name in ("place", "value"))
    return Figure(
        "pair_energy",
        drawing,
        table,
        f"Energy of a pair beside what U(S, V) gives. It is lowest at {number(place)} "
        f"{unit.length_unit}, {number(depth)} kT; the force on a pair is that of both. "
        "Shaded: 95 % band.",
        "Learned pair energy against distance.",
    )


def external(results: Results) -> Figure:
    """Phi over the field of view, and along lines through its middle with their bands."""
    found, unit = _group(results, "external"), scales(results)
    x, y = (unit.length * found.get(name) for name in "xy")
    phi = found.get("phi") / unit.temperature
    drawing, (field, lines) = style.panels(2, height=4.2)
    mesh = field.contourf(x, y, phi.T, 20, cmap="cividis")
    drawing.colorbar(mesh, ax=field, label="Φ (kT)")
    field.set(xlabel=style.quantity("x", unit.length_unit), aspect="equal")
    field.set_ylabel(style.quantity("y", unit.length_unit))
    field.invert_yaxis()  # as the frames are drawn
    tables = []
    for name, dash in (("x", "-"), ("y", (0, (4, 2)))):
        at = _group(results, f"external_{name}")
        table = _line(lines, at, "at", "phi", unit, dash, f"along {name}, through the middle")
        tables.append(table.assign(line=name))
    lines.set(xlabel=style.quantity("Place", unit.length_unit), ylabel="Φ (kT)")
    lines.legend(loc="upper center")
    grid = np.meshgrid(x, y, indexing="ij")
    whole = {"place": grid[0].ravel(), "y": grid[1].ravel(), "value": phi.ravel(), "line": "map"}
    return Figure(
        "external",
        drawing,
        pd.concat([*tables, pd.DataFrame(whole)]),
        "Energy that a particle has by its place alone: walls, traps or a tilt of the table, zero "
        "in the middle of the places seen. Shaded: 95 % bands, from the curvature of the "
        "likelihood and from blocks of time, where the film is long enough.",
        "Map of the learned external potential, and its course along two lines.",
        wide=True,
    )


def _line(
    axes: Any,
    found: Group,
    place: str,
    value: str,
    unit: Scales,
    dash: Any = "-",
    label: str | None = None,
) -> pd.DataFrame:
    """Draws an energy over places with its band, and returns them in units of the data and kT."""
    x, factor = unit.length * found.get(place), 1 / unit.temperature
    y = factor * found.get(value)
    axes.plot(x, y, color=BLUE, linestyle=dash, label=label)
    return pd.DataFrame({"place": x, "value": y, **band(axes, found, value, x, factor)})
