"""YAML of settings that means one thing only.

PyYAML follows YAML 1.1 and DVC, which records the settings, YAML 1.2: they differ on 1e-05 (text or a
number), 010 (8 or 10) and 1:30 (90 or text). Here 1e-05 is the number that DVC writes for it, and the others
are refused. So are a key that stands twice, of which the last would win without a word, and aliases, of which
a few lines can make gigabytes.
"""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from shopper_age.runtime.messages import shorten

_MAX_DEPTH = 20

_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_yaml(path: str | Path) -> Any:
    """What a YAML file of settings says.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no UTF-8 or no YAML, or can be understood in two ways; the message names the line.
    """
    path = Path(path)
    text = _decoded(path, path.read_bytes())
    try:
        return yaml.load(text, Loader=_Loader)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ValueError(f"{path}{line}: {shorten(error.problem or error.context, 300)}") from None
    except yaml.reader.ReaderError as error:
        number, character = text.count("\n", 0, error.position) + 1, chr(int(error.character))
        raise ValueError(
            f"{path}, line {number}: the character {character!a} cannot stand there: save it as UTF-8 text"
        ) from None
    except ValueError as error:  # a date that is none, a number of thousands of digits
        raise ValueError(f"{path} holds a value that cannot be read: {shorten(error, 300)}") from None


def _decoded(path: Path, content: bytes) -> str:
    known = _MARKS.get(content[:2]) or ("UTF-16" if b"\0" in content[:100] else None)
    if known:
        raise ValueError(f"{path} is {known} text: save it as UTF-8, which your editor offers as an encoding")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is no UTF-8 (Latin-1 or Windows-1252?): "
            "save the file as UTF-8, which your editor offers as an encoding"
        ) from None


class _Loader(yaml.SafeLoader):
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise _problem(f"*{event.anchor} is an alias: write the value out", event.start_mark)
        if self._depth >= _MAX_DEPTH:
            raise _problem("brackets or sections are nested too deeply", event.start_mark)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                continue  # which is no name of a setting
            if key.value in lines:
                where = f"in lines {lines[key.value]} and {line}"
                raise _problem(f"'{shorten(key.value)}' stands twice, {where}: delete one", key.start_mark)
            lines[key.value] = line
        return super().construct_mapping(node, deep=deep)

    def _number(self, node: yaml.ScalarNode) -> int | float:
        if ":" in node.value or re.match(r"[-+]?0[0-9_]", node.value):
            raise _problem(
                f"{shorten(node.value)} is read as different numbers by different programs: write it without "
                "leading zeros and colons, or in double quotes if it is text",
                node.start_mark,
            )
        if node.tag.endswith(":int"):
            return self.construct_yaml_int(node)
        return self.construct_yaml_float(node)


def _problem(text: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=text, problem_mark=mark)


for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader._number)
# Source: YAML 1.2.2, section 10.3.2, the core schema.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)
