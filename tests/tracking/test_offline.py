import subprocess
import sys
from pathlib import Path

import pytest

from shopper_age.tracking.offline import OfflineLog, offline_logs
from shopper_age.tracking.operations import RunRequest, new_operation

REQUEST = RunRequest(
    key="abcdefghijk",
    time=1_700_000_000_000,
    store="http://mlflow:5000",
    experiment="ages",
    name="sunny-cat",
    tags={},
)

IS_LOCKED_FOR_ANOTHER = """
import sys
from pathlib import Path
from shopper_age.tracking.offline import OfflineLog
with OfflineLog(Path(sys.argv[1])).locked() as is_ours:
    sys.exit(0 if is_ours else 3)
"""


def locked_by_another_process(log):
    return subprocess.run([sys.executable, "-c", IS_LOCKED_FOR_ANOTHER, log.folder]).returncode == 0


@pytest.fixture
def log(tmp_path):
    log = OfflineLog.begin(tmp_path / "logs", REQUEST)
    yield log
    log.close()


def test_what_was_written_is_read_in_its_order(log):
    operations = [new_operation("tags", tags={"a": "ä"}), new_operation("finish", status="FINISHED")]
    for operation in operations:
        log.write(operation)
    assert log.read() == (REQUEST, operations)


def test_a_file_is_kept_as_it_was_when_it_was_logged(log, tmp_path):
    picture = tmp_path / "errors.png"
    for content in (b"first", b"second"):
        picture.write_bytes(content)
        log.write(new_operation("artifact", path=str(picture), folder="train"))
    picture.unlink()
    _, operations = log.read()
    assert [Path(operation["path"]).read_bytes() for operation in operations] == [b"first", b"second"]


def test_a_folder_is_kept_with_all_in_it(log, tmp_path):
    (tmp_path / "eda" / "inner").mkdir(parents=True)
    (tmp_path / "eda" / "inner" / "ages.png").write_bytes(b"png")
    log.write(new_operation("artifact", path=str(tmp_path / "eda"), folder=""))
    _, (operation,) = log.read()
    assert operation["path"].endswith("/eda")
    assert (log.folder / "files" / "0" / "eda" / "inner" / "ages.png").read_bytes() == b"png"


def test_a_last_line_that_was_cut_short_is_left_out(log):
    log.write(new_operation("tags", tags={"a": "1"}))
    with (log.folder / "operations.jsonl").open("a") as lines:
        lines.write('{"kind": "tags", "ta')
    _, operations = log.read()
    assert [operation["kind"] for operation in operations] == ["tags"]


def test_a_log_without_a_whole_first_line_holds_nothing(tmp_path):
    (tmp_path / "operations.jsonl").write_text('{"kind": "op')
    assert OfflineLog(tmp_path).read() is None


def test_a_log_is_locked_until_its_run_ends(log):
    assert not locked_by_another_process(log)
    log.close()
    assert locked_by_another_process(log)


def test_logs_are_listed_by_age_and_nothing_else_is(tmp_path):
    logs = [OfflineLog.begin(tmp_path, REQUEST) for _ in range(3)]
    (tmp_path / "notes").mkdir()
    assert [log.folder for log in offline_logs(tmp_path)] == [log.folder for log in logs]
    assert offline_logs(tmp_path / "nowhere") == []
    for log in logs:
        log.close()


def test_git_sees_nothing_of_a_log(log):
    assert (log.folder.parent / ".gitignore").read_text() == "*\n"


def test_a_removed_log_is_gone(log):
    log.close()
    log.remove()
    with log.locked() as is_ours:
        assert not is_ours
