"""The training on a Kubernetes cluster in docs/kuberay-rayjob.yaml: schema, versions, settings."""

import copy
import json
import re

import jsonschema
import pytest
import yaml
from project import ROOT

from shopper_age.params import load_params

JOB = yaml.safe_load((ROOT / "docs" / "kuberay-rayjob.yaml").read_text(encoding="utf-8"))
SCHEMA = json.loads((ROOT / "tests" / "schemas" / "rayjob.json").read_text(encoding="utf-8"))
CLUSTER = JOB["spec"]["rayClusterSpec"]
(WORKERS,) = CLUSTER["workerGroupSpecs"]


def _changed(*keys, value):
    job = copy.deepcopy(JOB)
    place = job
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return job


def test_the_job_fits_the_schema_of_kuberay():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(JOB, SCHEMA)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["spec", "entryPoint"], "dvc repro"),
        (["spec", "rayClusterSpec", "headGroupSpec"], {"rayStartParams": {}}),
        (["spec", "rayClusterSpec", "workerGroupSpecs", 0, "replicas"], "four"),
        (["spec", "rayClusterSpec", "workerGroupSpecs", 0, "template", "spec", "container"], []),
    ],
)
def test_the_schema_tells_what_kuberay_would_not_take(keys, value):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(_changed(*keys, value=value), SCHEMA)


def test_there_are_as_many_pods_with_a_gpu_as_the_training_has_workers_and_they_share_its_batches():
    settings = dict(re.findall(r"-S ([\w.]+)=(\d+)", JOB["spec"]["entrypoint"]))
    n_workers = int(settings["train.workers"])
    assert {WORKERS[name] for name in ("replicas", "minReplicas", "maxReplicas")} == {n_workers}
    assert int(settings["batch_size"]) % n_workers == 0
    (container,) = WORKERS["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    known = load_params(ROOT / "params.yaml").model_dump()
    assert "batch_size" in known
    assert "workers" in known["train"]


def test_all_pods_have_the_same_image_volume_and_environment():
    pods = [group["template"]["spec"] for group in (CLUSTER["headGroupSpec"], WORKERS)]
    head, worker = (pod["containers"][0] for pod in pods)
    for name in ("image", "env", "volumeMounts"):
        assert head[name] == worker[name]
    assert pods[0]["volumes"] == pods[1]["volumes"]
    assert {"name": "KERAS_BACKEND", "value": "jax"} in head["env"]
