"""The admin: what it tells and changes, and whom it refuses."""

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
    {"id": "turns", "when": {"user": "again"}, "replies": ["one", "two", "three"]},
    {"id": "other", "when": {"user": {"contains": "weather"}}, "reply": "Sunny."},
]


@pytest.fixture
def mock(serve):
    return serve(RULES)


def ask(mock, method, path, prefix="/__openaimock/", **options):
    with httpx.Client(trust_env=False, verify=False) as http:
        return http.request(method, f"http://127.0.0.1:{mock.port}{prefix}{path}", **options)


def get(mock, path, **options):
    answer = ask(mock, "GET", path, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


# The journal


def test_exchanges_are_listed_in_the_order_they_came(mock):
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
def test_a_filter_that_cannot_be_read_is_400(mock, query):
    answer = ask(mock, "GET", "exchanges", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == next(iter(query))


def test_a_filter_misspelt_is_told_the_right_one(mock):
    assert "did you mean 'status'?" in ask(mock, "GET", "exchanges", params={"satus": "200"}).json()["error"]["message"]


def test_an_exchange_has_its_request_and_why(mock):
    request_id = post(mock, user("Hello"), headers={"authorization": "Bearer sk-secret-12345"}).headers["x-request-id"]
    found = get(mock, f"exchanges/{request_id}")
    assert found["request"]["body"] == user("Hello")
    assert found["request"]["headers"]["authorization"] == "Bearer ***"
    assert found["reply"] == {"blocks": [{"kind": "text", "text": "Hi!"}]}
    assert next((each["rule"], each["answers"]) for each in found["why"]["verdicts"]) == ("hello", True)
    assert get(mock, f"exchanges/{found['order']}") == found


def test_an_exchange_that_is_not_there_is_404(mock):
    assert ask(mock, "GET", "exchanges/req_none").json()["error"]["code"] == "exchange_not_found"


def test_exchanges_can_be_forgotten(mock):
    post(mock, user("Hello"))
    assert ask(mock, "DELETE", "exchanges").json() == {"deleted": 1}
    assert get(mock, "exchanges")["exchanges"] == []


def test_the_admin_itself_leaves_no_exchange(mock):
    get(mock, "rules")
    assert get(mock, "exchanges")["exchanges"] == []


def test_the_path_of_a_namespace_shows_it_alone(mock):
    post(mock, user("Hello"))
    with httpx.Client(trust_env=False, verify=False) as http:
        http.post(f"http://127.0.0.1:{mock.port}/t/mine/v1/chat/completions", json=user("weather"))
    found = get(mock, "exchanges", prefix="/t/mine/__openaimock/")["exchanges"]
    assert [each["rule"] for each in found] == ["other"]


# Rules


def test_rules_tell_what_they_ask_and_their_hits(mock):
    post(mock, user("Hello"))
    first = get(mock, "rules")["rules"][0]
    assert (first["id"], first["asks"], first["hits"]) == ("hello", ["user: exactly 'Hello'"], 1)


NEW = "- id: new\n  when: {user: new}\n  reply: Newly said.\n"


@pytest.mark.parametrize("content", [NEW, '{"id": "new", "when": {"user": "new"}, "reply": "Newly said."}', f"responses:\n{NEW}"])
def test_rules_are_added_while_it_runs(mock, client, content):
    answer = ask(mock, "POST", "rules", content=content)
    assert (answer.status_code, answer.json()) == (201, {"added": ["new"], "rules": 4})
    assert client(mock).chat.completions.create(**user("new")).choices[0].message.content == "Newly said."
    assert post(mock, user("Hello")).status_code == 200


def test_rules_are_checked_like_a_file_and_none_is_added(mock):
    wrong = NEW + "- {id: hello, when: {user: x}, reply: y}\n- {id: z, when: {usr: x}, reply: y}\n"
    error = ask(mock, "POST", "rules", content=wrong).json()["error"]
    assert error["code"] == "invalid_config"
    told = " ".join(problem["message"] for problem in error["problems"])
    assert len(error["problems"]) == 2
    assert "did you mean 'user'?" in told
    assert error["problems"][0]["place"].endswith(":4:8")
    assert len(get(mock, "rules")["rules"]) == 3


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"12", b"a: &a [*a]", b"!!python/object:os.system {}"])
def test_what_is_no_rules_is_a_clear_400(mock, content):
    assert ask(mock, "POST", "rules", content=content).status_code == 400


