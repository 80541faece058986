import json
import logging
import runpy
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
import yaml
from photos import VALIDATION, make_faces, small_photo
from PIL import Image, ImageOps
from project import ROOT

from shopper_age.data.tables import MEASURED, read_manifest
from shopper_age.validation.checks import Validation, check_gate, validate
from shopper_age.validation.photos import Inspection, inspect_photos
from shopper_age.validation.rules import FACE_RULES, RULES

SETTINGS = VALIDATION
HEADER = "file_name,real_age\n"


def found_in(data_path: Path, labels: str, photos: dict[str, Image.Image]) -> Validation:
    return validate(make_faces(data_path, HEADER + labels, photos), SETTINGS)


def told(validation: Validation) -> list[tuple]:
    """(line or None, rule) of each finding."""
    table = validation.findings
    return [
        (None if pd.isna(row) else row, rule) for row, rule in zip(table["row"], table["rule"], strict=True)
    ]


def details(validation: Validation, rule: str) -> list[str]:
    return validation.findings.loc[validation.findings["rule"] == rule, "detail"].tolist()


def test_sound_data_has_no_findings_and_a_full_manifest(tmp_path):
    validation = found_in(
        tmp_path,
        "b.jpg,32.5\nshop/a.png,7\n",
        {"b.jpg": small_photo(1, (80, 64)), "shop/a.png": small_photo(2).convert("L")},
    )

    assert validation.findings.empty
    manifest = validation.manifest
    assert ["file_name", "real_age", *MEASURED] == manifest.columns.tolist()
    assert manifest["file_name"].tolist() == ["b.jpg", "shop/a.png"]
    assert manifest["real_age"].tolist() == [32.5, 7]
    assert manifest[["width", "height", "mode"]].to_numpy().tolist() == [[80, 64, "RGB"], [64, 64, "L"]]
    assert manifest["n_bytes"][0] == (tmp_path / "final_files" / "b.jpg").stat().st_size
    assert manifest["perceptual_hash"].str.fullmatch("[0-9a-f]{16}").all()
    assert manifest["duplicate_group"].tolist() == [0, 1]


def test_further_columns_are_carried_as_text_and_in_row_order(tmp_path):
    labels = (
        "sex,file_name,split,real_age,camera\nf,b.png,train,3,007\n,a.png,test,4,\nm,gone.png,train,5,1\n"
    )
    photos = {name: small_photo(seed) for seed, name in enumerate(("a.png", "b.png"))}

    manifest = validate(make_faces(tmp_path, labels, photos), SETTINGS).manifest

    assert manifest[["file_name", "sex", "split", "camera"]].to_numpy().tolist() == [
        ["b.png", "f", "train", "007"],
        ["a.png", "", "test", ""],
    ]


def test_findings_are_listed_by_line_with_a_detail(tmp_path):
    validation = found_in(
        tmp_path, "gone.jpg,x\na.png,200\nb.png,1\n", {"a.png": small_photo(1), "b.png": small_photo(2)}
    )

    assert validation.findings.to_dict("list") == {
        "row": [2, 2, 3],
        "file_name": ["gone.jpg", "gone.jpg", "a.png"],
        "rule": ["age_not_a_number", "missing_photo", "age_out_of_range"],
        "detail": [
            "'x': stands for no age: leave the cell empty, or write the age in years",
            "no such file",
            "'200': older than max_age allows, or in months (16.7 years)?",
        ],
        "severity": ["error"] * 3,
    }
    assert validation.manifest["file_name"].tolist() == ["b.png"]


@pytest.mark.parametrize("name", ["A.JPG", "shop/a.jpg", "a.jpeg", "a.png"])
def test_a_missing_photo_comes_with_its_near_miss(tmp_path, name):
    validation = found_in(tmp_path, "a.jpg,1\n", {name: small_photo(1)})

    assert told(validation) == [(2, "missing_photo"), (None, "photo_without_label")]
    assert details(validation, "missing_photo") == [f"no such file; is it '{name}'?"]


