"""Runs notebook cells inside a room, for people to look at; no score comes from here.

A bare IPython shell with its display machinery pointed at a list: what a kernel would
send to the notebook, without a kernel.
"""

from __future__ import annotations

import io
import sys
from typing import Any

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


class _Shell(InteractiveShell):
    outputs: list[dict[str, Any]]

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
        _Shell.clear_instance()
        self.shell = _Shell.instance(
            displayhook_class=_Hook,
            display_pub_class=_Publisher,
            config=SETTINGS,
        )
        self.shell.outputs = []

    @staticmethod
    def rehearse() -> None:
        """Load what the first shell of a process loads, and leave no shell behind."""
        main = sys.modules["__main__"]
        Notebook().run("1 / 0")  # a traceback needs most
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
