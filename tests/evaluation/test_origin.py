import hashlib

import pytest

from shopper_age import paths
from shopper_age.evaluation.origin import input_hashes, with_hashes

pytestmark = pytest.mark.usefixtures("outside_of_dvc_and_git")


def test_the_hashes_are_those_of_dvc():
    for path, content in ((paths.SPLITS, b"split"), (paths.MODEL, b"model")):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    expected = {name: hashlib.md5(name.encode()).hexdigest() for name in ("split", "model")}
    assert input_hashes("data/faces") == {"data": "", **expected}
    paths.DVC_LOCK.write_text("stages: {train: {deps: [{path: data/faces, md5: abc.dir}]}}")
    assert input_hashes("data/faces/") == {"data": "abc.dir", **expected}


def test_what_nobody_knows_is_said():
    text = with_hashes("# Report\n\n", {"data": "", "split": "1", "model": "2"})
    assert text.startswith("# Report\n\n## What it was made of\n")
    assert "| data | not known to DVC |" in text