def test_a_name_that_leaves_the_folder_is_never_opened(tmp_path):
    opened = []

    def inspect(data_path: Path, file_names: list[str], **limits: int) -> Inspection:
        opened.extend(file_names)
        return inspect_photos(data_path, file_names, **limits)

    small_photo(1).save(tmp_path / "outside.png")
    labels = f"../outside.png,1\n{tmp_path}/outside.png,2\n,3\na.png,4\n"

    validation = validate(
        make_faces(tmp_path, HEADER + labels, {"a.png": small_photo(2)}), SETTINGS, inspect=inspect
    )

    assert told(validation) == [(2, "unsafe_path"), (3, "unsafe_path"), (4, "missing_file_name")]
    assert opened == ["a.png"]


def test_rows_with_conflicting_ages_are_all_left_out(tmp_path):
    photos = {"a.png": small_photo(1), "b.png": small_photo(2)}

    validation = found_in(tmp_path, "a.png,3\nb.png,9\n./a.png,40\n", photos)

    assert told(validation) == [(2, "conflicting_ages"), (4, "conflicting_ages")]
    assert validation.manifest["file_name"].tolist() == ["b.png"]
    assert validation.summary["n_bad"] == 2


def test_of_repeated_rows_the_first_is_kept(tmp_path):
    validation = found_in(tmp_path, "a.png,3\na.png,3.0\nx/../a.png,3\n", {"a.png": small_photo(1)})

    assert told(validation) == [(3, "duplicate_row"), (4, "duplicate_row")]
    assert validation.manifest[["file_name", "real_age"]].to_numpy().tolist() == [["a.png", 3.0]]
    assert (validation.summary["n_rows"], validation.summary["n_usable"], validation.summary["n_bad"]) == (
        3,
        1,
        0,
    )


def test_a_bad_age_does_not_spoil_another_row_of_the_same_photo(tmp_path):
    validation = found_in(tmp_path, "a.png,\na.png,3\n", {"a.png": small_photo(1)})

    assert told(validation) == [(2, "missing_age")]
    assert validation.manifest["real_age"].tolist() == [3]


def test_a_bad_photo_is_a_finding_for_each_of_its_rows(tmp_path):
    validation = found_in(tmp_path, "a.png,3\na.png,3\n", {"a.png": Image.new("RGB", (64, 64))})

    assert told(validation) == [(2, "blank_photo"), (3, "duplicate_row"), (3, "blank_photo")]
    assert validation.summary["n_bad"] == 2


def test_identical_and_near_duplicate_photos_share_a_group(tmp_path):
    photo = small_photo(1, (128, 128))
    photos = {"b.png": photo, "other.png": small_photo(2), "c.png": photo, "d.jpg": ImageOps.mirror(photo)}

    validation = found_in(tmp_path, "b.png,30\nother.png,30\nc.png,35\nd.jpg,36\n", photos)

    assert validation.manifest["duplicate_group"].tolist() == [0, 1, 0, 0]
    assert told(validation) == [
        (4, "identical_photos"),
        (5, "near_duplicate_photos"),
        (5, "duplicates_differ_in_age"),
    ]
    assert details(validation, "identical_photos") == ["equal to b.png"]
    assert details(validation, "near_duplicate_photos")[0].startswith("like b.png, ")
    assert details(validation, "near_duplicate_photos")[0].endswith(" of 64 bits differ (mirrored)")
    assert details(validation, "duplicates_differ_in_age") == ["age 36, but 30 for b.png"]
    assert validation.summary["n_near_duplicates"] == 1
    assert validation.summary["bad_share"] == 0


def test_blank_photos_are_no_duplicates_of_each_other(tmp_path):
    blank = Image.new("RGB", (64, 64), "grey")

    validation = found_in(tmp_path, "a.png,1\nb.png,1\n", {"a.png": blank, "b.png": blank})

    assert told(validation) == [(2, "blank_photo"), (3, "blank_photo")]


