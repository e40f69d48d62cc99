"""The report in a real browser without network: it draws, moves, and needs nothing else."""

import shutil
from functools import partial

import numpy as np
import pytest
from playwright.sync_api import expect, sync_playwright

import tavrnn_ephys as te
from tavrnn_ephys.figures.embeddings import principal_plane
from tests.reporting.examples import make_file

expect.set_options(timeout=60_000)  # A busy machine draws late; milliseconds.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MOVED = """() => ({
    matrix: JSON.stringify(document.getElementById('matrix').data[0].z),
    embedding: JSON.stringify(document.getElementById('embedding').data.map(t => [t.x, t.y])),
    map: JSON.stringify(document.getElementById('map').data[1].marker.color),
    text: document.getElementById('window').textContent,
    shape: document.getElementById('raster').layout.shapes[0].x0,
})"""


@pytest.fixture(scope="module")
def launch():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as driver:
        yield partial(driver.chromium.launch, executable_path=path, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def browser(launch):
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return make_file(tmp_path_factory.mktemp("report"), n_windows=12, n_nodes=16)


@pytest.fixture(scope="module")
def page_path(example):
    return te.report(example, out=example.with_suffix(".html"))


class Visit:
    """A page that is open, and what it said and asked for."""

    def __init__(self, browser, path, **options):
        self.context = browser.new_context(**options)
        self.requests, self.messages = [], []
        self.context.route("**/*", self._route)
        self.page = self.context.new_page()
        self.page.on("console", lambda item: self.messages.append(f"{item.type}: {item.text}"))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.messages.append("dialog"), dialog.dismiss()))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-ready]")

    def _route(self, route):
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            self.requests.append(route.request.url)
            route.abort()

    def state(self):
        return self.page.evaluate(MOVED)

    def wait_for_window(self, number):
        # Waiting for an expression would need what the policy of the page forbids.
        expect(self.page.locator("#window")).to_contain_text(f"Window {number} of")

    def show(self, number):
        self.page.evaluate(
            "n => { const s = document.getElementById('slider');"
            " s.value = n - 1; s.dispatchEvent(new Event('input')); }",
            number,
        )
        self.wait_for_window(number)


@pytest.fixture(scope="module")
def opened(browser, page_path):
    opened = Visit(browser, page_path, viewport={"width": 1280, "height": 900})
    yield opened
    opened.context.close()


@pytest.fixture
def visit(opened):
    """Give the page as it stands at the first window."""
    opened.show(1)
    opened.messages.clear()
    opened.requests.clear()
    return opened


def test_page_draws_without_a_message_and_without_a_request(opened):
    assert opened.page.locator(".chart .main-svg").count() >= 7
    assert opened.page.locator("#matrix .hm image").count() == 1
    assert opened.messages == []
    assert opened.requests == []


def test_a_request_would_be_noticed(visit):
    visit.page.evaluate("new Image().src = 'https://example.org/a.png'")
    visit.page.wait_for_timeout(100)
    assert visit.requests or any("Content Security Policy" in text for text in visit.messages)


def test_slider_moves_matrix_embedding_and_map_together(visit, example):
    before = visit.state()
    visit.show(8)
    after = visit.state()
    assert all(before[name] != after[name] for name in before)
    drawn = np.array(visit.page.evaluate("document.getElementById('matrix').data[0].z"), float)
    weights = te.read_results(example, what="connectivity").weights
    order = np.argsort(te.read_results(example).node_groups, kind="stable")
    expected = weights[7][np.ix_(order, order)].copy()
    np.fill_diagonal(expected, np.nan)
    largest = np.abs(weights - np.eye(16)).max()
    assert np.array_equal(np.isnan(drawn), np.isnan(expected))
    assert np.nanmax(np.abs(drawn - expected)) <= largest / 254 + 1e-9
    strength = visit.page.evaluate("document.getElementById('map').data[1].marker.color")
    off = np.abs(weights[7] - np.diag(np.diag(weights[7])))
    assert np.allclose(strength, off.sum(axis=1) / 15, atol=1e-4)


def test_nodes_stand_where_the_embedding_has_them(visit, example):
    points = np.full((16, 2), np.nan)
    for trace in visit.page.evaluate("document.getElementById('embedding').data"):
        points[trace["meta"]["nodes"]] = np.column_stack([trace["x"], trace["y"]])
    embedding = te.read_results(example)
    plane, _ = principal_plane(embedding.mean.reshape(-1, embedding.latent_size))
    expected = plane.reshape(12, 16, 2)[0]
    assert np.allclose(points, expected, atol=np.abs(plane).max() / 32767)


def test_arrow_keys_move_the_slider(visit):
    visit.page.locator("#slider").focus()
    before = visit.state()
    visit.page.keyboard.press("ArrowRight")
    visit.wait_for_window(2)
    after = visit.state()
    assert all(before[name] != after[name] for name in before)
    visit.page.keyboard.press("End")
    visit.wait_for_window(12)


def test_play_goes_on_by_itself_until_it_is_stopped(visit):
    button = visit.page.locator("#play")
    button.focus()
    visit.page.keyboard.press("Space")
    # A busy machine looks too seldom to see every window.
    window = visit.page.locator("#window")
    expect(window).not_to_contain_text("Window 1 of")
    expect(window).not_to_have_text(window.text_content())
    button.click()
    at = visit.state()["text"]
    visit.page.wait_for_timeout(600)
    assert visit.state()["text"] == at
    assert button.text_content() == "Play"


def test_theme_follows_the_system_and_the_button(visit):
    color = "getComputedStyle(document.body).backgroundColor"
    ink = "getComputedStyle(document.querySelector('#matrix .xtitle')).fill"
    light = visit.page.evaluate(color), visit.page.evaluate(ink)
    visit.page.emulate_media(color_scheme="dark")
    # The button changes once everything is painted.
    expect(visit.page.locator("#theme")).to_have_attribute("aria-pressed", "true")
    dark = visit.page.evaluate(color), visit.page.evaluate(ink)
    assert not set(light) & set(dark)
    visit.page.locator("#theme").click()
    expect(visit.page.locator("#theme")).to_have_attribute("aria-pressed", "false")
    assert (visit.page.evaluate(color), visit.page.evaluate(ink)) == light
    visit.page.emulate_media(color_scheme="light")
    assert visit.messages == []


def test_nothing_sticks_out_sideways(browser, page_path):
    phone = Visit(browser, page_path, viewport={"width": 390, "height": 844})
    for width in (390, 320, 768, 1280, 390):
        phone.page.set_viewport_size({"width": width, "height": 844})
        phone.page.wait_for_timeout(300)
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= width
        for right in phone.page.evaluate(
            "[...document.querySelectorAll('.chart svg')].map(s => s.getBoundingClientRect().right)"
        ):
            assert right <= width + 1
    assert phone.messages == []
    phone.context.close()


@pytest.fixture(scope="module")
def browser_with_scroll_bars(launch):
    browser = launch(ignore_default_args=["--hide-scrollbars"])
    yield browser
    browser.close()


WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@pytest.mark.parametrize("group", ["left", "Primary visual area, layer 5, left; " * 5])
def test_a_phone_shows_no_horizontal_scroll_bar(browser_with_scroll_bars, tmp_path, group):
    path = make_file(tmp_path, n_windows=4, n_nodes=9, group=group[:150])
    page = te.report(path, out=tmp_path / "page.html")
    wide = Visit(browser_with_scroll_bars, page, viewport={"width": 600, "height": 844})
    # Pictures are as wide as the window was until they follow it, a fifth of a second later.
    wide.page.set_viewport_size({"width": 390, "height": 844})
    at_once = wide.page.evaluate(WIDTHS)
    wide.page.wait_for_timeout(400)
    later = wide.page.evaluate(WIDTHS)
    wide.context.close()
    assert at_once[0] <= at_once[1] < 390
    assert later[0] <= later[1] < 390


def test_pictures_in_the_window_are_drawn_before_all_others(opened):
    marks = opened.page.evaluate(
        "performance.getEntriesByType('mark').map(m => [m.name, m.startTime])"
    )
    assert [name for name, _ in marks] == ["first-view", "all-drawn"]
    assert marks[0][1] < marks[1][1]


def test_an_old_browser_shows_text_and_says_what_draws_the_pictures(browser, page_path):
    context = browser.new_context()
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script("delete window.DecompressionStream")
    page.goto(page_path.as_uri())
    expect(page.locator("#too-old")).to_be_visible()
    expect(page.locator("#too-old")).to_contain_text("Firefox 113")
    expect(page.locator("#summary")).to_contain_text("What was analysed")
    expect(page.locator("#slider")).to_be_hidden()
    context.close()
    assert errors == []


def test_all_sections_are_printed(visit):
    visit.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    closed = visit.page.evaluate("document.querySelectorAll('details:not([open])').length")
    assert closed == 0
    visit.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert visit.page.evaluate("document.querySelectorAll('details:not([open])').length") > 0
    assert visit.page.pdf().startswith(b"%PDF")


def test_headings_labels_and_controls_are_named(visit):
    levels = visit.page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))
    for chart in visit.page.locator(".chart").all():
        assert chart.get_attribute("aria-label")
    assert visit.page.locator("#slider").get_attribute("aria-label") == "Window"
    assert "Window 1 of 12" in visit.page.locator("#slider").get_attribute("aria-valuetext")
    assert visit.page.locator("html").get_attribute("lang") == "en"


def test_text_of_the_file_is_never_run(browser, tmp_path):
    evil = ["<script>alert(1)</script>", "<img src=x onerror=alert(2)>",
            "</script><script>alert(3)//", "{{ 7 * 7 }}", "<b>bold</b>", "a&amp;b", "'\"`",
            "\u2028"]  # fmt: skip
    texts = {"ids": evil, "group": evil[0], "behavior": evil[1]}
    path = make_file(tmp_path, n_windows=4, n_nodes=8, **texts)
    opened = Visit(browser, te.report(path, out=tmp_path / "evil.html"))
    opened.page.locator("#slider").focus()
    opened.page.keyboard.press("ArrowRight")
    opened.page.wait_for_timeout(200)
    assert opened.messages == []
    assert opened.requests == []
    assert opened.page.locator("script").count() == 3
    assert opened.page.locator("img[src=x]").count() == 0
    drawn = opened.page.locator("#embedding .legendtext").all_text_contents()
    assert any("<script>" in text for text in drawn)
    assert "49" not in opened.page.locator("#summary").text_content()
    opened.context.close()
