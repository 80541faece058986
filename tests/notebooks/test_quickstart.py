"""The notebook for a first try: it runs from top to bottom, and Git holds none of what it showed."""

import base64
import io
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image
from project import ROOT
from python_start import small_network

from shopper_age.demo.faces import draw_faces

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_what_it_showed(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}


@pytest.mark.pipeline
def test_the_quickstart_runs_and_shows_data_curves_and_the_worst_photos(tmp_path, monkeypatch):
    draw_faces(tmp_path / "faces", n=40, seed=1)
    notebook = nbformat.read(ROOT / "notebooks" / "quickstart.ipynb", as_version=4)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert {line.split(" = ")[0] for line in parameters.source.splitlines()} == {
        "path",
        "image_size",
        "epochs",
    }
    parameters.source = f"path = {str(tmp_path / 'faces')!r}\nimage_size = 32\nepochs = 2"
    environment = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])}
    for name, value in small_network(environment).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)  # the tests' own

    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    said = "".join(output.text for output in outputs if output.get("name") == "stdout")
    assert "val_mae" in said
    assert "mean absolute error: " in said
    pictures = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 5
    for picture in pictures:
        assert min(Image.open(io.BytesIO(base64.b64decode(picture))).size) > 100
    assert not [file for file in Path(tmp_path).iterdir() if file.name not in ("faces", "ipython")]
