from project import ROOT

from shopper_age.data.importers.formats import FORMATS


def test_every_format_is_documented_and_offered_by_the_command():
    document = (ROOT / "docs" / "public-data.md").read_text(encoding="utf-8")
    command = (ROOT / "src" / "shopper_age" / "cli" / "app.py").read_text(encoding="utf-8")
    for name in FORMATS:
        assert f"| `{name}` |" in document
        assert name in command
