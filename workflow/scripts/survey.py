"""One look through every film: frames that show nothing, cuts, the clock, the index of films."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pipeline.video import survey

found = survey.survey(snakemake.params.folder, snakemake.params.settings["video"])
survey.write(snakemake.output.survey, snakemake.output.summary, found)
