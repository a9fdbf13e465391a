"""Particles in every frame of every run, or in one share of the frames."""

import console

# One thread each: the work is spread over processes.
console.prepare(snakemake.log[0], 1)

import json

from pipeline import tables
from pipeline.video import survey
from pipeline.video.detect import detected, joined
from pipeline.video.tune import detection

with open(snakemake.input.tuning) as file:
    chosen = {key: entry["value"] for key, entry in json.load(file)["parameters"].items()}
settings = detection(chosen)
if parts := snakemake.input.get("parts"):
    found = joined(parts, settings)
else:
    asked = snakemake.params.settings["video"]
    videos = survey.read(snakemake.input.survey, snakemake.params.folder, asked)
    part = snakemake.params.part
    found = detected(videos, settings, workers=snakemake.threads, part=part)
with tables.block_writer(snakemake.output.features, tables.FEATURES) as append:
    for table in found:
        append(table)
