"""Particles in every frame of every run."""

from pipeline import console

# One thread each: the work is spread over processes.
console.prepare(snakemake.log[0], 1)

import json

from pipeline import tables
from pipeline.video.detect import Detection, features
from pipeline.video.opening import open_all

with open(snakemake.input.tuning) as file:
    chosen = {key: entry["value"] for key, entry in json.load(file)["parameters"].items()}
detection = Detection(
    diameter=chosen["diameter"],
    minmass=chosen["minmass"],
    separation=chosen["separation"],
    percentile=chosen["percentile"],
    invert=chosen["polarity"] == "dark",
)
videos = open_all(snakemake.params.folder, snakemake.params.settings["video"])
found = features(videos, detection, workers=snakemake.threads)
tables.write(snakemake.output.features, found, tables.FEATURES)
