"""Stage eda: describes the usable photos in figures, pictures and words."""

from pathlib import Path

import pandas as pd

from shopper_age.eda import choose_photos, decade_table, read_preview, summarise
from shopper_age.eda_report import render_report
from shopper_age.faces import FILE_NAME, HEIGHT, REAL_AGE, WIDTH, photo_path, read_manifest
from shopper_age.files import save_figure, write_csv, write_json, write_text
from shopper_age.params import load_params
from shopper_age.plots import age_histogram, contact_sheet, image_sizes
from shopper_age.stage import run_stage

FOUND = Path("reports/validate_data")
REPORT = Path("reports/eda")


def main() -> None:
    params = load_params()

    manifest = read_manifest(FOUND / "manifest.csv")
    findings = pd.read_csv(FOUND / "findings.csv")

    summary = summarise(manifest)
    decades = decade_table(manifest[REAL_AGE])
    examples = choose_photos(manifest, params.eda.n_photos, seed=params.seed)
    photos = [read_preview(photo_path(params.data_path, name)) for name in examples[FILE_NAME]]
    captions = [f"{age:g} {'year' if age == 1 else 'years'}" for age in examples[REAL_AGE]]
    title = f"{len(photos)} of {len(manifest):,} photos"

    write_json(REPORT / "summary.json", summary)
    write_csv(REPORT / "ages.csv", decades)
    save_figure(REPORT / "ages.png", age_histogram(manifest[REAL_AGE], decades))
    save_figure(REPORT / "image_sizes.png", image_sizes(manifest[WIDTH], manifest[HEIGHT]))
    save_figure(REPORT / "contact_sheet.png", contact_sheet(photos, captions, title=title))
    drawn_faces = params.data_path == Path("data/demo")
    write_text(REPORT / "report.md", render_report(summary, decades, findings, drawn_faces=drawn_faces))


if __name__ == "__main__":
    run_stage(main)
