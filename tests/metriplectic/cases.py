"""Small random systems and models in float64 on which the laws are tested."""

from __future__ import annotations

from typing import Any

import torch

from pipeline import pairs, space
from pipeline.closures.reference import Reference, reference
from pipeline.metriplectic import model
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.noise import Increments
from pipeline.metriplectic.presets import PRESETS, SPLINES, Closures
from pipeline.pairs import Pairs, State
from pipeline.space import Space

CUTOFF = 1.6

CLOSURES = tuple(name for name, closures in PRESETS.items() if "strain" not in closures)
SOLIDS = ("splines_solid", "paper_solid")
WALLS = {"low": (0.0, 0.0), "high": (3.4, 3.4)}
# What surrounds particles: a medium, an external potential; and attraction.
SURROUNDED: dict[str, Closures] = {
    "bath": {**SPLINES, "bath": {"kind": "crowded", "rate": 0.8, "conductance": 0.7}},
    "surrounded": {
        **SPLINES,
        "bath": {"kind": "uniform", "rate": 1.2, "conductance": 0.4},
        "external": {"kind": "field", **WALLS, "intervals": 4},
        "pair_energy": {"kind": "splines"},
    },
    "brownian": {
        **SPLINES,
        "friction": {"kind": "none"},
        "bath": {"kind": "brownian"},
        "external": {"kind": "walls_field", **WALLS, "axes": (0, 1), "reach": 1.5, "intervals": 4},
    },
}


def draw(
    pairs: Pairs, dt: float, generator: torch.Generator | None = None, bath: bool = False
) -> Increments:
    """Increments N(0, dt) of a stream, whose order matters: pairs first, then particles."""
    width = pairs.e.shape[1] + 1
    options: dict[str, Any] = {
        "dtype": pairs.r.dtype,
        "device": pairs.r.device,
        "generator": generator,
    }
    normal = torch.randn((len(pairs.r), width), **options) * dt**0.5
    if not bath:
        return Increments(normal[:, :-1], normal[:, -1])
    own = torch.randn((pairs.n, width), **options) * dt**0.5
    return Increments(normal[:, :-1], normal[:, -1], own[:, :-1], own[:, -1])


def random_model(kind: str, dimension: int, seed: int = 0, **settings) -> Metriplectic:
    """A model whose parameters are moved off their symmetric start; float64, no gradients."""
    torch.manual_seed(seed)
    made = model.build(
        {
            "dimension": dimension,
            "cutoff": CUTOFF,
            "temperature": 1.3,
            "volume": 0.7,
            "intervals": 8,
            "closures": SURROUNDED.get(kind, kind),
            **settings,
        }
    ).double()
    for parameter in made.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return made.requires_grad_(False)


def geometry(name: str, dimension: int) -> Space:
    """Free, periodic or sheared; the boxes hold each minimum image uniquely."""
    lengths = (3.4,) * dimension
    return {
        "free": space.free(dimension),
        "periodic": space.periodic(lengths),
        "slab": space.periodic(lengths, [True] + [False] * (dimension - 1)),
        "lees_edwards": space.lees_edwards(lengths, 0.8),
    }[name]


def random_reference(box: Space, seed: int = 5) -> Reference:
    """Undeformed bonds of the lattice that `random_state` jitters, slightly stretched."""
    state, _ = random_state(box, seed=seed)
    return reference(pairs.find(state.r, box, 1.05 * CUTOFF), 1.05 * CUTOFF, box)


def random_state(box: Space, n: int = 6, seed: int = 1) -> tuple[State, Pairs]:
    """Neighbouring sites of a jittered lattice, hot and fast enough that every term counts."""
    generator = torch.Generator().manual_seed(seed)
    options = {"generator": generator, "dtype": torch.float64}
    D = box.dimension
    axis = torch.arange(3, dtype=torch.float64) * 1.13 + 0.3
    sites = torch.cartesian_prod(*[axis] * D)
    r = sites[sites.square().sum(1).argsort()[:n]]
    r = r + 0.3 * (torch.rand(n, D, **options) - 0.5)
    state = State(r, torch.randn(n, D, **options), torch.randn(n, **options))
    return state, pairs.find(r, box, CUTOFF, time=0.7)


def strengths(n: int, seed: int = 9) -> torch.Tensor:
    """Factors s (n,) between about 1/2 and 2."""
    generator = torch.Generator().manual_seed(seed)
    return torch.exp(0.35 * torch.randn(n, generator=generator, dtype=torch.float64))


def crowd(box: Space, n: int = 60, seed: int = 2) -> tuple[State, Pairs]:
    """More particles, at random positions."""
    generator = torch.Generator().manual_seed(seed)
    options = {"generator": generator, "dtype": torch.float64}
    D = box.dimension
    r = 3.4 * torch.rand((n, D), **options)
    state = State(r, torch.randn((n, D), **options), torch.randn(n, **options))
    return state, pairs.find(r, box, CUTOFF, time=0.7)
