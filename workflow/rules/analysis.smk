# Statistics of every source on the same particles and frames, their comparison, the report.


def rollout_of(wildcards):
    model, _, seed = wildcards.source.rpartition("_seed")
    return f"results/{wildcards.name}/{model}/seed{seed}/rollout.h5"


def model_statistics(wildcards):
    return [
        f"results/{wildcards.name}/statistics/{model}_seed{seed}.h5"
        for model, seed in trainings(wildcards.name)
    ]


def all_statistics(wildcards):
    folder = f"results/{wildcards.name}/statistics"
    truth = [f"{folder}/truth.h5"] if has_truth(wildcards.name) else []
    return [f"{folder}/experiment.h5", *truth, *model_statistics(wildcards)]


def truth_of_data(wildcards):
    return f"results/{truth_origin(wildcards.name)}/synthetic/truth.h5"


rule statistics_experiment:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
    output:
        statistics="results/{name}/statistics/experiment.h5",
    params:
        settings=section("statistics", "split", "rollout"),
    log:
        "results/{name}/logs/statistics_experiment.log",
    benchmark:
        "results/{name}/benchmarks/statistics_experiment.tsv"
    script:
        "../scripts/measure.py"


use rule statistics_experiment as statistics_truth with:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
        truth="results/{name}/true_trajectory.h5",
    output:
        statistics="results/{name}/statistics/truth.h5",
    log:
        "results/{name}/logs/statistics_truth.log",
    benchmark:
        "results/{name}/benchmarks/statistics_truth.tsv"


use rule statistics_experiment as statistics_model with:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
        rollout=rollout_of,
    output:
        statistics="results/{name}/statistics/{source}.h5",
    wildcard_constraints:
        source=r"[a-z_]+_seed\d+",
    log:
        "results/{name}/logs/statistics_{source}.log",
    benchmark:
        "results/{name}/benchmarks/statistics_{source}.tsv"


rule compare:
    input:
        experiment="results/{name}/statistics/experiment.h5",
        models=model_statistics,
    output:
        comparison="results/{name}/comparison.csv",
    params:
        settings=section("statistics"),
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
        video_files,
        trajectory="results/{name}/trajectory.h5",
        statistics=all_statistics,
        comparison="results/{name}/comparison.csv",
        # A data set of true positions has no video of its own to show.
        frames=lambda wildcards: (
            []
            if settings(wildcards.name)["trajectory"]["truth_of"]
            else [f"results/{wildcards.name}/tracking.h5"]
        ),
        truth=lambda wildcards: (
            [f"results/{wildcards.name}/truth.json"] if has_truth(wildcards.name) else []
        ),
        twin=lambda wildcards: [
            f"results/{settings(wildcards.name)['report']['twin']}/{model}/seed{seed}/learned.h5"
            for model, seed in trainings(wildcards.name)
            if settings(wildcards.name)["report"]["twin"]
        ],
    output:
        report="results/{name}/report.html",
    params:
        settings=lambda wildcards: settings(wildcards.name),
        videos=video_files,
        repository=workflow.basedir,
    log:
        "results/{name}/logs/report.log",
    benchmark:
        "results/{name}/benchmarks/report.tsv"
    script:
        "../scripts/report.py"
