"""A newcomer in a real browser: signs up, makes a bot, sees it trade live, stops it."""

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.processes import Platform

CHROMIUM = shutil.which("chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "a long enough phrase 7"
LIVE_MS = 45_000
# What htmx says of a preview that a newer one replaces. Whatever fails otherwise has a name of its own, too.
CALLED_OFF = re.compile("error: htmx:(sendAbort|afterRequest),")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium on the PATH"),
]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """Prices run fast, so that a market's hour passes while one looks."""
    platform = Platform(tmp_path / "var", "--no-demo", "--speed=600")
    platform.wait_until_it_answers()
    yield platform
    platform.stop(signal.SIGINT)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)


def test_from_sign_up_to_a_live_fill_and_a_stop(platform: Platform, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(_words(message)))
    page.on("pageerror", lambda error: said.append(str(error)))

    _sign_up(page, platform)
    expect(page.get_by_role("heading", name="No bot yet")).to_be_visible()
    _make_a_bot(page)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".status").first).to_have_attribute(
        "data-status", re.compile("active|waiting|in_deal")
    )
    # Nobody reloads from here on: what appears came over the websocket.
    trades = page.locator("section", has=page.get_by_role("heading", name="Trades", exact=True)).locator(
        "tbody tr"
    )
    expect(trades.first).to_be_visible(timeout=LIVE_MS)
    _looked_at(page, "bot")

    page.locator("summary", has_text="Stop").click()
    page.get_by_role("button", name="Cancel the orders and sell the coins").click()
    expect(page.locator(".status").first).to_have_attribute("data-status", "stopped", timeout=LIVE_MS)
    page.goto(_address(platform))
    expect(page.locator("article.bot-card")).to_have_count(1)
    _looked_at(page, "home")
    assert [words for words in said if not CALLED_OFF.match(words)] == []


def _address(platform: Platform) -> str:
    return f"http://127.0.0.1:{platform.port}/"


def _sign_up(page: Page, platform: Platform) -> None:
    page.goto(_address(platform))
    page.get_by_role("link", name=re.compile("create an account", re.IGNORECASE)).first.click()
    page.locator("input[name=email]").fill("newcomer@example.com")
    page.locator("input[name=password1]").fill(PASSWORD)
    again = page.locator("input[name=password2]")
    if again.count():
        again.fill(PASSWORD)
    page.locator("main button[type=submit]").click()


def _make_a_bot(page: Page) -> None:
    page.get_by_role("link", name="New bot").first.click()
    page.get_by_role("link", name=re.compile("DCA")).first.click()
    page.locator("input[name=name]").fill("Morning buyer")
    page.locator("input[name=investment]").fill("500")
    page.locator("input[name=safety_order_step_pct]").fill("0.3")
    page.locator("input[name=take_profit_pct]").fill("0.4")
    page.locator("input[name=cooldown_s]").evaluate(
        "field => field.closest('details')?.setAttribute('open', '')"
    )
    page.locator("input[name=cooldown_s]").fill("0")
    _wait_for_the_preview(page)
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="Morning buyer")).to_be_visible()


def _wait_for_the_preview(page: Page) -> None:
    """The one of these very settings."""
    with page.expect_response(re.compile("/preview$")):
        page.keyboard.press("Tab")
    expect(page.locator(".preview-profit")).to_be_visible(timeout=LIVE_MS)
    expect(page.locator("#preview.htmx-request")).to_have_count(0)
    _looked_at(page, "form")


def _looked_at(page: Page, name: str) -> None:
    """Pictures for people, where SCREENSHOTS says to keep them."""
    if not os.environ.get("SCREENSHOTS"):
        return
    for scheme in ("light", "dark"):
        for width in (1280, 390):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(600)
            page.screenshot(
                path=Path(os.environ["SCREENSHOTS"]) / f"{name}-{scheme}-{width}.png", full_page=True
            )
    page.set_viewport_size({"width": 1280, "height": 900})


def _words(message: ConsoleMessage) -> str:
    return f"{message.type}: {message.text}"
