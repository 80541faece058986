"""Stage eda: describes the usable photos in numbers, pictures and words."""

from shopper_age import paths
from shopper_age.data.folders import open_folder
from shopper_age.data.tables import FILE_NAME, HEIGHT, REAL_AGE, WIDTH, one_age, read_manifest
from shopper_age.eda.report import render_report
from shopper_age.eda.summary import choose_photos, decade_table, read_preview, summarise
from shopper_age.params import load_params
from shopper_age.plots.dataset import age_histogram, image_sizes
from shopper_age.plots.photos import contact_sheet
from shopper_age.runtime.files import read_csv, save_figure, write_csv, write_json, write_text
from shopper_age.runtime.inputs import Inputs
from shopper_age.runtime.stage import run_stage
from shopper_age.validation.rules import FINDINGS_TYPES


def main() -> None:
    params = load_params()
    inputs = Inputs("eda", params.data_path)

    manifest = read_manifest(paths.MANIFEST)
    findings = read_csv(paths.FINDINGS, FINDINGS_TYPES)

    summary = summarise(manifest)
    decades = decade_table(manifest[REAL_AGE])
    examples = choose_photos(manifest, params.eda.n_photos, seed=params.seed)
    folder = open_folder(params.data_path).photos
    photos = [read_preview(folder / name) for name in examples[FILE_NAME]]
    captions = [f"{age:g} {'year' if age == 1 else 'years'}" for age in examples[REAL_AGE]]
    title = f"{len(photos)} of {len(manifest):,} photos"

    inputs.check()
    write_json(paths.EDA / "summary.json", summary)
    write_csv(paths.EDA / "ages.csv", decades)
    save_figure(paths.EDA / "ages.png", age_histogram(manifest[REAL_AGE], decades))
    save_figure(paths.EDA / "image_sizes.png", image_sizes(manifest[WIDTH], manifest[HEIGHT]))
    save_figure(paths.EDA / "contact_sheet.png", contact_sheet(photos, captions, title=title))
    drawn_faces = paths.is_demo(params.data_path)
    warning = one_age(manifest[REAL_AGE])
    report = render_report(summary, decades, findings, drawn_faces=drawn_faces, warning=warning)
    write_text(paths.EDA / "report.md", report)
    inputs.check()


if __name__ == "__main__":
    run_stage(main)
