# Statistics of every source on the same particles and frames, their comparison, the report.


SOURCE = r"([a-z][a-z0-9_]*)_seed(\d+)(?:_rollout(\d+))?"


def rollout_of(wildcards):
    """The rollout of <model>_seed<k>, the first, of <model>_seed<k>_rollout<i>, or by LAMMPS."""
    if wildcards.source == "lammps":
        return f"results/{wildcards.name}/lammps/rollout.h5"
    model, seed, again = re.fullmatch(SOURCE, wildcards.source).groups()
    return f"results/{wildcards.name}/{model}/seed{seed}/rollout{again and '_' + again or ''}.h5"


def model_statistics(wildcards):
    """Statistics of every rollout of every training."""
    repeats = settings(wildcards.name)["rollout"]["repeats"]
    again = ["", *(f"_rollout{i}" for i in range(1, repeats))]
    return [
        f"results/{wildcards.name}/statistics/{model}_seed{seed}{end}.h5"
        for model, seed in trainings(wildcards.name)
        for end in again
    ]


def replica_statistics(wildcards):
    """Statistics of the other independent simulations, which tell the noise floor."""
    return [
        f"results/{wildcards.name}/statistics/replica{k}.h5" for k in replicas(wildcards.name)[1:]
    ]


def all_statistics(wildcards):
    folder = f"results/{wildcards.name}/statistics"
    truth = [f"{folder}/truth.h5"] if has_truth(wildcards.name) else []
    return [
        f"{folder}/experiment.h5",
        *truth,
        *replica_statistics(wildcards),
        *model_statistics(wildcards),
    ]


def truth_of_data(wildcards):
    return f"results/{truth_origin(wildcards.name)}/synthetic/truth.h5"


def counts_of(source):
    """An input function: what the blocks of time of a source count; none where one job does all."""

    def counts(wildcards):
        count = settings(wildcards.name)["statistics"]["jobs"]
        folder = f"results/{wildcards.name}/statistics/{source.format(**wildcards)}"
        return [f"{folder}/{k}_of_{count}.h5" for k in range(count)] if count > 1 else []

    return counts


def share(wildcards):
    """A params function: which block of time a job counts, of how many."""
    return (int(wildcards.part), int(wildcards.parts))


rule statistics_experiment:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
        counts=counts_of("experiment"),
    output:
        statistics="results/{name}/statistics/experiment.h5",
    params:
        settings=section("statistics", "split", "rollout"),
    log:
        "results/{name}/logs/statistics_experiment.log",
    benchmark:
        "results/{name}/benchmarks/statistics_experiment.tsv"
    resources:
        mem_mb=SNAPSHOTS,
    script:
        "../scripts/measure.py"


use rule statistics_experiment as statistics_experiment_part with:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
    output:
        counts=temp("results/{name}/statistics/experiment/{part}_of_{parts}.h5"),
    params:
        settings=section("statistics", "split", "rollout"),
        share=share,
    log:
        "results/{name}/logs/statistics_experiment_{part}_of_{parts}.log",
    benchmark:
        "results/{name}/benchmarks/statistics_experiment_{part}_of_{parts}.tsv"


use rule statistics_experiment as statistics_truth with:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
        truth="results/{name}/true_trajectory.h5",
        counts=counts_of("truth"),
    output:
        statistics="results/{name}/statistics/truth.h5",
    log:
        "results/{name}/logs/statistics_truth.log",
    benchmark:
        "results/{name}/benchmarks/statistics_truth.tsv"


use rule statistics_experiment_part as statistics_truth_part with:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
        truth="results/{name}/true_trajectory.h5",
    output:
        counts=temp("results/{name}/statistics/truth/{part}_of_{parts}.h5"),
    log:
        "results/{name}/logs/statistics_truth_{part}_of_{parts}.log",
    benchmark:
        "results/{name}/benchmarks/statistics_truth_{part}_of_{parts}.tsv"


use rule statistics_experiment as statistics_replica with:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
        replica="results/{name}/replicas/{replica}.h5",
        counts=counts_of("replica{replica}"),
    output:
        statistics="results/{name}/statistics/replica{replica}.h5",
    log:
        "results/{name}/logs/statistics_replica{replica}.log",
    benchmark:
        "results/{name}/benchmarks/statistics_replica{replica}.tsv"


