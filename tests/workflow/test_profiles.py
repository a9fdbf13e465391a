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
    """Of two data sets, one that asks and one that does not."""
    (tmp_path / "config").mkdir()
    for name, more in (("mine", "statistics: {jobs: 3}\n"), ("other", "")):
        (tmp_path / "config" / f"{name}.yaml").write_text(
            f"simulate: {{kind: monolayer}}\nmodels: [dpd]\n{more}"
        )
    targets = (f"results/{name}/comparison.csv" for name in ("mine", "other"))
    run = snakemake(tmp_path, "--dry-run", "--nocolor", "--cores", "2", *targets)
    said = run.stdout + run.stderr
    counts = dict(re.findall(r"^(statistics\w+) +(\d+)$", said, re.MULTILINE))
    assert counts["statistics_experiment"] == "2"
    assert counts["statistics_experiment_part"] == "3"
    rollouts, rest = divmod(int(counts["statistics_model"]), 2)
    assert (rollouts > 0, rest) == (True, 0)
    assert int(counts["statistics_model_part"]) == 3 * rollouts
    for part in re.findall(r"^rule statistics_\w+_part:\n(?:    .*\n)*", said, re.MULTILINE):
        assert "results/mine/" in part
        assert "results/other/" not in part


def test_the_catalogue_finds_the_same_workflow_in_its_own_place(tmp_path, snakemake):
    place = ("--snakefile", str(HOME / "workflow" / "Snakefile"))
    run = snakemake(tmp_path, *place, "--dry-run", "--cores", "1", "results/tiny/report.html")
    said = run.stdout + run.stderr
    assert run.returncode == 0, said[-3000:]
    assert "rule report" in said
    assert "profiles/default" in said
