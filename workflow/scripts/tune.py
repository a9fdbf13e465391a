"""Settings of detection and linking: given ones kept, the rest estimated from the video."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline.files import unchanged, write_json
from pipeline.settings import sections
from pipeline.video import survey_file
from pipeline.video.parameters import Given, as_json
from pipeline.video.tune import tune

asked, video = sections(snakemake.params.settings), snakemake.input.video
given = Given.of(asked.detect, asked.link)
with unchanged(video, snakemake.params.content) as inputs:
    tuning = tune(survey_file.read(snakemake.input.survey, video, asked.video), given)
write_json(snakemake.output.tuning, {**as_json(tuning), "inputs": inputs})
