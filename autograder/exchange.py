"""Collecting from nbgrader's exchange without following what students link to."""

from __future__ import annotations

import os
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbgrader.exchange.default.collect import ExchangeCollect

MAX_FILES = 200


class SafeCollect(ExchangeCollect):
    """Copies regular files only, and dates a submission by the server's clock."""

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy a submission out of the inbound folder.

        A link, device or pipe is left behind, with a warning. ``timestamp.txt`` is
        written anew: the change time of a file is set by the system, not by its owner.
        """
        if ".." in Path(dest).parts:  # a student's id is what a folder is called
            self.log.warning("Not collected, no name of a student: %s", src)
            return
        os.makedirs(dest)
        newest, count = 0.0, 0
        if os.path.islink(src):  # to the model solution, perhaps
            self.log.warning("Not collected, a link instead of a folder: %s", src)
            return
        for folder, inner, files in os.walk(src, followlinks=False):
            inner[:] = [d for d in inner if not os.path.islink(os.path.join(folder, d))]
            for name in files:
                path = Path(folder, name)
                status = path.lstat()
                if not stat.S_ISREG(status.st_mode) or count >= MAX_FILES:
                    self.log.warning("Not collected, no plain file: %s", path)
                    continue
                if status.st_size > 1000 * self.coursedir.max_file_size:
                    self.log.warning("Not collected, too large: %s", path)
                    continue
                target = Path(dest, path.relative_to(src))
                target.parent.mkdir(parents=True, exist_ok=True)
                _copy_plain(path, target)
                newest, count = max(newest, status.st_ctime), count + 1
        when = datetime.fromtimestamp(newest or os.lstat(src).st_ctime, UTC)
        Path(dest, "timestamp.txt").write_text(
            when.strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        )


def _copy_plain(path: Path, target: Path) -> None:
    """Copy a file that must not have become a link since it was looked at."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as source, open(target, "wb") as copy:
        shutil.copyfileobj(source, copy)
