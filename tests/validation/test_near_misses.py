import time

import pandas as pd
import pytest

from shopper_age.validation.near_misses import near_misses, systematic_difference


def nearest(name, *on_disk):
    return near_misses(pd.Series([name], dtype="str"), list(on_disk)).item()


@pytest.mark.parametrize(
    ("name", "photo", "difference"),
    [
        ("x.jpg", "x.jpg.chip.jpg", "lack the ending '.chip.jpg'"),
        ("x.jpg.chip.jpg", "x.jpg", "have '.chip.jpg' too much at their end"),
        ("x.jpg", "x.jpg_face.jpg", "lack the ending '_face.jpg'"),
        ("x.jpg", "x_face.jpg", "end in '.jpg' instead of '_face.jpg'"),
        ("x.jpg", "x (1).jpg", "end in '.jpg' instead of ' (1).jpg'"),
        ("x", "x.jpg", "lack the ending '.jpg'"),
        ("x.y", "x.y.png", "lack the ending '.png'"),
        ("x.jpg", "x.jpeg", "end in '.jpg' instead of '.jpeg'"),
        ("x.jpg", "x.JPG", "end in '.jpg' instead of '.JPG'"),
        ("x.jpeg", "x.png", "end in '.jpeg' instead of '.png'"),
        ("X.jpg", "x.jpg", "differ in upper and lower case"),
        ("t.jpg", " t.jpg", "differ in blanks"),
        ("t.jpg ", "t.jpg", "have ' ' too much at their end"),
        ("s.jpg", "s .jpg", "end in '.jpg' instead of ' .jpg'"),
        ("shop\\a.jpg", "shop/a.jpg", "have backslashes instead of slashes"),
        ("a.jpg", "shop/a.jpg", "lack the folder 'shop/'"),
        ("final_files/a.jpg", "a.jpg", "have the folder 'final_files/' too much"),
        ("C:\\pictures\\a.jpg", "a.jpg", "have the folder 'C:/pictures/' too much"),
        ("one/a.jpg", "two/a.jpg", "name another folder"),
        ("7.jpg", "000007.jpg", "have other leading zeros"),
        ("anna_bell.jpg", "Anna-Bell.jpg", "are spelt otherwise"),
        ("zoe.jpg", "zoé.jpg", "are spelt otherwise"),
    ],
)
def test_a_near_miss_is_found_and_named(name, photo, difference):
    others = ["other.jpg", "y.jpg", "shop2/b.jpg", "8.jpg"]
    assert nearest(name, *others, photo) == photo
    names, near = pd.Series([name] * 3), pd.Series([photo] * 3)
    assert systematic_difference(names, near, 4).startswith(f"3 of 4 file names {difference}: ")


@pytest.mark.parametrize("name", ["x.jpg", "", ".jpg", "1.jpg"])
def test_what_is_not_near_is_not_named(name):
    assert nearest(name, "y.jpg", "x2.jpg", "11.jpg", "_.jpg") == ""


def test_the_nearest_of_several_is_named():
    assert nearest("x.jpg", "X.png", "X.jpg", "shop/x.jpg", "x.jpg.chip.jpg") == "X.jpg"


def test_a_loose_likeness_of_two_photos_is_none():
    assert nearest("x.jpg", "x.jpg.chip.jpg", "x.jpg.crop.jpg") == ""


def test_which_of_two_folders_is_meant_is_not_guessed():
    assert nearest("x.jpg", "shop1/x.jpg", "shop2/x.jpg") == ""
    assert nearest("shop/x.jpg", "shop1/x.jpg", "shop2/x.jpg") == ""
    assert nearest("shop/x.jpg", "shop1/x.jpg", "shop2/y.jpg") == "shop1/x.jpg"


def test_names_that_differ_each_in_its_own_way_are_told_with_an_example():
    missing = pd.Series(["a.jpg", "b.jpg", "c.jpg", "d.jpg"])

    told = systematic_difference(missing, pd.Series(["A.jpg", "b.png", "", ""]), 5)

    assert told == (
        "2 of 5 file names are spelt otherwise on the disk, each in its own way: 'a.jpg' is there as 'A.jpg'."
    )
    assert systematic_difference(missing, pd.Series(["A.jpg", "", "", ""]), 5) == ""


def test_a_hundred_thousand_names_take_seconds():
    names = pd.Series([f"{n}.jpg" for n in range(100_000)], dtype="str")
    start = time.perf_counter()
    near = near_misses(names, [f"{n}.jpg.chip.jpg" for n in range(100_000)])
    assert near[99_999] == "99999.jpg.chip.jpg"
    assert systematic_difference(names, near, 100_000).startswith(
        "100000 of 100000 file names lack the ending"
    )
    assert time.perf_counter() - start < 20


def test_a_long_name_is_cut():
    long = "x" * 5000
    assert len(systematic_difference(pd.Series([long] * 2), pd.Series([f"{long}.jpg"] * 2), 2)) < 500
