"""Whose files they are: names, folders, shipped settings, references, and mistyped targets."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml

from pipeline.errors import InputError
from pipeline.learn.settings import VARIANTS
from tests.workflow.modules import HOME, datasets, failures, settings, targets


def folder(place: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content)


SIMULATED = sorted(
    path.stem
    for path in (HOME / "config").glob("*.yaml")
    if path.stem != "config"
    and (
        (content := yaml.safe_load(path.read_text())).get("simulate")
        or content.get("trajectory", {}).get("truth_of")
    )
)


@pytest.mark.parametrize("name", SIMULATED)
def test_a_film_never_inherits_what_is_shipped_for_a_simulation(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    folder(tmp_path, {"data/.gitkeep": "", f"data/{name}/README.md": "nothing yet"})
    shipped = HOME / "config" / f"{name}.yaml"
    assert settings.overlay(name) == shipped
    folder(tmp_path, {f"data/{name}/film.avi": ""})
    assert settings.overlay(name) is None
    assert settings.set_aside(name) == shipped
    assert settings.settings(name, {}) == settings.settings("anything", {})
    folder(tmp_path, {f"config/{name}.yaml": "video: {fps: 7}"})
    assert settings.settings(name, {})["video"]["fps"] == 7
    assert settings.set_aside(name) is None


def test_in_the_folder_of_the_workflow_git_tells_the_two_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "HOME", tmp_path)
    folder(tmp_path, {"config/mine.yaml": "simulate: {kind: monolayer}", "data/mine/a.avi": ""})
    with pytest.raises(settings.SettingsError, match="rename the folder"):
        settings.overlay("mine")
    # What git has as it stands there was shipped; what was changed since is the user's.
    for words in (["init", "-q"], ["add", "config"], ["commit", "-q", "-m", "shipped"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True)
    assert settings.overlay("mine") is None
    assert settings.set_aside("mine") == tmp_path / "config" / "mine.yaml"
    folder(tmp_path, {"config/mine.yaml": "simulate: {kind: monolayer, frames: 9}"})
    with pytest.raises(settings.SettingsError, match="rename the folder"):
        settings.overlay("mine")
    folder(tmp_path, {"config/other.yaml": "video: {fps: 7}", "data/other/a.avi": ""})
    assert settings.overlay("other") == tmp_path / "config" / "other.yaml"


@pytest.mark.parametrize("name", sorted(datasets.RESERVED))
def test_names_that_the_workflow_uses_itself(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert datasets.files(name) == []
    folder(tmp_path, {f"data/{name}/a.avi": ""})
    with pytest.raises(InputError, match=f"data/{name}/ cannot be a data set.*rename it"):
        datasets.files(name)
    assert name not in datasets.known()


FILM, OTHER = {"data/film/a.avi": ""}, {"data/film/a.avi": "", "data/other/b.avi": ""}
TRUTH, MODELS, TWIN = "trajectory.truth_of", "models_of", "report.twin"
REFERENCES = {
    "truth of a simulated film": ({}, TRUTH, "colloids_matched", ""),
    "truth behind a film of one's own": (FILM, TRUTH, "colloids", "say nothing about them"),
    "truth of a film": (OTHER, TRUTH, "other", "whose video is not simulated"),
    "truth of a trajectory": ({}, TRUTH, "taylor_green", "whose video is not simulated"),
    "truth of nobody": ({}, TRUTH, "coloids", "no data set: did you mean colloids?"),
    "truth of itself": ({}, TRUTH, "film", "names itself"),
    "truth of a path": ({}, TRUTH, "../colloids", "must be the name of a data set"),
    "truth of a page": ({}, TRUTH, "paper", "must be the name of a data set"),
    "models of another film": (OTHER, MODELS, "other", ""),
    "models of a simulation": (FILM, MODELS, "taylor_green", "has nothing to do with it"),
    "models of a film with a scale": (FILM, MODELS, "colloids", "has nothing to do with it"),
    "models of one without": (FILM, MODELS, "taylor_green_unseen", "no models of its own"),
    "models of nobody": (FILM, MODELS, "zzz", "which is no data set: there are"),
    "models of itself": (FILM, MODELS, "film", "names itself"),
    "models of a tag": (FILM, MODELS, "<b>", "must be the name of a data set"),
    "models of nothing": (FILM, MODELS, "", "must be the name of a data set"),
    "the twin of nobody": (FILM, TWIN, "colloid", "did you mean colloids?"),
    "a twin": (FILM, TWIN, "colloids", ""),
}


@pytest.mark.parametrize(("files", "key", "other", "said"), REFERENCES.values(), ids=REFERENCES)
def test_references_to_other_data_sets(tmp_path, monkeypatch, files, key, other, said):
    monkeypatch.chdir(tmp_path)
    folder(tmp_path, files)
    section, _, last = key.rpartition(".")
    given = {section: {last: other}} if section else {last: other}
    chosen = settings.merge(settings.settings("anything", {}), given)

    def check() -> None:
        datasets.check("film", chosen, lambda name: settings.settings(name, {}))

    if not said:
        return check()
    with pytest.raises(InputError) as refusal:
        check()
    assert said in str(refusal.value)
    assert key in str(refusal.value)
    return None


def test_the_shipped_data_sets_refer_rightly(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [*datasets.known(), "paper"]:
        chosen = settings.settings(name, {})
        datasets.check(name, chosen, lambda other: settings.settings(other, {}))


NOTHING = {
    "mistyped": ("coloids", {}, "'colloids' is there: was it meant?"),
    "beside the folders": ("film", {"data/film.avi": ""}, "data/film.avi lies beside the folders"),
    "unknown": ("zzzz", {}, "put one into data/zzzz/"),
}


@pytest.mark.parametrize(("name", "files", "said"), NOTHING.values(), ids=NOTHING)
def test_a_data_set_that_is_not_there(tmp_path, monkeypatch, name, files, said):
    monkeypatch.chdir(tmp_path)
    folder(tmp_path, files)
    assert said in datasets.nothing(name)


def test_files_dated_in_the_future_are_found(tmp_path):
    folder(tmp_path, {"now": "", "then": ""})
    os.utime(tmp_path / "then", (9e9, 9e9))
    paths = [tmp_path / name for name in ("gone", "now", "then")]
    assert list(failures.future(paths, 2e9)) == [tmp_path / "then"]


def link_to_nowhere(path: Path) -> None:
    path.symlink_to("/nowhere/x")


PLACES = {
    "results": (Path.touch, "is no folder, and results belong into it"),
    "results/mine": (link_to_nowhere, "is no folder, and results belong into it"),
    "results/mine/logs": (Path.touch, "is no folder, and results belong into it"),
    "results/mine/gns": (Path.touch, "is no folder, and results belong into it"),
    "results/mine/survey.json": (Path.mkdir, "is a folder, and a file belongs there"),
    "results/mine/gns/seed0/model.yaml": (Path.mkdir, "is a folder, and a file belongs there"),
}


@pytest.mark.parametrize(("place", "put"), PLACES.items(), ids=PLACES)
def test_what_lies_where_results_belong(tmp_path, monkeypatch, place, put):
    monkeypatch.chdir(tmp_path)
    datasets.check_places("mine", ["gns"])
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    datasets.check_places("mine", ["gns"])
    lay, said = put
    lay(Path(place))
    with pytest.raises(InputError, match=f"{place} {said}"):
        datasets.check_places("mine", ["gns"])


MADE = ["results/{name}/report.html", "results/{name}/{model}/seed{seed}/rollout.h5"]
MADE += ["results/index.html", "results/{name}/statistics/{source,[a-z]+}.h5"]
ASKED = {
    "a letter": ("results/colloids/reprot.html", "did you mean results/colloids/report.html?"),
    "the name": ("results/coloids/rollout.h5", "results/colloids/"),
    "no file": ("colloids", "did you mean results/colloids/report.html?"),
    "no folder": ("report.html", "did you mean results/mine/report.html?"),
    "another folder": ("result/mine/report.html", "did you mean results/mine/report.html?"),
    "a list": ("results/idnex.html", "did you mean results/index.html?"),
    "a model": ("results/mine/metriplectik/seed0/rollout.h5", "results/mine/metriplectic/seed0/"),
    "anything": ("qqq", "No rule makes 'qqq'. The data sets are colloids, mine;"),
}


@pytest.mark.parametrize(("asked", "said"), ASKED.values(), ids=ASKED)
def test_what_was_probably_meant(asked, said):
    words = targets.sentence(asked, MADE, ["colloids", "mine"])
    assert said in words
    assert "colloids, mine" in words


@pytest.mark.slow
def test_a_plan_through_snakemake(tmp_path, snakemake):
    """A film whose names are snakemake's own signs, replaced by an older one, and mistyped."""
    images = {f"data/mine/{{name}} <{k:05d}>\n.png": str(k) for k in range(2_000)}
    folder(tmp_path, images)
    target = "results/mine/tuning.json"
    plan = snakemake(tmp_path, "-n", "--cores", "1", target)
    assert plan.returncode == 0, plan.stderr[-2000:]
    assert len(plan.stdout + plan.stderr) < 20_000  # and not the names of all
    run = snakemake(tmp_path, "-n", "--cores", "1", "results/mine/tuning.jsn")
    assert run.returncode != 0
    assert f"did you mean {target}?" in run.stderr.rstrip().rpartition("\n")[2], run.stderr[-2000:]
    assert "Traceback" not in run.stderr
    for asked in (str(tmp_path / target), "results/mi\nne/tuning.json"):
        run = snakemake(tmp_path, "-n", "--cores", "1", asked)
        assert f"did you mean {target}?" in run.stderr or "may hold letters" in run.stderr


