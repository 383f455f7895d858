"""The inspector in a real browser: clicks, live updates, hostile content, and its content security policy."""

from __future__ import annotations

import httpx
import pytest

from ..support.browser import all_of, inspector_url, rows, text_of, turn_to, until
from ..support.wire import post, user

HOSTILE = "<script>window.attacked = 1</script><img src=x onerror='window.attacked = 1'>"
RULES = [
    {"id": "hello", "when": {"user": "Hello"}, "reply": "Hi!"},
    {"id": "slow", "when": {"user": "slow"}, "reply": {"content": "one two three", "pace": {"ttft": 1, "tps": 1000}}},
    {"id": HOSTILE, "when": {"user": {"contains": "<script>"}}, "reply": HOSTILE},
]


@pytest.fixture
def mock(serve):
    return serve(RULES)


def test_new_exchanges_appear(page, mock):
    until(page, lambda: "live" in text_of(page, "#connection"))
    assert rows(page) == []
    post(mock, user("Hello"))
    until(page, lambda: len(rows(page)) == 1)
    post(mock, user("nothing"))
    until(page, lambda: len(rows(page)) == 2)
    newest, oldest = rows(page)
    assert "400" in newest and "no rule" in newest
    assert "200" in oldest and "hello" in oldest


def test_an_opened_exchange_shows_the_verdicts(page, mock):
    post(mock, user("hello"))
    until(page, lambda: rows(page))
    all_of(page, "#list button")[0].click()
    until(page, lambda: "why no rule answered" in text_of(page, "#detail").lower())
    assert "differs only in case: use case_sensitive: false" in text_of(page, "#detail")
    assert text_of(page, "#detail del") == "Hello"


def test_only_the_letters_that_differ_are_marked(page, mock):
    post(mock, user("Hallo there"))
    until(page, lambda: rows(page))
    all_of(page, "#list button")[0].click()
    until(page, lambda: all_of(page, "#detail mark"))
    marked = page.execute_script("return [...document.querySelectorAll('#detail mark')].map((mark) => mark.textContent)")
    assert marked == ["e", "a", " there"]


def test_an_exchange_shows_the_input_and_what_is_wrong_with_the_base_url(page, mock):
    post(mock, {"model": "text-embedding-3-small", "input": "some words"}, "/embeddings")
    post(mock, user("Hello"), "/v1/chat/completions")
    until(page, lambda: len(rows(page)) == 2)
    turn_to(page, 1)
    assert "some words" in text_of(page, "#detail .bubble.user")
    turn_to(page, 2)
    assert "remove one of them" in text_of(page, "#detail .hint")


def test_the_timeline_has_a_mark_for_each_event(page, mock):
    sent = post(mock, user("slow", stream=True)).text.count("data: ")
    until(page, lambda: rows(page))
    all_of(page, "#list button")[0].click()
    until(page, lambda: all_of(page, "svg .marks"))
    assert all_of(page, "svg .marks")[0].get_attribute("d").count("M") == sent


def test_the_list_is_usable_by_keyboard(page, mock):
    from selenium.webdriver import ActionChains, Keys

    for text in ("Hello", "slow"):
        post(mock, user(text))
    until(page, lambda: len(rows(page)) == 2)
    page.execute_script("document.querySelector('#list button').focus()")
    ActionChains(page).send_keys(Keys.ARROW_DOWN, Keys.ENTER).perform()
    until(page, lambda: "rule hello" in text_of(page, "#detail"))
    outline = page.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    ActionChains(page).send_keys(Keys.ESCAPE).perform()
    until(page, lambda: not all_of(page, "#exchanges.opened"))


def test_hostile_content_stays_text(page, mock):
    post(mock, user(HOSTILE))
    until(page, lambda: rows(page))
    all_of(page, "#list button")[0].click()
    until(page, lambda: HOSTILE in page.execute_script("return document.querySelector('#detail').textContent"))
    page.find_element("id", "tab-rules").click()
    until(page, lambda: HOSTILE in page.execute_script("return document.querySelector('#rules').textContent"))
    assert page.execute_script("return window.attacked === undefined")
    assert all_of(page, "main script, main img") == []


