"""Claim: a slider's move is painted within a frame, and a page is soon usable.

    python benchmarks/explorer_latency.py [--moves 40] [--html _build/html]

Every page with explorers is opened in headless Chromium from a server on this machine
that compresses text as a web server would. Then:

* usable: from the start of the navigation until the first explorer has drawn;
* sent: bytes that the first visit transfers, compressed;
* median, worst: for each explorer, its first slider is moved by the arrow keys, and the
  browser's own performance trace says how long it took from the start of the key's
  dispatch until the main thread had painted the frame that shows the change. That
  includes the wait for the screen's next refresh, up to 16.7 ms at 60 Hz; ``own work``
  is the part of it in which the main thread was busy.

It needs the built book (``make book``) and Chromium, and a machine that does nothing
else. Targets: median ≤ 16 ms, worst ≤ 50 ms, usable ≤ 2 s, sent ≤ 1.8 MB.
"""

import argparse
import gzip
import http.server
import os
import platform
import re
import shutil
import statistics
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from measured import note

ROOT = Path(__file__).resolve().parent.parent
BOX = ".cnn-explorer:not(.cnn-quiz)"  # a quiz has nothing to slide
EXPLORER = re.compile(r'"_anywidget_id": ?"course_lib\.widgets\.(?!quiz\.)')
TARGETS = {"median": 16.0, "worst": 50.0, "usable": 2_000.0, "sent": 1_800_000}
UNITS = {
    "median": ("ms", 1),
    "worst": ("ms", 1),
    "usable": ("s", 1e3),
    "sent": ("MB", 1e6),
}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# Notes when the first explorer has drawn, in milliseconds since the navigation began.
WATCH = """const look = () => {
  const drawn = document.querySelector(".cnn-view[data-drawn]:not(.cnn-quiz-view)");
  if (drawn) window.usable = performance.now();
  else requestAnimationFrame(look);
};
look();"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files, text compressed, and adds up what it sends."""

    sent = 0

    def log_message(self, format, *args):
        """Say nothing."""

    def do_GET(self):
        """Send one file."""
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if path.suffix in {".html", ".css", ".js", ".svg", ".json"}:
            body = gzip.compress(body, compresslevel=6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        Handler.sent += len(body)
        self.wfile.write(body)


@contextmanager
def serving(folder):
    """Serve a folder on a free port; give its address."""
    handler = partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def explorer_pages(html):
    """Give the pages that carry the state of an explorer; a quiz is none."""
    pages = sorted((html / "book").rglob("*.html"))
    return [p for p in pages if EXPLORER.search(p.read_text(encoding="utf-8"))]


def trace(page, moves):
    """Record the browser's performance log while ``moves()`` is under way."""
    session = page.context.new_cdp_session(page)
    events, done = [], threading.Event()
    session.on("Tracing.dataCollected", lambda data: events.extend(data["value"]))
    session.on("Tracing.tracingComplete", lambda _: done.set())
    session.send(
        "Tracing.start",
        {"categories": "devtools.timeline", "transferMode": "ReportEvents"},
    )
    moves()
    session.send("Tracing.end")
    while not done.is_set():
        page.wait_for_timeout(20)
    session.detach()
    return events


def latencies(events):
    """Pair each key press with the end of the frame that drew what it changed.

    Returns milliseconds: (from the key to the painted frame, of these busy).
    """
    keys = [
        (e["ts"], e["pid"], e["tid"])
        for e in events
        if e.get("name") == "EventDispatch"
        and e["args"].get("data", {}).get("type") == "keydown"
    ]
    results = []
    for start, pid, tid in sorted(keys):
        same = [
            e
            for e in events
            if (e.get("pid"), e.get("tid")) == (pid, tid) and e["ts"] >= start
        ]
        # The explorer draws in the next animation frame; a second one may only tidy up.
        ends = [
            e["ts"]
            for e in same
            if (e["name"], e["ph"]) == ("AnimationFrame::Render", "e")
        ]
        if not ends:
            continue
        end = min(ends)
        busy = sum(
            min(e["ts"] + e.get("dur", 0), end) - e["ts"]
            for e in same
            if e["ph"] == "X" and e["name"] in TOP_LEVEL and e["ts"] < end
        )
        results.append(((end - start) / 1000, busy / 1000))
    return results


# What the main thread does for a frame; none of these lies inside another.
TOP_LEVEL = {"EventDispatch", "FireAnimationFrame", "PrePaint", "Paint", "Layerize"}


def move_slider(page, place, times):
    """Press an arrow key in turn to the right and to the left, at uneven moments."""
    handle = page.locator(BOX).nth(place).locator(".noUi-handle").first
    handle.scroll_into_view_if_needed()
    handle.focus()
    full = page.evaluate(
        "(h) => h.ariaValueNow >= h.ariaValueMax", handle.element_handle()
    )
    keys = ["ArrowLeft", "ArrowRight"] if full else ["ArrowRight", "ArrowLeft"]
    for press in range(times):
        page.keyboard.press(keys[press % 2])
        page.wait_for_timeout(90 + (37 * press) % 23)  # not in step with the screen


def measure(page, url, moves):
    """Open one page; give its usable time, its bytes, and a row per explorer."""
    Handler.sent = 0
    page.add_init_script(WATCH)
    page.goto(url, timeout=60_000)
    page.wait_for_function("window.usable", timeout=60_000)
    page.wait_for_load_state("networkidle")
    usable, sent = page.evaluate("window.usable"), Handler.sent
    page.wait_for_function(
        """() => [...document.querySelectorAll(".cnn-explorer .cnn-view")]
             .every((view) => view.dataset.drawn)"""
    )
    rows = []
    for place, box in enumerate(page.locator(BOX).all()):
        move_slider(page, place, 6)  # warm up: compiled code is what a reader meets
        found = latencies(
            trace(page, lambda place=place: move_slider(page, place, moves))
        )
        title = box.locator(".cnn-title").inner_text()
        rows.append((title, [t for t, _ in found], [busy for _, busy in found]))
    return usable, sent, rows


def judged(value, target, unit, digits=1):
    """Write a number, marked where it misses its target."""
    return f"{value:.{digits}f}{unit}{'' if value <= target else ' !'}"


def note_largest(what, values, moves):
    """Note one kind of number of all explorers or pages, the largest last."""
    unit, scale = UNITS[what]
    allowed = TARGETS[what]
    note(
        f"explorer_latency/{what}",
        unit,
        {k: v / scale for k, v in sorted(values.items(), key=lambda item: item[1])},
        ratio=max(values.values()) / allowed,
        target=f"<= {allowed / scale:g} {unit}",
        detail=f"{moves} moves of each slider; the ratio is the largest number's share "
        "of what is allowed",
    )


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=40)
    parser.add_argument("--html", type=Path, default=ROOT / "_build" / "html")
    arguments = parser.parse_args()
    pages = explorer_pages(arguments.html) if arguments.html.is_dir() else []
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not pages or not chromium:
        raise SystemExit("this benchmark needs the built book (make book) and Chromium")
    from playwright.sync_api import sync_playwright

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores,")
    print(f"load before the start {load:.1f}; {arguments.moves} moves per explorer\n")
    print(f"{'explorer':44} {'median':>10} {'worst':>10} {'own work':>10}")
    found = {what: {} for what in TARGETS}
    with serving(arguments.html) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        print(f"(Chromium {browser.version})")
        for file in pages:
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            url = f"{address}/{file.relative_to(arguments.html).as_posix()}"
            usable, sent, rows = measure(context.new_page(), url, arguments.moves)
            soon = judged(usable, TARGETS["usable"], " ms", 0)
            small = judged(sent / 1e6, TARGETS["sent"] / 1e6, " MB", 2)
            print(f"{file.stem}: usable after {soon}, {small} sent")
            found["usable"][file.stem] = usable
            found["sent"][file.stem] = sent
            for title, times, busy in rows:
                label = f"{file.stem}: {title}"
                found["median"][label] = statistics.median(times)
                found["worst"][label] = max(times)
                print(
                    f"  {title:42} "
                    f"{judged(statistics.median(times), TARGETS['median'], ' ms'):>10} "
                    f"{judged(max(times), TARGETS['worst'], ' ms'):>10} "
                    f"{statistics.median(busy):>7.1f} ms"
                )
            context.close()
        browser.close()
    print("\n! misses its target\n")
    for what, values in found.items():
        note_largest(what, values, arguments.moves)


if __name__ == "__main__":
    main()
