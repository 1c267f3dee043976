"""Take the README's pictures: the explorer of the built book's front page.

``python tools/explorer_picture.py`` after ``make book`` writes them anew, one for light
and one for dark pages. It needs Chromium (apt.txt, or $CHROMIUM). A test compares them
with what the page looks like now.
"""

import io
import os
import pathlib
import shutil
from typing import Any

from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "_build" / "html" / "book" / "index.html"
PICTURES = {
    scheme: ROOT / ".github" / f"explorer-{scheme}.png" for scheme in ("light", "dark")
}
SCALE = 1.5  # pixels of the picture for one of the page
# The window's middle, where the roof meets the sky: row and column of 24 x 32 pixels.
ROOF = (11, 20)


def take(browser: Any, scheme: str) -> Image.Image:
    """Photograph the upper part of the front page's explorer."""
    page = browser.new_page(
        viewport={"width": 1400, "height": 1200},
        device_scale_factor=SCALE,
        color_scheme=scheme,
    )
    try:
        page.goto(PAGE.as_uri())
        explorer = page.locator(".cnn-explorer").first
        explorer.get_by_text("The window X[0:3").wait_for(timeout=120_000)
        page.evaluate("document.fonts.ready")
        image = explorer.locator("canvas").first
        size = image.bounding_box()
        image.click(
            position={
                "x": (ROOF[1] + 0.5) / 32 * size["width"],
                "y": (ROOF[0] + 0.5) / 24 * size["height"],
            }
        )
        explorer.get_by_text(f"The window X[{ROOF[0] - 1}:").wait_for()
        page.mouse.move(0, 0)
        top, kernel = (
            part.bounding_box()
            for part in (explorer, explorer.get_by_text("Kernel 3 × 3", exact=True))
        )
        # A screenshot of the element scrolls it into view first, so cut afterwards.
        picture = Image.open(io.BytesIO(explorer.screenshot(animations="disabled")))
        height = round((kernel["y"] - top["y"] - 8) * SCALE)
        return picture.convert("RGB").crop((0, 0, picture.width, height))
    finally:
        page.close()


def difference(one: Image.Image, other: Image.Image) -> float:
    """Give the mean difference of two pictures, 0 to 255, blind to smoothed edges."""
    size = (one.width // 8, one.height // 8)
    pixels = (picture.convert("L").resize(size).tobytes() for picture in (one, other))
    return sum(abs(a - b) for a, b in zip(*pixels, strict=True)) / (size[0] * size[1])


def main() -> None:
    """Take both pictures."""
    from playwright.sync_api import sync_playwright

    named = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=named, args=["--no-sandbox"]
        )
        for scheme, path in PICTURES.items():
            picture = take(browser, scheme)
            picture.save(path, optimize=True)
            print(
                f"{path.relative_to(ROOT)}: {picture.size}, {path.stat().st_size:,} B"
            )
        browser.close()


if __name__ == "__main__":
    main()
