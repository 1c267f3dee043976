"""The built book, a server for it, and a browser that can reach nothing else."""

from __future__ import annotations

import contextlib
import functools
import gzip
import http.server
import pathlib
import sys
import threading
from dataclasses import dataclass, field

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"

sys.path.insert(0, str(ROOT / "book" / "_ext"))  # the extensions are tested as modules
sys.path.insert(0, str(ROOT / "tools"))  # and so are the tools


def toc_pages() -> list[str]:
    """Name every page of the table of contents, in reading order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter for part in toc["parts"] for chapter in part["chapters"]]
    return [toc["root"], *(chapter["file"] for chapter in chapters)]


PAGES = toc_pages()
MADE_BY_SPHINX = ["search", "genindex", "py-modindex", "hub"]


@pytest.fixture(scope="session")
def site() -> pathlib.Path:
    """The folder of the built book; it is built by `make book`, never here."""
    missing = [page for page in PAGES if not (HTML / f"{page}.html").is_file()]
    if missing:
        pytest.fail(
            f"_build/html lacks {', '.join(missing)}: run `make book` first",
            pytrace=False,
        )
    return HTML


class CompressingHandler(http.server.SimpleHTTPRequestHandler):
    """Serve files, text compressed as a web server would, and count the bytes."""

    COMPRESSED = (".html", ".css", ".js", ".svg", ".json", ".txt")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = pathlib.Path(self.translate_path(self.path))
        if path.is_dir():
            path = path / "index.html"
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        if path.suffix in self.COMPRESSED:
            body = gzip.compress(body, compresslevel=6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.server.sent[path.relative_to(self.directory).as_posix()] = len(body)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    """A server on a free local port that remembers what it sent: path -> bytes."""

    daemon_threads = True

    def __init__(self, folder: pathlib.Path) -> None:
        handler = functools.partial(CompressingHandler, directory=str(folder))
        super().__init__(("127.0.0.1", 0), handler)
        self.sent: dict[str, int] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a browser hang up without a traceback."""


@pytest.fixture(scope="session")
def server(site):
    with Server(site) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@dataclass
class Visit:
    """A page in the browser, and what went wrong while it loaded."""

    page: object
    troubles: list[str] = field(default_factory=list)

    def _listen(self) -> None:
        page, note = self.page, self.troubles.append
        page.on("pageerror", lambda error: note(f"page error: {error}"))
        page.on(
            "console",
            lambda message: (
                note(f"console error: {message.text}")
                if message.type == "error"
                else None
            ),
        )
        page.on("request", lambda request: self._judge(request.url))
        page.on("requestfailed", lambda request: note(f"failed: {request.url}"))
        page.on(
            "response",
            lambda answer: (
                note(f"{answer.status}: {answer.url}") if answer.status >= 400 else None
            ),
        )

    def _judge(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:")):
            self.troubles.append(f"outside request: {url}")

    def settle(self) -> None:
        """Wait until maths is typeset, widgets are drawn and nothing loads."""
        self.page.wait_for_load_state("load")
        self.page.evaluate("window.MathJax?.startup?.promise?.then(() => true)")
        self.page.wait_for_function(
            """() => [...document.querySelectorAll(
                 'script[type="application/vnd.jupyter.widget-view+json"]')]
               .every((view) => view.parentElement.querySelector('.jupyter-widgets'))
            """,
            timeout=60_000,
        )
        self.page.wait_for_load_state("networkidle")
        self.page.evaluate("document.fonts.ready.then(() => true)")


@pytest.fixture(scope="session")
def visit(browser):
    """Open a url in a fresh, empty browser profile and let it settle."""

    @contextlib.contextmanager
    def open_page(url: str, *, width: int = 1280, scheme: str = "light"):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        opened = Visit(context.new_page())
        opened._listen()
        opened.page.goto(url, timeout=60_000)
        opened.settle()
        yield opened
        context.close()

    return open_page
