"""The execution profiles: what a stage asks a machine or a scheduler for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.workflow.conftest import HOME


def planned(snakemake, folder: Path, profile: str) -> dict[str, dict[str, str]]:
    """Resources and threads of every rule a dry run would start, by rule."""
    run = snakemake(
        folder,
        *("--profile", str(HOME / "workflow" / "profiles" / profile), "--dry-run", "--nocolor"),
        *("--cores", "8", "results/tiny/report.html"),
    )
    said = run.stdout + run.stderr
    assert run.returncode == 0, said[-3000:]
    assert "profiles/default" in said  # it must be found beside the Snakefile
    blocks = re.split(r"\n(?=rule )", said)[1:]
    return {
        block.split()[1].rstrip(":"): dict(re.findall(r"(\w+)[=:] ?([\w.<>]+)(?=[,\n])", block))
        for block in blocks
    }


def test_on_a_workstation_every_stage_says_how_much_memory_it_takes(tmp_path, snakemake):
    asked = planned(snakemake, tmp_path, "local")
    assert {"detect", "train", "rollout", "report"} <= set(asked)
    assert all("mem_mb" in resources for resources in asked.values())
    workers = int(asked["detect"].get("threads", 1))
    assert int(asked["detect"]["mem_mb"]) == 500 + 600 * workers


def test_on_a_cluster_every_stage_asks_for_memory_and_time(tmp_path, snakemake):
    pytest.importorskip("snakemake_executor_plugin_slurm")
    asked = planned(snakemake, tmp_path, "slurm")
    assert all({"mem_mb", "runtime"} <= set(resources) for resources in asked.values())
    workers = int(asked["detect"].get("threads", 1))
    assert int(asked["detect"]["mem_mb"]) == 500 + 600 * workers
    # Four minutes of training by default, and time to start and to finish.
    assert int(asked["train"]["runtime"]) > 30


def test_statistics_are_shared_between_jobs_where_that_is_asked_for(tmp_path, snakemake):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "mine.yaml").write_text(
        "simulate: {kind: monolayer}\nmodels: [dpd]\nstatistics: {jobs: 3}\n"
    )
    asked = ("--dry-run", "--nocolor", "--cores", "2", "results/mine/comparison.csv")
    run = snakemake(tmp_path, *asked)
    counts = dict(re.findall(r"^(statistics\w+) +(\d+)$", run.stdout + run.stderr, re.MULTILINE))
    assert counts["statistics_experiment"] == "1"
    assert counts["statistics_experiment_part"] == "3"
    rollouts = int(counts["statistics_model"])
    assert int(counts["statistics_model_part"]) == 3 * rollouts
    (tmp_path / "config" / "mine.yaml").write_text("simulate: {kind: monolayer}\nmodels: [dpd]\n")
    run = snakemake(tmp_path, *asked)
    assert "rule statistics_experiment:" in run.stdout + run.stderr
    assert "_part" not in run.stdout + run.stderr


def test_the_catalogue_finds_the_same_workflow_in_its_own_place(tmp_path, snakemake):
    place = ("--snakefile", str(HOME / "workflow" / "Snakefile"))
    run = snakemake(tmp_path, *place, "--dry-run", "--cores", "1", "results/tiny/report.html")
    said = run.stdout + run.stderr
    assert run.returncode == 0, said[-3000:]
    assert "rule report" in said
    assert "profiles/default" in said
