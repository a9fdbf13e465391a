"""The page on the settings of the detection, beside what others would find."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pathlib import Path

from pipeline.files import unchanged
from pipeline.report import tuning
from pipeline.video.frames import open_all
from pipeline.video.trials import trials
from pipeline.video.tune import parameters

chosen = parameters(snakemake.input.tuning)
page = Path(snakemake.output.page)
with unchanged(snakemake.input.video, snakemake.params.content):
    videos = open_all(snakemake.input.video, snakemake.params.settings["video"])
    tuning.write(page, page.parent, trials(videos, chosen))
