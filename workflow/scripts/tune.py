"""Settings of detection and linking: given ones kept, the rest estimated from the video."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pipeline.files import write_json
from pipeline.video.frames import open_all
from pipeline.video.tune import as_json, tune

settings = snakemake.params.settings
given = {**settings["detect"], **settings["link"]}
tuning = tune(open_all(snakemake.params.folder, settings["video"]), given)
write_json(snakemake.output.tuning, as_json(tuning))
