# Films with known forces: simulated and rendered to a noisy video.


rule simulate_film:
    output:
        truth="results/{name}/synthetic/truth.h5",
    params:
        settings=section("simulate", "video"),
    log:
        "results/{name}/logs/simulate_film.log",
    benchmark:
        "results/{name}/benchmarks/simulate_film.tsv"
    script:
        "../scripts/simulate_film.py"


rule render_video:
    input:
        truth="results/{name}/synthetic/truth.h5",
    output:
        video="results/{name}/synthetic/video.tif",
    params:
        settings=section("simulate", "video"),
    log:
        "results/{name}/logs/render_video.log",
    benchmark:
        "results/{name}/benchmarks/render_video.tsv"
    script:
        "../scripts/render_video.py"


# Systems simulated as trajectories enter at the trajectory stage, each run as one replica.
rule simulate_system:
    output:
        trajectory="results/{name}/replicas/{replica}.h5",
    params:
        settings=section("simulate"),
    log:
        "results/{name}/logs/simulate_replica{replica}.log",
    benchmark:
        "results/{name}/benchmarks/simulate_replica{replica}.tsv"
    threads: 1
    script:
        "../scripts/simulate_system.py"
