"""The page of `dvc plots`: .dvc/plots and the charts of dvc.yaml."""

import hashlib
import json
import os
import re
import subprocess
from itertools import chain
from pathlib import Path

import pytest
import yaml
from browser import CHROMIUM, browser
from dvc.cli import main as dvc
from dvc_render.vega import VegaRenderer
from evaluations import history, usual_evaluation
from project import ROOT

from shopper_age.evaluation.tables import evaluation_tables
from shopper_age.runtime.files import write_csv

KINDS = ROOT / ".dvc" / "plots"
PAGE = (KINDS / "page.html").read_text(encoding="utf-8")
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
CHARTS = dict(chain.from_iterable(chart.items() for chart in PIPELINE["plots"]))
VARIABLES = dict(chain.from_iterable(entry.items() for entry in PIPELINE["vars"]))

# Charts and the pictures for the report that show the same.
TWICE = {
    "Loss": "training_curves.png",
    "Mean absolute error": "training_curves.png",
    "Predicted against true age": "predicted_against_true.png",
    "Age groups, photos": "group_confusion.png",
    "ID check, by estimated age": "id_trade_off.png",
    "ID check, by probability": "id_trade_off.png",
}


def _file(path: str) -> str:
    return re.sub(r"\$\{(\w+)}", lambda name: VARIABLES[name[1]], path)


def _stage_plots() -> list[str]:
    plots = chain.from_iterable(stage.get("plots", []) for stage in PIPELINE["stages"].values())
    return [_file(plot if isinstance(plot, str) else next(iter(plot))) for plot in plots]


def _encodings(spec: object) -> list[dict]:
    """What stands on the x and y axes of a chart, in each of its layers."""
    if isinstance(spec, list):
        return list(chain.from_iterable(map(_encodings, spec)))
    if not isinstance(spec, dict):
        return []
    own = [spec["encoding"][axis] for axis in "xy" if axis in spec.get("encoding", {})]
    return own + _encodings(list(spec.values()))


def test_the_page_loads_nothing_from_elsewhere():
    assert "{plot_divs}" in PAGE
    assert "{scripts}" not in PAGE, "DVC's own scripts come from a server"
    assert set(re.findall(r"<script[^>]*>", PAGE)) == {"<script>"}
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", PAGE)
    assert "default-src 'none'" in PAGE
    assert len(PAGE.encode()) < 900_000


def test_the_libraries_are_those_that_dvc_asks_for_with_their_licences():
    wanted = dict(re.findall(r"npm/([\w-]+)@([\d.]+)", VegaRenderer.SCRIPTS))
    parts = re.findall(r"<!--\n([\w-]+) ([\d.]+), \S+\n\n(.*?)\n-->\n<script>(.*?)</script>", PAGE, re.DOTALL)
    assert {name: version for name, version, _, _ in parts} == wanted
    notices = (KINDS / "LICENSES.txt").read_text(encoding="utf-8")
    readme = (KINDS / "README.md").read_text(encoding="utf-8")
    for name, version, notice, code in parts:
        assert "Redistribution and use in source and binary forms" in notice
        assert notice in notices
        original = f"{code}\n//# sourceMappingURL={name}.min.js.map\n".encode()
        sums = {hashlib.sha256(text).hexdigest() for text in (original, original.rstrip(b"\n"))}
        row = next(line for line in readme.splitlines() if line.startswith(f"| {name} {version} |"))
        assert any(f"`{found}`" in row for found in sums), name


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_names_its_axes(name):
    chart = CHARTS[name]
    assert chart["x_label"]
    assert chart["y_label"]
    kind = json.loads((KINDS / f"{chart['template']}.json").read_text(encoding="utf-8"))
    titles = {encoding["title"] for encoding in _encodings(kind) if "title" in encoding}
    assert titles == {"<DVC_METRIC_X_LABEL>", "<DVC_METRIC_Y_LABEL>"}


