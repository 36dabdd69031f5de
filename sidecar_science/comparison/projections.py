"""Which rule brings an object one step nearer to plain data: by its class, its class's name, or its shape."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import io
import ipaddress
import pathlib
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sidecar_science.codec.markers import Opaque
from sidecar_science.comparison import contents, responses
from sidecar_science.comparison.plain import type_name
from sidecar_science.errors import DeclarationError

Rule = Callable[[Any], Any]

_CACHED = 1_000
_OPENED = (dict, list, tuple, set, frozenset, BaseException)
"""What the projector itself knows how to open, unless a rule was registered for a subclass."""


def _iso(value: Any) -> str:
    return str(value.isoformat())


def _xml(element: Any) -> dict[str, Any]:
    """An element with all that is in it; a comment or an instruction has a function for a tag."""
    tag = element.tag if isinstance(element.tag, str) else f"#{type(element).__name__}"
    return {
        "tag": tag,
        "attributes": dict(element.attrib),
        "text": element.text or "",
        "children": list(element),
        "tail": element.tail or "",
    }


_BUILT_IN: dict[type | str, Rule] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    bytes: lambda value: bytes(memoryview(value)),
    bytearray: bytes,
    memoryview: lambda value: value.tobytes(),
    enum.Enum: lambda member: member.value,
    datetime.date: _iso,
    datetime.time: _iso,
    datetime.timedelta: datetime.timedelta.total_seconds,
    decimal.Decimal: str,
    fractions.Fraction: str,
    complex: str,
    uuid.UUID: str,
    pathlib.PurePath: str,
    ipaddress.IPv4Address: str,
    ipaddress.IPv6Address: str,
    ipaddress.IPv4Network: str,
    ipaddress.IPv6Network: str,
    range: list,
    deque: list,
    type({}.keys()): list,
    type({}.values()): list,
    type({}.items()): list,
    MappingProxyType: dict,
    io.IOBase: contents.of_file,
    # By name, so that nothing is imported for it.
    "gitlab.base.RESTObject": lambda found: found.attributes,
    # Its property raw_data would fetch what is missing from the service first.
    "github.GithubObject.GithubObject": lambda found: found._rawData,
    "jira.resources.Resource": lambda found: found.raw,
    "slack_sdk.web.slack_response.SlackResponse": lambda found: found.data,
    "slack_sdk.web.async_slack_response.AsyncSlackResponse": lambda found: found.data,
    "slack_sdk.web.legacy_slack_response.LegacySlackResponse": lambda found: found.data,
    "python_http_client.client.Response": lambda found: {"status": found.status_code, "body": found.body},
    "werkzeug.datastructures.file_storage.FileStorage": lambda found: contents.of_file(found.stream),
    "tempfile._TemporaryFileWrapper": lambda found: contents.of_file(found.file),
    "xml.etree.ElementTree.Element": _xml,
    "xml.etree.ElementTree.ElementTree": lambda found: found.getroot(),
    "lxml.etree._Element": _xml,
    "lxml.etree._ElementTree": lambda found: found.getroot(),
    "numpy.ndarray": lambda found: found.tolist(),
    "numpy.generic": lambda found: found.item(),
}


class Projections:
    """Rules for objects of other people's classes; those that were registered come before those built in."""

    def __init__(self) -> None:
        self._registered: dict[type | str, Rule] = {}
        self._known: dict[type, Rule | None] = {}

    def register(self, kind: type | str, rule: Rule) -> Rule:
        """Let ``rule`` turn instances of ``kind`` and its subclasses into data, which is projected in its
        turn.

        ``kind`` is a class, or its name with its module (``"shop.models.Money"``), for which nothing is
        imported. Raises `DeclarationError` for anything else.
        """
        if not isinstance(kind, type) and not (isinstance(kind, str) and "." in kind):
            raise DeclarationError(
                f"cannot register a projection for {kind!r}; give a class, or its name with its module "
                f"such as 'shop.models.Money'"
            )
        if not callable(rule):
            raise DeclarationError(
                f"the projection for {kind!r} is {rule!r}, which cannot be called; give a function of one object"
            )
        self._registered[kind] = rule
        self._known.clear()
        return rule

    def rule_for(self, value: Any) -> Rule | None:
        """The rule for ``value``, or None if there is none."""
        kind = type(value)
        if kind in self._known:
            rule = self._known[kind]
        else:
            rule = self._find(kind)
            if len(self._known) >= _CACHED:  # classes made in a loop must not stay alive here
                self._known.clear()
            self._known[kind] = rule
        if rule is None and responses.is_response(value):
            return responses.describe
        return rule

    def _find(self, kind: type) -> Rule | None:
        for rules in (self._registered, _BUILT_IN):
            for base in kind.__mro__:
                rule = rules.get(base) or rules.get(type_name(base))
                if rule is not None:
                    return rule
        return None if issubclass(kind, _OPENED) else _by_shape(kind)


def _by_shape(kind: type) -> Rule | None:
    if hasattr(kind, "__attrs_attrs__"):
        return _attributes
    if dataclasses.is_dataclass(kind):
        return _fields
    if hasattr(kind, "__pydantic_fields__"):
        return _dump
    if hasattr(kind, "__fields__") and callable(getattr(kind, "dict", None)):
        return _dump_of_version_1
    if issubclass(kind, Mapping):
        return dict
    if callable(getattr(kind, "to_dict", None)):
        return _to_dict
    if all(callable(getattr(kind, verb, None)) for verb in ("read", "seek", "tell", "seekable")):
        return contents.of_file
    return None


def _attributes(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in type(value).__attrs_attrs__}


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _dump(value: Any) -> Any:
    return _structure(value.model_dump())


def _dump_of_version_1(value: Any) -> Any:
    return _structure(value.dict())


def _to_dict(value: Any) -> Any:
    return _structure(value.to_dict())


def _structure(found: Any) -> Any:
    """What a foreign method gave, if it is data: a stub answers every call with another stub."""
    return found if isinstance(found, dict | list | tuple | Mapping) else Opaque(type_name(type(found)))
