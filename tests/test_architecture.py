"""The rules of the house, as far as a test can hold them. Each allow-list only ever gets shorter."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from aig_client.core import PROVIDERS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "aig_client"
CODE = ("src", "tools", "benchmarks", "worker")
TEXT = (*CODE, "tests", "docs", "requirements", ".ci")

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
LONG_FUNCTIONS: frozenset[str] = frozenset()
LAZY_IMPORTS = frozenset(
    {
        "__init__.py:__getattr__",
        "http/__init__.py:__getattr__",
        "http/_deadline.py:call_within_async",  # anyio comes with a family, and only deadlines need it
        "http/_deadline.py:until_async",
        "http/_families.py:async_hands",  # a family is loaded when it is first used
        "http/_families.py:sync_hands",
        "http/_wiring.py:_policy",  # most clients have no policy of their own
        "http/_wiring.py:wire",
        "core/facts/_catalog_lookup.py:builtin_catalog",  # the catalog loads when somebody asks
        "core/_receipt.py:cost",  # and prices when somebody asks what it cost
        "core/_receipt.py:_row",
        "core/facts/_cost_record.py:dollars",  # decimal, for who wants one
        "core/_errors.py:closest",  # advice for an error
        "core/facts/_queries.py:_parameter",  # hardly any query has such names
        "core/facts/_queries.py:parameters_of",  # nor is there one where a principal has models
        "core/facts/_providers.py:in_path",  # few requests put a model into a path
        "core/path/_decide.py:_classed",  # policy and selection load with the first call of a class
        "schema/_edge.py:compile_edge",
        "schema/_compile.py:_from_tables",  # pydantic waits until there is a table to check
    }
)


@cache
def python_files() -> tuple[Path, ...]:
    return tuple(sorted(path for folder in CODE for path in (ROOT / folder).rglob("*.py") if not hidden(path)))


def package_files() -> list[Path]:
    return [path for path in python_files() if path.is_relative_to(PACKAGE)]


def hidden(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return any((part.startswith(".") and part != ".ci") or part in ("__pycache__", "node_modules") for part in parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (one for one in ast.walk(tree(path)) if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)))


def imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    return (one for one in ast.walk(node) if isinstance(one, (ast.Import, ast.ImportFrom)))


def test_no_module_is_named_for_what_it_is_not() -> None:
    vague = re.compile(r"_*(?:utils?|helpers?|common|base|managers?|misc)", re.IGNORECASE)
    for path in (ROOT / "tests").rglob("*.py"):
        assert not vague.fullmatch(path.stem), path
    for path in python_files():
        for part in path.relative_to(ROOT).with_suffix("").parts:
            assert not vague.fullmatch(part), path


def test_files_stay_short() -> None:
    longest = sorted((len(path.read_text("utf-8").splitlines()), name_of(path)) for path in python_files())[::-1]
    assert longest[0][0] <= LONGEST_FILE, f"the largest files: {longest[:5]}"


def test_functions_stay_short() -> None:
    sizes: dict[str, int] = {}
    for path in python_files():
        for one in functions(path):
            assert one.end_lineno is not None
            sizes[f"{name_of(path)}:{one.name}"] = one.end_lineno - one.lineno + 1
    too_long = {name for name, lines in sizes.items() if lines > LONGEST_FUNCTION}
    assert too_long <= LONG_FUNCTIONS, sorted(too_long - LONG_FUNCTIONS)
    assert too_long >= LONG_FUNCTIONS, f"short by now, so take it off the list: {LONG_FUNCTIONS - too_long}"


def test_the_core_imports_the_standard_library_and_itself() -> None:
    shell = {"asyncio", "logging", "os", "random", "secrets", "socket", "threading", "time", "uuid", "io", "pathlib"}
    for path in (PACKAGE / "core").rglob("*.py"):
        above = len(path.relative_to(PACKAGE / "core").parts)
        for one in imports(tree(path)):
            if isinstance(one, ast.ImportFrom) and one.level:
                assert one.level <= above, f"{name_of(path)}:{one.lineno} leaves the core"
                continue
            named = [one.module or ""] if isinstance(one, ast.ImportFrom) else [alias.name for alias in one.names]
            for module in named:
                top = module.partition(".")[0]
                assert top in sys.stdlib_module_names, f"{name_of(path)}:{one.lineno} imports {module}"
                assert top not in shell, f"{name_of(path)}:{one.lineno} imports {module}, which is the shell's"


def test_the_core_asks_no_clock_and_prints_nothing() -> None:
    asked = {"now", "today", "utcnow", "perf_counter", "monotonic", "getenv"}
    for path in (PACKAGE / "core").rglob("*.py"):
        for one in ast.walk(tree(path)):
            if isinstance(one, ast.Call):
                called = one.func.attr if isinstance(one.func, ast.Attribute) else getattr(one.func, "id", "")
                assert called not in {*asked, "print", "open", "input"}, f"{name_of(path)}:{one.lineno} calls {called}"


def test_a_provider_is_a_row_and_never_a_branch() -> None:
    """Comparing anything to a provider's slug, outside the tables."""
    for path in package_files():
        if path.is_relative_to(PACKAGE / "core" / "facts"):
            continue
        for one in ast.walk(tree(path)):
            compared = [one.left, *one.comparators] if isinstance(one, ast.Compare) else []
            compared += [one.value] if isinstance(one, ast.MatchValue) else []
            for side in compared:
                items = side.elts if isinstance(side, (ast.Tuple, ast.Set, ast.List)) else [side]
                slugs = {item.value for item in items if isinstance(item, ast.Constant) and item.value in PROVIDERS}
                assert not slugs, f"{name_of(path)}:{side.lineno} branches on {slugs}"


