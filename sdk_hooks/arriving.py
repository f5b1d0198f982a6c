"""
Wait until the host imports a package, and do something as soon as it has.

Flow: `instrument()` -> registry -> **arriving**; the host's first import of an SDK -> **arriving** -> registry -> hooks/<sdk>.
So an SDK that is installed, but that this host has no use for, costs it neither time nor memory because of us.

How: a finder in front of the others, for as long as there is something to wait for, lets them find the package and takes hold of
its loader's `exec_module`, which the language reference makes the last step of an import
(https://docs.python.org/3/reference/import.html#loaders).
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress as ignoring
from typing import TYPE_CHECKING, Any

from sdk_hooks.guard import guard

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class Arrivals:
    """Packages that are waited for; the finder of `sys.meta_path` that sees them come."""

    def __init__(self) -> None:
        self._awaited: dict[str, Callable[[], None]] = {}

    def wait(self, package: str, then: Callable[[], None]) -> None:
        """Call `then` once, when `package` has been imported. A newer word takes the place of an older one."""
        self._awaited[package] = then
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def forget(self) -> None:
        """Wait for nothing any more."""
        self._awaited.clear()
        self._leave()

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: "ModuleType | None" = None) -> "ModuleSpec | None":
        """What the others find, with ours around it. None, which lets them find it again: nothing that is waited for."""
        if name not in self._awaited:
            return None
        with guard("import"):
            spec = self._found_by_others(name, path, target)
            if spec is not None and hasattr(spec.loader, "exec_module"):
                self._watch(spec)
            return spec
        return None

    def _found_by_others(self, name: str, path: Sequence[str] | None, target: "ModuleType | None") -> "ModuleSpec | None":
        for finder in [*sys.meta_path]:
            # A finder of the old kind has no such method; the import system passes it over too.
            look: Any = None if finder is self else getattr(finder, "find_spec", None)
            found: ModuleSpec | None = look(name, path, target) if look else None
            if found is not None:
                return found
        return None

    def _watch(self, spec: "ModuleSpec") -> None:
        """Only this loader object is touched, and only until it is used: its type is what a host may look at."""
        loader: Any = spec.loader
        original = loader.exec_module

        def exec_module(module: "ModuleType") -> None:
            if module.__name__ != spec.name:
                # One loader may serve many modules, those of a zip file for instance.
                original(module)
                return
            with ignoring(AttributeError):
                del loader.exec_module
            original(module)
            self._arrived(spec.name)

        loader.exec_module = exec_module

    def _arrived(self, name: str) -> None:
        then = self._awaited.pop(name, None)
        if not self._awaited:
            self._leave()
        if then is not None:
            with guard("instrument"):
                then()

    def _leave(self) -> None:
        with ignoring(ValueError):
            sys.meta_path.remove(self)


ARRIVALS = Arrivals()
