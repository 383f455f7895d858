"""A real browser on the inspector: what a test reads and waits for on the page."""

from __future__ import annotations

import shutil

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip


def inspector_url(mock):
    return mock.url.removesuffix("/v1") + "/__openaimock/"


def until(browser, condition):
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(browser, 30, 0.05).until(lambda _: condition())


def all_of(browser, selector):
    return browser.find_elements("css selector", selector)


def text_of(browser, selector):
    return browser.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)


def rows(browser):
    return browser.execute_script("return [...document.querySelectorAll('#list button')].map((button) => button.innerText)")


def button(browser, label):
    """The visible button with a label."""
    return next(each for each in all_of(browser, "button") if each.text == label and each.is_displayed())


def show(browser, mock, place=""):
    """Load the inspector at a place, such as ``id=1``, and wait until it is connected."""
    browser.get("about:blank")
    browser.get(f"{inspector_url(mock)}#{place}")
    until(browser, lambda: "live" in text_of(browser, "#connection"))


def detail(browser, mock, place):
    """Load the inspector at an exchange, and wait until it is shown."""
    show(browser, mock, place)
    until(browser, lambda: all_of(browser, "#detail .facts, #detail .bad"))
    return browser.find_element("id", "detail")


def turn_to(browser, order):
    """Show another exchange on the loaded page, and return its text."""
    browser.execute_script("location.hash = `id=${arguments[0]}`", order)
    until(browser, lambda: f"#{order} " in text_of(browser, "#detail h2") or all_of(browser, "#detail > .bad"))
    return text_of(browser, "#detail")
