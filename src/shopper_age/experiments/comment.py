"""Comment on a training, for a page such as GitHub's: verdicts first, without pictures."""

import re

_VERDICTS = re.compile(r"^## In short\n+(.*?)(?=^## |\Z)", flags=re.MULTILINE | re.DOTALL)

_PICTURE = re.compile(r"^!\[.*\]\(.*\)\n?", flags=re.MULTILINE)

# How a run ends that has something to tell.
SUCCESS = "success"


def training_comment(outcome: str, *, report: str, analysis: str, run_url: str) -> str:
    """The comment in Markdown.

    Args:
        outcome: "success", or how the run ended else, such as "failure" or "cancelled". Then what lies in the
            workspace may be of an earlier run, and nothing of it is told.
        report: what `training_report` returns.
        analysis: report.md of the evaluation; its section "In short" becomes the beginning.
        run_url: the page of the run, with its log and its pictures; may be empty.
    """
    if outcome != SUCCESS:
        where = f": [its log]({run_url}) says why" if run_url else ""
        return (
            f"**The training did not end well ({outcome})**{where}. Results of earlier runs are as they were."
        )
    verdicts = _VERDICTS.search(analysis)
    told = _PICTURE.sub("", report).strip()
    parts = [
        *([f"## In short\n\n{verdicts[1].strip()}"] if verdicts and "## In short" not in told else []),
        told,
        *(
            [f"Pictures and the whole report are among the [artifacts of the run]({run_url})."]
            if run_url
            else []
        ),
    ]
    return "\n\n".join(parts)
