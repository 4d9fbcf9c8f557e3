"""A module's source without what a file's configurations never reach.

    words    what is said otherwise where the file stands alone: texts, each found exactly once
    settled  conditions whose answer is known: the branch that runs is kept, without its `if`
    unused   methods that nothing calls, by the names of class and method

Whatever is told here and found nowhere is refused: a source that changed has to be looked at again.
"""

import ast
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class PruneError(Exception):
    """A pruning that does not fit its module; a mistake of ours, not of a user."""


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """What is left out of a module. A condition stands after the function or class that asks it."""

    words: Mapping[str, str] = field(default_factory=dict)
    settled: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    unused: Collection[str] = ()


def pruned(source: str, prunings: Sequence[Pruning]) -> str:
    """The source after some prunings, one after the other.

    Raises: PruneError for words, conditions and methods that are not there, or not once.
    """
    for pruning in prunings:
        for words, others in pruning.words.items():
            if source.count(words) != 1:
                raise PruneError(f"found {source.count(words)} times: {words}")
            source = source.replace(words, others)
        for (place, condition), holds in pruning.settled.items():
            source = settle(source, place, condition, holds)
        source = without_methods(source, pruning.unused)
    return source


def settle(source: str, place: str, condition: str, holds: bool) -> str:
    """Keep the branch of an `if` that runs; what stands after it goes where that branch returns."""
    found = [
        (node, body)
        for name, node, body in statements(ast.parse(source))
        if name == place and isinstance(node, ast.If) and ast.unparse(node.test) == condition
    ]
    if len(found) != 1:
        raise PruneError(f"found {len(found)} times in {place}: if {condition}")
    ((node, body),) = found
    assert isinstance(node, ast.If)
    lines, kept = source.splitlines(), node.body if holds else node.orelse
    last = node.end_lineno
    branch: list[str] = []
    if kept:
        begin = kept[0].lineno - 1
        while lines[begin - 1].lstrip().startswith("#"):
            begin -= 1  # what is said of the branch goes with it
        inner = "\n".join(lines[begin : kept[-1].end_lineno])
        branch = textwrap.indent(textwrap.dedent(inner), " " * node.col_offset).splitlines()
        if isinstance(kept[-1], ast.Return):
            last = body[-1].end_lineno
    return "\n".join([*lines[: node.lineno - 1], *branch, *lines[last:], ""])


def statements(tree: ast.AST, place: str = "") -> Iterator[tuple[str, ast.stmt, list[ast.stmt]]]:
    """Statements, each after the dotted name of what it stands in, with those around it."""
    for part in ("body", "orelse"):
        found: Any = getattr(tree, part, None)
        body: list[ast.stmt] = found if isinstance(found, list) else []
        for node in body:
            yield place, node, body
            name = node.name if isinstance(node, ast.FunctionDef | ast.ClassDef) else ""
            inner = ".".join(filter(None, (place, name)))
            yield from statements(node, inner)


def without_methods(source: str, methods: Collection[str]) -> str:
    """The source without some methods, decorators and the lines before them included.

    Raises: PruneError for a method that is not there.
    """
    lines = source.splitlines()
    found = [
        (min([node.lineno, *(each.lineno for each in node.decorator_list)]), node.end_lineno, name)
        for place, node, _ in statements(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and (name := f"{place}.{node.name}") in methods
    ]
    if lost := sorted({*methods} - {name for *_, name in found}):
        raise PruneError(f"no such method: {lost[0]}")
    for first, last, _ in reversed(found):
        before = lines[: first - 1]
        while before and not before[-1].strip():
            before.pop()
        lines = [*before, *lines[last or 0 :]]
    return "\n".join([*lines, ""])
