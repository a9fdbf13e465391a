"""Particles in every frame of every run, or in one share of the frames."""

import console

# One thread each: the work is spread over processes.
console.prepare(snakemake.log[0], 1)

from pipeline import tables
from pipeline.files import unchanged
from pipeline.video.detect import detected, joined
from pipeline.video.frames import open_all
from pipeline.video.tune import detection, parameters


def store(found):
    with tables.block_writer(snakemake.output.features, tables.FEATURES) as append:
        for table in found:
            append(table)


settings = detection(parameters(snakemake.input.tuning))
if parts := snakemake.input.get("parts"):
    store(joined(parts, settings))
else:
    with unchanged(snakemake.input.video, snakemake.params.content):
        videos = open_all(snakemake.input.video, snakemake.params.settings["video"])
        part = snakemake.params.part
        store(detected(videos, settings, workers=snakemake.threads, part=part))
