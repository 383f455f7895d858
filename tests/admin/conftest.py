"""One browser for the tests of the inspector."""

from __future__ import annotations

import pytest

from ..support.browser import CHROMIUM, DRIVER, FLAGS, inspector_url


@pytest.fixture(scope="package")
def browser(tmp_path_factory):
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs chromium and chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, mock):
    browser.get(inspector_url(mock))
    yield browser
    # Errors of the page, violations of its policy included, are in the console.
    assert browser.get_log("browser") == []
    browser.get("about:blank")
