import json

import pytest

from shopper_age.tracking.operations import EvaluationOf, RunRequest, new_operation, now

TRAINING = RunRequest(
    key="abc",
    time=1_700_000_000_000,
    store="http://mlflow:5000",
    experiment="ages",
    name="sunny-cat",
    tags={"gpu": "none"},
)


@pytest.mark.parametrize("parent", [None, "def"])
@pytest.mark.parametrize("evaluation", [None, EvaluationOf(model_md5="d41d8c", key="k1")])
def test_a_request_comes_back_from_json_as_it_was(evaluation, parent):
    request = RunRequest(**{**vars(TRAINING), "evaluation": evaluation, "parent": parent})
    assert RunRequest.from_operation(json.loads(json.dumps(request.to_operation()))) == request


def test_a_request_is_written_as_an_operation_like_the_others():
    assert TRAINING.to_operation() == {
        "kind": "open",
        "time": 1_700_000_000_000,
        "key": "abc",
        "store": "http://mlflow:5000",
        "experiment": "ages",
        "name": "sunny-cat",
        "tags": {"gpu": "none"},
    }


def test_a_request_without_a_key_is_none():
    operation = TRAINING.to_operation()
    del operation["key"]
    with pytest.raises(KeyError, match="key"):
        RunRequest.from_operation(operation)


def test_an_operation_is_of_this_moment():
    before = now()
    operation = new_operation("tags", tags={"a": "1"})
    assert before <= operation.pop("time") <= now()
    assert operation == {"kind": "tags", "tags": {"a": "1"}}
