import re

import pandas as pd
import pytest

from shopper_age.eda.report import render_report, whipple_class
from shopper_age.eda.summary import decade_table, summarise
from shopper_age.validation.rules import RULE

NO_FINDINGS = pd.DataFrame(columns=[RULE])


def report_on(ages, *, sizes=None, groups=None, findings=NO_FINDINGS, drawn_faces=False, warning=""):
    width, height = zip(*(sizes or [(200, 200)] * len(ages)), strict=True)
    manifest = pd.DataFrame(
        {
            "real_age": [float(age) for age in ages],
            "width": width,
            "height": height,
            "duplicate_group": range(len(ages)) if groups is None else groups,
        }
    )
    return render_report(
        summarise(manifest), decade_table(ages), findings, drawn_faces=drawn_faces, warning=warning
    )


def test_the_report_tells_sample_ages_and_sizes():
    report = report_on([10, 20, 30, 60], sizes=[(200, 100)] * 3 + [(50, 300)], groups=[0, 1, 1, 2])
    assert "4 usable photos. They show 3 different pictures" in report
    assert "The mean age is 30.0 years" in report
    assert "| 10–19 | 1 | 25.0 % |" in report
    assert "There are 2 sizes; the commonest, 200 × 100 pixels, is that of 75 % of the photos" in report


def test_every_picture_of_the_stage_is_shown():
    report = report_on([10, 20])
    for picture in ("ages.png", "image_sizes.png", "contact_sheet.png"):
        assert f"]({picture})" in report


def test_one_photo_has_no_deviation_and_one_size():
    report = report_on([100])
    assert "There is 1 usable photo." in report
    assert "standard deviation" not in report
    assert "All photos have 200 × 200 pixels." in report
    assert "from 23 to 62 whose ages spread over 10 years, and there are 0.\n" in report
    assert "accurate" not in report


def test_every_percentage_is_written_alike():
    report = report_on([10, 20, 30, 61], sizes=[(200, 100)] * 3 + [(50, 300)])
    assert re.search(r"\d %", report)
    assert not re.search(r"\d%", report)


def test_decades_with_few_photos_are_named():
    assert "fewer than 100 photos: 10–19 (1)." in report_on([5] * 100 + [12])
    assert "fewer than" not in report_on([5] * 100)


def test_rounded_labels_are_claimed_only_when_chance_cannot_explain_them():
    assert "rounded to five years" in report_on([25, 30, 35, 40] * 40)
    assert "rounded to five years" not in report_on([25, 31])
    assert "rounded to five years" not in report_on(list(range(23, 63)) * 5)


def test_rounding_is_not_judged_by_few_photos_or_one_age():
    assert "and there are 40 whose ages spread over 35." in report_on(range(23, 63))
    assert "and there are 200 whose ages spread over 0." in report_on([30] * 200)
    assert "and there is 1.\n" in report_on([30])
    assert "United Nations" not in report_on([30] * 200)


def test_a_warning_about_the_ages_stands_first():
    report = report_on([30] * 20, warning="All 20 photos have the age 30: there is nothing to learn.")
    assert "## Ages\n\n**All 20 photos have the age 30: there is nothing to learn.**\n\nThe mean" in report
    assert "**" not in report_on([30] * 20).split("The mean")[0]


def test_findings_are_counted_and_explained_in_the_order_of_the_rules():
    findings = pd.DataFrame({RULE: ["blank_photo", "missing_photo", "blank_photo"]})
    report = report_on([20], findings=findings)
    missing = report.index("| 1 | missing_photo | error | The photo folder holds no such file. |")
    assert missing < report.index("| 2 | blank_photo | error |")
    assert "| undecodable_photo" not in report


def test_no_finding_is_said_in_words():
    assert "Nothing: every row has a photo" in report_on([20])


def test_drawn_faces_are_never_passed_off_as_people():
    assert "**drawn faces**" in report_on([20], drawn_faces=True)
    assert "drawn" not in report_on([20])


@pytest.mark.parametrize(
    ("index", "word"),
    [
        (100, "highly accurate"),
        (105, "fairly accurate"),
        (124.9, "approximate"),
        (174, "rough"),
        (175, "very rough"),
    ],
)
def test_whipple_classes_are_those_of_the_united_nations(index, word):
    assert whipple_class(index) == word


def test_photos_without_a_face_or_with_several_are_named():
    names = [f"{number}|.jpg" for number in range(25)]
    findings = pd.DataFrame({RULE: ["several_faces"] + ["no_face"] * 24, "file_name": names})
    report = report_on([20], findings=findings)
    assert "Several faces are found on: 0\\|.jpg." in report
    assert "No face is found on: 1\\|.jpg, 2\\|.jpg," in report
    assert "20\\|.jpg and 4 more." in report
    assert "face is found" not in report_on([20])
