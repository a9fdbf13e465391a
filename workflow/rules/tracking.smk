# Video to tracks, in pixels and frames.


rule survey:
    input:
        video=video,
    output:
        survey="results/{name}/survey.h5",
        summary="results/{name}/survey.json",
    params:
        content=content,
        settings=section("video"),
    log:
        "results/{name}/logs/survey.log",
    benchmark:
        "results/{name}/benchmarks/survey.tsv"
    threads: CORES
    script:
        "../scripts/survey.py"


rule tune:
    input:
        video=video,
        survey="results/{name}/survey.h5",
    output:
        tuning="results/{name}/tuning.json",
    params:
        content=content,
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
        video=video,
        survey="results/{name}/survey.h5",
        tuning="results/{name}/tuning.json",
    output:
        page=report(
            "results/{name}/tuning.html",
            caption="../report/tuning.rst",
            category="{name}",
            labels={"what": "detection settings"},
        ),
    params:
        content=content,
        settings=section("video"),
    log:
        "results/{name}/logs/tuning_page.log",
    benchmark:
        "results/{name}/benchmarks/tuning_page.tsv"
    priority: 10
    script:
        "../scripts/trials.py"


def parts_of(wildcards):
    """Shares of the frames that are detected by jobs of their own; none where one job does all."""
    count = settings(wildcards.name)["detect"]["jobs"]
    folder = f"results/{wildcards.name}/features"
    return [f"{folder}/{k}_of_{count}.parquet" for k in range(count)] if count > 1 else []


# Joins the parts where there are any.
rule detect:
    input:
        video=lambda wildcards: [] if parts_of(wildcards) else video(wildcards),
        parts=parts_of,
        survey="results/{name}/survey.h5",
        tuning="results/{name}/tuning.json",
    output:
        features="results/{name}/features.parquet",
    params:
        content=content,
        settings=section("video"),
        part=(0, 1),
    log:
        "results/{name}/logs/detect.log",
    benchmark:
        "results/{name}/benchmarks/detect.tsv"
    threads: lambda wildcards: 1 if parts_of(wildcards) else CORES
    resources:
        mem_mb=memory_of_workers,
    script:
        "../scripts/detect.py"


use rule detect as detect_part with:
    input:
        video=video,
        survey="results/{name}/survey.h5",
        tuning="results/{name}/tuning.json",
    output:
        features=temp("results/{name}/features/{part}_of_{parts}.parquet"),
    params:
        content=content,
        settings=section("video"),
        part=lambda wildcards: (int(wildcards.part), int(wildcards.parts)),
    log:
        "results/{name}/logs/detect_{part}_of_{parts}.log",
    benchmark:
        "results/{name}/benchmarks/detect_{part}_of_{parts}.tsv"
    threads: CORES


rule link:
    input:
        features="results/{name}/features.parquet",
        survey="results/{name}/survey.h5",
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
        video=video,
        survey="results/{name}/survey.h5",
    output:
        frames="results/{name}/tracking.h5",
    params:
        content=content,
        settings=section("video"),
    log:
        "results/{name}/logs/frames.log",
    script:
        "../scripts/frames.py"
