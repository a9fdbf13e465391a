"""Files that nobody wrote: each is refused in a sentence, by Python and plugin in the same words,
or gives a run of finite numbers, and nothing reads outside of arrays on the way."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import space
from pipeline.forcing import SampleFlow
from pipeline.lammps import input as script
from pipeline.lammps import potential, rule, run, tabulate
from pipeline.lammps.build import build
from pipeline.lammps.forms import Stream, flowing
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.presets import PRESETS, SPLINES, Closures
from tests.lammps.systems import ANCHOR, RANGES, SEED, crystal, write
from tests.lammps.test_sanitizers import FLAGS, preloaded
from tests.metriplectic.cases import SURROUNDED, random_model

# with what surrounds particles
AROUND: dict[str, Closures] = {**SURROUNDED, "active": {**SPLINES, "bath": {"kind": "active"}}}
KINDS = ("splines", "ideal_gas", "networks", "splines_solid", "paper_solid", *AROUND)
MUTATIONS = 100  # of each kind
RIGHT = "right.file"  # in the input script, where each of the others is put
STRANGE = (
    "nan inf -inf infinity 1e400 -1e400 1e300 -1e300 1e-300 -1 0 -0.0 1 2 3 4 5 -5 0.5 1e9 0x10 "
    "1,5 1_0 abc --1 1e +-1 . 1d3 99999999999999999999"
)

# What may end a run whose file is in order: the file of another system, or of another world.
STOPPED = re.compile(
    r"from which no forces follow|out of all bounds|exceeds half of the periodic box|"
    r"mass of every particle|for \d dimensions|of the undeformed solid|needs the property|"
    r"sit on each other|beyond the communication range"
)


DT = 2e-5


def settings(plugin: Path, name: str = RIGHT) -> script.Settings:
    return script.Settings(str(plugin), name, "start.data", 4, SEED, DT, every=0)


def narrow(kind: str) -> Metriplectic:
    """A random model with small networks."""
    closures = copy.deepcopy({**PRESETS, **AROUND}[kind])
    for options in closures.values():
        if options["kind"] in ("network", "paper"):
            options["width"] = 5
    return random_model(kind, 2, closures=closures)


@pytest.fixture(scope="module")
def watched(request):
    """The plugin under gcc's sanitizers."""
    return build(request.config.cache.mkdir("plugin"), FLAGS)


def many(folder: Path, files: list[str]) -> list[dict[str, object]]:
    """How the runs of in.lammps in a folder end, one file after the other in place of `RIGHT`."""
    libraries = str(Path(sys.prefix) / "lib")  # of MPI, beside which lmp stands as well
    environment = os.environ | preloaded() | {"LD_LIBRARY_PATH": libraries}
    program = str(Path(__file__).with_name("many.py"))
    command = [sys.executable, program, "in.lammps", RIGHT, *files]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert done.returncode == 0, f"{lines[-1]}: {done.stderr[-3000:]}"
    assert [line["file"] for line in lines[::2]] == files
    return lines[1::2]


# Mutations of a text as a list of lines.


def _numbers(lines: list[str]) -> list[int]:
    return [k for k, line in enumerate(lines) if re.match(r"[-+.\d]", line)]


def _heads(lines: list[str]) -> list[int]:
    return [k for k, line in enumerate(lines) if line.startswith(("numbers", "ITEM"))]


def token(lines: list[str], rng: np.random.Generator) -> None:
    """A number becomes something else."""
    k = int(rng.choice(_numbers(lines)))
    words = lines[k].split(" ")
    words[rng.integers(len(words))] = str(rng.choice(STRANGE.split()))
    lines[k] = " ".join(words)


def scalar(lines: list[str], rng: np.random.Generator) -> None:
    """The same where one number says much: the first after a head."""
    heads = [k + 1 for k in _heads(lines) if k + 1 in _numbers(lines)]
    k = int(rng.choice([k for k in heads if " " not in lines[k]] or heads))
    lines[k] = " ".join([str(rng.choice(STRANGE.split())), *lines[k].split(" ")[1:]])


def scaled(lines: list[str], rng: np.random.Generator) -> None:
    """The numbers of some lines a million times larger or smaller, or of the other sign."""
    factor = float(rng.choice([1e-6, 1e-2, 10.0, 1e3, 1e6, -1.0]))
    first = int(rng.choice(_numbers(lines)))
    for k in [k for k in _numbers(lines) if first <= k < first + rng.integers(1, 40)]:
        lines[k] = " ".join(repr(factor * float(word)) for word in lines[k].split(" "))


