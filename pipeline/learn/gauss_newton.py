"""Curvature of the loss in the coefficients of the closures, and steps that follow it.

The loss is that of Gaussians whose means and covariances the model gives. With everything whitened
by the covariance at hand, outputs u(theta) = (residual, covariance / sqrt 2, ...) have

    H = du/dtheta^T du/dtheta

as the Fisher information per row, and so have the terms that are squares (Gauss-Newton). It does
not depend on the noise, one snapshot gives it well, and near the start of a regression it hardly
changes: it is taken once. Steps -rate (H + damping)^-1 gradient then travel as far in what the data
hardly say as in what they say well, where Adam goes at one pace along each coefficient (Amari,
Neural Comput. 10, 251 (1998); Martens, J. Mach. Learn. Res. 21, 146 (2020)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp, vmap

TANGENTS = 128  # columns of the Jacobian at once, fewer of large systems
ELEMENTS = 2_000_000  # numbers in a temporary of that evaluation, at most
DAMPING = (1e-2, 1e-3)  # of H at the first and the last step, per row
RELATIVE = 0.01  # the same in units of its diagonal
FARTHEST = 0.2  # largest change of a coefficient in a step
BOLDEST = 0.02  # largest change of the likelihood per row that a step may expect


class _Outputs(nn.Module):
    """A function of an owner's parameters as a module, which `functional_call` needs."""

    def __init__(self, owner: nn.Module, outputs: Callable[[], Tensor]) -> None:
        super().__init__()
        self.owner, self.outputs = owner, outputs

    def forward(self) -> Tensor:
        return self.outputs()


def fisher(
    owner: nn.Module, names: Sequence[str], outputs: Callable[[], Tensor], pairs: int
) -> Tensor:
    """H (p, p), float64, of outputs half of whose square is the loss; see `jacobian`."""
    J = jacobian(owner, names, outputs, pairs)
    return J @ J.T


def jacobian(
    owner: nn.Module, names: Sequence[str], outputs: Callable[[], Tensor], pairs: int
) -> Tensor:
    """(p, K) derivatives, float64, of K outputs of whichever shape, by forward differentiation.

    Args:
        owner: module whose parameters are differentiated.
        names: of those parameters.
        outputs: of the module.
        pairs: number of the largest arrays' elements, which bounds what is done at once.
    """
    wrapped = _Outputs(owner, outputs)
    parameters = dict(owner.named_parameters())
    at = tuple(parameters[name].detach() for name in names)
    sizes = [x.numel() for x in at]
    keys = [f"owner.{name}" for name in names]

    def column(tangent: Tensor) -> Tensor:
        parts = tangent.split(sizes)
        tangents = tuple(t.reshape(x.shape) for t, x in zip(parts, at, strict=True))

        def run(*values: Tensor) -> Tensor:
            return functional_call(wrapped, dict(zip(keys, values, strict=True)), ())

        return jvp(run, at, tangents)[1]

    unit = torch.eye(sum(sizes), dtype=at[0].dtype, device=at[0].device)
    chunk = max(1, min(TANGENTS, ELEMENTS // max(pairs, 1)))
    return vmap(column, chunk_size=chunk, randomness="same")(unit).flatten(1).double()


class GaussNewton(torch.optim.Adam):
    """The first group of parameters by damped Gauss-Newton steps, the others by Adam.

    Args:
        groups: of parameters with their learning rates; that of the first is the fraction of a
            whole Gauss-Newton step.
        curvature: H (p, p) of the first group.
        steps: of the training, along which the damping falls.
    """

    def __init__(self, groups: list[dict[str, Any]], curvature: Tensor, steps: int) -> None:
        super().__init__(groups, betas=(0.9, 0.99))
        self.curvature, self.steps = curvature.cpu(), steps
        first = self.param_groups[0]
        first.setdefault("count", 0)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step; lightning hands in the evaluation of loss and gradient as ``closure``."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        first = self.param_groups[0]
        parameters = first["params"]
        gradient = torch.cat([_gradient(p) for p in parameters])
        change = self._change(gradient, first["count"] / max(1, self.steps))
        change *= min(1.0, FARTHEST / max(first["lr"] * float(change.abs().max()), 1e-12))
        sizes = [p.numel() for p in parameters]
        for p, part in zip(parameters, change.split(sizes), strict=True):
            p.add_(part.reshape(p.shape).to(p), alpha=-first["lr"])
            p.grad = None  # Adam leaves out what has none
        first["count"] += 1
        super().step()
        return loss

    def _change(self, gradient: Tensor, progress: float) -> Tensor:
        """(H + damping)^-1 gradient, shortened where it would change the likelihood too boldly."""
        H = self.curvature
        damping = DAMPING[0] * (DAMPING[1] / DAMPING[0]) ** progress
        damped = H + torch.diag(damping + RELATIVE * H.diagonal())
        factor = torch.linalg.cholesky(damped)
        change = torch.cholesky_solve(gradient[:, None], factor)[:, 0]
        expected = 0.5 * float(change @ H @ change)
        return change * min(1.0, (BOLDEST / max(expected, 1e-12)) ** 0.5)


def _gradient(p: nn.Parameter) -> Tensor:
    found = torch.zeros_like(p) if p.grad is None else p.grad
    return found.detach().flatten().double().cpu()
