"""
Regenerate the pictures of the report: desktop and phone, light and dark.

    tavrnn-ephys demo --out demo
    tavrnn-ephys analyze demo/culture.nwb --bin-size 10ms --window 2s --step 1s \
        --behavior performance --out demo/behavior.nwb
    python docs/make_report_figure.py demo/behavior.nwb

Writes ``docs/images/report.png``, and the whole pages where ``--shots DIR`` asks for them.  Needs
Chromium and the extra ``test``.
"""

import argparse
import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import tavrnn_ephys as te

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
PICTURE = Path(__file__).parent / "images/report.png"
WINDOW = "140"


def open_page(browser, page_path, *, size, theme):
    """Open a page at a window in the middle."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    page.goto(page_path.as_uri())
    page.wait_for_selector("html[data-ready]")
    page.evaluate(
        "value => { const s = document.getElementById('slider');"
        " s.value = Math.min(value, s.max); s.dispatchEvent(new Event('input')); }",
        WINDOW,
    )
    page.wait_for_timeout(300)
    return page


def main():
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("file", help="NWB file with results")
    parser.add_argument("--shots", metavar="DIR", help="folder for four pictures of whole pages")
    options = parser.parse_args()
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit(f"None of {', '.join(BROWSERS)} is installed.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page_path = te.report(options.file, out=Path(folder) / "report.html")
        browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = open_page(browser, page_path, size="desktop", theme="light")
        page.set_viewport_size({"width": 1280, "height": 1300})
        page.evaluate(
            "document.documentElement.style.scrollBehavior = 'auto';"
            "scrollTo(0, document.getElementById('windows-title').offsetTop - 16)"
        )
        page.wait_for_timeout(500)
        picture = Image.open(io.BytesIO(page.screenshot()))
        picture.convert("RGB").save(PICTURE, optimize=True)
        if options.shots:
            shots = Path(options.shots)
            shots.mkdir(parents=True, exist_ok=True)
            for size in SIZES:
                for theme in ("light", "dark"):
                    page = open_page(browser, page_path, size=size, theme=theme)
                    page.screenshot(path=shots / f"report_{size}_{theme}.png", full_page=True)
        browser.close()
    print(f"Written to {PICTURE}")


if __name__ == "__main__":
    main()