def test_a_rule_cannot_read_the_environment(mock, monkeypatch):
    monkeypatch.setenv("OPENAIMOCK_TEST_SECRET", "hidden")
    ask(mock, "POST", "rules", content="- {id: env, when: {user: env}, reply: '${OPENAIMOCK_TEST_SECRET}'}")
    assert "hidden" not in post(mock, user("env")).text


def test_rules_are_replaced_at_once(mock, client):
    assert ask(mock, "PUT", "rules", content=NEW).json() == {"rules": 1}
    assert client(mock).chat.completions.create(**user("new")).choices[0].message.content == "Newly said."
    with pytest.raises(openai.BadRequestError):
        client(mock).chat.completions.create(**user("Hello"))


def test_a_wrong_replacement_leaves_all_as_it_was(mock):
    assert ask(mock, "PUT", "rules", content="- {id: x}").status_code == 400
    assert post(mock, user("Hello")).status_code == 200


def test_a_rule_is_deleted(mock):
    assert ask(mock, "DELETE", "rules/hello").json() == {"deleted": 1}
    assert post(mock, user("Hello")).status_code == 400
    answer = ask(mock, "DELETE", "rules/turn")
    assert answer.status_code == 404
    assert "did you mean 'turns'?" in answer.json()["error"]["message"]


def test_all_rules_are_deleted(mock):
    assert ask(mock, "DELETE", "rules").json() == {"deleted": 3}
    assert "There are no rules" in post(mock, user("Hello")).json()["error"]["message"]


# Explain


def test_explain_puts_the_rule_that_answers_first_and_tells_of_every_one(mock):
    found = ask(mock, "POST", "explain", json=user("what weather")).json()
    assert (found["matched"], found["rule"], found["rules"]) == (True, "other", 3)
    assert [each["answers"] for each in found["verdicts"]] == [True, False, False]
    assert all(each["reason"] for each in found["verdicts"][1:])


def test_explain_says_what_would_fit_and_where_words_differ(mock):
    found = ask(mock, "POST", "explain", json=user("hello")).json()
    nearest = found["verdicts"][0]
    assert (found["matched"], nearest["rule"], nearest["hint"]) == (False, "hello", "it would match with case_sensitive: false")
    assert nearest["diff"] == [["-", "Hello"], ["+", "hello"]]


def test_explain_counts_nothing(mock):
    ask(mock, "POST", "explain", json=user("again"))
    assert post(mock, user("again")).json()["choices"][0]["message"]["content"] == "one"
    assert len(get(mock, "exchanges")["exchanges"]) == 1


def test_explain_takes_a_path(mock):
    request = {"path": "/v1/responses", "body": {"model": "gpt-4o", "input": "Hello"}}
    found = ask(mock, "POST", "explain", json=request).json()
    assert (found["endpoint"], found["rule"]) == ("responses", "hello")


@pytest.mark.parametrize(
    "body", [[], "x", {}, {"path": "/v1/nothing", "body": {}}, {"path": "/v1/chat/completions", "body": []}, {"messages": 1}]
)
def test_explain_refuses_what_is_no_request_in_the_envelope(mock, body):
    answer = ask(mock, "POST", "explain", json=body)
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["message"]


# Coverage, state, settings


def test_coverage_names_what_was_never_reached(mock):
    post(mock, user("Hello"))
    post(mock, user("again"))
    post(mock, user("nothing"))
    found = get(mock, "coverage")
    assert {each["id"]: each["hits"] for each in found["rules"]} == {"hello": 1, "turns": 1, "other": 0}
    assert found["never"] == ["other"]
    assert found["unreached"] == {"turns": [1, 2]}
    assert [each["text"] for each in found["unmatched"]] == ["nothing"]


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
    assert ask(mock, "PUT", "scenarios/order", json="paid").json() == {"state": "paid"}
    assert post(mock, user("x")).status_code == 200
    assert ask(mock, "PUT", "scenarios", json={"order": "open", "more": 1}).json() == {"order": "open", "more": "1"}
    assert get(mock, "scenarios/more") == {"state": "1"}
    assert ask(mock, "GET", "scenarios/none").status_code == 404
    assert ask(mock, "PUT", "scenarios/order", json=[1]).status_code == 400


