"""Wall time and peak memory of the stages at growing numbers of photos, and how fast they grow.

    start-up  the imports of a stage without its work
    photos    each stage on a folder of n photos; train and evaluate only when --stages names them, and at the
              smallest n alone, with 32 px and one epoch: benchmarks/recipes.py is about learning
    no-op     `dvc repro` of all five stages when nothing has changed
    rows      validate_data, eda and split on n rows whose photos exist as made-up hashes only, which shows
              what tables and the search for duplicates cost, where opening a million photos would hide it

The photos are mixtures of those in --faces, or of drawn faces without it (see synthetic.py); --faces are also
measured as they are. Everything is done in a temporary folder below TMPDIR, removed at the end; 100,000
photos of 200 x 200 pixels take 2 GB. Growth is the slope of a line through log CPU seconds against log n,
after those of 20 photos were subtracted: 1.0 where twice the photos cost twice as much.

    python benchmarks/pipeline.py
    python benchmarks/pipeline.py --faces FOLDER --photos 1000 10000 100000
    python benchmarks/pipeline.py --photos --rows 1000000 --skip-dvc
"""

import argparse
import platform
import shutil
import sys
import tempfile
from importlib.metadata import version
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from process_cost import Cost
from project import ROOT
from project_costs import MeasuredProject
from rich.console import Console
from rich.table import Table
from synthetic import mixed_hashes, read_ingredients, write_faces, write_labels
from testbed import faces_folder, machine

from shopper_age.data.tables import read_labels

STAGES = ("validate_data", "eda", "split", "train", "evaluate")
DATA_STAGES = STAGES[:3]
NO_OP = "dvc repro, no-op"
PHOTOS, GIVEN, ROWS = "photos", "given photos", "rows without photos"
N_DRAWN = 300
# Of so few photos a stage costs what it costs without any.
N_FEW = 20
# Work of less than this, in seconds, is noise and says nothing about growth.
MIN_WORK_S = 0.2


class Measured(NamedTuple):
    """The cost of a stage (or of the no-op) on `n` photos, or on rows without photos."""

    what: str
    on: str
    n: int
    cost: Cost


