"""The learned closures, and the numbers that each particle carries."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.curves import finite, zero
from pipeline.report.html import percent
from pipeline.report.results import PRINTED, Absent, Group, Results, Run, singular


class Scales(NamedTuple):
    """What a reduced 1 stands for.

    Fields:
        length, time: in the units named. temperature: mean of the particles, reduced (k_B = 1).
        dimension: of space.
    """

    length: float
    length_unit: str
    time: float
    time_unit: str
    temperature: float
    dimension: int

    @property
    def volume(self) -> float:
        return self.length**self.dimension

    @property
    def volume_unit(self) -> str:
        power = {2: "²", 3: "³"}.get(self.dimension, "")
        return f"{self.length_unit}{power}" if self.length_unit else ""

    @property
    def distance(self) -> str:
        """The label of an axis of distances."""
        return style.quantity("Distance r", self.length_unit)

    def per(self, top: str, unit: str) -> str:
        """ "kT/µm", or "kT" where lengths have no unit."""
        return f"{top}/{unit}" if unit else top


def metriplectic(results: Results) -> Run:
    """The first metriplectic run. Raises Absent where there is none."""
    for run in results.runs:
        if run.model.startswith("metriplectic"):
            return run
    raise Absent("No metriplectic model was trained, so there are no closures to show.")


def scales(results: Results) -> Scales:
    """Scales of the first metriplectic run, from its record."""
    record: dict[str, Any] = results.yaml(f"{metriplectic(results).folder}/model.yaml")
    units = record["units"]
    return Scales(
        float(units["length"]),
        PRINTED.get(units["length_unit"], units["length_unit"]),
        float(units["time"]),
        singular(PRINTED.get(units["time_unit"], units["time_unit"])),
        float(record["seen"]["mean_T"]),
        int(record["model"]["dimension"]),
    )


BLUE = style.COLOURS["metriplectic"]
PALE = "#b5d3e6"


def group(results: Results, name: str) -> Group:
    """A group of the first metriplectic run's learned.h5, in reduced units."""
    return results.group(f"{metriplectic(results).folder}/learned.h5", name)


def pair_law(results: Results) -> Figure:
    """Volume kernel, mean pair force and mean pair friction against distance."""
    still = brownian(results)
    drawing, panels = style.panels(2 if still else 3, height=3.0)
    found, unit, rows = group(results, "kernel"), scales(results), []
    r = unit.length * found.get("r")
    w = found.get("w") / unit.volume
    panels[0].plot(r, w, color=BLUE)
    panels[0].set_ylabel(style.quantity("Kernel w", unit.per("1", unit.volume_unit)))
    rows.append(pd.DataFrame({"curve": "kernel", "r": r, "value": w}))
    force = unit.per("kT", unit.length_unit), 1 / (unit.temperature * unit.length)
    for axes, name, (of, factor) in zip(
        panels[1:],
        ("pair_force", "pair_friction"),
        (force, (unit.per("1", unit.time_unit), 1 / unit.time)),
        strict=False,  # of Brownian motion there is no friction of pairs
    ):
        law = group(results, name)
        for key, dash, label in (("value", "-", "along r"), ("across", (0, (4, 2)), "across r")):
            if key in law.data:
                x, y = unit.length * law.get("r"), factor * law.get(key)
                axes.plot(x, y, color=BLUE, linestyle=dash, label=label)
                table = {"curve": f"{name} {label}", "r": x, "value": y}
                rows.append(pd.DataFrame({**table, **band(axes, law, key, x, factor)}))
        words = "Force" if name == "pair_force" else "Friction over mass"
        axes.set_ylabel(style.quantity(words, of))
        zero(axes)
    if not still:
        panels[-1].legend()
    for axes in panels:
        axes.set(xlabel=unit.distance, xlim=(0.95 * r.min(), 1.01 * r.max()))
    energy = (
        "over kT, which is what displacements tell)"
        if still
        else "kT is the mean kinetic temperature, since a video tells no masses); third, how they "
        "slow each other"
    )
    return Figure(
        "pair_law",
        drawing,
        pd.concat(rows),
        "First, how much a neighbour at distance r takes part in the local density; second, the "
        f"mean force between neighbours (positive pushes apart; {energy}. Shaded: 95 % bands, from "
        "the curvature of the likelihood and from blocks of time, where the film is long enough."
        + _power(group(results, "pair_force"), unit),
        f"Learned volume kernel{' and' if still else ','} mean pair force"
        f"{'' if still else ' and pair friction'} against distance.",
        wide=True,
    )


def _power(law: Group, unit: Scales) -> str:
    """A sentence on the power law that the force is nearest to, where it has a band."""
    if "low_exponent" not in law.data:
        return ""
    value, low, high = (float(law.get(f"{x}exponent")[0]) for x in ("", "low_", "high_"))
    near, far = unit.length * law.get("exponent_range")
    return (
        f" Between {near:.3g} and {far:.3g} {unit.length_unit} the force goes with distance to "
        f"the power {value:.2f} (95 %: {low:.2f} to {high:.2f})."
    ).replace("-", "−")


