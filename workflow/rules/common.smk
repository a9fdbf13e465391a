# Config, names and paths: the only place that reads and checks settings.

import os
import re
import sys
import time
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(workflow.current_basedir).parent))
import datasets
import failures
import settings as settings_file
import targets
from pipeline import files as data
from pipeline import h5md
from pipeline.errors import InputError
from pipeline.imported import sources
from pipeline.imported.settings import Columns
from pipeline.report import index
from pipeline.video.sources import ACCEPTED as FILM_ENDINGS
from pipeline.video.sources import check as check_videos

PROCESSORS = len(os.sched_getaffinity(0))
CORES = min(8, PROCESSORS)
BEGIN, NOW = time.time(), failures.clock(Path.cwd())


# No more jobs than there are processors, whatever --cores says: trainings and rollouts that take
# turns push each other out of the cache. A cluster's jobs do not run here.
asked = workflow.resource_settings
if workflow.exec_mode == workflow.exec_mode.DEFAULT and not asked.nodes and asked.cores:
    workflow.register_resource("_cores", min(asked.cores, PROCESSORS))


wildcard_constraints:
    name=r"(?!(?:paper|questions)/)[A-Za-z0-9][A-Za-z0-9_.-]*",
    model=r"[a-z][a-z0-9_]*",
    seed=r"\d+",
    again=r"\d+",
    replica=r"\d+",
    part=r"\d+",
    parts=r"\d+",
    source=r"[a-z0-9_]+",


def refuse(sentence):
    """Ends snakemake with a sentence; an exception would come with a traceback of the rule."""
    sys.exit(f"error: {sentence}")


@cache
def settings(name):
    """All settings of a data set, checked; a wrong one ends the run in a sentence."""
    try:
        chosen = settings_file.settings(name, config)
        datasets.check(name, chosen, lambda other: settings_file.settings(other, config))
        datasets.check_places(name, chosen["models"])
    except InputError as error:
        refuse(error)
    if shipped := settings_file.set_aside(name):
        print(
            f"data/{name}/ holds files of yours: {shipped}, which is about the simulated data set "
            f"of that name, is not used for them.",
            file=sys.stderr,
        )
    if late := next(failures.future(datasets.dated(name), NOW), None):
        refuse(
            f"{late} is dated in the future ({time.ctime(late.stat().st_mtime)}), and snakemake "
            f"goes by dates: set the clock of this machine, or give the file today's with "
            f"`touch {late}`."
        )
    return chosen


def section(*keys):
    """A params function: these parts of the settings, so that others may change freely.

    How many jobs share the work is none of them: nothing that is found depends on it.
    """
    return lambda wildcards: {
        key: {k: value for k, value in settings(wildcards.name)[key].items() if k != "jobs"}
        for key in keys
    }


def memory(least, fixed, share):
    """A resources function: peak memory of a stage [MB], ``share`` for each MB of its input.

    Measured on 1000 frames of 1500 particles (README, benchmarks/), with half as much again; the
    fixed part is the libraries, most of it torch. What ran out of it is tried again with more.
    """
    return lambda wildcards, input, attempt: attempt * round(
        max(least, fixed + share * input.size_mb)
    )


def memory_of_workers(wildcards, threads, attempt):
    """The same of a stage that spreads its work: every worker process of dask is 0.45 GB."""
    return attempt * (500 + 600 * threads)


SNAPSHOTS = memory(1200, 700, 8)  # of a stage that holds all snapshots


@cache
def own_files(name):
    """The user's files of a data set, without notes; names that differ from what they seem end
    the run in a sentence."""
    try:
        files = datasets.files(name)
        check_videos(files)
        if trajectories := sources.recorded(files):
            datasets.check_one_kind(name, trajectories, FILM_ENDINGS, files)
    except InputError as error:
        refuse(error)
    return files


@cache
def recorded(name):
    """The trajectories that other programs wrote, among the user's files of a data set."""
    return sources.recorded(own_files(name))


@cache
def tables_of(name):
    """The tables of tracks among the user's files that are taken in place of tracking."""
    if recorded(name) or not settings(name)["tracks"]["use"]:
        return []
    columns = Columns(**settings(name)["tracks"]["columns"])
    return sources.tables(own_files(name), columns, alone=not has_film(name))


