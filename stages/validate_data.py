"""Stage validate_data: judges labels.csv and every photo, and lists what can be used."""

import logging
from functools import partial

from shopper_age import paths
from shopper_age.data.tables import REAL_AGE, one_age
from shopper_age.distributed.mapping import mapper
from shopper_age.params import load_params
from shopper_age.runtime.checkout import untracked_folder
from shopper_age.runtime.files import write_csv, write_json
from shopper_age.runtime.inputs import Inputs
from shopper_age.runtime.stage import run_stage
from shopper_age.validation.checks import check_gate, validate
from shopper_age.validation.photos import inspect_photos


def main() -> None:
    params = load_params()
    settings = params.validate_data
    inputs = Inputs("validate_data", params.data_path)

    inspect = partial(inspect_photos, mapped=mapper(settings.workers))
    found = validate(params.data_path, settings, inspect=inspect)

    write_csv(paths.FINDINGS, found.findings)
    write_csv(paths.MANIFEST, found.manifest)
    write_json(paths.VALIDATION / "summary.json", found.summary)

    inputs.check()
    logger = logging.getLogger("shopper_age.validation")
    if warning := one_age(found.manifest[REAL_AGE]):
        logger.warning(warning)
    if hint := untracked_folder(params.data_path):
        logger.info(hint)
    check_gate(
        found.summary,
        max_bad_share=settings.max_bad_share,
        findings_path=paths.FINDINGS,
        hint=found.hint,
    )


if __name__ == "__main__":
    run_stage(main)