def test_nothing_is_drawn_twice():
    drawn = [
        (_file(file), field, chart["x"])
        for chart in CHARTS.values()
        for file, fields in chart["y"].items()
        for field in ([fields] if isinstance(fields, str) else fields)
    ]
    assert len(set(drawn)) == len(drawn)
    plots = _stage_plots()
    assert not {file for file, _, _ in drawn} & set(plots)
    assert set(CHARTS) == set(TWICE), "say which picture shows the same, or None"
    assert not {Path(plot).name for plot in plots} & set(TWICE.values())


def test_every_kind_of_chart_is_used():
    assert {path.stem for path in KINDS.glob("*.json")} == {chart["template"] for chart in CHARTS.values()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    """Pages of two commits with the tables of made-up evaluations, the second without probabilities."""
    folder = tmp_path_factory.mktemp("drawn")
    git = ["git", "-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    for name in ("page.html", *(f"{chart['template']}.json" for chart in CHARTS.values())):
        (folder / ".dvc" / "plots").mkdir(parents=True, exist_ok=True)
        (folder / ".dvc" / "plots" / name).write_bytes((KINDS / name).read_bytes())
    (folder / ".dvc" / "config").write_bytes((ROOT / ".dvc" / "config").read_bytes())
    kept = {"vars": PIPELINE["vars"], "plots": PIPELINE["plots"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump(kept, allow_unicode=True), encoding="utf-8")
    subprocess.run(["git", "init", "-q", folder], check=True)
    for tag, changes in (("one", {}), ("two", {"sd": None})):
        tables = evaluation_tables(usual_evaluation(**changes))
        tables["history.csv"] = history((9.0, 8.0, 7.5), mae=(9.5, 7.0, 6.0))
        for file in {_file(file) for chart in CHARTS.values() for file in chart["y"]}:
            write_csv(folder / file, tables[Path(file).name])
        subprocess.run([*git, "add", "-A"], cwd=folder, check=True)
        subprocess.run([*git, "commit", "-qm", tag], cwd=folder, check=True)
        subprocess.run(["git", "tag", tag], cwd=folder, check=True)
    here = Path.cwd()
    os.chdir(folder)
    try:
        assert dvc(["plots", "show", "--quiet", "--out", "show"]) == 0
        assert dvc(["plots", "diff", "--quiet", "one", "two", "--out", "diff"]) == 0
    finally:
        os.chdir(here)
    return folder


def test_dvc_fills_the_page_with_every_chart(drawn):
    for name, n_empty in (("show", 1), ("diff", 0)):
        page = (drawn / name / "index.html").read_text(encoding="utf-8")
        assert page.startswith(PAGE[: PAGE.index("{refresh_tag}")])
        assert not re.findall(r"<script[^>]+src", page)
        assert page.count("vegaEmbed('#") == len(CHARTS)
        assert page.count("var spec = {};") == n_empty


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_browser_without_network_draws_every_chart_with_names_on_its_axes(drawn, tmp_path):
    with browser(tmp_path / "profile") as page:
        page.call(
            "Network.emulateNetworkConditions",
            offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1,
        )  # fmt: skip
        for name, results, empty in (
            ("show", ["workspace"], ["ID check, by probability"]),
            ("diff", ["one", "two"], []),
        ):
            page.open((drawn / name / "index.html").as_uri())
            page.wait_for(f"document.querySelectorAll('svg.marks').length == {len(CHARTS) - len(empty)}")
            texts = page.evaluate(
                "Object.fromEntries([...document.querySelectorAll('main > .chart')].map(chart => "
                "[chart.id, [...chart.querySelectorAll('text')].map(text => text.textContent)]))"
            )
            assert len(texts) == len(CHARTS)
            for title, chart in CHARTS.items():
                place = VegaRenderer.remove_special_chars(title)
                if title in empty:
                    assert page.text(f"#{place}") == "ID check by probability: the table is empty"
                    continue
                assert {title, chart["x_label"], chart["y_label"]} <= set(texts[place])
                if "probability" not in title:
                    assert set(results) <= set(texts[place])
        assert page.errors == []
        assert [address for address in page.requested if not address.startswith("file:")] == []
