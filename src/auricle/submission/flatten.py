"""Modules of the package made into one file that is read from top to bottom.

What a function needs is found by name, definition by definition, through the package's imports: the
file holds that and nothing else, in the order in which the chapters name the modules. A definition
is copied as it stands, comments and docstrings included; of a class, methods whose names nothing
in the file speaks of are left out. What would change its meaning in the one namespace of a single
file is refused: two definitions of one name, a name that hides a builtin, an import of the package
under another name.
"""

import ast
import builtins
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auricle.submission.sources import (
    PACKAGE,
    Definition,
    FlattenError,
    Import,
    Module,
    read_module,
    take_apart,
)

WIDTH = 99
"""Of a line; PEP 8 lets a team go so far."""

CALLED = frozenset({"forward"})
"""Methods that a library calls, whether or not the file does."""


@dataclass(frozen=True)
class Chapter:
    """A heading of the file, and the modules under it in reading order.

    `package.module:Name` is one definition of a module, which is left out where the rest stands.
    `cell` is code of the file's own, after them.
    """

    title: str
    modules: Sequence[str]
    cell: str = ""


@dataclass(frozen=True)
class Flat:
    """What a function needs: definitions in the order found, and imports from outside."""

    modules: dict[str, Module]
    definitions: frozenset[Definition]
    imports: frozenset[Import]


def reach(module: str, name: str) -> Flat:
    """Everything of the package that a name needs, and what that imports.

    Raises: FlattenError for what cannot stand in one file.
    """
    unused: dict[str, set[str]] = {}
    while True:
        flat = reach_without(module, name, unused)
        found = unused_methods(flat)
        if not found:
            check_names(flat)
            return flat
        for place, method in found:
            unused.setdefault(place, set()).add(method)


def unused_methods(flat: Flat) -> set[tuple[str, str]]:
    """Methods, each with its module, whose names stand nowhere but where they are defined."""
    spoken, methods = set(CALLED), set()
    for definition in flat.definitions:
        for node in ast.walk(ast.parse(definition.text)):
            if isinstance(node, ast.Attribute):
                spoken.add(node.attr)
            elif isinstance(node, ast.ClassDef):
                own = [each.name for each in node.body if isinstance(each, ast.FunctionDef)]
                methods |= {
                    (definition.module, node.name, name) for name in own if name[:2] != "__"
                }
    return {(module, f"{owner}.{name}") for module, owner, name in methods if name not in spoken}


def reach_without(module: str, name: str, unused: Mapping[str, Collection[str]]) -> Flat:
    """The same without some methods, by module, as `Class.method`; names are not checked."""
    modules: dict[str, Module] = {}
    found: set[Definition] = set()
    imports: set[Import] = set()
    waiting = [(module, name)]
    while waiting:
        place, wanted = waiting.pop()
        if place not in modules:
            modules[place] = take_apart(
                place, without_methods(read_module(place), unused.get(place, ()))
            )
        home = modules[place]
        if wanted in home.here:  # imported from where it was imported to
            waiting.append(home.here[wanted])
            continue
        if wanted not in home.definitions:
            raise FlattenError(f"{place}: {wanted} is no definition; import what is used by name")
        definition = home.definitions[wanted]
        if definition in found:
            continue
        found.add(definition)
        for inner in definition.imports:
            if inner.module.split(".")[0] == PACKAGE:
                raise FlattenError(f"{place}: {wanted} imports {inner.module} when it is called")
        imports |= definition.imports
        for used in definition.uses:
            if used in home.definitions:
                waiting.append((place, used))
            elif used in home.here:
                source = home.here[used]
                if source[1] != used:
                    raise FlattenError(f"{place}: {source[1]} goes by the name of {used} there")
                waiting.append(source)
            elif used in home.outside:
                imports.add(home.outside[used])
    return Flat(modules, frozenset(found), frozenset(imports))


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
    """The source without some methods, decorators and the lines before them included."""
    lines = source.splitlines()
    found = [
        (min([node.lineno, *(each.lineno for each in node.decorator_list)]), node.end_lineno, name)
        for place, node, _ in statements(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and (name := f"{place}.{node.name}") in methods
    ]
    for first, last, _ in reversed(found):
        before = lines[: first - 1]
        while before and not before[-1].strip():
            before.pop()
        lines = [*before, *lines[last or 0 :]]
    return "\n".join([*lines, ""])


def check_names(flat: Flat) -> None:
    """Refuse names that would mean two things in one file; equal definitions are one.

    Raises: FlattenError that tells all of them.
    """
    meanings: dict[str, dict[str, str]] = {}
    for definition in flat.definitions:
        for name in definition.names:
            meanings.setdefault(name, {})[definition.text] = definition.module
            if hasattr(builtins, name):
                meanings[name]["a builtin"] = "builtins"
    for each in flat.imports:
        meanings.setdefault(each.bound, {})[str(each)] = f"import {each.module}"
    clashes = [
        f"{name} ({', '.join(sorted(places.values()))})"
        for name, places in sorted(meanings.items())
        if len(places) > 1
    ]
    if clashes:
        raise FlattenError(f"one name, two meanings: {'; '.join(clashes)}; rename in the package")


def write_imports(imports: Iterable[Import], standard: Collection[str]) -> str:
    """Imports, each once: those of the standard library, then the others, in isort's order."""
    texts = ["from __future__ import annotations"]
    for own in (True, False):
        block = [each for each in imports if (each.module.split(".")[0] in standard) == own]
        lines = sorted({write_import(each) for each in block if not each.name})
        together: dict[tuple[str, str], set[str]] = {}
        for each in block:
            if each.name:  # an alias takes a line of its own
                together.setdefault((each.module, each.alias), set()).add(each.name)
        for (module, alias), names in sorted(together.items()):
            lines.append(write_from(module, sorted(names, key=_rank), alias))
        texts.append("\n".join(lines))
    return "\n\n".join(texts)


def write_import(each: Import) -> str:
    """A whole module."""
    return f"import {each.module}" + (f" as {each.alias}" if each.alias else "")


def write_from(module: str, names: Sequence[str], alias: str) -> str:
    """Names out of a module, in as many lines as they take."""
    line = f"from {module} import {', '.join(names)}" + (f" as {alias}" if alias else "")
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])


