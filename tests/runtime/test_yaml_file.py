import pytest

from shopper_age.runtime.yaml_file import read_yaml


def settings_of(tmp_path, content: str | bytes):
    path = tmp_path / "params.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_yaml(path)


def test_what_yaml_says_is_read(tmp_path):
    content = "a: 1\nb: [0, 1.5, true, null, text]\nc:\n  d: '1e-3'\n  a: 1e-3\n"
    expected = {"a": 1, "b": [0, 1.5, True, None, "text"], "c": {"d": "1e-3", "a": 0.001}}
    assert settings_of(tmp_path, content) == expected
    assert settings_of(tmp_path, b"\xef\xbb\xbfa: 1\r\n") == {"a": 1}


@pytest.mark.parametrize("number", ["0", "-0", "0.5", "-0.5", "1e-05", "1e5", ".5", "1_000", "0.0004"])
def test_numbers_are_numbers(tmp_path, number):
    assert settings_of(tmp_path, f"a: {number}") == {"a": float(number)}


BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: ä\n".encode("latin-1"), r"line 1: byte 0xe4 is no UTF-8 \(Latin-1 .* save the file as UTF-8"),
        ("b: 1\na: é\n".encode("cp1252"), r"line 2: byte 0xe9"),
        ("a: 1\n".encode("utf-16"), "is UTF-16 text: save it as UTF-8"),
        ("a: 1\n".encode("utf-16-le"), "is UTF-16 text: save it as UTF-8"),
        ("a: 1\n".encode("utf-16-be"), "is UTF-16 text: save it as UTF-8"),
        ("a: 1\n".encode("utf-32"), "is UTF-16 text|UTF-32"),
        ("b: 1\na: \x07\n", r"line 2: the character '\\x07' cannot stand there"),
        ("a: [1\n", "line 2: expected ',' or ']'"),
        ("a: 1\n  b: 2\n", "line 2: mapping values are not allowed here"),
        ("a: 1\nb: 2\na: 3\n", "line 3: 'a' stands twice, in lines 1 and 3: delete one"),
        ("s:\n  a: 1\n  a: 1\n", "line 3: 'a' stands twice, in lines 2 and 3"),
        ("{a: 1, a: 1}\n", "line 1: 'a' stands twice"),
        ("a: 010\n", "line 1: 010 is read as different numbers by different programs"),
        ("a: 0o10\nb: 1:30\n", "line 2: 1:30 is read as different numbers"),
        ("a: -012\n", "line 1: -012 is read"),
        ("a: 1:30.5\n", "line 1: 1:30.5 is read"),
        (BOMB, r"line 2: \*a is an alias: write the value out"),
        ("a: &a [*a]\n", r"\*a is an alias"),
        ("a: " + "[" * 3000 + "]" * 3000, "line 1: brackets or sections are nested too deeply"),
        ("{" * 3000, "line 1: brackets or sections are nested too deeply"),
        ("a: !!python/object/apply:os.system [ls]\n", "line 1: could not determine a constructor"),
        ("a: " + "9" * 5000, "holds a value that cannot be read"),
        ("a: 2020-99-99\n", "holds a value that cannot be read"),
        ("? [1]\n: 2\n", "line 1: found unhashable key"),
        ("a: 1\n---\nb: 1\n", "but found another document"),
        ("x" * 100_000 + ": 1\n" + "y", "line 1: "),
    ],
)
def test_what_cannot_be_understood_is_one_short_line(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as refused:
        settings_of(tmp_path, content)
    assert type(refused.value) is ValueError
    told = str(refused.value)
    assert told.startswith(str(tmp_path / "params.yaml"))
    assert "\n" not in told
    assert len(told) < len(str(tmp_path)) + 400