use rule statistics_experiment_part as statistics_replica_part with:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
        replica="results/{name}/replicas/{replica}.h5",
    output:
        counts=temp("results/{name}/statistics/replica{replica}/{part}_of_{parts}.h5"),
    log:
        "results/{name}/logs/statistics_replica{replica}_{part}_of_{parts}.log",
    benchmark:
        "results/{name}/benchmarks/statistics_replica{replica}_{part}_of_{parts}.tsv"


rule statistics_model:
    input:
        experiment="results/{name}/statistics/experiment.h5",
        rollout=rollout_of,
        counts=counts_of("{source}"),
    output:
        statistics="results/{name}/statistics/{source}.h5",
    wildcard_constraints:
        source=r"[a-z][a-z0-9_]*_seed\d+(_rollout\d+)?|lammps",
    params:
        settings=section("statistics"),
    log:
        "results/{name}/logs/statistics_{source}.log",
    benchmark:
        "results/{name}/benchmarks/statistics_{source}.tsv"
    script:
        "../scripts/measure_rollout.py"


use rule statistics_model as statistics_model_part with:
    input:
        experiment="results/{name}/statistics/experiment.h5",
        rollout=rollout_of,
    output:
        counts=temp("results/{name}/statistics/{source}/{part}_of_{parts}.h5"),
    params:
        settings=section("statistics"),
        share=share,
    log:
        "results/{name}/logs/statistics_{source}_{part}_of_{parts}.log",
    benchmark:
        "results/{name}/benchmarks/statistics_{source}_{part}_of_{parts}.tsv"


rule compare:
    input:
        experiment="results/{name}/statistics/experiment.h5",
        replicas=replica_statistics,
        models=model_statistics,
    output:
        comparison=report(
            "results/{name}/comparison.csv",
            caption="../report/comparison.rst",
            category="{name}",
            labels={"what": "errors, as a table"},
        ),
    params:
        settings=section("statistics", "rollout"),
        source=SOURCE,
    log:
        "results/{name}/logs/compare.log",
    script:
        "../scripts/compare.py"


rule truth:
    input:
        truth=truth_of_data,
        tracks=lambda wildcards: f"results/{truth_origin(wildcards.name)}/tracks.parquet",
        trajectory="results/{name}/trajectory.h5",
        frames=lambda wildcards: tracking_of(wildcards, "tracking.h5"),
        statistics=all_statistics,
    output:
        truth="results/{name}/truth.json",
    params:
        settings=section("graph"),
    log:
        "results/{name}/logs/truth.log",
    script:
        "../scripts/truth.py"


rule report:
    input:
        trajectory="results/{name}/trajectory.h5",
        drag="results/{name}/drag.json",
        statistics=all_statistics,
        comparison="results/{name}/comparison.csv",
        # A data set of true positions has no video of its own to show.
        frames=lambda wildcards: (
            []
            if settings(wildcards.name)["trajectory"]["truth_of"]
            or untracked(wildcards.name)
            or (tables_of(wildcards.name) and not has_film(wildcards.name))
            else [f"results/{wildcards.name}/tracking.h5"]
        ),
        tracks=lambda wildcards: (
            []
            if settings(wildcards.name)["trajectory"]["truth_of"] or untracked(wildcards.name)
            else [f"results/{wildcards.name}/tracks.csv"]
        ),
        tuning=lambda wildcards: (
            []
            if settings(wildcards.name)["trajectory"]["truth_of"]
            or untracked(wildcards.name)
            or tables_of(wildcards.name)
            else [f"results/{wildcards.name}/tuning.html"]
        ),
        truth=lambda wildcards: (
            [f"results/{wildcards.name}/truth.json"] if has_truth(wildcards.name) else []
        ),
        twin=lambda wildcards: [
            f"results/{settings(wildcards.name)['report']['twin']}/{model}/seed{seed}/learned.h5"
            for model, seed in trainings(wildcards.name)
            if settings(wildcards.name)["report"]["twin"]
        ],
        lammps=lammps_report,
    output:
        report=report(
            "results/{name}/report.html",
            caption="../report/report.rst",
            category="{name}",
            labels={"what": "the report"},
        ),
        figures=report(
            directory("results/{name}/figures"),
            # All of them: the table of contents of the report decides what is drawn.
            patterns=["{figure}.svg"],
            caption="../report/figure.rst",
            category="{name}",
            labels=lambda wildcards: {"what": wildcards.figure.replace("_", " ")},
        ),
    params:
        settings=lambda wildcards: settings(wildcards.name),
    log:
        "results/{name}/logs/report.log",
    benchmark:
        "results/{name}/benchmarks/report.tsv"
    resources:
        mem_mb=SNAPSHOTS,
    script:
        "../scripts/report.py"
