"""The admin: its views, its changes, and the requests that it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import httpx
import openai
import pytest

import openaimock
from openaimock.admin.views import VIEWS

from ..support.wire import post, user

RULES = [
    {"id": "hello", "when": {"user": "Hello"}, "reply": "Hi!"},
    {"id": "turns", "when": {"user": "next"}, "replies": ["one", "two", "three"]},
    {"id": "other", "when": {"user": {"contains": "weather"}}, "reply": "Sunny."},
]


@pytest.fixture
def mock(serve):
    return serve(RULES)


def request(mock, method, path, prefix="/__openaimock/", **options):
    with httpx.Client(trust_env=False, verify=False) as http:
        return http.request(method, f"http://127.0.0.1:{mock.port}{prefix}{path}", **options)


def get(mock, path, **options):
    answer = request(mock, "GET", path, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


# The journal


def test_exchanges_are_listed_oldest_first(mock):
    post(mock, user("Hello"))
    post(mock, user("nothing"))
    first, second = get(mock, "exchanges")["exchanges"]
    assert (first["rule"], first["status"], first["matched"]) == ("hello", 200, True)
    assert (second["rule"], second["status"], second["code"], second["unmatched"]) == (None, 400, "no_match", True)


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ({"endpoint": "chat"}, ["Hello", "weather?", "Hello", "nothing"]),
        ({"endpoint": "models"}, []),
        ({"rule": "hello"}, ["Hello", "Hello"]),
        ({"status": "400"}, ["nothing"]),
        ({"status": "2xx"}, ["Hello", "weather?", "Hello"]),
        ({"matched": "false"}, ["nothing"]),
        ({"matched": "true"}, ["Hello", "weather?", "Hello"]),
        ({"namespace": "mine"}, ["Hello"]),
        ({"since": "2"}, ["Hello", "nothing"]),
        ({"limit": "1"}, ["nothing"]),
        ({"limit": "0"}, []),
        ({"rule": "hello", "namespace": "default"}, ["Hello"]),
        ({"namespace": "nobody"}, []),
    ],
)
def test_filters(mock, query, texts):
    for text, namespace in (("Hello", "default"), ("weather?", "default"), ("Hello", "mine"), ("nothing", "default")):
        post(mock, user(text), headers={"x-openaimock-namespace": namespace})
    assert [each["text"] for each in get(mock, "exchanges", params=query)["exchanges"]] == texts


@pytest.mark.parametrize(
    "query", [{"since": "x"}, {"since": "-1"}, {"limit": "1.5"}, {"status": "ok"}, {"matched": "maybe"}, {"nonsense": "1"}]
)
def test_an_invalid_filter_is_400(mock, query):
    answer = request(mock, "GET", "exchanges", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == next(iter(query))


def test_a_misspelt_filter_gets_a_suggestion(mock):
    assert "did you mean 'status'?" in request(mock, "GET", "exchanges", params={"satus": "200"}).json()["error"]["message"]


def test_an_exchange_has_its_request_and_verdicts(mock):
    request_id = post(mock, user("Hello"), headers={"authorization": "Bearer sk-secret-12345"}).headers["x-request-id"]
    exchange = get(mock, f"exchanges/{request_id}")
    assert exchange["request"]["body"] == user("Hello")
    assert exchange["request"]["headers"]["authorization"] == "Bearer ***"
    assert exchange["reply"] == {"blocks": [{"kind": "text", "text": "Hi!"}]}
    assert next((each["rule"], each["answers"]) for each in exchange["why"]["verdicts"]) == ("hello", True)
    assert get(mock, f"exchanges/{exchange['order']}") == exchange


def test_an_unknown_exchange_is_404(mock):
    assert request(mock, "GET", "exchanges/req_none").json()["error"]["code"] == "exchange_not_found"


def test_exchanges_can_be_deleted(mock):
    post(mock, user("Hello"))
    assert request(mock, "DELETE", "exchanges").json() == {"deleted": 1}
    assert get(mock, "exchanges")["exchanges"] == []


def test_admin_requests_are_not_journalled(mock):
    get(mock, "rules")
    assert get(mock, "exchanges")["exchanges"] == []


def test_the_path_of_a_namespace_shows_only_that_namespace(mock):
    post(mock, user("Hello"))
    with httpx.Client(trust_env=False, verify=False) as http:
        http.post(f"http://127.0.0.1:{mock.port}/t/mine/v1/chat/completions", json=user("weather"))
    exchanges = get(mock, "exchanges", prefix="/t/mine/__openaimock/")["exchanges"]
    assert [each["rule"] for each in exchanges] == ["other"]


# Rules


def test_rules_have_their_conditions_and_hits(mock):
    post(mock, user("Hello"))
    first = get(mock, "rules")["rules"][0]
    assert (first["id"], first["asks"], first["hits"]) == ("hello", ["user: exactly 'Hello'"], 1)


NEW = "- id: new\n  when: {user: new}\n  reply: Added.\n"


@pytest.mark.parametrize("content", [NEW, '{"id": "new", "when": {"user": "new"}, "reply": "Added."}', f"responses:\n{NEW}"])
def test_rules_are_added_to_a_running_mock(mock, client, content):
    answer = request(mock, "POST", "rules", content=content)
    assert (answer.status_code, answer.json()) == (201, {"added": ["new"], "rules": 4})
    assert client(mock).chat.completions.create(**user("new")).choices[0].message.content == "Added."
    assert post(mock, user("Hello")).status_code == 200


def test_invalid_rules_are_refused_with_all_problems(mock):
    wrong = NEW + "- {id: hello, when: {user: x}, reply: y}\n- {id: z, when: {usr: x}, reply: y}\n"
    error = request(mock, "POST", "rules", content=wrong).json()["error"]
    assert error["code"] == "invalid_config"
    messages = " ".join(problem["message"] for problem in error["problems"])
    assert len(error["problems"]) == 2
    assert "did you mean 'user'?" in messages
    assert error["problems"][0]["place"].endswith(":4:8")
    assert len(get(mock, "rules")["rules"]) == 3


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"12", b"a: &a [*a]", b"!!python/object:os.system {}"])
def test_other_content_than_rules_is_400(mock, content):
    assert request(mock, "POST", "rules", content=content).status_code == 400


def test_a_rule_cannot_read_the_environment(mock, monkeypatch):
    monkeypatch.setenv("OPENAIMOCK_TEST_SECRET", "hidden")
    request(mock, "POST", "rules", content="- {id: env, when: {user: env}, reply: '${OPENAIMOCK_TEST_SECRET}'}")
    assert "hidden" not in post(mock, user("env")).text


def test_rules_are_replaced_in_one_step(mock, client):
    assert request(mock, "PUT", "rules", content=NEW).json() == {"rules": 1}
    assert client(mock).chat.completions.create(**user("new")).choices[0].message.content == "Added."
    with pytest.raises(openai.BadRequestError):
        client(mock).chat.completions.create(**user("Hello"))


def test_an_invalid_replacement_changes_nothing(mock):
    assert request(mock, "PUT", "rules", content="- {id: x}").status_code == 400
    assert post(mock, user("Hello")).status_code == 200


def test_a_rule_is_deleted(mock):
    assert request(mock, "DELETE", "rules/hello").json() == {"deleted": 1}
    assert post(mock, user("Hello")).status_code == 400
    answer = request(mock, "DELETE", "rules/turn")
    assert answer.status_code == 404
    assert "did you mean 'turns'?" in answer.json()["error"]["message"]


def test_all_rules_are_deleted(mock):
    assert request(mock, "DELETE", "rules").json() == {"deleted": 3}
    assert "There are no rules" in post(mock, user("Hello")).json()["error"]["message"]


# Explain


def test_explain_lists_all_rules_with_the_answering_rule_first(mock):
    report = request(mock, "POST", "explain", json=user("what weather")).json()
    assert (report["matched"], report["rule"], report["rules"]) == (True, "other", 3)
    assert [each["answers"] for each in report["verdicts"]] == [True, False, False]
    assert all(each["reason"] for each in report["verdicts"][1:])


def test_explain_has_a_hint_and_the_difference(mock):
    report = request(mock, "POST", "explain", json=user("hello")).json()
    nearest = report["verdicts"][0]
    assert (report["matched"], nearest["rule"], nearest["hint"]) == (
        False,
        "hello",
        "differs only in case: use case_sensitive: false",
    )
    assert nearest["diff"] == [["-", "Hello"], ["+", "hello"]]


def test_explain_counts_nothing(mock):
    request(mock, "POST", "explain", json=user("next"))
    assert post(mock, user("next")).json()["choices"][0]["message"]["content"] == "one"
    assert len(get(mock, "exchanges")["exchanges"]) == 1


def test_explain_takes_a_path(mock):
    body = {"path": "/v1/responses", "body": {"model": "gpt-4o", "input": "Hello"}}
    report = request(mock, "POST", "explain", json=body).json()
    assert (report["endpoint"], report["rule"]) == ("responses", "hello")


@pytest.mark.parametrize(
    "body", [[], "x", {}, {"path": "/v1/nothing", "body": {}}, {"path": "/v1/chat/completions", "body": []}, {"messages": 1}]
)
def test_explain_refuses_an_invalid_request_in_the_envelope(mock, body):
    answer = request(mock, "POST", "explain", json=body)
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["message"]


# Coverage, state, settings


def test_coverage_names_rules_and_replies_never_reached(mock):
    post(mock, user("Hello"))
    post(mock, user("next"))
    post(mock, user("nothing"))
    report = get(mock, "coverage")
    assert {each["id"]: each["hits"] for each in report["rules"]} == {"hello": 1, "turns": 1, "other": 0}
    assert report["never"] == ["other"]
    assert report["unreached"] == {"turns": [1, 2]}
    assert [each["text"] for each in report["unmatched"]] == ["nothing"]


def test_coverage_of_a_conversation_names_messages(serve):
    flow = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": "d"},
    ]
    mock = serve([{"id": "flow", "messages": flow}])
    post(mock, user("a"))
    assert get(mock, "coverage")["unreached"] == {"flow": [3]}


def test_coverage_of_one_namespace(mock):
    post(mock, user("Hello"), headers={"x-openaimock-namespace": "mine"})
    assert get(mock, "coverage", params={"namespace": "mine"})["never"] == ["turns", "other"]
    assert get(mock, "coverage", params={"namespace": "default"})["never"] == ["hello", "turns", "other"]
    assert get(mock, "coverage")["never"] == ["turns", "other"]


def test_scenarios_are_read_and_set(serve):
    rule = {"id": "paid", "when": {"state": {"order": "paid"}}, "reply": "Thanks."}
    mock = serve({"scenarios": {"order": "open"}, "responses": [rule]})
    assert get(mock, "scenarios") == {"order": "open"}
    assert post(mock, user("x")).status_code == 400
    assert request(mock, "PUT", "scenarios/order", json="paid").json() == {"state": "paid"}
    assert post(mock, user("x")).status_code == 200
    assert request(mock, "PUT", "scenarios", json={"order": "open", "more": 1}).json() == {"order": "open", "more": "1"}
    assert get(mock, "scenarios/more") == {"state": "1"}
    assert request(mock, "GET", "scenarios/none").status_code == 404
    assert request(mock, "PUT", "scenarios/order", json=[1]).status_code == 400


def test_chaos_is_switched_on_and_off(mock):
    assert request(mock, "PUT", "chaos", json={"rate": 1, "faults": ["garble"]}).json()["chaos"]["rate"] == 1
    with pytest.raises(ValueError):
        post(mock, user("Hello")).json()
    assert request(mock, "PUT", "chaos", content="null").json() == {"chaos": None}
    assert post(mock, user("Hello")).json()["choices"]


def test_chaos_is_checked(mock):
    answer = request(mock, "PUT", "chaos", json={"rate": 2, "faults": ["garbel"]})
    assert answer.status_code == 400
    assert "did you mean" in answer.json()["error"]["message"]


def test_reset_of_one_namespace_and_of_all(mock):
    for namespace in ("one", "two"):
        post(mock, user("next"), headers={"x-openaimock-namespace": namespace})
    assert request(mock, "POST", "reset", params={"namespace": "one"}).json() == {"reset": ["one"]}
    assert [each["namespace"] for each in get(mock, "exchanges")["exchanges"]] == ["two"]
    request(mock, "POST", "reset")
    assert get(mock, "exchanges")["exchanges"] == []


def test_config_is_shown_without_keys(serve):
    mock = serve({"api_key": "very-secret", "admin_key": "more-secret", "responses": RULES})
    answer = request(mock, "GET", "config", headers={"authorization": "Bearer more-secret"})
    assert answer.json()["api_keys"] == ["***"]
    assert answer.json()["lint"] == "warn"
    assert "secret" not in answer.text


def test_the_clock_advances(serve):
    mock = serve({"clock": "2026-01-31T12:00:00Z", "responses": RULES})
    before = post(mock, user("Hello")).json()["created"]
    request(mock, "POST", "advance", params={"seconds": "60"})
    assert post(mock, user("Hello")).json()["created"] == before + 60


@pytest.mark.parametrize("seconds", ["", "x", "-1", "nan", "inf", "1e12"])
def test_the_clock_advances_by_valid_numbers_only(mock, seconds):
    assert request(mock, "POST", "advance", params={"seconds": seconds}).status_code == 400


# Paths


def test_an_unknown_path_is_404_and_a_wrong_method_405(mock):
    assert request(mock, "GET", "nothing").status_code == 404
    answer = request(mock, "PATCH", "rules")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, PUT, DELETE")


def test_the_path_without_a_slash_redirects_to_the_page(mock):
    answer = request(mock, "GET", "", prefix="/__openaimock")
    assert (answer.status_code, answer.headers["location"]) == (308, "__openaimock/")


def test_the_admin_can_be_disabled(serve):
    mock = serve({"admin": False, "responses": RULES})
    answer = request(mock, "GET", "rules")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith("Unknown request URL: GET /__openaimock/rules")


def test_mounted_at_a_prefix(mock):
    app = mock.app

    def mounted(environ, start_response):
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/ai", environ["PATH_INFO"].removeprefix("/ai")
        return app(environ, start_response)

    with httpx.Client(transport=httpx.WSGITransport(mounted), base_url="http://localhost") as http:
        assert len(http.get("/ai/__openaimock/rules").json()["rules"]) == 3


def test_rules_change_safely_during_requests(mock, client):
    from concurrent.futures import ThreadPoolExecutor

    def change(number):
        return request(
            mock, "POST", "rules", json={"id": f"more-{number}", "when": {"user": f"m{number}"}, "reply": "x"}
        ).status_code

    with ThreadPoolExecutor(4) as pool:
        changed = [pool.submit(change, number) for number in range(8)]
        posted = [pool.submit(post, mock, user("Hello")) for _ in range(8)]
        assert {each.result() for each in changed} == {201}
        assert {each.result().status_code for each in posted} == {200}
    assert len(get(mock, "rules")["rules"]) == 11


@pytest.mark.parametrize("name", ["täst", "a b", "%25", "名"])
def test_a_namespace_may_have_any_characters(mock, name):
    with httpx.Client(trust_env=False, verify=False) as http:
        http.post(f"http://127.0.0.1:{mock.port}/t/{quote(name)}/v1/chat/completions", json=user("Hello"))
    (exchange,) = get(mock, "exchanges", params={"namespace": name})["exchanges"]
    assert exchange["namespace"] == name
    assert get(mock, "exchanges", prefix=f"/t/{quote(name)}/__openaimock/")["exchanges"] == [exchange]
    assert request(mock, "POST", "reset", params={"namespace": name}).json() == {"reset": [name]}


def test_a_rule_id_may_have_any_characters(mock):
    request(mock, "POST", "rules", json={"id": "grüße/ä ö", "when": {"user": "x"}, "reply": "y"})
    assert request(mock, "DELETE", "rules/" + quote("grüße/ä ö")).json() == {"deleted": 1}


def test_indented_json_is_accepted(mock):
    content = json.dumps([{"id": "new", "when": {"user": "new"}, "reply": "ß"}], indent="\t")
    assert request(mock, "POST", "rules", content=content).status_code == 201


def test_the_documentation_lists_every_path():
    page = (Path(__file__).parents[2] / "docs" / "admin.rst").read_text(encoding="utf-8")
    for view in VIEWS:
        assert f"``{view.method} {view.path.removesuffix('/*')}" in page


# Access


def test_no_answer_has_a_cors_header(mock):
    for method, path in (("GET", ""), ("GET", "rules"), ("OPTIONS", "rules"), ("GET", "nothing"), ("POST", "rules")):
        origin = {"origin": f"http://127.0.0.1:{mock.port}"}
        for headers in (origin, {"origin": "http://evil.example", "access-control-request-method": "PUT"}):
            answer = request(mock, method, path, headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"host": "evil.example"},
        {"host": "localhost.evil.example"},
        {"host": "127.0.0.1.evil.example:80"},
        {"host": "localhost@evil.example"},
        {"host": "evil.example:80:80"},
        {"x-forwarded-for": "203.0.113.9"},
        {"forwarded": "for=203.0.113.9"},
        {"via": "1.1 proxy"},
        {"x-forwarded-host": "mock.example"},
        {"x-forwarded-proto": "https"},
        {"x-forwarded-prefix": "/mock"},
        {"x-real-ip": "203.0.113.9"},
        {"cf-connecting-ip": "203.0.113.9"},
        {"cf-ray": "8f"},
        {"true-client-ip": "203.0.113.9"},
        {"x-envoy-external-address": "203.0.113.9"},
        {"x-amzn-trace-id": "Root=1"},
        {"cdn-loop": "cloudflare"},
        {"fly-client-ip": "203.0.113.9"},
    ],
)
@pytest.mark.parametrize("path", ["", "rules", "exchanges"])
def test_foreign_requests_are_refused(mock, headers, path):
    answer = request(mock, "GET", path, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "admin_refused"


@pytest.mark.parametrize("host", ["localhost", "localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}", "LOCALHOST:99"])
def test_names_of_this_machine_are_accepted(mock, host):
    assert request(mock, "GET", "rules", headers={"host": host.format(port=mock.port)}).status_code == 200


def test_the_inspector_itself_may_change_rules(mock):
    origin = f"http://127.0.0.1:{mock.port}"
    answer = request(mock, "POST", "rules", content=NEW, headers={"origin": origin, "sec-fetch-site": "same-origin"})
    assert answer.status_code == 201


def from_address(app, address, headers=(), host="localhost"):
    with httpx.Client(transport=httpx.WSGITransport(app, remote_addr=address), base_url=f"http://{host}") as http:
        return http.get("/__openaimock/rules", headers=dict(headers)).status_code


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("127.8.8.8", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("192.168.1.7", 403),
        ("", 403),
        ("x", 403),
    ],
)
def test_without_a_key_only_this_machine_is_accepted(address, status):
    assert from_address(openaimock.create_app({"responses": RULES}), address) == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Bearer key-1"}, 200),
        ({"x-openaimock-admin-key": "key-1"}, 200),
    ],
)
@pytest.mark.parametrize("address", ["127.0.0.1", "192.168.1.7"])
def test_a_configured_key_is_required_from_every_client(address, headers, status):
    app = openaimock.create_app({"admin_key": "key-1", "responses": RULES})
    assert from_address(app, address, headers, host="mock.test") == status


def test_the_page_is_served_without_the_key(serve):
    mock = serve({"admin_key": "key-1", "responses": RULES})
    answer = request(mock, "GET", "")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")


def test_a_key_may_have_any_characters(serve):
    mock = serve({"admin_key": "clé-1", "responses": RULES})
    for key, status in (("clé-1", 200), ("cle-1", 401)):
        assert request(mock, "GET", "rules", headers={"x-openaimock-admin-key": key.encode()}).status_code == status


def test_a_page_of_another_site_is_refused_even_with_the_key(serve):
    mock = serve({"admin_key": "key-1", "responses": RULES})
    headers = {"authorization": "Bearer key-1", "origin": "http://evil.example"}
    assert request(mock, "GET", "rules", headers=headers).status_code == 403


def test_a_large_body_is_413(serve):
    mock = serve({"max_body": 1000, "responses": RULES})
    app = mock.app
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://localhost") as http:
        assert http.post("/__openaimock/rules", content=b"#" * 1001).status_code == 413


def test_a_browser_is_led_from_the_root_to_the_inspector(mock):
    answer = request(mock, "GET", "", prefix="/", headers={"accept": "text/html,*/*;q=0.8"}, follow_redirects=True)
    assert (answer.status_code, answer.url.path) == (200, "/__openaimock/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("prefix", ["/", ""])
def test_the_inspector_is_found_under_the_prefix_of_a_mounted_mock(prefix):
    from werkzeug.test import create_environ, run_wsgi_app

    environ = create_environ(
        prefix,
        headers={"accept": "text/html"},
        environ_overrides={"SCRIPT_NAME": "/a/mock", "PATH_INFO": prefix, "REMOTE_ADDR": "127.0.0.1"},
    )
    _, status, headers = run_wsgi_app(openaimock.create_app({"responses": RULES}), environ)
    assert (status, headers["location"]) == ("307 Temporary Redirect", "__openaimock/" if prefix else "mock/__openaimock/")


@pytest.mark.parametrize(
    ("config", "headers"),
    [
        ({}, {"accept": "*/*"}),
        ({"admin": False}, {"accept": "text/html"}),
        ({}, {"accept": "text/html", "x-forwarded-for": "192.0.2.1"}),
    ],
)
def test_the_root_is_unknown_where_there_is_no_inspector_to_show(serve, config, headers):
    assert request(serve({**config, "responses": RULES}), "GET", "", prefix="/", headers=headers).status_code == 404