def test_hostile_names_stay_text(page, mock):
    call = {"id": HOSTILE, "type": "function", "function": {"name": HOSTILE, "arguments": HOSTILE}}
    messages = [
        {"role": "user", "content": "x", "name": HOSTILE},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": HOSTILE, "content": HOSTILE},
    ]
    post(mock, {"model": HOSTILE, "messages": messages, HOSTILE: HOSTILE}, headers={"x-openaimock-namespace": HOSTILE})
    post(mock, {}, path=f"/{HOSTILE}?{HOSTILE}")
    until(page, lambda: len(rows(page)) == 2)
    for order in ("1", "2"):
        page.execute_script("document.querySelector(`#list [data-order='${arguments[0]}']`).click()", order)
        until(page, lambda order=order: f"#{order}" in text_of(page, "#detail h2"))
    for tab in ("tab-client", "tab-holds", "tab-rules"):
        page.find_element("id", tab).click()
    assert page.execute_script("return window.attacked === undefined")
    assert all_of(page, "main script, main img") == []


def test_the_rules_view_shows_hits_and_rules_never_hit(page, mock):
    post(mock, user("Hello"))
    page.find_element("id", "tab-rules").click()
    until(page, lambda: "3 rules, 2 never hit" in text_of(page, "#rules"))
    assert len(all_of(page, "#rules .rule.never")) == 2


def test_the_client_view_shows_the_findings_as_they_come(page, mock):
    page.find_element("id", "tab-client").click()
    until(page, lambda: "No findings about the client" in text_of(page, "#client"))
    mock.when(user="x").error(503)
    post(mock, user("x"))
    until(page, lambda: "1 finding about the client" in text_of(page, "#client"))
    assert "not_retried: status 503, and the request was never repeated (#1)" in text_of(page, "#client")
    all_of(page, "#client a")[0].click()
    until(page, lambda: "503" in text_of(page, "#detail .facts"))


def test_a_request_is_explained_and_sent(page, mock):
    page.find_element("id", "tab-try").click()
    page.find_element("id", "explain").click()
    until(page, lambda: "hello answers" in text_of(page, "#outcome"))
    assert len(mock.app.api.namespaces["default"].exchanges()) == 0
    page.find_element("id", "send").click()
    until(page, lambda: "Hi!" in text_of(page, "#outcome"))
    assert len(mock.app.api.namespaces["default"].exchanges()) == 1


def test_invalid_json_is_reported(page):
    page.find_element("id", "tab-try").click()
    page.execute_script("document.querySelector('#body').value = '{'")
    page.find_element("id", "explain").click()
    until(page, lambda: "JSON" in text_of(page, "#outcome .bad"))


def test_lint_findings_are_shown(page, mock):
    post(mock, user("Hello", temprature=1))
    until(page, lambda: rows(page))
    assert "1 lint" in rows(page)[0]
    all_of(page, "#list button")[0].click()
    until(page, lambda: "unknown_parameter" in text_of(page, "#detail .lint"))


@pytest.mark.parametrize(("width", "height"), [(360, 800), (1400, 900), (3840, 2160)])
def test_no_width_scrolls_sideways(page, mock, width, height):
    post(mock, user("Hello " + "verylongword" * 40))
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        until(page, lambda: rows(page))
        all_of(page, "#list button")[0].click()
        until(page, lambda: "POST" in text_of(page, "#detail"))
        for tab in ("tab-exchanges", "tab-rules", "tab-client", "tab-holds", "tab-try"):
            page.find_element("id", tab).click()
            assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_dark_and_light_schemes_differ(page):
    def background(scheme):
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        return page.execute_script("return getComputedStyle(document.body).backgroundColor")

    assert background("dark") != background("light")


def test_clear_empties_the_journal(page, mock):
    post(mock, user("Hello"))
    until(page, lambda: rows(page))
    page.find_element("id", "clear").click()
    until(page, lambda: not rows(page))
    assert len(mock.app.api.namespaces["default"].exchanges()) == 0


def test_the_page_asks_for_the_admin_key(browser, serve):
    mock = serve({"admin_key": "clé-1", "responses": RULES})
    browser.get(inspector_url(mock))
    until(browser, lambda: browser.find_element("id", "lock").is_displayed())
    browser.find_element("id", "key").send_keys("clé-1")
    browser.find_element("css selector", "#lock button").click()
    until(browser, lambda: "live" in text_of(browser, "#connection"))
    assert not browser.find_element("id", "lock").is_displayed()
    browser.get_log("browser")
    browser.get("about:blank")


def test_the_policy_allows_only_its_own_code(mock):
    with httpx.Client(trust_env=False, verify=False) as http:
        answer = http.get(inspector_url(mock))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    # The page loads nothing from elsewhere.
    assert "src=" not in answer.text and "://" not in answer.text.replace("http://www.w3.org/2000/svg", "")
