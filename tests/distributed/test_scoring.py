"""With Ray, where it is installed: it takes 20 s to start, and `make env` leaves it out."""

import cv2
import pandas as pd
import pytest
import scoring as benchmark
from answering import photo

from shopper_age.inference.decision import Decision
from shopper_age.inference.parts import AnswerParts
from shopper_age.inference.sources import Source
from shopper_age.inference.summary import Summary

pytest.importorskip("ray.data", reason="Ray is not installed: pip install -r requirements-scale.txt")


def test_workers_answer_every_chunk_and_a_broken_model_is_told(tmp_path, monkeypatch):
    from shopper_age.distributed.scoring import RayScoring

    benchmark.make_models(tmp_path)
    for age in (20, 30, 40):
        cv2.imwrite(str(tmp_path / f"{age}.png"), photo(age))
    monkeypatch.chdir(tmp_path)
    decision = Decision.load(tmp_path / "decision.json")
    parts = AnswerParts("ages", decision)
    names = ("20.png", "30.png", "40.png", "gone.png") * 100
    chunks = parts.plan(Source(name) for name in names)
    done = sum(RayScoring(".", n_workers=2).run(chunks), Summary())
    parts.complete()
    assert (done.n_photos, done.n_estimated, done.n_problems) == (400, 300, 100)
    rows = pd.read_parquet("ages")
    assert rows["file_name"].tolist() == list(names)
    assert rows["problem"].eq("missing_photo").sum() == 100

    (tmp_path / "layer.onnx").write_bytes(b"broken")
    chunks = AnswerParts("again", decision).plan(iter([Source("20.png")]))
    with pytest.raises(RuntimeError, match=r"a worker failed: .*layer\.onnx"):
        list(RayScoring(".", n_workers=1).run(chunks))
