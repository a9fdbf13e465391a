"""The plugin beside LAMMPS's own particle fluids: ./setup python -m benchmarks.lammps [side].

One rank, side^3 particles in three dimensions, about 17 neighbours within the cutoff, the same
lattice, steps and neighbour list for all. Processor time of the time loop, output left out.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch

from pipeline import compiler
from pipeline.lammps import potential, rule
from pipeline.lammps.build import build
from pipeline.lammps.run import Loop, loop, run
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.model import build as build_model

DENSITY = 4.06  # 17 neighbours within a cutoff of one
STEPS, REPEATS = 40, 3
BASELINE, GOAL = "dpd", 1.5
RANGES = ((-30.0, 30.0), (0.02, 3.0), (0.05, 20.0))  # of S, V, T in the tables of networks
PARTS = ("Pair", "Neigh", "Comm", "Modify")

SCRIPT = """{before}
units lj
atom_style {atoms}
newton on
comm_modify vel yes
{properties}
lattice sc {density}
region box block 0 {side} 0 {side} 0 {side}
create_box 1 box
create_atoms 1 box
mass 1 1.0
displace_atoms all random 0.1 0.1 0.1 1
velocity all create 1.0 7
neighbor 0.3 bin
neigh_modify every 1 delay 0 check yes
timestep 0.01
{style}
run 10
run {steps}
"""


class Style(NamedTuple):
    """What a fluid needs in the script."""

    style: str
    atoms: str = "atomic"
    before: str = ""
    properties: str = ""


OTHERS = {
    "dpd": Style("pair_style dpd 1.0 1.0 3\npair_coeff * * 25 4.5\nfix 1 all nve"),
    "sdpd": Style(
        "set group all sph/rho 4.06\n"
        "pair_style hybrid/overlay sph/rhosum 1 sdpd/taitwater/isothermal 1.0 1.0 3\n"
        "pair_coeff * * sph/rhosum 1.0\n"
        "pair_coeff * * sdpd/taitwater/isothermal 4.06 10.0 1.0\n"
        "fix 1 all sph",
        "sph",
    ),
}


def model(closures: str) -> Metriplectic:
    """An untrained fluid of this density at temperature one."""
    torch.manual_seed(0)
    settings = {"dimension": 3, "cutoff": 1.0, "volume": 1.0 / DENSITY, "closures": closures}
    return build_model(settings)


def styles(folder: Path) -> dict[str, Style]:
    """All fluids; the potential files of ours are written to ``folder``."""
    found = {}
    for name in ("splines", "networks"):
        potential.write(folder / name, rule.potential(model(name), 1.0, RANGES))
        found[f"metriplectic, {name}"] = Style(
            f"pair_style metriplectic 1\npair_coeff * * {name}\nfix 1 all metriplectic",
            before=f"plugin load {build(compiler.cache())}",
            properties="fix property all property/atom d_entropy",
        )
    return {**found, **OTHERS}


def measure(side: int, repeats: int) -> dict[str, list[Loop]]:
    """Time loops of every fluid, run in turn."""
    loops: dict[str, list[Loop]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        offered = styles(folder)
        for _ in range(repeats):
            for fluid, style in offered.items():
                text = SCRIPT.format(side=side, density=DENSITY, steps=STEPS, **style._asdict())
                (folder / "in.fluid").write_text(text)
                loops.setdefault(fluid, []).append(loop(run(folder, "in.fluid")))
    return loops


def table(loops: dict[str, list[Loop]]) -> str:
    """Nanoseconds per particle and step, the ratio to dpd, and where the time goes."""

    def cost(found: list[Loop]) -> float:
        return 1e9 * statistics.median(x.step / x.particles for x in found)

    count = next(iter(loops.values()))[0].particles
    title = f"{count} particles, one rank"
    lines = [f"{title:<32}{'ns':>6}{'x dpd':>8}" + "".join(f"{part:>9}" for part in PARTS)]
    for fluid, found in loops.items():
        total = sum(found[0].parts[part] for part in PARTS)
        shares = "".join(f"{found[0].parts[part] / total:>9.0%}" for part in PARTS)
        ratio = cost(found) / cost(loops[BASELINE])
        lines.append(f"  {fluid:<30}{cost(found):>6.0f}{ratio:>8.2f}{shares}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 47, REPEATS)))
    print(f"  (goal for fluids of splines: at most {GOAL} times dpd)")
