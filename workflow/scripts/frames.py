"""The first, middle and last frame of every run, for the report."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline.files import unchanged
from pipeline.settings import sections
from pipeline.video import survey_file
from pipeline.video.frames import write_examples

asked, video = sections(snakemake.params.settings).video, snakemake.input.video
with unchanged(video, snakemake.params.content):
    videos = survey_file.read(snakemake.input.survey, video, asked)
    write_examples(snakemake.output.frames, videos)