def test_chaos_is_switched_on_and_off(mock):
    assert ask(mock, "PUT", "chaos", json={"rate": 1, "faults": ["garble"]}).json()["chaos"]["rate"] == 1
    with pytest.raises(ValueError):
        post(mock, user("Hello")).json()
    assert ask(mock, "PUT", "chaos", content="null").json() == {"chaos": None}
    assert post(mock, user("Hello")).json()["choices"]


def test_chaos_is_checked(mock):
    answer = ask(mock, "PUT", "chaos", json={"rate": 2, "faults": ["garbel"]})
    assert answer.status_code == 400
    assert "did you mean" in answer.json()["error"]["message"]


def test_reset_of_one_namespace_and_of_all(mock):
    for namespace in ("one", "two"):
        post(mock, user("again"), headers={"x-openaimock-namespace": namespace})
    assert ask(mock, "POST", "reset", params={"namespace": "one"}).json() == {"reset": ["one"]}
    assert [each["namespace"] for each in get(mock, "exchanges")["exchanges"]] == ["two"]
    ask(mock, "POST", "reset")
    assert get(mock, "exchanges")["exchanges"] == []


def test_config_is_shown_without_keys(serve):
    mock = serve({"api_key": "very-secret", "admin_key": "more-secret", "responses": RULES})
    answer = ask(mock, "GET", "config", headers={"authorization": "Bearer more-secret"})
    assert answer.json()["api_keys"] == ["***"]
    assert answer.json()["lint"] == "warn"
    assert "secret" not in answer.text


def test_the_clock_moves_on(serve):
    mock = serve({"clock": "2026-01-31T12:00:00Z", "responses": RULES})
    before = post(mock, user("Hello")).json()["created"]
    ask(mock, "POST", "advance", params={"seconds": "60"})
    assert post(mock, user("Hello")).json()["created"] == before + 60


@pytest.mark.parametrize("seconds", ["", "x", "-1", "nan", "inf", "1e12"])
def test_the_clock_moves_by_numbers_only(mock, seconds):
    assert ask(mock, "POST", "advance", params={"seconds": seconds}).status_code == 400


# Paths


def test_an_unknown_path_is_404_and_a_wrong_method_405(mock):
    assert ask(mock, "GET", "nothing").status_code == 404
    answer = ask(mock, "PATCH", "rules")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, PUT, DELETE")


def test_without_a_slash_it_leads_to_the_page(mock):
    answer = ask(mock, "GET", "", prefix="/__openaimock")
    assert (answer.status_code, answer.headers["location"]) == (308, "__openaimock/")


def test_it_can_be_off(serve):
    mock = serve({"admin": False, "responses": RULES})
    answer = ask(mock, "GET", "rules")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith("Unknown request URL: GET /__openaimock/rules")


def test_mounted_at_a_prefix(mock):
    app = mock.app

    def mounted(environ, start_response):
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/ai", environ["PATH_INFO"].removeprefix("/ai")
        return app(environ, start_response)

    with httpx.Client(transport=httpx.WSGITransport(mounted), base_url="http://localhost") as http:
        assert len(http.get("/ai/__openaimock/rules").json()["rules"]) == 3


def test_rules_may_change_while_requests_come(mock, client):
    from concurrent.futures import ThreadPoolExecutor

    def change(number):
        return ask(mock, "POST", "rules", json={"id": f"more-{number}", "when": {"user": f"m{number}"}, "reply": "x"}).status_code

    with ThreadPoolExecutor(4) as pool:
        changed = [pool.submit(change, number) for number in range(8)]
        asked = [pool.submit(post, mock, user("Hello")) for _ in range(8)]
        assert {each.result() for each in changed} == {201}
        assert {each.result().status_code for each in asked} == {200}
    assert len(get(mock, "rules")["rules"]) == 11