def count(lines: list[str], rng: np.random.Generator) -> None:
    """A head says another number."""
    k = int(rng.choice(_heads(lines)))
    words = lines[k].split(" ")
    there = int(words[-1]) if words[-1].isdigit() else 0
    change = [there + 1, there - 1, 2 * there, 0, -1, 10**12, 10**30, "x", "", "1.0", "0x4"]
    lines[k] = " ".join([*words[:-1], str(change[rng.integers(len(change))])])


def moved(lines: list[str], rng: np.random.Generator) -> None:
    """A line is dropped, doubled or put elsewhere."""
    k, place = (int(x) for x in rng.integers(len(lines), size=2))
    line = lines[k]
    kind = rng.integers(3)
    if kind != 1:
        del lines[k]
    if kind != 0:
        lines.insert(place, line)


def renamed(lines: list[str], rng: np.random.Generator) -> None:
    """A name or word becomes another, one that exists now and then."""
    known = [line.split(" ")[1] for line in lines if line.startswith(("numbers", "word"))]
    others = [
        *known,
        "product",
        "separable",
        "network",
        "exponentials",
        "green",
        "paper",
        "none",
        "rest",
        "polynomial",
        "walls",
        "field",
        "brownian",
        "active",
        "",
        "x" * 99,
    ]
    places = [k for k, line in enumerate(lines) if line[:1].isalpha() and " " in line]
    k = int(rng.choice(places))
    words = lines[k].split(" ")
    words[rng.integers(len(words))] = others[rng.integers(len(others))]
    lines[k] = " ".join(words)


def spoiled(lines: list[str], rng: np.random.Generator) -> None:
    """A byte is another."""
    k = int(rng.integers(len(lines)))
    place = int(rng.integers(len(lines[k]) + 1))
    lines[k] = lines[k][:place] + chr(int(rng.integers(256))) + lines[k][place + 1 :]


def cut(lines: list[str], rng: np.random.Generator) -> None:
    """The file ends early or late."""
    if rng.random() < 0.3:
        lines.append("word more words")
    else:
        del lines[int(rng.integers(len(lines))) :]


WAYS: tuple[Callable[[list[str], np.random.Generator], None], ...] = (
    token, scalar, scalar, scaled, count, moved, renamed, spoiled, cut,
)  # fmt: skip


def mutated(body: bytes, rng: np.random.Generator) -> bytes:
    lines = body.decode("latin-1").split("\n")
    WAYS[rng.integers(len(WAYS))](lines, rng)
    return "\n".join(lines).encode("latin-1")


def refused(path: str) -> str | None:
    """What Python says of a potential file, if it refuses it."""
    try:
        potential.read(path)
    except ValueError as error:
        return str(error).removesuffix(".")
    return None


def let_flow(path: str) -> None:
    """Adds a medium in motion to a potential file."""
    made = potential.read(path)
    size, powers = np.full(2, 4.5), np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    times = DT * np.array([-1.0, 1.5, 9.0])
    coefficients = np.random.default_rng(0).random((3, 3, 2))
    flow = flowing(Stream(SampleFlow(times, powers, coefficients, size, size), 0.0))
    made.words.update(flow.words)
    made.numbers.update(flow.numbers)
    potential.write(path, made)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_potential_file_with_any_mistake_is_refused_or_runs(tmp_path, watched, monkeypatch, kind):
    monkeypatch.setattr(tabulate, "TOLERANCE", 1e-3)  # small tables
    monkeypatch.chdir(tmp_path)
    system = crystal(2, strong=kind == "splines")
    if kind in AROUND:
        system = system._replace(space=space.free(2))
    write(tmp_path, narrow(kind), system, DT)
    if kind == "bath":
        let_flow("model.metriplectic")
    Path("in.lammps").write_text(
        script.script(settings(watched), system.space, system.strength is not None)
    )
    body = Path("model.metriplectic").read_bytes().split(b"\n", 2)[2]
    rng, files = np.random.default_rng([2, KINDS.index(kind)]), []
    for k in range(MUTATIONS):
        other = mutated(body, rng)
        head = f"{potential.MAGIC} {potential.VERSION}\nchecksum {zlib.crc32(other):08x}\n"
        files.append(f"mutation{k}.metriplectic")
        Path(files[-1]).write_bytes(head.encode() + other)
    ended = {"refused": 0, "stopped": 0, "finite": 0}
    for file, theirs in zip(files, many(tmp_path, files), strict=True):
        ours = refused(file)
        if ours is not None:
            assert ours in str(theirs.get("error")), file
            ended["refused"] += 1
        elif "error" in theirs:
            assert STOPPED.search(str(theirs["error"])), (file, theirs)
            ended["stopped"] += 1
        else:
            assert theirs["finite"], file
            ended["finite"] += 1
    assert ended["refused"] > MUTATIONS // 2
    assert ended["finite"] > 0


