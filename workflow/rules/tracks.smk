# Tracks that people already have, in place of tracking; and ours in columns that others read.


def tabled():
    """Names of the data sets whose folders hold tables of tracks; of others nothing is said here."""
    for name in datasets.known():
        try:
            files = datasets.files(name)
            if not any(map(sources.table_kind, files)) or sources.recorded(files):
                continue
            asked = settings_file.settings(name, config)["tracks"]
        except (InputError, settings_file.SettingsError):
            continue
        alone = not any(path.suffix.lower() in FILM_ENDINGS for path in files)
        if asked["use"] and sources.tables(files, Columns(**asked["columns"]), alone):
            yield name


TABLED = "|".join(map(re.escape, tabled())) or "(?!)"


ruleorder: import_tracks > link
ruleorder: import_tracks > tune


rule import_tracks:
    input:
        tables=lambda wildcards: own_folder(wildcards.name),
        survey=lambda wildcards: (
            [f"results/{wildcards.name}/survey.h5"] if has_film(wildcards.name) else []
        ),
        summary=lambda wildcards: (
            [f"results/{wildcards.name}/survey.json"] if has_film(wildcards.name) else []
        ),
    output:
        tracks="results/{name}/tracks.parquet",
        summary="results/{name}/linking.json",
        tuning="results/{name}/tuning.json",
    wildcard_constraints:
        name=TABLED,
    params:
        content=content,
        paths=lambda wildcards: [str(path) for path in tables_of(wildcards.name)],
        settings=section("video", "detect", "link", "tracks"),
    log:
        "results/{name}/logs/import_tracks.log",
    benchmark:
        "results/{name}/benchmarks/import_tracks.tsv"
    script:
        "../scripts/import_tracks.py"


rule export_tracks:
    input:
        tracks="results/{name}/tracks.parquet",
    output:
        table="results/{name}/tracks.csv",
    log:
        "results/{name}/logs/export_tracks.log",
    script:
        "../scripts/export_tracks.py"
