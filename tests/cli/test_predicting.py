import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from answering import Engine, decision, photo
from typer.testing import CliRunner

from shopper_age.cli import predicting
from shopper_age.cli.app import app
from shopper_age.inference.chunk_scorer import ChunkScorer
from shopper_age.inference.predictor import Predictor
from shopper_age.runtime.files import read_csv


@pytest.fixture
def folder(tmp_path):
    """Three photos of 20-, 30- and 40-year-olds, and a file that is none."""
    for age in (20, 30, 40):
        cv2.imwrite(str(tmp_path / f"{age}.png"), photo(age))
    (tmp_path / "broken.jpg").write_text("no photo")
    (tmp_path / "labels.csv").write_text("file_name,real_age\n20.png,25\n30.png,31\nbroken.jpg,3\n")
    return tmp_path


def predict(paths, *, out=None, annotate_to=None, tell=print, engine=None):
    predictor = Predictor(engine or Engine(), decision(), None)
    return predicting.predict(
        [str(path) for path in paths], predictor, out=out, annotate_to=annotate_to, tell=tell
    )


def test_without_a_table_each_photo_is_told(folder):
    told = []
    summary = predict([folder], tell=told.append)
    assert [line.removeprefix(f"{folder}/") for line in told[:2]] == [
        "20.png: 20.0 years (10 to 30), 18–24, ask for an ID (estimated below 25)",
        "30.png: 30.0 years (20 to 40), 25–64, no ID needed (estimated 25 or older)",
    ]
    assert "unreadable_photo" in told[3]
    assert "ask for an ID" in told[3]
    assert str(summary) == "4 photos, 3 faces: 1 asked for an ID, 0 not sure, 1 problem"


def test_true_ages_give_the_mean_error(folder):
    summary = predict([folder / "labels.csv"], out=folder / "out/ages.csv")
    assert "MAE 3.00 years on 2 faces" in str(summary)
    assert read_csv(folder / "out/ages.csv")["real_age"].tolist() == ["25.0", "31.0", "3.0"]


def test_an_interrupted_run_goes_on_to_the_same_table(folder, monkeypatch):
    monkeypatch.setattr(predicting, "BATCH_SIZE", 1)
    predict([folder], out=folder / "whole.csv")

    class Stopping(Engine):
        def estimate(self, photos):
            if len(self.sizes) == 2:
                raise KeyboardInterrupt
            return super().estimate(photos)

    with pytest.raises(KeyboardInterrupt):
        predict([folder], out=folder / "parts.csv", engine=Stopping())
    assert not (folder / "parts.csv").exists()
    engine = Engine()
    predict([folder], out=folder / "parts.csv", engine=engine)
    assert sum(engine.sizes) == 2
    assert (folder / "parts.csv").read_bytes() == (folder / "whole.csv").read_bytes()


def test_annotated_photos_bear_the_answer(folder):
    predict([folder], annotate_to=folder / "drawn", tell=lambda _: None)
    drawn = sorted(path.name for path in (folder / "drawn").iterdir())
    assert drawn == ["000001-20.jpg", "000002-30.jpg", "000003-40.jpg"]
    _, green, red = np.moveaxis(cv2.imread(str(folder / "drawn/000001-20.jpg")).astype(int), 2, 0)
    assert (red - green).max() > 80  # who is asked is marked in red
    _, green, red = np.moveaxis(cv2.imread(str(folder / "drawn/000003-40.jpg")).astype(int), 2, 0)
    assert (green - red).max() > 50


def test_an_address_of_mlflow_reaches_the_predictor_as_it_was_typed(folder):
    answer = CliRunner().invoke(app, ["predict", str(folder), "--model", "models:/ages/latest"])
    assert answer.exit_code == 1
    assert "models:/ages/latest is no address of a model" in " ".join(answer.exception.code.split())


def test_nothing_at_a_path_stops_before_any_work(folder):
    engine = Engine()
    with pytest.raises(FileNotFoundError):
        predict([folder, folder / "no.jpg"], out=folder / "ages.csv", engine=engine)
    assert engine.sizes == []
    assert not (folder / "ages.csv").exists()


def in_parts(paths, out, *, engine=None, base=None, annotate_to=None):
    """As several workers do, the last chunk first."""
    predictor = Predictor(engine or Engine(), decision(), None)
    scorer = ChunkScorer(predictor, base=base or Path.cwd(), annotate_to=annotate_to)
    return predicting.predict_in_parts(
        paths, decision(), out=str(out), executor=lambda chunks: map(scorer.score, reversed(chunks))
    )


def test_parts_give_the_table_and_the_summary_of_one_process(folder):
    (folder / "list.csv").write_text(
        "file_name,real_age\n" + "20.png,25\n30.png,31\nbroken.jpg,3\n" * 100 + "gone.jpg,4\n"
    )
    one = predict([folder / "list.csv"], out=folder / "one.csv")
    several = in_parts([str(folder / "list.csv")], folder / "parts.csv")
    assert (folder / "parts.csv").read_bytes() == (folder / "one.csv").read_bytes()
    assert str(several) == str(one)
    assert several.n_photos == 301


def test_a_worker_finds_the_photos_from_wherever_it_lives(folder, monkeypatch):
    monkeypatch.chdir(folder)
    predictor = Predictor(Engine(), decision(), None)
    scorer = ChunkScorer(predictor, base=folder, annotate_to=folder / "drawn")

    def elsewhere(chunks):
        monkeypatch.chdir("/")
        return map(scorer.score, chunks)

    done = predicting.predict_in_parts(["20.png"], decision(), out="ages.csv", executor=elsewhere)
    assert done.n_estimated == 1
    assert read_csv(folder / "ages.csv")["file_name"].tolist() == ["20.png"]
    assert (folder / "drawn/000001-20.jpg").exists()


def test_an_interrupted_run_in_parts_goes_on(folder):
    (folder / "list.csv").write_text("file_name\n" + "20.png\n30.png\n" * 100)

    class Stopping(Engine):
        def estimate(self, photos):
            if sum(self.sizes) >= 100:
                raise KeyboardInterrupt
            return super().estimate(photos)

    with pytest.raises(KeyboardInterrupt):
        in_parts([str(folder / "list.csv")], folder / "ages", engine=Stopping())
    assert not (folder / "ages").exists()
    engine = Engine()
    assert in_parts([str(folder / "list.csv")], folder / "ages", engine=engine).n_photos == 128
    assert sum(engine.sizes) == 128
    assert pd.read_parquet(folder / "ages")["photo"].tolist() == list(range(200))


@pytest.fixture
def with_model(monkeypatch):
    """`predict_with` for a model that is not there."""
    monkeypatch.setattr(Predictor, "load", lambda *_, **__: Predictor(Engine(), decision(), None))
    return partial(predicting.predict_with, model="models", annotate_to=None, n_threads=None, tell=print)


def test_a_folder_is_written_by_one_process_too(folder, with_model):
    with_model([str(folder)], out=f"{folder}/ages/", n_workers=1)
    assert pd.read_parquet(folder / "ages")["age"].dropna().tolist() == [20, 30, 40]


def test_several_workers_without_ray_name_the_file_to_install(folder, with_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModuleNotFoundError, match=r"requirements-scale\.txt"):
        with_model([str(folder)], out=str(folder / "ages.csv"), n_workers=2)
    assert not list(folder.glob(".ages*"))


def test_several_workers_need_a_place_for_their_answers(folder, with_model):
    with pytest.raises(ValueError, match="several workers need --out"):
        with_model([str(folder)], out=None, n_workers=2)