def band(axes: Axes, law: Group, key: str, x: np.ndarray, factor: float) -> dict[str, np.ndarray]:
    """Shades the 95 % band of a learned curve, and returns it; nothing where it has none."""
    name = "" if key == "value" else f"_{key}"
    if f"low{name}" not in law.data:
        return {}
    band = {side: factor * law.get(f"{side}{name}") for side in ("low", "high")}
    axes.fill_between(x, band["low"], band["high"], color=PALE, linewidth=0, alpha=0.6)
    return band


def brownian(results: Results) -> bool:
    """Whether the model is one of Brownian motion, without entropies and friction of pairs."""
    record = results.yaml(f"{metriplectic(results).folder}/model.yaml")
    return record["training"].get("bath") == "brownian"


def warm(results: Results) -> None:
    """Raises Absent where there are no entropies."""
    if brownian(results):
        raise Absent(
            "Of Brownian motion D and forces over kT are learned, and neither entropies of the "
            "particles nor friction between them."
        )


def state(results: Results) -> Figure:
    """Temperature and pressure over volume and entropy, with the states that the data visit."""
    warm(results)
    found, unit = group(results, "energy"), scales(results)
    S, V = found.get("S"), unit.volume * found.get("V")
    drawing, panels = style.panels(2, height=3.6)
    grid_S, grid_V = np.meshgrid(S, V, indexing="ij")
    table = {"S": grid_S.ravel(), "V": grid_V.ravel()}
    pressure = style.quantity("Pressure", unit.per("kT", unit.volume_unit))
    for axes, name, words, factor in zip(
        panels,
        ("T", "P"),
        ("Temperature / mean", pressure),
        (1 / unit.temperature, 1 / (unit.temperature * unit.volume)),
        strict=True,
    ):
        field = factor * found.get(name)
        mesh = axes.contourf(V, S, field, 16, cmap="cividis")
        drawing.colorbar(mesh, ax=axes, label=words, ticks=MaxNLocator(5))
        axes.set(xlabel=style.quantity("Volume V", unit.volume_unit), ylabel="Entropy S (k)")
        table[name] = field.ravel()
        x, y = unit.volume * found.get("samples_V"), found.get("samples_S")
        axes.scatter(x, y, s=3, color="white", alpha=0.5, linewidths=0, rasterized=True)
    return Figure(
        "state",
        drawing,
        pd.DataFrame(table),
        "White dots are the states that particles of the training data visit; colours away from "
        "them are extrapolated.",
        "Learned temperature and pressure as functions of volume and entropy.",
        wide=True,
    )


def friction(results: Results) -> Figure:
    """What the amplitudes make of friction and heat exchange, at the mean temperature."""
    warm(results)
    found, unit = group(results, "friction"), scales(results)
    drawing, (drag, heat) = style.panels(2, height=3.0)
    T, r = unit.temperature, unit.length * found.get("r")
    table = {"r": r}
    for axes, name, dash, words, factor in (
        (drag, "a2", "-", "a² / 2kT, shear", 0.5 / T),
        (drag, "b2", (0, (5, 2)), "b² / 2kT, compression", 0.5 / T),
        (heat, "c2", "-", "c² / kT²", 1 / T**2),
    ):
        table[name] = factor / unit.time * found.get(name)
        axes.plot(r, table[name], color=BLUE, linestyle=dash, label=words)
    drag.set_ylabel(style.quantity("Friction over mass", unit.per("1", unit.time_unit)))
    heat.set_ylabel(style.quantity("Heat conductance", unit.per("k", unit.time_unit)))
    for axes in (drag, heat):
        axes.margins(y=0.4)  # room for the names above the curves
        axes.set(xlabel=unit.distance, ylim=(0, None))
        axes.legend(loc="upper right")
    return Figure(
        "friction",
        drawing,
        pd.DataFrame(table),
        "First, how strongly neighbours drag on each other when they slide past or approach; "
        "second, how they exchange heat. Both at the mean temperature.",
        "Learned friction amplitudes a², b² and heat exchange c² against distance.",
        wide=True,
    )


def histograms(results: Results) -> Figure:
    """Histograms of the learned temperature and entropy."""
    warm(results)
    drawing, panels = style.panels(2, height=2.8)
    found, mean = group(results, "temperature"), scales(results).temperature
    relative = Group({**found.data, "edges": found.get("edges") / mean}, found.attrs)
    rows = [histogram(panels[0], relative, "Temperature / mean").assign(quantity="temperature")]
    table = histogram(panels[1], group(results, "entropy"), "Entropy S (k)")
    rows.append(table.assign(quantity="entropy"))
    return Figure(
        "temperature",
        drawing,
        pd.concat(rows),
        "A sample in equilibrium has one temperature: the spread, "
        f"{percent(_spread(rows[0]))} (rms), is the model's. "
        "Several humps mean that kinds of particles, which take up different volumes, pass for "
        "differently warm ones, since one equation of state serves for all.",
        "Histograms of learned temperature and entropy.",
        wide=True,
    )


