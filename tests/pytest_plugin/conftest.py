from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

import pytest
from _pytest import pytester


class _OnlyTests:
    """Forgets the modules of an inner session's own folder, and keeps the libraries that it was the first to import.

    pytester would forget those as well; imported again, they would have two sets of classes in one process, and tests
    that run later would see both.
    """

    def __init__(self, preserve: Callable[[str], bool] | None = None) -> None:
        self._before = dict(sys.modules)

    def restore(self) -> None:
        for name, module in list(sys.modules.items()):
            if name not in self._before and _is_of_a_test(module):
                del sys.modules[name]


def _is_of_a_test(module: ModuleType | None) -> bool:
    return "/pytest-of-" in (getattr(module, "__file__", None) or "").replace("\\", "/")


@pytest.fixture(autouse=True)
def _libraries_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytester, "SysModulesSnapshot", _OnlyTests)
