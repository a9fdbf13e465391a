"""Statistics of what was recorded or is known of it, over the evaluation window.

The experiment itself, the truth behind a simulated film, or another replica of a simulation; all
of them, or what one block of time counts.
"""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline import graphs, h5md
from pipeline.analysis import microscope, statistics
from pipeline.analysis.experiment import experiment
from pipeline.analysis.runs import Share
from pipeline.settings import sections
from pipeline.split import judged

given, chosen = snakemake.input, sections(snakemake.params.settings)
name = snakemake.wildcards.name
data = h5md.on_disk(given.trajectory, dataset=name, source="trajectory")
a = graphs.spacing(given.graphs, data)
rows = judged(data, chosen.split, chosen.rollout.frames)
judging = experiment(data, rows, a, chosen.statistics)
source, kind = None, "experiment"
if given.get("truth"):
    true = h5md.read(given.truth, dataset=name, source="true_trajectory")
    source, kind = microscope.view(true, judging.window, 0.3 * a), "truth"
if given.get("replica"):
    kind = f"replica{snakemake.wildcards.replica}"
    source = h5md.read(given.replica, dataset=name, source=kind).followed(rows)
attributes = {"dataset": name, "source": kind}
if path := snakemake.output.get("counts"):
    counted = judging.count(source, Share(*snakemake.params.share))
    statistics.write_counts(path, counted, attributes)
else:
    found = judging.measure(source, statistics.read_counts(given.counts, **attributes))
    attributes |= statistics.attributes(data, judging.plan) | {"stopped": ""}
    statistics.write(snakemake.output.statistics, found, attributes)
