"""The formgrader's buttons, against a real Jupyter server started in the course."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

pytestmark = pytest.mark.sandbox


@pytest.fixture
def server(course, submit, tmp_path):
    """Jupyter with nbgrader's extensions, in a course with two submissions."""
    submit(course, "ada")
    submit(course, "ben", {"double": "def double(X):\n    return X * X"})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = open(tmp_path / "server.log", "w")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"),
            *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
            *("--IdentityProvider.token=", "--ServerApp.password="),
            "--ServerApp.disable_check_xsrf=True",
        ],
        cwd=course,
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path / "config")},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 90
        while True:
            try:
                ask(f"{base}/api/status")
                break
            except (urllib.error.URLError, ConnectionError):
                if time.monotonic() > until or process.poll() is not None:
                    pytest.fail((tmp_path / "server.log").read_text()[-3000:])
                time.sleep(0.3)
        yield base
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def ask(url, method="GET"):
    request = urllib.request.Request(
        url, method=method, data=b"" if method == "POST" else None
    )
    with urllib.request.urlopen(request, timeout=200) as reply:
        return json.loads(reply.read())


def test_the_autograde_button_gives_the_scores_of_the_hidden_checks(server):
    api = f"{server}/formgrader/api"
    for student, score in {"ada": 5, "ben": 2}.items():
        done = ask(f"{api}/submission/tiny/{student}/autograde", "POST")
        assert done["success"], done
        (row,) = [s for s in ask(f"{api}/submissions/tiny") if s["student"] == student]
        assert row["score"] == score
        assert row["needs_manual_grade"]  # the written answer
