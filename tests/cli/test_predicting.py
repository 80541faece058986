import cv2
import numpy as np
import pytest
from answering import Engine, decision, photo
from typer.testing import CliRunner

from shopper_age.cli import predicting
from shopper_age.cli.app import app
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