def has_film(name):
    """Whether there is a video among the user's files."""
    return any(path.suffix.lower() in FILM_ENDINGS for path in own_files(name))


def own_folder(name):
    """The user's files as an input: one folder, however many and however named they are.

    Not its date decides whether it changed, but `content` among the parameters of each rule.
    """
    return ancient(f"data/{name}")


@cache
def content_of(name):
    try:
        return data.content_mark(data.checksums(own_files(name)))
    except InputError as error:
        refuse(error)


def content(wildcards):
    """A params function: the checksum of the user's files; None where the workflow made them."""
    return content_of(wildcards.name) if own_files(wildcards.name) else None


def simulation(name):
    """The section `simulate` of a data set that is simulated, else None."""
    return None if own_files(name) else settings(name)["simulate"]


def filmed(name):
    """Whether the video of a data set is simulated."""
    return simulation(name) is not None and simulation(name)["kind"] in datasets.FILMS


def system(name):
    """Whether a data set is simulated as a trajectory: no video, no tracks."""
    return simulation(name) is not None and not filmed(name)


def untracked(name):
    """Whether a data set has no video: simulated as a trajectory, or read from files."""
    return system(name) or bool(recorded(name))


def replicas(name):
    """Numbers of the independent simulations of a data set; one where it is no simulated system."""
    return range(simulation(name).get("replicas", 2)) if system(name) else range(1)


def video(wildcards):
    """What detection reads: the folder of the user, or else the simulated video."""
    name = wildcards.name
    if recorded(name):
        refuse(f"data/{name}/ holds a trajectory: there is no video to track.")
    if own_files(name):
        return own_folder(name)
    if filmed(name) or settings(name)["trajectory"]["truth_of"] is not None:
        return f"results/{truth_origin(name)}/synthetic/video.tif"
    refuse(datasets.nothing(name))


def models_of(name):
    """The data set whose models a data set is rolled out with: its own, or another."""
    return settings(name)["models_of"] or name


def trainings(name):
    """(model, seed) of every training a report compares."""
    chosen = settings(name)
    first, others = chosen["seeds"], chosen["other_seeds"] or chosen["seeds"]
    return [
        (model, seed)
        for k, model in enumerate(chosen["models"])
        for seed in range(others if k else first)
    ]


def has_truth(name):
    """Whether the video has a true trajectory behind it: it is ours."""
    return filmed(name) or settings(name)["trajectory"]["truth_of"] is not None


def truth_origin(name):
    """The data set whose simulation holds the truth."""
    return settings(name)["trajectory"]["truth_of"] or name


def report_records():
    """What reports leave beside them. No rule names them as output, so that the list of reports
    can be made from those there are, without asking for any to be made again."""
    found = sorted(Path("results").glob("*/report.json"))
    return [str(path) for path in found if settings_file.NAME.fullmatch(path.parent.name)]


def list_reports():
    """Brings results/index.html up to date where a report was made since. What hinders that is
    no reason for a run to end otherwise than it did."""
    page, records = Path("results/index.html"), report_records()
    try:
        since = page.stat().st_mtime if page.exists() else 0
        if any(Path(record).stat().st_mtime > since for record in records):
            index.write(page, records)
    except OSError as error:
        print(f"warning: {page} could not be brought up to date: {error}.", file=sys.stderr)


# A snakemake that was killed leaves its locks, and the next one says no more than that.
WORKER = Path(".snakemake/metriplex.pid")
if workflow.exec_mode == workflow.exec_mode.DEFAULT and failures.killed(WORKER):
    print(failures.UNLOCK, file=sys.stderr)


onstart:
    failures.sign(WORKER)


onsuccess:
    list_reports()


# Snakemake ends with the news that a job failed: say last what was wrong, not only where to look.
onerror:
    list_reports()
    logs = log if isinstance(log, list) else [log]
    told = failures.sentences(logs, BEGIN) or failures.quiet(BEGIN) or [failures.NO_JOB]
    print("\n" + "\n".join(told), file=sys.stderr)
