"""Every way to use the plugin wrongly ends with a sentence."""

from __future__ import annotations

import re

import pytest

from pipeline.lammps import input as script
from pipeline.lammps import potential, run
from tests.lammps.systems import DT, SEED, crystal, write
from tests.metriplectic.cases import random_model


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, plugin):
    """A folder with a run that works, and its input script."""
    folder = tmp_path_factory.mktemp("refusals")
    system = crystal(2, strong=True)
    write(folder, random_model("splines", 2), system)
    settings = script.Settings(
        str(plugin), "model.metriplectic", "start.data", 1, SEED, DT, every=0
    )
    return folder, script.script(settings, system.space, strong=True)


def refusal(folder, text, ranks=1):
    """What LAMMPS says when it stops."""
    (folder / "in.wrong").write_text(text)
    with pytest.raises(ValueError, match="LAMMPS ended") as stopped:
        run.run(folder, "in.wrong", ranks, log="log.wrong")
    return str(stopped.value)


WRONG = [
    ("newton on", "newton off", "needs newton on"),
    ("comm_modify vel yes", "", "comm_modify vel yes"),
    ("pair_style metriplectic 5", "pair_style metriplectic -5", "must not be negative"),
    (
        "pair_coeff * * model.metriplectic",
        "pair_coeff 1 1 model.metriplectic",
        "must start with",
    ),
    ("d_entropy d_strength", "d_other d_strength", "needs the property entropy"),
    (
        "property/atom d_entropy d_strength",
        "property/atom d_entropy d_other",
        "needs the property strength",
    ),
    (
        "fix integrate",
        "change_box all x final 0.0 2.9 boundary p p p\nfix integrate",
        "exceeds half of the periodic box length",
    ),
    ("timestep", "mass * 2.0\ntimestep", "mass of every particle must be 1"),
    (
        "group driven type 2\nfix integrate free metriplectic",
        "group driven type 2\nfix integrate free metriplectic\n"
        "fix push driven move linear 1 0 NULL",
        "must be defined before",
    ),
    ("run 1", "fix flow all deform 1 x erate 0.1 remap v\nrun 1", "must be defined before"),
    (
        "group free type",
        "fix push all addforce 1.0 0.0 0.0\ngroup free type",
        "must be defined after",
    ),
    ("\nrun", "\nset atom 2 x 0 y 0\nset atom 1 x 0 y 0\nrun", "sit on each other"),
    ("model.metriplectic", "start.data", "not a potential file"),
    ("run 1", "minimize 0.0 1e-8 10 10", "cannot be minimized: its forces hold friction"),
    ("run 1", "run_style respa 2 2\nrun 1", "needs run_style verlet, got respa"),
    ("run 1", "timestep 0.0\nrun 1", "needs a timestep above 0, got 0"),
    ("run 1", "timestep 1e6\nrun 1", "out of all bounds: shorten the time step"),
    ("run 1", "set atom 3 d_entropy 1e9\nrun 1", "has entropy 1000000000, volume"),
    ("run 1", "set atom 3 d_strength -1e9\nrun 1", "from which no forces follow"),
    ("free metriplectic", "free metriplectic temperature -1", "must be above 0, got -1"),
]


@pytest.mark.parametrize(("right", "wrong", "sentence"), WRONG, ids=[x[2] for x in WRONG])
def test_wrong_input_ends_with_a_sentence(prepared, right, wrong, sentence):
    folder, text = prepared
    assert right in text
    assert sentence in refusal(folder, text.replace(right, wrong))


def test_the_dimension_must_be_that_of_the_potential(prepared):
    folder, text = prepared
    wrong = re.sub("dimension 2", "dimension 3", text)
    assert "for 2 dimensions, the simulation has 3" in refusal(folder, wrong)


@pytest.mark.parametrize("ranks", [1, 2])
def test_altered_or_cut_files_are_refused_on_both_sides(prepared, ranks):
    folder, text = prepared
    whole = (folder / "model.metriplectic").read_text()
    for broken in (whole.replace("0.", "1.", 1), whole[: len(whole) // 2], whole.replace("7", "8")):
        (folder / "broken.metriplectic").write_text(broken)
        said = refusal(folder, text.replace("model.metriplectic", "broken.metriplectic"), ranks)
        assert "altered or cut short" in said
        with pytest.raises(ValueError, match="altered or cut short"):
            potential.read(folder / "broken.metriplectic")


def test_another_version_of_the_format_is_refused_on_both_sides(prepared):
    folder, text = prepared
    whole = (folder / "model.metriplectic").read_text()
    (folder / "new.metriplectic").write_text(whole.replace("potential 1\n", "potential 2\n", 1))
    assert "version '2'" in refusal(folder, text.replace("model.metriplectic", "new.metriplectic"))
    with pytest.raises(ValueError, match="version"):
        potential.read(folder / "new.metriplectic")


def test_the_file_gives_back_every_bit(prepared):
    folder, _ = prepared
    read = potential.read(folder / "model.metriplectic")
    potential.write(folder / "again.metriplectic", read)
    again = potential.read(folder / "again.metriplectic")
    assert read.words == again.words
    assert all((again.numbers[name] == value).all() for name, value in read.numbers.items())
