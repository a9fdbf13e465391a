"""Particles in every frame of every run, or in one share of the frames."""

from pipeline import process

# One thread each: the work is spread over processes.
process.prepare(snakemake.log[0], 1)

from pipeline import tables
from pipeline.files import unchanged
from pipeline.settings import sections
from pipeline.video import survey_file
from pipeline.video.detect import detected, joined
from pipeline.video.parameters import parameters


def store(found):
    with tables.block_writer(snakemake.output.features, tables.FEATURES) as append:
        for table in found:
            append(table)


settings = parameters(snakemake.input.tuning).detection
if parts := snakemake.input.get("parts"):
    store(joined(parts, settings))
else:
    asked, video = sections(snakemake.params.settings).video, snakemake.input.video
    with unchanged(video, snakemake.params.content):
        videos = survey_file.read(snakemake.input.survey, video, asked)
        part = snakemake.params.part
        store(detected(videos, settings, workers=snakemake.threads, part=part))
