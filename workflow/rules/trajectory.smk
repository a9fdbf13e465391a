# Tracks to physical trajectories and their neighbour graphs.


rule trajectory:
    input:
        lambda wildcards: (
            f"results/{truth_origin(wildcards.name)}/synthetic/truth.h5"
            if settings(wildcards.name)["trajectory"]["truth_of"]
            else f"results/{wildcards.name}/tracks.parquet"
        ),
        tuning=lambda wildcards: (
            f"results/{truth_origin(wildcards.name)}/tuning.json"
        ),
        frames=lambda wildcards: (
            f"results/{truth_origin(wildcards.name)}/tracking.h5"
        ),
    output:
        trajectory="results/{name}/trajectory.h5",
    params:
        settings=section("video", "trajectory", "graph"),
        synthetic=lambda wildcards: has_truth(wildcards.name),
    log:
        "results/{name}/logs/trajectory.log",
    benchmark:
        "results/{name}/benchmarks/trajectory.tsv"
    script:
        "../scripts/trajectory.py"


rule graph:
    input:
        trajectory="results/{name}/trajectory.h5",
    output:
        graphs="results/{name}/graphs.h5",
    params:
        settings=section("graph"),
    log:
        "results/{name}/logs/graph.log",
    benchmark:
        "results/{name}/benchmarks/graph.tsv"
    script:
        "../scripts/graph.py"
