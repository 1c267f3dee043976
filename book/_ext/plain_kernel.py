"""Run the pages in a kernel that nobody has configured.

A start-up file or setting in somebody's home folder must not decide what the book
prints, so the kernels get an IPython folder of their own. Its one setting keeps
ipykernel's remark about unencrypted local sockets out of every build.
"""

from __future__ import annotations

import os
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """\
c = get_config()
c.IPKernelApp.log_level = "ERROR"
"""


def configure(app: Sphinx, config: Config) -> None:
    """Point the kernels' environment at ``_build/ipython``."""
    folder = ROOT / "_build" / "ipython"
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    settings = profile / "ipython_kernel_config.py"
    settings.write_text(SETTINGS, encoding="utf-8")
    os.environ["IPYTHONDIR"] = str(folder)


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("config-inited", configure)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