def test_photos_without_a_label_come_last_and_have_no_line(tmp_path):
    photos = {name: small_photo(seed) for seed, name in enumerate(("a.png", "x.png", "shop/y.png"))}

    validation = found_in(tmp_path, "a.png,1\ngone.png,2\n", photos)

    assert told(validation)[-2:] == [(None, "photo_without_label")] * 2
    assert validation.findings["file_name"].tolist()[-2:] == ["shop/y.png", "x.png"]
    assert validation.summary["n_photos_without_label"] == 2


def test_a_name_in_the_other_unicode_form_is_found_and_used_as_on_disk(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "zoé.png") for form in ("NFC", "NFD"))

    validation = found_in(tmp_path, f"{composed},1\n", {decomposed: small_photo(1)})

    assert told(validation) == [(2, "other_unicode_form")]
    assert validation.manifest["file_name"].tolist() == [decomposed]


def test_every_count_is_in_the_summary_even_when_zero(tmp_path):
    sound = found_in(tmp_path / "sound", "a.png,1\n", {"a.png": small_photo(1)}).summary
    bad = found_in(tmp_path / "bad", "a.png,1\nb.png,x\n", {"a.png": small_photo(1)}).summary

    assert list(sound) == list(bad)
    assert set(RULES) - set(FACE_RULES) <= set(sound)
    assert (bad["n_rows"], bad["n_usable"], bad["n_bad"], bad["bad_share"]) == (2, 1, 1, 0.5)
    assert (bad["n_errors"], bad["n_warnings"], bad["missing_photo"], bad["age_not_a_number"]) == (2, 0, 1, 1)
    json.dumps(bad, allow_nan=False)


@pytest.mark.parametrize("labels", ["", "a.png,1\n", "a.png,x\n,,\n"])
def test_data_without_a_usable_photo_give_an_empty_manifest(tmp_path, labels):
    validation = found_in(tmp_path, labels, {})

    assert validation.manifest.empty
    assert "duplicate_group" in validation.manifest
    with pytest.raises(ValueError, match=r"no rows|no photo is left to learn from"):
        check_gate(validation.summary, max_bad_share=1, findings_path="findings.csv")


def test_the_gate_opens_up_to_the_limit(tmp_path):
    labels = "".join(f"{n}.png,5\n" for n in range(4))
    summary = found_in(tmp_path, labels, {f"{n}.png": small_photo(n) for n in range(3)}).summary

    check_gate(summary, max_bad_share=0.25, findings_path="findings.csv")
    with pytest.raises(
        ValueError,
        match=r"1 of 4 rows \(25.0%\) are unusable, more than .*max_bad_share.*24.0%.*: missing_photo 1\. "
        r"reports/findings\.csv lists",
    ):
        check_gate(summary, max_bad_share=0.24, findings_path="reports/findings.csv")


def test_the_gate_says_when_all_photos_lie_elsewhere(tmp_path):
    labels = "".join(f"other{n}.png,5\n" for n in range(3)) + "a.png,5\n"
    found = found_in(tmp_path, labels, {"a.png": small_photo(1)})

    with pytest.raises(ValueError, match="counted from final_files: do the photos lie elsewhere"):
        check_gate(found.summary, max_bad_share=0.1, findings_path="findings.csv", hint=found.hint)


def test_the_gate_says_what_missing_names_have_in_common(tmp_path):
    names = [f"{n}.png" for n in range(6)]
    photos = {f"{name}.chip.png": small_photo(n) for n, name in enumerate(names[:4])}
    labels = "".join(f"{name},5\n" for name in names) + "z.png,5\n"
    found = found_in(tmp_path, labels, {**photos, "z.png": small_photo(9)})

    with pytest.raises(
        ValueError,
        match=r"missing_photo 6\. 4 of 7 file names lack the ending '\.chip\.png': '0\.png' is there",
    ):
        check_gate(found.summary, max_bad_share=0.05, findings_path="findings.csv", hint=found.hint)


def test_the_gate_says_when_names_lack_one_of_several_folders(tmp_path):
    photos = {f"shop{shop}/{n}.png": small_photo(10 * shop + n) for shop in (1, 2) for n in range(3)}
    labels = "".join(f"{n}.png,{5 + n}\n" for n in range(3))

    hint = found_in(tmp_path, labels, photos).hint

    assert hint == (
        "3 of 3 file names are in several folders: '0.png' is there as 'shop1/0.png' and 'shop2/0.png'. "
        "Write the folder into file_name."
    )


