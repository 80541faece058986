import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from shopper_age.runtime.files import (
    read_csv,
    replacing,
    save_picture,
    write_csv,
    write_files,
    write_json,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.txt"
    write_text(path, "good")

    def fail_halfway():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert path.read_text() == "good"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folders_are_made(tmp_path):
    write_text(tmp_path / "a" / "b.txt", "x")
    assert (tmp_path / "a" / "b.txt").read_text() == "x"


def test_files_can_be_read_by_others_as_far_as_the_umask_allows(tmp_path):
    (tmp_path / "plain").touch()
    write_text(tmp_path / "written", "x")
    assert (tmp_path / "written").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_json_refuses_what_json_cannot_say(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"mae": float("nan")})
    assert not (tmp_path / "x.json").exists()
    write_json(tmp_path / "x.json", {"mae": 1.5})
    assert json.loads((tmp_path / "x.json").read_text()) == {"mae": 1.5}


def test_a_table_comes_back_as_it_was(tmp_path):
    table = pd.DataFrame({"file_name": ["ä, b.jpg"], "real_age": [1.5]})
    write_csv(tmp_path / "t.csv", table)
    pd.testing.assert_frame_equal(read_csv(tmp_path / "t.csv", {"real_age": float}), table)


def test_a_table_of_other_make_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("age\nold\n")
    with pytest.raises(ValueError, match=r"t\.csv is not as this project writes it: column 'age'"):
        read_csv(tmp_path / "t.csv", {"age": int})


def test_a_picture_comes_back_as_it_was(tmp_path):
    pixels = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    save_picture(tmp_path / "p.png", pixels)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "p.png")), pixels)


def test_files_are_written_as_what_they_hold(tmp_path):
    table = pd.DataFrame({"age": [1.5]})
    pixels = np.full((4, 5, 3), 7, dtype=np.uint8)
    contents = {
        "t.csv": table,
        "f.png": Figure(),
        "r.md": "# Report",
        "m.json": {"mae": 1.5},
        "p.png": pixels,
    }
    write_files(tmp_path / "reports", contents)
    folder = tmp_path / "reports"
    assert sorted(path.name for path in folder.iterdir()) == sorted(contents)
    pd.testing.assert_frame_equal(pd.read_csv(folder / "t.csv"), table)
    assert (folder / "r.md").read_text() == "# Report"
    assert json.loads((folder / "m.json").read_text()) == {"mae": 1.5}
    np.testing.assert_array_equal(np.asarray(Image.open(folder / "p.png")), pixels)
    assert Image.open(folder / "f.png").format == "PNG"


def test_a_content_of_no_known_kind_is_named(tmp_path):
    with pytest.raises(TypeError, match=r"x\.txt cannot be written: int"):
        write_files(tmp_path, {"x.txt": 1})
