// One exchange in full.
async function open(id) {
  if (id === "") {
    $("detail").replaceChildren(rows.size ? el("p", {class: "quiet"}, "No exchange is selected. Choose one from the list.") : welcome());
    return;
  }
  try {
    const exchange = await api("GET", `exchanges/${encodeURIComponent(id)}?answer=true`);
    if (place.id !== id) return;
    $("detail").replaceChildren(...details(exchange));
  } catch (error) {
    if (place.id === id) $("detail").replaceChildren(back(), el("p", {class: "bad"}, bdi(error.message)));
  }
  $("detail").scrollTop = 0;
  if ($("side").offsetParent === null) $("detail").focus();
}
function close() {
  const order = place.id;
  go({id: ""});
  $("list").querySelector(`[data-order="${Number(order)}"]`)?.focus();
}
const back = () => button("Back to the list", close, {id: "back"});
function welcome() {
  const key = welcome.keys ? "YOUR_KEY" : "test-key";
  const shell = `export OPENAI_BASE_URL=${BASE}\nexport OPENAI_API_KEY=${key}\ncurl $OPENAI_BASE_URL/chat/completions -H "authorization: Bearer $OPENAI_API_KEY" -H "content-type: application/json" -d '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'`;
  const code = `from openai import OpenAI\nclient = OpenAI(base_url="${BASE}", api_key="${key}")\nprint(client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}]).choices[0].message.content)`;
  return el("div", {id: "welcome"},
    el("h2", null, "No requests yet"),
    el("p", null, "Send requests to ", el("code", null, BASE), ". They appear here at once, each with its reply and the reason for it."),
    heading("Python"), pre(code, "Python"), copier("Copy Python", code, "Python"),
    heading("Shell"), pre(shell, "Shell"), copier("Copy shell", shell, "Shell commands"),
    el("p", null, "Or ", link("send one from this page", {view: "try"}), "."));
}
function fact(name, value, tone) {
  return value === null || value === undefined || value === "" ? null : el("li", null, el("span", {class: "quiet"}, `${name} `), el("span", {class: tone}, value instanceof Node ? value : bdi(value)));
}
function headline(exchange) {
  const [word, tone] = trouble({...exchange, fault_kind: exchange.fault?.kind});
  const usage = tokens({usage: exchange.answer?.usage});
  return el("ul", {class: "facts"},
    fact("status", exchange.status || "none", `status ${tone}`),
    word ? el("li", {class: tone}, el("strong", null, bdi(exchange.fault ? `${word} after ${exchange.fault.after}` : word))) : null,
    fact("rule", exchange.rule === null ? "none" : link(bdi(exchange.rule), {view: "rules", rule: exchange.rule})),
    fact("duration", exchange.ended === "running" ? "" : milliseconds(exchange.duration)),
    fact("model", exchange.model), exchange.stream ? el("li", null, "stream") : null,
    exchange.attempt ? fact("attempt", exchange.attempt + 1) : null,
    fact("tokens", usage), exchange.namespace === "default" ? null : fact("namespace", exchange.namespace),
    fact("time", el("time", {datetime: exchange.time}, clock(exchange))));
}
function details(exchange) {
  const talk = conversation(exchange);
  const left = [
    exchange.lint.length ? [heading("Lint"), findings(exchange.lint)] : null,
    talk ? [heading("Conversation"), talk] : null,
    heading("What the client received"), received(exchange),
  ];
  const right = [
    heading("Timeline"), timeline(exchange),
    exchange.why ? [heading(exchange.matched ? "Why this rule, and not the others" : "Why no rule answered"), verdicts(exchange.why)] : null,
    heading("More"), more(exchange),
  ];
  return [
    back(),
    el("h2", null, el("span", {class: "quiet"}, `#${exchange.order} `), `${exchange.method} `, bdi(exchange.path)),
    headline(exchange),
    ...actions(exchange).filter(Boolean),
    el("div", {class: "columns"}, el("div", null, left), el("div", null, right)),
  ];
}
// The answer: its body or events, and its usage.
function received(exchange) {
  const answer = exchange.answer || {};
  if (answer.missing) return el("p", {class: "quiet"}, `Not shown: ${answer.missing}.`);
  const type = answer.headers["content-type"] || "", hint = answer.headers["x-openaimock-hint"];
  const facts = [`${answer.status} ${type}`, bytes(answer.size)];
  if (answer.events) facts.push(plural(answer.events.filter((event) => event.trim()).length, "event"));
  const notes = [];
  if (exchange.fault) notes.push(`The answer went wrong: ${exchange.fault.kind}.`);
  if (exchange.ended === "client_disconnected") notes.push("The client left before the end.");
  if (answer.cut) notes.push("The answer is longer than what is shown.");
  return el("div", {class: "received"},
    el("p", {class: "quiet"}, facts.join(" · ")), hint ? el("p", {class: "hint"}, bdi(hint)) : null, notes.map((note) => el("p", {class: "bad"}, note)),
    usageLine(answer.usage), (answer.media || []).map(media),
    answer.events ? folded("Events as sent (SSE)", eventList(answer.events, exchange.chunks)) : null,
    answer.body !== undefined ? folded("Body (JSON)", json(answer.body, "Body"), !talkable(exchange)) : null,
    answer.text !== undefined ? pre(answer.text, "Body") : null,
    folded("Headers of the answer", json(answer.headers, "Headers of the answer")));
}
const talkable = (exchange) => replies(exchange).length > 0;
function usageLine(usage) {
  if (!usage) return null;
  const counts = Object.entries(usage).flatMap(([name, value]) => value && typeof value === "object" ? Object.entries(value).filter(([, count]) => count).map(([part, count]) => [part, count]) : [[name, value]]);
  return el("p", null, el("span", {class: "quiet"}, "usage "), counts.map(([name, count]) => `${name.replaceAll("_", " ")} ${textOf(count)}`).join(", "));
}
function media(row, index) {
  const label = `${row.type}, ${bytes(row.size)}`;
  const address = row.base64 ? `data:${row.type};base64,${row.base64}` : null;
  const node = !address ? null : row.type.startsWith("image/") ? el("img", {src: address, alt: `Picture ${index + 1} of the answer`}) : el("audio", {src: address, controls: true, "aria-label": `Sound ${index + 1} of the answer`});
  return el("figure", null, node, el("figcaption", {class: "quiet"}, label));
}
function eventList(events, times) {
  const timed = events.length === times.length;
  const item = (event, index) => el("li", null, timed ? el("span", {class: "quiet number"}, `${milliseconds(times[index])} `) : null, el("code", null, bdi(event.trim() || "(the connection ends)")));
  const list = el("ol", {class: "events", tabindex: "0", "aria-label": "Events"}, events.slice(0, 200).map(item));
  if (events.length > 200) {
    const rest = button(`Show ${events.length - 200} more events`, () => { list.append(...events.slice(200).map((event, index) => item(event, index + 200))); rest.remove(); });
    return el("div", null, list, rest);
  }
  return list;
}
function more(exchange) {
  const request = exchange.request;
  return el("div", null,
    exchange.error ? folded("Error", json(exchange.error, "Error")) : null,
    exchange.reply ? folded("Reply of the rule", json(exchange.reply, "Reply of the rule")) : null,
    request ? folded("Request (JSON)", json(request.body, "Request")) : el("p", {class: "quiet"}, "The request was refused before it was read."),
    request && Object.keys(request.files).length ? folded("Files", json(request.files, "Files")) : null,
    request && Object.keys(request.query).length ? folded("Query", json(request.query, "Query")) : null,
    request ? folded("Headers of the request", json(request.headers, "Headers of the request")) : null,
    el("p", {class: "quiet"}, "request id ", el("code", null, bdi(exchange.id)), ` · ${exchange.endpoint || "unknown endpoint"} · number ${exchange.number} in namespace `, bdi(exchange.namespace), ` · ${exchange.time}`));
}
