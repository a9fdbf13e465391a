# Config, names and paths: the only place that reads and checks settings.

import os
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(workflow.current_basedir).parent))
import settings as settings_file
from pipeline.imported import sources
from pipeline.report import index
from pipeline.video.sources import ACCEPTED as FILM_ENDINGS

# Simulations that are rendered to a video: KINDS of pipeline.simulate.films, which is slow to import.
FILMS = ("monolayer", "monolayer_matched", "brownian", "brownian_attractive", "discs")
CORES = min(8, len(os.sched_getaffinity(0)))
BEGIN = time.time()


wildcard_constraints:
    name=r"(?!paper/)[A-Za-z0-9][A-Za-z0-9_.-]*",
    model=r"[a-z_]+",
    seed=r"\d+",
    again=r"\d+",
    replica=r"\d+",
    part=r"\d+",
    parts=r"\d+",
    source=r"[a-z0-9_]+",


def refuse(sentence):
    """Ends snakemake with a sentence; an exception would come with a traceback of the rule."""
    sys.exit(f"error: {sentence}")


def settings(name):
    """All settings of a data set, checked; a wrong one ends the run in a sentence."""
    try:
        return settings_file.settings(name, config)
    except settings_file.SettingsError as error:
        refuse(error)


def section(*keys):
    """A params function: these parts of the settings, so that others may change freely."""
    return lambda wildcards: {key: settings(wildcards.name)[key] for key in keys}


def videos(name):
    """The user's files of a data set, sorted; hidden files are not videos."""
    folder = Path("data") / name
    if not folder.is_dir():
        return []
    files = sorted(str(path) for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")
    for path in files:
        if set(path) & set("{}"):
            refuse(
                f"{path} has a brace in its name, which snakemake takes for a wildcard: give it "
                "another name."
            )
    return files


def recorded(name):
    """The trajectories that other programs wrote, among the user's files of a data set."""
    files = [str(path) for path in sources.recorded(videos(name))]
    films = [path for path in videos(name) if Path(path).suffix.lower() in FILM_ENDINGS]
    if files and films:
        refuse(
            f"data/{name}/ holds a trajectory ({Path(files[0]).name}) and a video "
            f"({Path(films[0]).name}): put them into folders of their own under data/."
        )
    return files


def simulation(name):
    """The section `simulate` of a data set that is simulated, else None."""
    return None if videos(name) else settings(name)["simulate"]


def filmed(name):
    """Whether the video of a data set is simulated."""
    return simulation(name) is not None and simulation(name)["kind"] in FILMS


def system(name):
    """Whether a data set is simulated as a trajectory: no video, no tracks."""
    return simulation(name) is not None and not filmed(name)


def untracked(name):
    """Whether a data set has no video: simulated as a trajectory, or read from files."""
    return system(name) or bool(recorded(name))


def replicas(name):
    """Numbers of the independent simulations of a data set; one where it is no simulated system."""
    return range(simulation(name).get("replicas", 2)) if system(name) else range(1)


def video_files(wildcards):
    """The files detection reads: the user's, or else the simulated video."""
    if files := recorded(wildcards.name):
        refuse(f"{files[0]} is a trajectory: there is no video to track.")
    if files := videos(wildcards.name):
        return files
    if filmed(wildcards.name) or settings(wildcards.name)["trajectory"]["truth_of"] is not None:
        return [f"results/{truth_origin(wildcards.name)}/synthetic/video.tif"]
    refuse(
        f"There is no video for {wildcards.name!r}: put one into data/{wildcards.name}/ (TIFF "
        f"stack, image sequence, avi, mp4, mov, nd2), or ask for a simulated data set such as "
        f"results/colloids/report.html."
    )


def video_folder(wildcards):
    if videos(wildcards.name):
        return f"data/{wildcards.name}"
    return f"results/{wildcards.name}/synthetic"


def models_of(name):
    """The data set whose models a data set is rolled out with: its own, or another."""
    return settings(name)["models_of"] or name


def trainings(name):
    """(model, seed) of every training a report compares."""
    chosen = settings(name)
    return [(model, seed) for model in chosen["models"] for seed in range(chosen["seeds"])]


def has_truth(name):
    """Whether the video has a true trajectory behind it: it is ours."""
    return filmed(name) or settings(name)["trajectory"]["truth_of"] is not None


def truth_origin(name):
    """The data set whose simulation holds the truth."""
    return settings(name)["trajectory"]["truth_of"] or name


def refusals():
    """The sentences with which stages of this run refused to go on, each once."""
    said = {}
    for path in sorted(Path("results").glob("*/logs/*.log"), key=lambda path: path.stat().st_mtime):
        last = path.read_text().rstrip().rpartition("\n")[2]
        if path.stat().st_mtime >= BEGIN and last.startswith("error: "):
            said.setdefault(last, path)
    return [f"{sentence}\n  (stage {path.stem}; traceback in {path})" for sentence, path in said.items()]


def report_records():
    """What reports leave beside them. No rule names them as output, so that the list of reports
    can be made from those there are, without asking for any to be made again."""
    return sorted(map(str, Path("results").glob("*/report.json")))


def list_reports():
    """Brings results/index.html up to date where a report was made since."""
    page, records = Path("results/index.html"), report_records()
    since = page.stat().st_mtime if page.exists() else 0
    if any(Path(record).stat().st_mtime > since for record in records):
        index.write(page, records)


onsuccess:
    list_reports()


# Snakemake ends with the news that a job failed: say last what was wrong, not only where to look.
onerror:
    list_reports()
    print("\n" + "\n".join(refusals() or ["error: a stage failed; the log named above says more."]), file=sys.stderr)


# Refuse a wrong setting of what was asked for before any work is planned.
for target in sys.argv[1:] or ["results/colloids/report.html"]:
    if asked := re.match(r"results/([^/]+)/", target):
        settings(asked[1])