@pytest.mark.parametrize("name", ["täst", "a b", "%25", "名"])
def test_a_namespace_of_any_letters(mock, name):
    with httpx.Client(trust_env=False, verify=False) as http:
        http.post(f"http://127.0.0.1:{mock.port}/t/{quote(name)}/v1/chat/completions", json=user("Hello"))
    (found,) = get(mock, "exchanges", params={"namespace": name})["exchanges"]
    assert found["namespace"] == name
    assert get(mock, "exchanges", prefix=f"/t/{quote(name)}/__openaimock/")["exchanges"] == [found]
    assert ask(mock, "POST", "reset", params={"namespace": name}).json() == {"reset": [name]}


def test_a_rule_s_id_may_have_any_letters(mock):
    ask(mock, "POST", "rules", json={"id": "grüße/ä ö", "when": {"user": "x"}, "reply": "y"})
    assert ask(mock, "DELETE", "rules/" + quote("grüße/ä ö")).json() == {"deleted": 1}


def test_indented_json_is_read_too(mock):
    content = json.dumps([{"id": "new", "when": {"user": "new"}, "reply": "ß"}], indent="\t")
    assert ask(mock, "POST", "rules", content=content).status_code == 201


def test_the_page_of_documentation_has_every_path():
    page = (Path(__file__).parents[2] / "docs" / "admin.rst").read_text(encoding="utf-8")
    for view in VIEWS:
        assert f"``{view.method} {view.path.removesuffix('/*')}" in page


# Who may


def test_no_answer_has_a_cors_header(mock):
    for method, path in (("GET", ""), ("GET", "rules"), ("OPTIONS", "rules"), ("GET", "nothing"), ("POST", "rules")):
        origin = {"origin": f"http://127.0.0.1:{mock.port}"}
        for headers in (origin, {"origin": "http://evil.example", "access-control-request-method": "PUT"}):
            answer = ask(mock, method, path, headers=headers)
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
    ],
)
@pytest.mark.parametrize("path", ["", "rules", "exchanges"])
def test_strangers_are_refused(mock, headers, path):
    answer = ask(mock, "GET", path, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "admin_refused"


@pytest.mark.parametrize("host", ["localhost", "localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}", "LOCALHOST:99"])
def test_names_of_this_machine_are_let_in(mock, host):
    assert ask(mock, "GET", "rules", headers={"host": host.format(port=mock.port)}).status_code == 200


def test_its_own_page_may_change_things(mock):
    origin = f"http://127.0.0.1:{mock.port}"
    answer = ask(mock, "POST", "rules", content=NEW, headers={"origin": origin, "sec-fetch-site": "same-origin"})
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
def test_this_machine_only(address, status):
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
def test_with_a_key_it_is_asked_of_everybody(address, headers, status):
    app = openaimock.create_app({"admin_key": "key-1", "responses": RULES})
    assert from_address(app, address, headers, host="mock.test") == status


def test_the_page_can_ask_for_the_key(serve):
    mock = serve({"admin_key": "key-1", "responses": RULES})
    answer = ask(mock, "GET", "")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")


def test_a_key_may_have_any_letters(serve):
    mock = serve({"admin_key": "clé-1", "responses": RULES})
    for key, status in (("clé-1", 200), ("cle-1", 401)):
        assert ask(mock, "GET", "rules", headers={"x-openaimock-admin-key": key.encode()}).status_code == status


def test_a_page_of_another_site_is_refused_even_with_the_key(serve):
    mock = serve({"admin_key": "key-1", "responses": RULES})
    headers = {"authorization": "Bearer key-1", "origin": "http://evil.example"}
    assert ask(mock, "GET", "rules", headers=headers).status_code == 403


def test_a_large_body_is_413(serve):
    mock = serve({"max_body": 1000, "responses": RULES})
    app = mock.app
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://localhost") as http:
        assert http.post("/__openaimock/rules", content=b"#" * 1001).status_code == 413