@pytest.mark.slow
def test_every_model_there_is_can_be_asked_for(tmp_path, snakemake):
    models = ", ".join(VARIANTS)
    folder(tmp_path, {"config/tiny.yaml": f"models: [{models}]\nsimulate: {{kind: monolayer}}\n"})
    plan = snakemake(tmp_path, "-n", "--cores", "1", "results/tiny/comparison.csv")
    assert plan.returncode == 0, plan.stderr[-2000:]
    for name in VARIANTS:
        assert f"results/tiny/{name}/seed0/rollout.h5" in plan.stdout + plan.stderr


@pytest.mark.slow
def test_the_last_words_are_of_this_run(tmp_path, snakemake):
    """Whatever others left in the folder."""
    left = {"A/report.json": "garbage", "A/report.html": "", "B/report.json": "{}", "B/logs/x": ""}
    folder(tmp_path, {f"results/{name}": text for name, text in left.items()})
    (tmp_path / "results" / "A" / "logs").mkdir()
    (tmp_path / "results" / "A" / "logs" / "tune.log").write_bytes(b"\xff\xfe\nerror: Of A.\n")
    (tmp_path / "results" / "index.html").mkdir()
    folder(tmp_path, {"data/mine/a.tif": "no picture", "data/other/a.avi": ""})
    run = snakemake(tmp_path, "--cores", "1", "results/mine/survey.json")
    assert run.returncode != 0
    said = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert "a.tif is not a readable TIFF" in said[-1]
    assert "Of A." not in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.slow
def test_a_film_replaced_by_an_older_one_is_analysed_again(tmp_path, snakemake):
    """What was made from it is dated later than both films are."""
    target = "results/mine/survey.json"
    film = tmp_path / "data" / "mine" / "a {b} <c>.tif"

    def put(seed: int, date: float) -> None:
        noise = np.random.default_rng(seed).integers(0, 255, (12, 32, 32)).astype(np.uint8)
        film.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(film, noise, photometric="minisblack")
        os.utime(film, (date, date))

    def planned() -> bool:
        plan = snakemake(tmp_path, "-n", "--cores", "1", target)
        assert plan.returncode == 0, plan.stderr[-2000:]
        return "rule survey" in plan.stdout + plan.stderr

    put(0, 1.5e9)
    assert snakemake(tmp_path, "--cores", "1", target).returncode == 0
    put(0, 3e9)  # the same film, of another date
    folder(tmp_path, {"data/mine/README.md": "a note"})
    assert not planned()
    put(1, 1.4e9)
    assert planned()
