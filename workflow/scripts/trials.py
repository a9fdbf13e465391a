"""The page on the settings of the detection, beside what others would find."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pathlib import Path

from pipeline.files import unchanged
from pipeline.report import tuning
from pipeline.settings import sections
from pipeline.video import survey_file
from pipeline.video.parameters import parameters
from pipeline.video.trials import trials

chosen = parameters(snakemake.input.tuning)
asked, video = sections(snakemake.params.settings).video, snakemake.input.video
page = Path(snakemake.output.page)
with unchanged(video, snakemake.params.content):
    videos = survey_file.read(snakemake.input.survey, video, asked)
    tuning.write(page, page.parent, trials(videos, chosen))
