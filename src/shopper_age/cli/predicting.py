"""Command `shopper-age predict`: answers for any number of photos."""

import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from shopper_age.inference.answers import PhotoAnswer, rows
from shopper_age.inference.chunk_scorer import ChunkScorer
from shopper_age.inference.decision import Decision
from shopper_age.inference.parts import AnswerParts, Chunk, is_folder
from shopper_age.inference.predictor import BATCH_SIZE, Predictor
from shopper_age.inference.sources import STANDARD_INPUT, Source, sources
from shopper_age.inference.summary import Summary
from shopper_age.inference.tables import AnswerTable

# How chunks are scored: a summary of each, in any order.
Executor = Callable[[list[Chunk]], Iterator[Summary]]


def predict_with(
    paths: list[str],
    model: str | Path,
    *,
    out: str | None,
    annotate_to: Path | None,
    n_workers: int,
    n_threads: int | None,
    tell: Callable[[str], None],
) -> Summary:
    """Answers of a model for the photos that `sources` takes from `paths`, as the options say.

    Raises:
        FileNotFoundError: as `sources`.
        ValueError: `out` is missing where there are several workers; as `Predictor.load` and `predict` or
            `predict_in_parts`.
        ModuleNotFoundError: several workers need Ray.
    """
    if n_workers > 1:
        if out is None:
            raise ValueError("several workers need --out: a folder such as ages/, or a table")
        from shopper_age.distributed.scoring import RayScoring

        scoring = RayScoring(model, n_workers=n_workers, n_threads=n_threads or 1, annotate_to=annotate_to)
        # the workers load their own; this one tells what is wrong with a model before they start
        decision = Predictor.load(model, n_threads=1).decision
        return predict_in_parts(paths, decision, out=out, executor=scoring.run)
    predictor = Predictor.load(model, n_threads=n_threads or 0)
    if out is not None and is_folder(out):
        scorer = ChunkScorer(predictor, base=Path.cwd(), annotate_to=annotate_to)
        return predict_in_parts(
            paths, predictor.decision, out=out, executor=lambda chunks: map(scorer.score, chunks)
        )
    return predict(
        paths, predictor, out=None if out is None else Path(out), annotate_to=annotate_to, tell=tell
    )


def predict(
    paths: list[str],
    predictor: Predictor,
    *,
    out: Path | None,
    annotate_to: Path | None,
    tell: Callable[[str], None],
) -> Summary:
    """Answers for the photos that `sources` takes from `paths`, into a table or told one by one.

    Raises:
        FileNotFoundError: as `sources`.
        ValueError: as `AnswerTable`.
    """
    wanted = sources(paths, sys.stdin)
    table = None if out is None else AnswerTable(out, predictor.decision)
    n_before = 0 if table is None else table.skip_finished(wanted)
    summary = Summary()
    total = None if STANDARD_INPUT in paths else sum(1 for _ in sources(paths, sys.stdin))
    with tqdm(total=total, initial=n_before, desc="photos", unit="photo", disable=None) as progress:
        for batch in _answered(wanted, predictor):
            if table is not None:
                table.append(batch)
            for source, answer in batch:
                summary.add(source, answer)
                if table is None:
                    _tell(answer, tell)
                if annotate_to is not None:
                    _annotate(answer, annotate_to, n_before + summary.n_photos)
            progress.update(len(batch))
    if table is not None:
        table.complete()
    return summary


def predict_in_parts(paths: list[str], decision: Decision, *, out: str, executor: Executor) -> Summary:
    """Answers for the photos that `sources` takes from `paths`, in parts that `executor` makes.

    Raises:
        FileNotFoundError: as `sources`.
        ValueError: as `AnswerParts`.
    """
    parts = AnswerParts(out, decision)
    chunks = parts.plan(sources(paths, sys.stdin))
    summary = Summary()
    with tqdm(
        total=parts.n_photos, initial=parts.n_finished, desc="photos", unit="photo", disable=None
    ) as progress:
        for done in executor(chunks) if chunks else ():
            summary += done
            progress.update(done.n_photos)
    parts.complete()
    return summary


def _answered(wanted: Iterator[Source], predictor: Predictor) -> Iterator[list[tuple[Source, PhotoAnswer]]]:
    while batch := list(islice(wanted, BATCH_SIZE)):
        yield list(zip(batch, predictor.predict([source.path for source in batch]), strict=True))


def _annotate(answer: PhotoAnswer, folder: Path, number: int) -> None:
    from shopper_age.inference.annotation import annotate

    annotate(answer, folder, number)


def _tell(answer: PhotoAnswer, tell: Callable[[str], None]) -> None:
    for row in rows(answer):
        if row["problem"]:
            tell(f"{answer.source}: {row['problem']}: ask for an ID")
        else:
            asked = "ask for an ID" if row["ask_for_id"] else "no ID needed"
            tell(
                f"{answer.source}: {row['age']:.1f} years ({row['low']:.0f} to {row['high']:.0f}), "
                f"{row['age_group']}, {asked} ({row['reason']})"
            )
