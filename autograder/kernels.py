"""Jupyter kernels in the sandbox: nbgrader's validate and formgrader start them too.

A kernel provisioner is jupyter_client's own way to start a kernel somewhere else. It
talks over Unix sockets in one shared folder, because the sandbox has no network.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

from autograder.sandbox import kernel_command

NAME = "autograder-sandbox"
SPECS = Path(__file__).parent / "jupyter"


def use_sandbox(config: Any) -> None:
    """Let every kernel that nbgrader starts under this configuration be sandboxed."""
    known = os.environ.get("JUPYTER_PATH", "")
    if str(SPECS) not in known.split(os.pathsep):
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, (str(SPECS), known)))
    group, place = KernelProvisionerFactory.GROUP_NAME, f"{__name__}:SandboxProvisioner"
    KernelProvisionerFactory.provisioners[NAME] = EntryPoint(NAME, place, group)
    config.Execute.kernel_name = NAME
    config.KernelManager.transport = "ipc"
    config.Execute.shutdown_kernel = "immediate"


class SandboxProvisioner(LocalProvisioner):
    """Starts a kernel inside bubblewrap; never outside."""

    _folder: Path | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose the sockets and build the command; called by the kernel manager."""
        manager: Any = self.parent
        # Short, because the path of a Unix socket holds about a hundred characters.
        self._folder = Path(tempfile.mkdtemp(prefix="ag-"))
        sockets = self._folder / "k"
        sockets.mkdir()
        sockets.chmod(0o777)  # its parent is closed to everybody else
        manager.transport = "ipc"
        manager.ip = str(sockets / "s")
        manager.connection_file = str(self._folder / "connection.json")
        kwargs = await super().pre_launch(**kwargs)
        self._write_inner_connection(sockets)
        kwargs["cmd"] = kernel_command(sockets, "connection.json")
        kwargs["env"] = {"PATH": os.environ.get("PATH", os.defpath)}
        kwargs["cwd"] = str(self._folder)
        return kwargs

    def _write_inner_connection(self, sockets: Path) -> None:
        """Write the connection file that the kernel reads: other path, same sockets."""
        outer = json.loads((sockets.parent / "connection.json").read_text())
        inner = sockets / "connection.json"
        inner.write_text(json.dumps({**outer, "ip": "/run/kernel/s"}))
        inner.chmod(0o644)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the sockets; called when the kernel is gone."""
        await super().cleanup(restart)
        if self._folder and not restart:
            shutil.rmtree(self._folder, ignore_errors=True)
