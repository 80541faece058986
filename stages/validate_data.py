"""Stage validate_data: judges labels.csv and every photo, and lists what can be used."""

from pathlib import Path

from shopper_age.faces import write_manifest
from shopper_age.files import write_csv, write_json
from shopper_age.params import load_params
from shopper_age.stage import run_stage
from shopper_age.validation import check_gate, validate

REPORTS = Path("reports/validate_data")


def main() -> None:
    params = load_params()
    settings = params.validate_data

    found = validate(params.data_path, settings)

    write_csv(REPORTS / "findings.csv", found.findings)
    write_manifest(found.manifest, REPORTS / "manifest.csv")
    write_json(REPORTS / "summary.json", found.summary)

    check_gate(found.summary, max_bad_share=settings.max_bad_share, findings_path=REPORTS / "findings.csv")


if __name__ == "__main__":
    run_stage(main)
