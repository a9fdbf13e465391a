"""Features joined into tracks."""

from pipeline import console

console.prepare(snakemake.log[0], snakemake.threads)

import json
from pathlib import Path

from pipeline import tables
from pipeline.video.link import link
from pipeline.video.tune import linking

with open(snakemake.input.tuning) as file:
    chosen = {key: entry["value"] for key, entry in json.load(file)["parameters"].items()}
drift = snakemake.params.settings["link"]["drift"] == "mean"
features = tables.read(snakemake.input.features, tables.FEATURES)
tracks, summary = link(features, linking(chosen, drift))
tables.write(snakemake.output.tracks, tracks, tables.TRACKS)
Path(snakemake.output.summary).write_text(json.dumps(summary))
