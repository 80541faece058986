"""Tables of answers such as a till gives."""

import numpy as np
from answering import decision

from shopper_age.inference.answers import FaceAnswer, PhotoAnswer
from shopper_age.inference.sources import Source
from shopper_age.inference.tables import AnswerTable


def write_answers(path, n=300, *, seed=0, problems=0, model="abc", older=0.0, darker=0.0, wider=1.0):
    """`n` answers, and `problems` photos without a face, as `shopper-age predict` writes them."""
    rng = np.random.default_rng(seed)
    answered = [(Source("none.jpg"), PhotoAnswer("none.jpg", (), "no_face", "at all", model))] * problems
    for number in range(n):
        age, half = 40 + older + wider * rng.normal(0, 10), rng.uniform(5, 15)
        face = FaceAnswer(
            False, "estimated 25 or older", age=age, low=age - half, high=age + half,
            brightness=rng.normal(120 - darker, 20), sharpness=rng.gamma(3, 100), shorter_side=200,
        )  # fmt: skip
        answered.append((Source(f"{number}.jpg"), PhotoAnswer(f"{number}.jpg", (face,), model_md5=model)))
    table = AnswerTable(path, decision())
    table.append(answered)
    table.complete()
    return path