def test_the_gate_names_one_row_where_the_bad_ones_have_nothing_else_in_common(tmp_path):
    photos = {f"{n}.png": small_photo(n) for n in range(4)}

    ages = found_in(tmp_path / "ages", "0.png,30\n1.png,8 months\n2.png,~40\n", photos).hint
    (tmp_path / "links/final_files").mkdir(parents=True)
    for n in range(4, 8):
        (tmp_path / "links/final_files" / f"{n}.png").symlink_to(f"/nowhere/{n}.png")
    links = found_in(tmp_path / "links", "".join(f"{n}.png,30\n" for n in range(8)), photos).hint

    assert (
        ages == "For example line 3, '1.png': '8 months': a number with a unit: write 0.67, the age in years."
    )
    assert links == "For example line 6, '4.png': a link to /nowhere/4.png, which is gone."
    assert found_in(tmp_path / "good", "0.png,30\n", photos).hint == ""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project folder with this project's settings and the faces in data/faces."""
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({**settings, "data_path": "data/faces"}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_stage() -> None:
    runpy.run_path(str(ROOT / "stages" / "validate_data.py"), run_name="__main__")


def test_the_stage_writes_findings_manifest_and_summary(project):
    make_faces(project / "data" / "faces", HEADER + "a.png,5\n", {"a.png": small_photo(1)})

    run_stage()

    reports = project / "reports" / "validate_data"
    assert (reports / "findings.csv").read_text() == "row,file_name,rule,detail,severity\n"
    assert read_manifest(reports / "manifest.csv")["file_name"].tolist() == ["a.png"]
    assert json.loads((reports / "summary.json").read_text())["n_usable"] == 1


def test_the_stage_warns_of_photos_of_one_age(project, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("shopper_age"), "propagate", True)  # a stage turns it off
    photos = {f"{n}.png": small_photo(n) for n in range(3)}
    make_faces(project / "data" / "faces", HEADER + "".join(f"{name},30\n" for name in photos), photos)
    runpy.run_path(str(ROOT / "stages" / "validate_data.py"))["main"]()
    assert "All 3 photos have the age 30: there is nothing to learn" in caplog.text


def test_the_stage_writes_everything_before_it_fails(project):
    make_faces(project / "data" / "faces", HEADER + "a.png,5\nb.png,old\n", {"a.png": small_photo(1)})

    with pytest.raises(SystemExit) as stopped:
        run_stage()

    assert "1 of 2 rows (50.0%) are unusable" in str(stopped.value)
    reports = project / "reports" / "validate_data"
    assert (reports / "findings.csv").read_text().splitlines()[1:] == [
        "3,b.png,age_not_a_number,'old': a word: write the age as a number in years,error",
        "3,b.png,missing_photo,no such file,error",
    ]
    assert len(read_manifest(reports / "manifest.csv")) == 1
    assert json.loads((reports / "summary.json").read_text())["n_bad"] == 1


@pytest.mark.usefixtures("project")
def test_the_stage_without_data_says_how_to_start():
    with pytest.raises(SystemExit, match=r"labels\.csv not found\. Put your photos .* `make demo`"):
        run_stage()


def test_the_content_hash_of_the_manifest_follows_from_the_bytes_alone(tmp_path):
    shops = tmp_path / "here", tmp_path / "there"
    for number, shop in enumerate(shops):
        (shop / "final_files").mkdir(parents=True)
        small_photo(number).save(shop / "final_files" / "0.png")
        small_photo(5).save(shop / "final_files" / f"copy_{number}.png")
        (shop / "labels.csv").write_text(f"file_name,real_age\n0.png,20\ncopy_{number}.png,30\n")

    here, there = (validate(shop, SETTINGS).manifest["content_hash"] for shop in shops)

    assert here.str.fullmatch("[0-9a-f]{16}").all()
    assert here[0] != there[0]  # one name, two photos
    assert here[1] == there[1]  # two names, one photo
