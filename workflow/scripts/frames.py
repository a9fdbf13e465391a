"""The first, middle and last frame of every run, for the report."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pipeline.files import unchanged
from pipeline.video.frames import open_all, write_examples

with unchanged(snakemake.input.video, snakemake.params.content):
    videos = open_all(snakemake.input.video, snakemake.params.settings["video"])
    write_examples(snakemake.output.frames, videos)
