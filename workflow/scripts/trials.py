"""The page on the settings of the detection, beside what others would find."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

import json
from pathlib import Path

from pipeline.report import tuning
from pipeline.video import survey
from pipeline.video.trials import trials

with open(snakemake.input.tuning) as file:
    chosen = {key: entry["value"] for key, entry in json.load(file)["parameters"].items()}
asked = snakemake.params.settings["video"]
videos = survey.read(snakemake.input.survey, snakemake.params.folder, asked)
page = Path(snakemake.output.page)
tuning.write(page, page.parent, trials(videos, chosen))
