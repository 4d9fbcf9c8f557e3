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
import symtable
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGE = "auricle"
WIDTH = 99
"""Of a line; PEP 8 lets a team go so far."""

CALLED = frozenset({"forward"})
"""Methods that a library calls, whether or not the file does."""

_MARKS = re.compile(r"  # (type: ignore\[[\w-]+\]|noqa: \w+)$", re.MULTILINE)


class FlattenError(Exception):
    """Modules that cannot stand in one file; a mistake of ours, not of a user."""


@dataclass(frozen=True)
class Chapter:
    """A heading of the file, and the modules under it in reading order.

    `package.module:Name` is one definition of a module, which is left out where the rest stands.
    `cell` is code of the file's own, after them.
    """

    title: str
    modules: Sequence[str]
    cell: str = ""


@dataclass(frozen=True, order=True)
class Import:
    """One name from outside the package: `from module import name as alias`, or a whole module."""

    module: str
    name: str = ""
    alias: str = ""

    @property
    def bound(self) -> str:
        """What the code calls it."""
        return self.alias or self.name or self.module.split(".")[0]


@dataclass(frozen=True)
class Definition:
    """Some names of a module, the text that makes them, and the names that this text speaks of."""

    module: str
    names: tuple[str, ...]
    line: int
    text: str
    uses: frozenset[str]
    imports: frozenset[Import]


@dataclass
class Module:
    """A module's source taken apart. `here` are names that it imports from the package."""

    name: str
    docstring: str
    lines: int
    definitions: dict[str, Definition] = field(default_factory=dict)
    outside: dict[str, Import] = field(default_factory=dict)
    here: dict[str, tuple[str, str]] = field(default_factory=dict)


def read_module(name: str) -> str:
    """The source of a module."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def take_apart(name: str, source: str) -> Module:
    """The definitions and imports of a source text.

    Raises: FlattenError for a statement that is neither.
    """
    tree, lines = ast.parse(source), source.splitlines()
    module = Module(name, ast.get_docstring(tree) or "", len(lines))
    for at, node in enumerate(tree.body):
        following = tree.body[at + 1] if at + 1 < len(tree.body) else None
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                continue  # of the module, or of the assignment before
            case ast.Import() | ast.ImportFrom():
                note_import(module, node)
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body):
                for inner in body:
                    assert isinstance(inner, ast.Import | ast.ImportFrom)
                    note_import(module, inner)
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                continue
            case _ if names := names_of(node):
                definition = define(module, node, names, following, lines)
                module.definitions |= dict.fromkeys(names, definition)
            case _:
                raise FlattenError(f"{name}, line {node.lineno}: neither import nor definition")
    return module


def names_of(node: ast.stmt) -> tuple[str, ...]:
    """What a statement defines; nothing if it is no definition."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.Assign(targets=[ast.Name(id=name)]):
            return (name,)
        case ast.Assign(targets=[ast.Tuple(elts=parts)]):
            return tuple(part.id for part in parts if isinstance(part, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            return (name,)
    return ()


def note_import(module: Module, node: ast.Import | ast.ImportFrom) -> None:
    """Sort what a module imports into the package's own and the rest."""
    for each in imported(node):
        if each.module.split(".")[0] != PACKAGE:
            module.outside[each.bound] = each
        elif each.name:
            module.here[each.bound] = (each.module, each.name)


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[Import]:
    """The names that a statement imports, one by one."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            yield Import(alias.name, alias=alias.asname or "")
        else:
            yield Import(str(node.module), alias.name, alias.asname or "")


def define(
    module: Module,
    node: ast.stmt,
    names: tuple[str, ...],
    following: ast.stmt | None,
    lines: Sequence[str],
) -> Definition:
    """A definition with its decorators, the comments above it and the docstring below it.

    Imports inside it move to the head of the file.
    """
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)])
    while lines[first - 2].startswith("#"):
        first -= 1
    last = node.end_lineno or node.lineno
    if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(following, ast.Expr):
        last = following.end_lineno or last
    inner = [each for each in ast.walk(node) if isinstance(each, ast.Import | ast.ImportFrom)]
    moved = {line for each in inner for line in range(each.lineno, (each.end_lineno or 0) + 1)}
    moved |= {line + 1 for line in moved if not lines[line].strip()}  # and what set them apart
    text = "\n".join(lines[at - 1] for at in range(first, last + 1) if at not in moved)
    return Definition(
        module.name,
        names,
        first,
        _MARKS.sub("", text),
        frozenset(spoken_of(symtable.symtable(text, module.name, "exec"))),
        frozenset(each for statement in inner for each in imported(statement)),
    )


def spoken_of(scope: symtable.SymbolTable) -> Iterator[str]:
    """Names that a text takes from its module; what it binds itself is its own."""
    for symbol in scope.get_symbols():
        if symbol.is_global() or (scope.get_type() == "module" and symbol.is_referenced()):
            yield symbol.get_name()
    for inner in scope.get_children():
        yield from spoken_of(inner)


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
