"""Runs notebook cells inside a room, for people to look at; no score comes from here.

A bare IPython shell with its display machinery pointed at a list: what a kernel would
send to the notebook, without a kernel.
"""

from __future__ import annotations

import inspect
import io
import os
import sys
from typing import Any, ClassVar

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

MAX_STREAM = 20_000  # characters of stdout and of stderr, per cell
MAX_OUTPUTS = 50  # per cell
SETTINGS = Config(
    {
        "HistoryManager": {"enabled": False},  # nor a thread that saves it
        "InteractiveShell": {"colors": "nocolor"},  # they would be taken out again
    }
)


TIMES = 4  # in a rehearsal; Python's counters have run out by then
CELLS = (
    "import torch\n\ndef double(X):\n    return 2 * X\n\nX = torch.ones(2)",
    "print(double(X)); X",
    "assert double(X).sum() == 4, 'a message'",
    "assert double(X).sum() == 5, 'a message'  # a traceback needs most",
)


class _Publisher(DisplayPublisher):
    shell: Any

    def publish(  # type: ignore[override]
        self, data: Any, metadata: Any = None, **_: Any
    ) -> None:
        self.shell.note({"output_type": "display_data", "data": data})

    def clear_output(self, wait: bool = False) -> None:
        self.shell.outputs.clear()


class _Hook(DisplayHook):
    shell: Any

    def write_output_prompt(self) -> None: ...

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        count = self.shell.execution_count
        self.shell.note(
            {
                "output_type": "execute_result",
                "data": format_dict,
                "execution_count": count,
            }
        )

    def finish_displayhook(self) -> None: ...


class _Compiler(CachingCompiler):
    """Says whose file a cell is, so that no traceback looks for it in all modules."""

    def cache(self, *args: Any, **kwargs: Any) -> str:
        name = super().cache(*args, **kwargs)
        for path in name, os.path.abspath(name):
            inspect.modulesbyfile[path] = "__main__"
        return name


class _Shell(InteractiveShell):
    compiler_class = _Compiler
    outputs: list[dict[str, Any]]
    spare: ClassVar[_Shell | None] = None  # made in the zygote, for a room to take

    @classmethod
    def new(cls) -> _Shell:
        """Make the one shell of this process."""
        cls.clear_instance()
        shell = cls.instance(
            displayhook_class=_Hook, display_pub_class=_Publisher, config=SETTINGS
        )
        shell.outputs = []
        return shell

    def appear(self) -> None:
        """Become what ``get_ipython`` finds, as a shell that was made just now."""
        for cls in _Shell, InteractiveShell:
            cls._instance = self  # type: ignore[assignment]
        sys.modules["__main__"] = self.user_module

    def note(self, output: dict[str, Any]) -> None:
        if len(self.outputs) < MAX_OUTPUTS:
            self.outputs.append(output)

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        self.note(
            {
                "output_type": "error",
                "ename": etype.__name__,
                "evalue": str(evalue)[:2000],
                "traceback": [str(line)[:4000] for line in stb][:60],
            }
        )

    def _format_exception_for_storage(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {}  # a second traceback, for the history


class _Stream(io.TextIOBase):
    """Keeps the first characters and forgets the rest: a print is never slow."""

    def __init__(self, shell: _Shell, name: str):
        self.shell, self.name_, self.left = shell, name, MAX_STREAM

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        kept = text[: self.left]
        self.left -= len(kept)
        last = self.shell.outputs[-1] if self.shell.outputs else {}
        if kept and last.get("name") == self.name_:
            last["text"] += kept
        elif kept:
            self.shell.note({"output_type": "stream", "name": self.name_, "text": kept})
        return len(text)

    def flush(self) -> None: ...


class Notebook:
    """One shell, for the cells of one notebook in order."""

    def __init__(self) -> None:
        self.shell, _Shell.spare = _Shell.spare or _Shell.new(), None
        self.shell.appear()

    @staticmethod
    def rehearse() -> None:
        """Load what the first shell of a process loads; leave one behind, unseen."""
        main = sys.modules["__main__"]
        _Shell.clear_instance()
        notebook = Notebook()
        for _ in range(TIMES):
            for cell in CELLS:
                notebook.run(cell)
        _Shell.spare = _Shell.new()
        _Shell.clear_instance()
        sys.modules["__main__"] = main

    def run(self, source: str) -> dict[str, Any]:
        """Run one cell; return its outputs and execution count."""
        self.shell.outputs = []
        streams = sys.stdout, sys.stderr
        sys.stdout = _Stream(self.shell, "stdout")
        sys.stderr = _Stream(self.shell, "stderr")
        try:
            self.shell.run_cell(source, store_history=True)
        finally:
            sys.stdout, sys.stderr = streams
        return {
            "outputs": self.shell.outputs,
            "execution_count": self.shell.execution_count - 1,
        }
