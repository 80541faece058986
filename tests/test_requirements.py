"""The lock against the lists of direct dependencies: what `make env` installs is what they ask for."""

import re

import pytest
from project import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PIN = re.compile(r"^([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==(\S+)", flags=re.MULTILINE)
LOCKED = dict(PIN.findall(LOCK))


def pins(name: str) -> dict[str, str]:
    """The version of each direct dependency in a file of requirements."""
    return dict(PIN.findall((ROOT / name).read_text(encoding="utf-8")))


def test_every_direct_dependency_is_locked_at_its_pinned_version():
    asked_for = pins("requirements.txt")
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert len(asked_for) == len([line for line in lines if line and not line.startswith(("#", "-e"))])
    assert {name: LOCKED.get(name) for name in asked_for} == asked_for


def test_a_gpu_asks_for_the_same_version_of_what_both_lists_hold():
    for_gpu = pins("requirements-gpu.txt")
    assert for_gpu["tensorflow"] == LOCKED["tensorflow"]
    assert {name for name in for_gpu if name in LOCKED} == {"tensorflow"}


def test_several_workers_ask_for_nothing_that_the_lock_has_in_another_version():
    for_workers = pins("requirements-scale.txt")
    assert "ray" in for_workers
    assert not [name for name, version in for_workers.items() if LOCKED.get(name, version) != version]


def test_every_locked_library_has_hashes():
    entries = re.findall(r"^[a-z0-9].*(?:\n    .*)*", LOCK, flags=re.MULTILINE)
    assert len(entries) > len(pins("requirements.txt"))
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize(
    "name",
    [
        "requirements.lock",
        "requirements.txt",
        *(f"requirements-{kind}.txt" for kind in ("export", "gpu", "scale", "till")),
    ],
)
def test_where_libraries_come_from_is_left_to_each_machine(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert {line.split()[0] for line in text.splitlines() if line.startswith("-")} <= {"-e", "-r"}


def test_the_image_is_installed_as_the_environment_is():
    makefile, dockerfile = ((ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "Dockerfile"))
    (uv,) = set(re.findall(r"uv==(\S+)", makefile))
    assert f" uv=={uv} " in dockerfile
    assert all("--constraint requirements.lock" in text for text in (makefile, dockerfile))


def test_the_image_gets_every_file_that_it_is_installed_from():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = re.search(r"^COPY (.*) \./$", dockerfile, flags=re.MULTILINE)[1].split()
    assert "requirements.lock" in copied
    assert all((ROOT / name).is_file() for name in copied)
    assert {f"!{name}" for name in copied} <= set(
        (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    )