def _spread(table: pd.DataFrame) -> float:
    """Standard deviation over mean of a histogram."""
    centre, count = (table["low"] + table["high"]) / 2, table["count"]
    mean = float((centre * count).sum() / count.sum())
    return float(np.sqrt((count * (centre - mean) ** 2).sum() / count.sum())) / mean


def histogram(axes: Axes, found: Group, words: str) -> pd.DataFrame:
    """Draws counts between edges, and returns them as a table."""
    edges, count = found.get("edges"), found.get("count")
    axes.stairs(count, edges, fill=True, color=PALE, edgecolor=BLUE, linewidth=1.0)
    axes.set(xlabel=words, ylabel="Particles")
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "count": count})


STRENGTH = "Strength s of a particle"
TRAITS = {"size": "Size of the spot (px)", "mass": "Brightness of the spot (mass)"}
SPECIES = [BLUE, style.COLOURS["gns_sde"], style.COLOURS["metriplectic_paper"], "#7F3C8D"]


def latent(results: Results) -> Figure:
    """The latent entropy of each particle, and what it goes with."""
    warm(results)
    found = group(results, "latent")
    drawing, (axes,) = style.panels(height=3.0)
    table = histogram(axes, found, "Latent entropy of a particle (k)")
    caption = "One number per particle, learned with the model: what kind of particle it is."
    caption += _correlations(found)
    return Figure("latent", drawing, table, caption, "Histogram of the latent entropy.")


def strength(results: Results) -> Figure:
    """The strength of each particle: its histogram, and against the size of its spot."""
    run = metriplectic(results)
    if not results.yaml(f"{run.folder}/model.yaml")["training"].get("strength"):
        raise Absent("All particles were taken to be of one strength (settings: train.strength).")
    found = group(results, "strength")
    s = found.get("s")
    table = pd.DataFrame({"particle": found.get("particle"), "s": s})
    table = table.assign(
        **{name: found.data[name] for name in (*TRAITS, "species") if name in found.data}
    )
    shown = next((name for name in TRAITS if name in found.data), None)
    drawing, panels = style.panels(1 if shown is None else 2, height=3.2)
    kinds = _kinds(found, len(s))
    edges = found.get("edges")
    low = np.zeros(len(edges) - 1)
    for label, colour, rows in kinds:
        high = low + np.histogram(s[rows], edges)[0]
        panels[0].stairs(high, edges, baseline=low, fill=True, color=colour, label=label)
        low = high
    panels[0].set(xlabel=STRENGTH, ylabel="Particles")
    if len(kinds) > 1:
        panels[0].legend()
    caption = (
        "One factor per particle on its part in the local density: what is stronger pushes harder "
        "and keeps neighbours farther away. Nothing was said about the kinds of particles there "
        "are; it was learned from how they move."
    )
    if shown is not None:
        _scatter(panels[1], found, shown, kinds)
    return Figure(
        "strength",
        drawing,
        table,
        caption + _correlations(found),
        "Histogram of the learned strengths of the particles"
        + ("." if shown is None else f", and each against the {shown} of its spot."),
        wide=shown is not None,
    )


Kind = tuple[str, str, np.ndarray]  # printed name, colour, rows (n,) bool


def _kinds(found: Group, count: int) -> list[Kind]:
    """The true species where they are known, else all particles as one kind."""
    species = found.data.get("species", np.full(count, np.nan))
    known = np.unique(species[np.isfinite(species)])
    if not 1 < len(known) <= len(SPECIES):
        return [("", PALE, np.ones(count, dtype=bool))]
    named = [
        (f"true species {value:.0f}", colour, species == value)
        for value, colour in zip(known, SPECIES, strict=False)
    ]
    return [*named, *_others(species)]


def _others(species: np.ndarray) -> list[Kind]:
    unknown = ~np.isfinite(species)
    return [("unknown", PALE, unknown)] if unknown.any() else []


def _scatter(axes: Axes, found: Group, trait: str, kinds: list[Kind]) -> None:
    x, s = found.get(trait), found.get("s")
    for _, colour, rows in kinds:
        colour = BLUE if colour == PALE and len(kinds) == 1 else colour
        axes.scatter(x[rows], s[rows], s=7, color=colour, alpha=0.6, linewidths=0, rasterized=True)
    axes.set(xlabel=TRAITS[trait], ylabel=STRENGTH)
    value = float(finite(found.get(f"correlation_{trait}"))[0])
    axes.set_title(f"correlation {_rounded(value)}")


def _correlations(found: Group) -> str:
    """A sentence on the traits that were compared, "" where there were none."""
    known = {
        key.removeprefix("correlation_"): float(finite(value)[0])
        for key, value in found.data.items()
        if key.startswith("correlation_")
    }
    told = ", ".join(f"{name} {_rounded(value)}" for name, value in known.items())
    return f" Correlation with measured traits: {told}." if told else ""


def _rounded(correlation: float) -> str:
    return f"{correlation:.2f}".replace("-", "−")
