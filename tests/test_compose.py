"""The services of a team in docker-compose.yml, without an engine: schema, settings, health, secrets."""

import json
import re
import shutil
import subprocess

import jsonschema
import pytest
import yaml
from project import ROOT

COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
EXAMPLE = dict(
    line.split("=", 1)
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
)
SECRETS = {"POSTGRES_PASSWORD", "STORE_ACCESS_KEY_ID", "STORE_SECRET_ACCESS_KEY"}
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def _configured(**environment: str) -> dict:
    """The file as the engine reads it, with these variables.

    Raises:
        KeyError: one that has no default is not among them.
    """

    def value(match: re.Match) -> str:
        name, kind, default = match.groups()
        return environment.get(name) or (default if kind == "-" else environment[name])

    return yaml.safe_load(VARIABLE.sub(value, COMPOSE))


SERVICES = _configured(**dict.fromkeys(SECRETS, "x"))["services"]


def test_the_file_fits_the_schema_of_compose():
    schema = json.loads((ROOT / "tests/schemas/compose-spec.json").read_text(encoding="utf-8"))
    configured = _configured(**dict.fromkeys(SECRETS, "x"))
    jsonschema.Draft7Validator(schema).validate(configured)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate(configured | {"service": {}})


def test_every_service_tells_its_health_restarts_and_waits_for_those_it_needs():
    assert set(SERVICES) == {"database", "store", "mlflow"}
    for service in SERVICES.values():
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"
    needed = SERVICES["mlflow"]["depends_on"]
    assert needed == {name: {"condition": "service_healthy"} for name in ("database", "store")}


def test_what_is_stored_lies_in_volumes():
    mounted = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert sorted(mounted) == sorted(_configured(**dict.fromkeys(SECRETS, "x"))["volumes"])


def test_the_example_names_every_variable_and_holds_no_secret():
    assert {name for name, *_ in VARIABLE.findall(COMPOSE)} == set(EXAMPLE)
    assert {name for name, value in EXAMPLE.items() if not value} == SECRETS
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "/.env" in ignored


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_without_a_secret_nothing_starts(name):
    with pytest.raises(KeyError, match=name):
        _configured(**dict.fromkeys(SECRETS - {name}, "x"))


def test_a_secret_stands_on_no_command_line_and_nothing_is_open_by_default():
    configured = _configured(**dict.fromkeys(SECRETS, "s3cret"))["services"]
    for service in configured.values():
        assert "s3cret" not in str(service.get("command")) + str(service["healthcheck"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_images_are_of_one_version():
    images = [service["image"] for service in SERVICES.values() if "image" in service]
    assert len(images) == 2
    assert all(re.fullmatch(r"[\w./-]+:\d+\.\d+[\w.-]*", image) for image in images)


def test_the_server_has_the_versions_of_the_lock():
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    text = SERVICES["mlflow"]["build"]["dockerfile_inline"]
    installed = re.findall(r"\b([a-z0-9]+)(?:\[[a-z]+\])?==([\d.]+)", text)
    assert {name for name, _ in installed} == {"mlflow", "psycopg", "boto3"}
    assert all(f"\n{name}=={version} " in locked for name, version in installed)


def test_the_services_by_hand_are_those_of_the_file():
    by_hand = (ROOT / "docs" / "sharing.md").read_text(encoding="utf-8")
    by_hand = " ".join(by_hand.split("## The same services by hand")[1].split())
    server, store = SERVICES["mlflow"], SERVICES["store"]
    flags = [flag.replace("=", " ") for flag in server["command"][2:-1]]
    assert all(part in by_hand for part in flags)
    assert all(f"{name}=" in by_hand for name in server["environment"] if name.startswith("MLFLOW_"))
    assert all(part in by_hand for part in store["command"] if not part.startswith("-ip="))
    assert f"S3_BUCKET={store['environment']['S3_BUCKET']}" in by_hand


@pytest.mark.skipif(
    shutil.which("docker") is None
    or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0,
    reason="there is no Docker with Compose",
)
def test_compose_itself_takes_the_file(tmp_path):
    (tmp_path / ".env").write_text("".join(f"{name}=x\n" for name in SECRETS), encoding="utf-8")
    command = ["docker", "compose", "--env-file", tmp_path / ".env", "config", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