PATH = """\
ITEM: TIMESTEP
{}
ITEM: NUMBER OF ATOMS
{}
ITEM: BOX BOUNDS ss ss ss
-1e300 1e300
-1e300 1e300
-1e300 1e300
ITEM: ATOMS id x y z vx vy vz
"""


@pytest.mark.slow
def test_paths_with_any_mistake_are_refused_or_lead(tmp_path, watched):
    system = crystal(2)
    system = system._replace(driven=system.r[:, 1] < 1.5)
    write(tmp_path, narrow("splines"), system)
    lead = (f"fix lead driven metriplectic/lead {RIGHT}",)
    text = script.script(settings(watched, "model.metriplectic"), system.space, False, (), lead)
    (tmp_path / "in.lammps").write_text(text)
    tags = np.flatnonzero(system.driven) + 1
    still = np.zeros((len(tags), 4))
    table = np.column_stack((tags, system.r[system.driven], still))
    rows = "".join(" ".join(map(repr, row)) + "\n" for row in table.tolist()).replace(".0 ", " ")
    body = "".join(PATH.format(step, len(tags)) + rows for step in (0, 2, 4)).encode()
    rng, files = np.random.default_rng(3), []
    for k in range(MUTATIONS):
        files.append(f"mutation{k}.dump")
        (tmp_path / files[-1]).write_bytes(mutated(body, rng) if k else body)
    first, *others = many(tmp_path, files)
    assert first == {"finite": True}
    refusals = [str(x["error"]) for x in others if "error" in x]
    for sentence in refusals:
        assert re.search(r"The path mutation\d+\.dump \w", sentence), sentence
    assert all(x["finite"] for x in others if "error" not in x)
    assert len(refusals) > MUTATIONS // 2


MISTAKES = {
    "taper": (
        "numbers volume.taper 1\n2.0",
        "numbers volume.taper 1\n-5.0",
        "has volume.taper = -5, which must be a whole number from 0 to 3",
    ),
    "cutoff": (
        "numbers cutoff 1\n1.6",
        "numbers cutoff 1\n-1.6",
        "has cutoff = -1.6, which must be from 1e-06 to 1000000",
    ),
    "not a number": (
        "numbers k_B 1\n1.0",
        "numbers k_B 1\nnan",
        "has 'nan' among the numbers 'k_B', which is not a finite number",
    ),
    "a word": (
        "numbers mass 1\n1.0",
        "numbers mass 1\none",
        "has 'one' among the numbers 'mass'",
    ),
    "count": (
        "numbers mass 1\n",
        "numbers mass 99999999999\n",
        "has 'numbers' among the numbers 'mass'",
    ),
    "too few": (
        "numbers energy.beta 4\n",
        "numbers energy.beta 3\n",
        "has more than 3 numbers 'energy.beta'",
    ),
    "shape": (
        "numbers strong 1\n0.0",
        "numbers strong 2\n0.0 0.0",
        "has 2 numbers strong, which must be 1",
    ),
    "unknown": (
        "numbers mass 1\n",
        "numbers charge 1\n1.0\nnumbers mass 1\n",
        "has numbers 'charge', which mean nothing there",
    ),
    "a direction": (
        "numbers external.axes 2\n1.0 2.0",
        "numbers external.axes 2\n1.0 3.0",
        "has external.axes[1] = 3, which must be a whole number from 1 to 2",
    ),
    "a bath": (
        "word bath.kind brownian",
        "word bath.kind crowded",
        "lacks the numbers bath.rate",
    ),
    "kind": (
        "word friction.kind separable",
        "word friction.kind product",
        "lacks the numbers friction.r",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_alike_on_both_sides(tmp_path, plugin, mistake):
    system = crystal(2)
    right, wrong, sentence = MISTAKES[mistake]
    around = right.startswith(("numbers external", "word bath"))
    write(tmp_path, random_model("brownian" if around else "splines", 2), system)
    path = tmp_path / "model.metriplectic"
    body = path.read_text().split("\n", 2)[2]
    assert right in body
    body = body.replace(right, wrong)
    path.write_text(f"metriplectic-potential 1\nchecksum {zlib.crc32(body.encode()):08x}\n{body}")
    text = script.script(settings(plugin, str(path)), system.space, False)
    (tmp_path / "in.lammps").write_text(text)
    ours = refused(str(path))
    assert ours is not None
    assert ours.startswith(f"{path} {sentence}")
    with pytest.raises(ValueError, match=re.escape(ours)):
        run.run(tmp_path, "in.lammps")


def test_a_model_beyond_the_table_is_not_written(tmp_path):
    made = rule.potential(random_model("splines", 2), ANCHOR, RANGES)
    made.numbers["volume.self"][:] = np.nan
    with pytest.raises(ValueError, match=r"does not run in LAMMPS: .* volume\.self = nan, which"):
        potential.write(tmp_path / "file", made)
    assert not list(tmp_path.iterdir())
