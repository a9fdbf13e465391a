"""Time of one evaluation of drift and covariance: closures' own derivatives against autograd.

python -m benchmarks.dynamics            one thread, eager, float32
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from benchmarks.nested_autograd import NestedAutograd
from pipeline import pairs, space
from pipeline.metriplectic import model
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.noise import Covariance
from pipeline.pairs import Pairs
from pipeline.space import Space
from pipeline.state import Rates, State

Evaluation = Callable[[], tuple[Rates, Covariance]]


def system(n: int, box: Space, cutoff: float, seed: int = 0) -> tuple[State, Pairs]:
    """Uniformly random positions, unit temperature."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.tensor(box.lengths)
    r = torch.rand((n, box.dimension), generator=generator) * lengths
    v = torch.randn((n, box.dimension), generator=generator)
    S = torch.randn(n, generator=generator)
    return State(r, v, S), pairs.find(r, box, cutoff)


SYSTEMS = {
    "ideal gas, N = 500, 3D": lambda: (*system(500, space.periodic([7.94] * 3), 1.587), 1.587),
    "colloids, N = 1500, 2D": lambda: (*system(1500, space.periodic([36.0] * 2), 1.72), 1.72),
}


def jets(made: Metriplectic, state: State, near: Pairs) -> tuple[Rates, Covariance]:
    """Entropy from the teacher, then drift and covariance, as in a training step."""
    radial = made.radial(near.r)
    S = made.entropy(state, near, radial)
    dynamics = made.dynamics(state._replace(S=S), near, radial=radial)
    return dynamics.drift, made.covariance(dynamics)


def autograd(made: NestedAutograd, state: State, near: Pairs) -> tuple[Rates, Covariance]:
    return made(state._replace(S=made.entropy(state, near)), near)


def loss(rates: Rates, covariance: Covariance) -> Tensor:
    return sum(x.square().sum() for x in (*rates, *covariance))


def milliseconds(run: Callable[[], object], repeats: int = 20) -> float:
    """Least time of a call: what the machine can do when nothing else runs."""
    for _ in range(3):
        run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def measure(evaluate: Evaluation, gradients: bool) -> tuple[float, float]:
    """Milliseconds forward (without gradients where possible) and forward + backward."""

    def forward() -> None:
        with torch.set_grad_enabled(gradients):
            evaluate()

    return milliseconds(forward), milliseconds(lambda: loss(*evaluate()).backward())


def compare(name: str, state: State, near: Pairs, cutoff: float) -> None:
    """One line per kind of closure."""
    dimension = state.r.shape[1]
    settings = {"dimension": dimension, "cutoff": cutoff}
    kinds: dict[str, tuple[Evaluation, bool]] = {
        kind: (partial(jets, model.build({**settings, "closures": kind}), state, near), False)
        for kind in ("splines", "networks")
    }
    nested = NestedAutograd(dimension, cutoff)
    kinds["nested autograd"] = partial(autograd, nested, state, near), True
    for kind, (evaluate, gradients) in kinds.items():
        forward, both = measure(evaluate, gradients)
        print(f"{name} {len(near.r):6d} {kind:16} {forward:9.2f} {both:11.2f}", flush=True)


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'':22} {'pairs':>6} {'closures':16} {'forward':>9} {'+ backward':>11}   ms")
    for name, make in SYSTEMS.items():
        compare(name, *make())


if __name__ == "__main__":
    main()
