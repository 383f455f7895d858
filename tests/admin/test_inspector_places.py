"""The inspector in a real browser: links, filters, namespaces, rules, the empty state, and keys."""

from __future__ import annotations

import httpx
import pytest

from ..support.browser import all_of, button, detail, inspector_url, rows, show, text_of, until
from ..support.wire import post, user

RULES = [
    {"id": "hello", "when": {"user": "Hello"}, "reply": "Hi!"},
    {"id": "other", "when": {"endpoint": "embeddings", "stream": False}, "reply": {"embedding": [0.5]}},
]


@pytest.fixture
def mock(serve):
    return serve(RULES)


def place(browser):
    return browser.execute_script("return location.hash")


def test_the_empty_page_names_the_base_url_and_three_lines_that_work(page, mock):
    until(page, lambda: all_of(page, "#welcome"))
    assert text_of(page, "#base-url") == mock.url
    code = text_of(page, "#welcome pre")
    assert len(code.splitlines()) == 3
    exec(code, {})
    until(page, lambda: rows(page) and not all_of(page, "#welcome"))


def test_the_version_is_shown(page):
    import openaimock

    until(page, lambda: text_of(page, "#version") == openaimock.__version__)


def test_back_closes_what_a_click_opened(page, mock):
    post(mock, user("Hello"))
    until(page, lambda: rows(page))
    all_of(page, "#list button")[0].click()
    until(page, lambda: all_of(page, "#detail .facts"))
    assert place(page) == "#id=1"
    page.find_element("id", "tab-rules").click()
    assert place(page) == "#view=rules&id=1"
    page.back()
    until(page, lambda: page.find_element("id", "exchanges").is_displayed())
    page.back()
    until(page, lambda: not all_of(page, "#detail .facts"))


def test_a_link_restores_the_filters(page, mock):
    for text in ("Hello", "miss one", "miss two"):
        post(mock, user(text))
    show(page, mock, "q=two&show=missed")
    until(page, lambda: len(rows(page)) == 1)
    assert "miss two" in rows(page)[0]
    page.find_element("id", "filter").clear()
    page.find_element("id", "filter").send_keys("one")
    until(page, lambda: "miss one" in rows(page)[0])
    assert place(page) == "#q=one&show=missed"


def test_exchanges_are_grouped_by_namespace(page, mock):
    post(mock, user("Hello"))
    post(mock, user("Hello"), headers={"x-openaimock-namespace": "mine"})
    until(page, lambda: len(rows(page)) == 2)
    groups = [group.text for group in all_of(page, "#list .group")]
    assert groups == ["namespace default 1", "namespace mine 1"]
    show(page, mock, "namespace=mine")
    until(page, lambda: len(rows(page)) == 1)
    assert "#2" in rows(page)[0]


def test_a_replay_goes_to_the_namespace_of_the_exchange(page, mock):
    post(mock, user("Hello"), headers={"x-openaimock-namespace": "mine"})
    detail(page, mock, "id=1")
    button(page, "Replay").click()
    until(page, lambda: "#2" in text_of(page, "#detail h2"))
    assert "namespace mine" in text_of(page, "#detail .facts")


def test_a_row_has_number_model_tokens_and_the_failure_in_words(page, mock):
    post(mock, user("Hello"))
    post(mock, user("nothing"))
    until(page, lambda: len(rows(page)) == 2)
    miss, answered = rows(page)
    assert "#2" in miss and "no rule" in miss
    assert "#1" in answered and "gpt-4o" in answered and "8 in, 2 out" in answered


def test_a_rule_is_opened_from_its_exchange_and_leads_back(page, mock):
    post(mock, user("Hello"))
    detail(page, mock, "id=1")
    page.find_element("css selector", "#detail .facts a").click()
    until(page, lambda: all_of(page, "#rules .rule[open]"))
    opened = text_of(page, "#rules .rule[open]")
    assert "user: exactly 'Hello'" in opened and "Hi!" in opened and "1 hit" in opened
    page.find_element("link text", "show them").click()
    until(page, lambda: "rule hello" in text_of(page, "#rule-chip"))
    assert len(rows(page)) == 1


def test_the_rules_say_what_they_ask(page, mock):
    show(page, mock, "view=rules")
    until(page, lambda: "endpoint: embeddings" in text_of(page, "#rules"))
    assert "stream: false" in text_of(page, "#rules") and "never hit" in text_of(page, "#rules")


def test_try_works_with_a_key_that_only_the_page_keeps(browser, serve):
    mock = serve({"api_key": "secret-key-1", "responses": RULES})
    show(browser, mock, "view=try")
    browser.find_element("id", "send").click()
    until(browser, lambda: "enter it above" in text_of(browser, "#outcome"))
    browser.find_element("id", "api-key").send_keys("secret-key-1")
    browser.find_element("id", "send").click()
    until(browser, lambda: "Hi!" in text_of(browser, "#outcome"))
    kept = browser.execute_script(
        "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    )
    assert "secret-key-1" not in kept
    browser.get_log("browser")
    browser.get("about:blank")


def test_text_of_another_direction_is_isolated(page, mock):
    post(mock, user("\u202eHello \u05d0"))
    detail(page, mock, "id=1")
    assert page.execute_script("return getComputedStyle(document.querySelector('#list bdi')).unicodeBidi") == "isolate"
    assert page.execute_script("return document.querySelector('.bubble .text').dir") == "auto"


def test_all_controls_have_names(page, mock):
    post(mock, user("Hello", stream=True))
    detail(page, mock, "id=1")
    nameless = page.execute_script("""
        const controls = document.querySelectorAll("button, input, select, textarea, a, [role=slider], [role=region]");
        const isNamed = (node) => node.textContent.trim() || node.getAttribute("aria-label") || node.labels?.length;
        return [...controls].filter((node) => !isNamed(node)).map((node) => node.outerHTML);
    """)
    assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_a_contrast_of_4_5(page, mock, scheme):
    post(mock, user("Hello", temprature=1))
    post(mock, user("hello"))
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    try:
        detail(page, mock, "id=2")
        weak = page.execute_script(CONTRAST)
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert weak == []


#: Texts whose contrast to their background is below 4.5, as WCAG 2 computes it.
CONTRAST = """
const parse = (color) => color.match(/[\\d.]+/g).map(Number);
const linear = (part) => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
const luminance = (color) => [.2126, .7152, .0722].reduce((sum, weight, at) => sum + weight * linear(color[at] / 255), 0);
const behind = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const color = parse(getComputedStyle(at).backgroundColor);
    if (color[3] !== 0) return color;
  }
  return [255, 255, 255];
};
const hasText = (node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
const ratio = (node) => {
  const pair = [parse(getComputedStyle(node).color), behind(node)].map(luminance).sort((a, b) => b - a);
  return (pair[0] + .05) / (pair[1] + .05);
};
return [...document.querySelectorAll("body *")]
  .filter((node) => node.checkVisibility() && !node.disabled && hasText(node))
  .map((node) => [ratio(node), node.textContent])
  .filter(([contrast]) => contrast < 4.5);
"""


def test_the_page_is_one_request(mock):
    with httpx.Client(trust_env=False) as http:
        text = http.get(inspector_url(mock)).text
    assert "/* scripts */" not in text and "/* style.css */" not in text
    assert text.count("<script>") == text.count("<style>") == 1
