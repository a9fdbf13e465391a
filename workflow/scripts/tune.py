"""Settings of detection and linking: given ones kept, the rest estimated from the video."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline.files import unchanged, write_json
from pipeline.settings import sections
from pipeline.video import survey
from pipeline.video.tune import as_json, tune

settings = snakemake.params.settings
given = {**settings["detect"], **settings["link"]}
asked, video = sections(settings).video, snakemake.input.video
with unchanged(video, snakemake.params.content) as inputs:
    tuning = tune(survey.read(snakemake.input.survey, video, asked), given)
write_json(snakemake.output.tuning, {**as_json(tuning), "inputs": inputs})
