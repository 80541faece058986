from mlflow_store import client, evaluate, runs, train

from shopper_age.runtime.hashing import file_md5
from shopper_age.tracking.search import find_runs


def test_runs_are_found_by_model_and_by_data_also_deleted_ones(root, tmp_path):
    model = tmp_path / "model.keras"
    model.write_bytes(b"model")
    train(model)
    train()
    other = tmp_path / "other.keras"
    other.write_bytes(b"other")
    evaluate(other, "key", 5.0, tags={"data_md5": "abc.dir"})
    of_model, unrelated, of_data = (run.info.run_id for run in runs(root))
    client(root).create_registered_model("ages")
    client(root).create_model_version("ages", "somewhere", of_model)
    client(root).delete_run(of_data)
    found = find_runs([file_md5(model)], ["abc.dir"])
    assert {run.id: run.versions for run in found} == {of_model: (("ages", "1"),), of_data: ()}
    assert unrelated not in {run.id for run in found}


def test_a_store_that_is_not_there_has_no_runs_and_is_not_made(root):
    (root / "mlflow.db").unlink(missing_ok=True)
    assert find_runs(["md5"], []) == []
    assert not (root / "mlflow.db").exists()
