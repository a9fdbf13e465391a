"""Features joined into tracks."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

import json

from pipeline.files import write_json
from pipeline.video import survey
from pipeline.video.link import link_file
from pipeline.video.tune import linking

with open(snakemake.input.tuning) as file:
    chosen = {key: entry["value"] for key, entry in json.load(file)["parameters"].items()}
drift = snakemake.params.settings["link"]["drift"] == "mean"
settings = linking(chosen, drift)
seen = survey.ticks(snakemake.input.survey)
summary = link_file(snakemake.input.features, snakemake.output.tracks, settings, seen)
write_json(snakemake.output.summary, summary)