def test_imports_stand_at_the_top_but_for_those_that_are_known_to_wait() -> None:
    """A porch imports its extra when it is started, to say which one is missing; the rest is on the list."""
    lazy = {
        f"{name_of(path)}:{function.name}"
        for path in package_files()
        if not path.is_relative_to(PACKAGE / "apps")
        for function in functions(path)
        if any(imports(function))
    }
    assert lazy <= LAZY_IMPORTS, sorted(lazy - LAZY_IMPORTS)
    assert lazy >= LAZY_IMPORTS, f"no longer lazy, so take it off the list: {LAZY_IMPORTS - lazy}"


def test_the_generated_drivers_are_what_their_sources_say() -> None:
    script = [sys.executable, str(ROOT / "tools" / "unasync.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["_async_httpx", "_async_httpx_hands", "_async_client", "_async_stream"])
def test_a_generated_file_says_so_and_its_source_says_the_opposite(module: str) -> None:
    http = PACKAGE / "http"
    assert "Hand-written" in (http / f"{module}.py").read_text("utf-8")
    siblings = {module.replace("_async", "_sync", 1)}
    if "httpx" in module:
        siblings |= {name.replace("httpx", "httpx2") for name in (module, *siblings)}
    for name in siblings:
        text = (http / f"{name}.py").read_text("utf-8")
        assert f"Generated by ``tools/unasync.py`` from ``{module}.py``" in text, name
        assert "Hand-written" not in text


# In pieces, so that this file does not hold what it looks for.
_MACHINE_PATHS = re.compile("|".join(f"/{top}/[A-Za-z0-9_.]" for top in ("home", "root", "Users", "work", "mnt")))
_REGISTRIES = re.compile(
    r"--(?:extra-)?index-" + r"url|find-links[ =]\S*://|(?:pypi|npm|registry)\.(?!org\b)[a-z0-9-]+\.[a-z]{2,}|"
    r"\b(?:artif"
    + r"actory|jf"
    + r"rog|dev"
    + r"pi|npm"
    + r"mirror|cloud"
    + r"smith|code"
    + r"artifact|gem"
    + r"fury)\b",
    re.IGNORECASE,
)


def text_files() -> Iterator[Path]:
    folders = [path for folder in TEXT for path in (ROOT / folder).rglob("*")]
    for path in (*ROOT.iterdir(), *folders):
        if path.is_file() and not hidden(path) and path.suffix in (
            "", ".cfg", ".in", ".json", ".jsonc", ".md", ".mjs", ".py", ".toml", ".txt", ".yaml", ".yml"
        ):  # fmt: skip
            yield path


def test_no_file_names_a_machine_or_somebody_elses_registry() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in text_files()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for pattern in (_MACHINE_PATHS, _REGISTRIES)
        if (match := pattern.search(line))
    ]
    assert not found
