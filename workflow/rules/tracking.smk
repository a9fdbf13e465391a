# Video to tracks, in pixels and frames.


rule tune:
    input:
        video_files,
    output:
        tuning="results/{name}/tuning.json",
    params:
        folder=video_folder,
        settings=section("video", "detect", "link"),
    log:
        "results/{name}/logs/tune.log",
    benchmark:
        "results/{name}/benchmarks/tune.tsv"
    script:
        "../scripts/tune.py"


# Made as soon as it can be: the user looks at it while the rest goes on.
rule tuning_page:
    input:
        video_files,
        tuning="results/{name}/tuning.json",
    output:
        page=report(
            "results/{name}/tuning.html",
            caption="../report/tuning.rst",
            category="{name}",
            labels={"what": "detection settings"},
        ),
    params:
        folder=video_folder,
        settings=section("video"),
    log:
        "results/{name}/logs/tuning_page.log",
    benchmark:
        "results/{name}/benchmarks/tuning_page.tsv"
    priority: 10
    script:
        "../scripts/trials.py"


rule detect:
    input:
        video_files,
        tuning="results/{name}/tuning.json",
    output:
        features="results/{name}/features.parquet",
    params:
        folder=video_folder,
        settings=section("video"),
    log:
        "results/{name}/logs/detect.log",
    benchmark:
        "results/{name}/benchmarks/detect.tsv"
    threads: CORES
    script:
        "../scripts/detect.py"


rule link:
    input:
        features="results/{name}/features.parquet",
        tuning="results/{name}/tuning.json",
    output:
        tracks="results/{name}/tracks.parquet",
        summary="results/{name}/linking.json",
    params:
        settings=section("link"),
    log:
        "results/{name}/logs/link.log",
    benchmark:
        "results/{name}/benchmarks/link.tsv"
    script:
        "../scripts/link.py"


rule frames:
    input:
        video_files,
    output:
        frames="results/{name}/tracking.h5",
    params:
        folder=video_folder,
        settings=section("video"),
    log:
        "results/{name}/logs/frames.log",
    script:
        "../scripts/frames.py"
