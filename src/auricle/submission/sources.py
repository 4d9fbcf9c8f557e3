"""Sources of the package taken apart: what each module defines, and what that speaks of."""

import ast
import re
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "auricle"
_MARKS = re.compile(r"  # (type: ignore\[[\w-]+\]|noqa: \w+)$", re.MULTILINE)


class FlattenError(Exception):
    """Modules that cannot stand in one file; a mistake of ours, not of a user."""


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
