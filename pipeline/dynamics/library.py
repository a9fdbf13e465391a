"""The compiled engine of rollouts as a shared library, by the formulas of the LAMMPS plugin.

Compiled once for a machine, in ten to twenty seconds, and kept in `compiler.cache`.
"""

from __future__ import annotations

import ctypes
import functools
import tempfile
from ctypes import POINTER, Structure, c_char_p, c_double, c_int, c_size_t, c_uint64, c_void_p
from pathlib import Path

from pipeline import compiler

ENGINE = Path(__file__).parent / "engine"
FORMULAS = Path(__file__).parents[1] / "lammps" / "sources"
SHARED = ("potential_file.cpp", "external.cpp", "strain.cpp")  # of the plugin's sources


class Particles(Structure):
    """Pointers to arrays of n particles, D numbers for each vector; see engine.h."""

    _fields_ = [(name, c_void_p) for name in ("r", "v", "S", "strength", "flow", "push", "tag")]


class Leading(Structure):
    """Where driven particles are led; see engine.h."""

    _fields_ = [
        ("count", c_size_t),
        ("rows", c_void_p),
        ("r", c_void_p),
        ("v", c_void_p),
        ("temperature", c_double),
    ]


class Given(Structure):
    """What a step gave the particles from outside; see engine.h."""

    _fields_ = [
        ("work", c_double),
        ("impulse", c_double * 3),
        ("bath_heat", c_double),
        ("bath_work", c_double),
        ("bath_impulse", c_double * 3),
    ]


SIGNATURES = {
    "engine_new": (c_void_p, [c_char_p, c_char_p, c_size_t]),
    "engine_free": (None, [c_void_p]),
    "engine_settle": (None, [c_void_p, POINTER(c_double), c_double, c_double]),
    "engine_evaluate": (
        c_int,
        [
            c_void_p,
            POINTER(Particles),
            c_size_t,
            c_double,
            c_double,
            c_void_p,
            c_void_p,
            POINTER(c_double),
        ],
    ),
    "engine_together": (None, [c_void_p, POINTER(c_int)]),
    "engine_act": (None, [c_void_p, c_uint64, c_uint64, c_void_p, POINTER(c_double)]),
    "engine_step": (
        None,
        [c_void_p, c_void_p, c_void_p, c_void_p, POINTER(Leading), POINTER(Given)],
    ),
    "engine_bytes": (c_size_t, [c_void_p]),
}


@functools.cache
def library() -> ctypes.CDLL:
    """The library, compiled if it was not yet.

    Raises:
        NotCompiled: if there is no compiler, if it fails, or if what it makes cannot be loaded.
    """
    try:
        loaded = ctypes.CDLL(str(_made(compiler.cache())))
    except OSError:
        # A home that cannot be written to, has no locks, or runs nothing.
        try:
            loaded = ctypes.CDLL(str(_made(Path(tempfile.mkdtemp(prefix="metriplex-")))))
        except OSError as error:
            raise compiler.NotCompiled(f"The engine of rollouts cannot be kept: {error}") from error
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    return loaded


def _made(folder: Path) -> Path:
    sources = [*sorted(ENGINE.glob("*.cpp")), *(FORMULAS / name for name in SHARED)]
    flags = [*compiler.FLAGS, "-I", str(ENGINE), "-I", str(FORMULAS)]
    return compiler.build(folder / "engine.so", sources, flags, "The engine of rollouts")
