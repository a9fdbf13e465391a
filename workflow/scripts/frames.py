"""The first, middle and last frame of every run, for the report."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pipeline.video.frames import open_all, write_examples

videos = open_all(snakemake.params.folder, snakemake.params.settings["video"])
write_examples(snakemake.output.frames, videos)
