"""The house in numbers: what a newcomer has to read, and what stands in the way.

Commands are those of this checkout that can be typed, and their options those that a help explains.

    python -m benchmarks.house                 this checkout
    python -m benchmarks.house OTHER [...]     others beside it, such as an older commit in a folder of its own

Prints Markdown: a row a measure, a column a checkout; then a row a room of this one.
"""

from __future__ import annotations

import argparse
import ast
import statistics
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click

PACKAGES = ("app", "encoding", "schemas")
HERE = Path(__file__).resolve().parent.parent
PROGRAMS = {
    "blindlink": "encoding.cli.main",
    "blindlink-broker": "app.cli.main",
    "blindlink-audit": "app.auditor.cli",
}
# What a reviewer is to believe, and where its closure begins: docs/security/reading.md.
CLAIMS = {
    "the log, by the second verifier": ["blindlink_verify.command"],
    "the log, by `blindlink-audit verify`": ["app.auditor.verify"],
    "the encoder, cleaned columns to rows": ["encoding.blocks.assembly"],
    "the encoder, cleaned columns to container": ["encoding.packing.pack"],
    "this release is mine, of the agreement, and whole": ["encoding.transfers.release_check"],
    "what a run does is what was agreed": ["encoding.agreement.coverage"],
    "the secret, and what a workspace keeps of it": [
        "encoding.secret.secret",
        "encoding.secret.agreement",
        "encoding.secret.kept_secret",
    ],
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module:
    """One module: its name, its lines, and its tree."""

    def __init__(self, root: Path, path: Path) -> None:
        self.name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        self.path = path
        self.is_package = path.name == "__init__.py"
        text = path.read_text("utf-8")
        self.n_lines = len(text.splitlines())
        self.tree = ast.parse(text)

    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def imports(self) -> Iterator[tuple[str, bool]]:
        """Yield the modules that are imported when this one runs, and whether inside a function."""
        late = {id(node) for one in self.functions() for node in ast.walk(one)}
        for node in _running(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, id(node) in late) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    yield f"{node.module}.{alias.name}", id(node) in late


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("others", nargs="*", type=Path)
    roots = [*parser.parse_args().others, HERE]
    found = [measure(root) for root in roots]
    print("| measure | " + " | ".join(str(root.name) for root in roots) + " |")
    print("|---" * (len(roots) + 1) + "|")
    for name in found[-1]:
        print(f"| {name} | " + " | ".join(f"{one[name]:,}" for one in found) + " |")
    print("\n| program | commands | options |\n|---|---|---|")
    for program, n_commands, n_options in commands():
        print(f"| `{program}` | {n_commands} | {n_options} |")
    print("\n| claim | files | lines |\n|---|---|---|")
    for claim, files in closures(HERE).items():
        print(f"| {claim} | {len(files)} | {sum(files.values()):,} |")
    print("\n| room | files | lines | largest |\n|---|---|---|---|")
    for room, modules in sorted(_rooms(read(HERE)).items()):
        largest = max(modules, key=lambda one: one.n_lines)
        lines = sum(one.n_lines for one in modules)
        name = largest.name.rpartition(".")[2]
        print(f"| `{room}` | {len(modules)} | {lines:,} | {name} {largest.n_lines} |")


def closures(root: Path) -> dict[str, dict[str, int]]:
    """Return for each claim the files that it rests on, with their lines: all that is imported, also late."""
    modules = {one.name: one for one in read(root, (*PACKAGES, "blindlink_verify"))}
    edges = {name: _inside(one, set(modules)) for name, one in modules.items()}
    found = {}
    for claim, begins in CLAIMS.items():
        seen: set[str] = set()
        waiting = list(begins)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                # A package is loaded before what is in it.
                waiting += [*edges[name], *({name.rpartition(".")[0]} & set(modules))]
        found[claim] = {
            str(modules[name].path.relative_to(root)): modules[name].n_lines
            for name in sorted(seen)
        }
    either = {file: n for files in list(found.values())[1:] for file, n in files.items()}
    return found | {"all but the first, each file once": either}


def commands() -> Iterator[tuple[str, int, int]]:
    """Yield the programs, with the number of commands that can be typed, and of the options in their help."""

    def leaves(command: click.Command, above: click.Context | None, name: str) -> Iterator[int]:
        context = click.Context(command, parent=above, info_name=name)
        if isinstance(command, click.Group):
            for below in command.list_commands(context):
                found = command.get_command(context, below)
                if found is not None:
                    yield from leaves(found, context, below)
        else:
            yield _n_options(command, context)

    for program, module in PROGRAMS.items():
        top: click.Group = import_module(module).main
        found = list(leaves(top, None, program))
        yield program, len(found), sum(found) + _n_options(top, click.Context(top))


def _n_options(command: click.Command, context: click.Context) -> int:
    """Return how many options help explains, but for --help itself."""
    return sum(
        one.param_type_name == "option" and one.get_help_record(context) is not None
        for one in command.params
    )


def read(root: Path, packages: tuple[str, ...] = PACKAGES) -> list[Module]:
    """Return the product's modules."""
    paths = (path for package in packages for path in (root / package).rglob("*.py"))
    return [Module(root, path) for path in sorted(paths)]


def measure(root: Path) -> dict[str, int]:
    """Return what is measured of a checkout."""
    modules = read(root)
    tests = sum(len(p.read_text("utf-8").splitlines()) for p in (root / "tests").rglob("*.py"))
    functions = [
        (node.end_lineno or 0) - node.lineno + 1 for one in modules for node in one.functions()
    ]
    names = {one.name for one in modules}
    edges = {one.name: _inside(one, names) for one in modules}
    classes = [n for one in modules for n in ast.walk(one.tree) if isinstance(n, ast.ClassDef)]
    return {
        "modules": len(modules),
        "product lines": sum(one.n_lines for one in modules),
        "test lines": tests,
        "median lines of a module": int(statistics.median(one.n_lines for one in modules)),
        "largest module": max(one.n_lines for one in modules),
        "median lines of a function": int(statistics.median(functions)),
        "largest function": max(functions),
        "loose modules in encoding/": _loose(modules, "encoding"),
        "loose modules in encoding/cli/": _loose(modules, "encoding.cli"),
        "circles of modules": sum(len(one) > 1 for one in _components(edges)),
        "imports inside functions": sum(late for one in modules for _, late in one.imports()),
        "error classes": sum(one.name.endswith("Error") for one in classes),
        "modules named by a participle or gerund": sum(
            one.name.rpartition(".")[2].split("_")[-1].endswith(("ing", "ed")) for one in modules
        ),
    }


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree, but for what is imported for types alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from _running(node)


def _inside(module: Module, names: set[str]) -> set[str]:
    """Return the modules of the product that one imports, in functions too."""
    found = set()
    for name, _ in module.imports():
        target, _, last = (name, "", "") if name in names else name.rpartition(".")
        # What no module of ours defines by an underscored name is compiled, such as the kernel.
        if not last.startswith("_") and target in names and target != module.name:
            found.add(target)
    return found


def _components(edges: dict[str, set[str]]) -> list[set[str]]:
    """Return the strongly connected parts of the graph of imports (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(edges[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            found.append(set(stack[at:]))
            del stack[at:]

    for name in sorted(edges):
        if name not in index:
            visit(name)
    return found


def _loose(modules: list[Module], package: str) -> int:
    return sum(not one.is_package and one.name.rpartition(".")[0] == package for one in modules)


def _rooms(modules: list[Module]) -> dict[str, list[Module]]:
    rooms = defaultdict(list)
    for one in modules:
        parts = one.name.split(".")
        rooms["/".join(parts[: 2 if len(parts) > 2 or one.is_package else 1])].append(one)
    return rooms


if __name__ == "__main__":
    main()
