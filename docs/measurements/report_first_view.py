"""
Processor time and size of a report in Chromium: until its first view, and until all is drawn.

    python docs/measurements/report_first_view.py REPORT.html ...

Needs playwright and a Chromium on the path.  The processor time is that of the process of the
page, of all its threads, as ``Performance.getMetrics`` of the browser gives it.  The first view is
whatever stands in the window when the page is opened, at 1280 x 900 and at 390 x 844.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZES = ((1280, 900), (390, 844))
# The page marks both moments; one that throws at the first mark does nothing more.
HALT = """performance.mark = () => {
    document.documentElement.dataset.halted = "true";
    throw new Error("halted");
};"""


def processor_s(browser: Any, page_path: Path, size: tuple[int, int], *, halt: bool) -> float:
    """Open a page and give the processor seconds that it took."""
    context = browser.new_context(viewport=dict(zip(("width", "height"), size, strict=True)))
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    if halt:
        page.add_init_script(HALT)
    page.goto(page_path.resolve().as_uri())
    page.wait_for_selector("html[data-halted]" if halt else "html[data-ready]")
    metrics = session.send("Performance.getMetrics")["metrics"]
    context.close()
    return next(item["value"] for item in metrics if item["name"] == "ProcessTime")


def main(paths: list[str]) -> None:
    """Print a line per page and size."""
    program = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for path in map(Path, paths):
            for size in SIZES:
                first, whole = (
                    processor_s(browser, path, size, halt=halt) for halt in (True, False)
                )
                print(
                    f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, {size[0]} px: "
                    f"first view {first:.2f} s, all drawn {whole:.2f} s of processor time"
                )
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