def _rank(name: str) -> tuple[int, str]:
    """Constants before classes before functions."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name)


def write_chapters(flat: Flat, chapters: Sequence[Chapter]) -> str:
    """All definitions, chapter by chapter, as cells.

    Raises: FlattenError if a module has no chapter.
    """
    placed = {module for chapter in chapters for module in chapter.modules}
    if strays := sorted({each.module for each in flat.definitions} - placed):
        raise FlattenError(f"no chapter for {', '.join(strays)}")
    apart = {tuple(place.split(":")) for place in placed if ":" in place}
    seen: set[str] = set()
    cells = []
    for number, chapter in enumerate(chapters, 1):
        title = f"# ## {number}. {chapter.title}"
        for place in chapter.modules:
            module, _, name = place.partition(":")
            own = sorted((d for d in flat.definitions if d.module == module), key=lambda d: d.line)
            own = [
                each
                for each in own
                if each.text not in seen
                and (name in each.names if name else (module, *each.names) not in apart)
            ]
            if not own:
                continue
            seen |= {each.text for each in own}
            said = "" if name else told_of(flat.modules[module], own)
            told = [part for part in (title, said) if part]
            if told:
                cells.append("\n#\n".join(["# %% [markdown]\n" + told[0], *told[1:]]))
            title = ""
            cells.append("# %%\n" + "\n\n\n".join(spaced(own)))
        if chapter.cell:
            cells.append(f"# %%\n{chapter.cell}")
    return "\n\n\n".join(cells)


def told_of(module: Module, own: Sequence[Definition]) -> str:
    """A module's docstring as the text of a cell, if most of the module is there."""
    length = sum(each.text.count("\n") + 1 for each in own)
    if 2 * length < module.lines - module.docstring.count("\n") or not module.docstring:
        return ""
    parts = module.docstring.split("\n\n")
    parts = [
        part if part.startswith((" ", "- ")) else textwrap.fill(part, WIDTH - 2) for part in parts
    ]
    return "\n".join(f"# {line}".rstrip() for line in "\n\n".join(parts).splitlines())


def spaced(own: Sequence[Definition]) -> Iterator[str]:
    """Definitions to be set two lines apart; assignments that follow each other stay together."""
    together: list[str] = []
    for each in own:
        assigned = not re.search(r"^(def|class|@)", each.text, re.MULTILINE)
        if not assigned and together:
            yield "\n".join(together)
            together = []
        if assigned:
            together.append(each.text)
        else:
            yield each.text
    if together:
        yield "\n".join(together)
