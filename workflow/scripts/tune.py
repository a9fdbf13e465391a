"""Settings of detection and linking: given ones kept, the rest estimated from the video."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pipeline.files import write_json
from pipeline.video import survey
from pipeline.video.tune import as_json, tune

settings = snakemake.params.settings
given = {**settings["detect"], **settings["link"]}
videos = survey.read(snakemake.input.survey, snakemake.params.folder, settings["video"])
tuning = tune(videos, given)
write_json(snakemake.output.tuning, as_json(tuning))