class Benchmark:
    """The measurements so far, each told as it is made; all in `folder`."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder = folder
        self.options = options
        self.measured: list[Measured] = []

    def starts(self) -> None:
        project = MeasuredProject(self.folder / "start")
        for stage in self.options.stages:
            self._add(stage, "start-up", 0, project.start_cost(stage, self.options.repeats))

    def photos(self, ingredients: np.ndarray) -> None:
        """Stages and no-op on mixtures of the ingredients, first on a few."""
        for n in sorted({N_FEW, *self.options.photos}):
            project = MeasuredProject(self.folder / "photos")
            write_faces(project.faces, ingredients, n=n, seed=0)
            with_training = n == min(self.options.photos, default=0)
            self._stages_and_noop(project, PHOTOS, n, with_training=with_training)
            shutil.rmtree(project.folder)

    def given(self) -> None:
        """Stages and no-op on a copy of the photos of --faces."""
        project = MeasuredProject(self.folder / "given")
        shutil.copytree(self.options.faces, project.faces)
        self._stages_and_noop(project, GIVEN, len(read_labels(project.faces)))
        shutil.rmtree(project.folder)

    def rows(self, ingredients: np.ndarray) -> None:
        """The stages before training on rows without photos."""
        runner, hashes = ROOT / "benchmarks" / "tables_only.py", self.folder / "hashes.npy"
        for n in sorted(self.options.rows):
            project = MeasuredProject(self.folder / "rows")
            write_labels(project.faces, n=n, seed=0)
            np.save(hashes, mixed_hashes(ingredients, n=n, seed=0))
            for stage in self._data_stages():
                self._add(stage, ROWS, n, project.cost(sys.executable, runner, stage, hashes))
            shutil.rmtree(project.folder)

    def growth(self, what: str, on: str) -> float:
        """The slope of log CPU work against log n, by least squares; NaN of fewer than two sizes.

        CPU seconds, as they depend less on what else the machine does.
        """
        found = {m.n: self.work(m).cpu_s for m in self.measured if (m.what, m.on) == (what, on)}
        real = {n: seconds for n, seconds in found.items() if seconds > MIN_WORK_S}
        if len(real) < 2:
            return float("nan")
        return float(np.polyfit(np.log(list(real)), np.log(list(real.values())), deg=1)[0])

    def work(self, measured: Measured) -> Cost:
        """What it cost beyond a few photos; NaN where these were not measured."""
        few = [m.cost for m in self.measured if (m.what, m.on, m.n) == (measured.what, PHOTOS, N_FEW)]
        base = few[0] if few else Cost(*[float("nan")] * 3)
        return Cost(*(all_ - fixed for all_, fixed in zip(measured.cost, base, strict=True)))

    def _stages_and_noop(
        self, project: MeasuredProject, on: str, n: int, *, with_training: bool = False
    ) -> None:
        for stage in self.options.stages if with_training else self._data_stages():
            self._add(stage, on, n, project.stage_cost(stage, self.options.repeats if n == N_FEW else 1))
        if not self.options.skip_dvc:
            self._add(NO_OP, on, n, project.noop_cost(self.options.repeats))

    def _data_stages(self) -> list[str]:
        return [stage for stage in self.options.stages if stage in DATA_STAGES]

    def _add(self, what: str, on: str, n: int, cost: Cost) -> None:
        self.measured.append(Measured(what, on, n, cost))
        print(f"{what}, {n or ''} {on}: {cost.wall_s:.2f} s, {cost.peak_mib:,.0f} MiB", flush=True)


def main() -> None:
    options = _options()
    options.stages = [stage for stage in STAGES if stage in options.stages]
    with (
        faces_folder(options.faces, n_drawn=N_DRAWN) as faces,
        tempfile.TemporaryDirectory(prefix="pipeline-costs-") as name,
    ):
        benchmark = Benchmark(Path(name).resolve(), options)
        benchmark.starts()
        ingredients = read_ingredients(faces, seed=0)
        if options.faces:
            benchmark.given()
        benchmark.photos(ingredients)
        benchmark.rows(ingredients)
    _print(benchmark)


def _print(benchmark: Benchmark) -> None:
    compiled = "" if _is_compiled() else ", libraries not compiled to bytecode"
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pandas", "pillow", "dvc"))
    console = Console(width=110, soft_wrap=True)
    console.print(
        f"{machine()}; Python {platform.python_version()}{compiled}; {libraries}; "
        f"{PHOTOS}: mixtures of {'those in --faces' if benchmark.options.faces else 'drawn faces'}",
        highlight=False,
    )
    table = Table("what", "on", "n", "wall s", "CPU s", "peak MiB", "ms per photo", "growth")
    for m in benchmark.measured:
        work_s, slope = benchmark.work(m).wall_s, benchmark.growth(m.what, m.on)
        is_largest = m.n == max(other.n for other in benchmark.measured if other[:2] == m[:2])
        table.add_row(
            m.what,
            m.on,
            f"{m.n:,}" if m.n else "",
            f"{m.cost.wall_s:.2f}",
            f"{m.cost.cpu_s:.2f}",
            f"{m.cost.peak_mib:,.0f}",
            f"{work_s / m.n * 1e3:.3f}" if work_s > MIN_WORK_S else "",
            f"n^{slope:.2f}" if is_largest and not np.isnan(slope) else "",
        )
    console.print(table)


def _is_compiled() -> bool:
    """Whether libraries lie there as bytecode, without which a start has to compile them first."""
    spec = find_spec("pandas.core.frame")
    return bool(spec and spec.origin and Path(cache_from_source(spec.origin)).is_file())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, help="folder with labels.csv and final_files/ (default: drawn)")
    parser.add_argument("--photos", type=int, nargs="*", default=[1_000, 10_000], help="default: 1000 10000")
    parser.add_argument(
        "--rows", type=int, nargs="*", default=[10_000, 100_000, 1_000_000], help="default: up to a million"
    )
    parser.add_argument(
        "--stages",
        nargs="+",
        choices=STAGES,
        default=list(DATA_STAGES),
        metavar="STAGE",
        help=f"of {', '.join(STAGES)} (default: the first three)",
    )
    parser.add_argument(
        "--repeats", type=int, default=5, help="of start-up, few photos and no-op (default: 5)"
    )
    parser.add_argument("--skip-dvc", action="store_true", help="leave the no-op out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
