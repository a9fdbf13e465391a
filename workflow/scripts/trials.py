"""The page on the settings of the detection, beside what others would find."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

import json
from pathlib import Path

from pipeline.report import tuning
from pipeline.video.frames import open_all
from pipeline.video.trials import trials

with open(snakemake.input.tuning) as file:
    chosen = {key: entry["value"] for key, entry in json.load(file)["parameters"].items()}
videos = open_all(snakemake.params.folder, snakemake.params.settings["video"])
page = Path(snakemake.output.page)
tuning.write(page, page.parent, trials(videos, chosen))
