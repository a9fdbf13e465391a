"""Particles in every frame of every run."""

from pipeline import console

# One thread each: the work is spread over processes.
console.prepare(snakemake.log[0], 1)

import json

from pipeline import tables
from pipeline.video.detect import features
from pipeline.video.opening import open_all
from pipeline.video.tune import detection

with open(snakemake.input.tuning) as file:
    chosen = {key: entry["value"] for key, entry in json.load(file)["parameters"].items()}
videos = open_all(snakemake.params.folder, snakemake.params.settings["video"])
found = features(videos, detection(chosen), workers=snakemake.threads)
tables.write(snakemake.output.features, found, tables.FEATURES)
