"""Statistics of what was recorded or is known of it, over the evaluation window.

The experiment itself, the truth behind a simulated film, or another replica of a simulation; all
of them, or what one block of time counts.
"""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline import graphs, h5md
from pipeline.analysis import comparison, cycles, microscope, statistics
from pipeline.analysis.plan import plan
from pipeline.analysis.runs import Share
from pipeline.settings import sections
from pipeline.split import judged

chosen = sections(snakemake.params.settings)
name = snakemake.wildcards.name
data = h5md.on_disk(snakemake.input.trajectory, dataset=name, source="trajectory")
a = graphs.spacing(snakemake.input.graphs, data)
rows = judged(data, chosen.split, chosen.rollout.frames)
experiment = data.followed(rows)
wanted = chosen.statistics
period = cycles.period(data, wanted.period) if wanted.rearrangements else None
settings = plan(experiment, a, wanted, period)

source, kind = experiment, "experiment"
if kind_of_truth := snakemake.input.get("truth"):
    true = h5md.read(kind_of_truth, dataset=name, source="true_trajectory")
    source, kind = microscope.view(true, experiment, 0.3 * a), "truth"
if replica := snakemake.input.get("replica"):
    kind = f"replica{snakemake.wildcards.replica}"
    source = h5md.read(replica, dataset=name, source=kind).followed(rows)
everyone, attributes = source.free.all(axis=0), {"dataset": name, "source": kind}
if path := snakemake.output.get("counts"):
    share = Share(*snakemake.params.share)
    if source is experiment:
        counted = comparison.count_experiment(data, experiment, settings, share)
    else:
        counted = statistics.count(source, settings, everyone, share)
    statistics.write_counts(path, counted, attributes)
else:
    counted = statistics.read_counts(snakemake.input.counts, **attributes)
    if source is experiment:
        found = comparison.of_experiment(data, experiment, settings, counted)
    else:
        found = statistics.measure(source, settings, everyone, counted=counted)
    attributes |= statistics.attributes(data, settings) | {"stopped": ""}
    statistics.write(snakemake.output.statistics, found, attributes)
