"""The first, middle and last frame of every run, for the report."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pipeline.video import survey
from pipeline.video.frames import write_examples

asked = snakemake.params.settings["video"]
videos = survey.read(snakemake.input.survey, snakemake.params.folder, asked)
write_examples(snakemake.output.frames, videos)
