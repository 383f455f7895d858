// Try: explain a request without answering it, or send it.
function typedBody() {
  const text = $("body").value.trim();
  return text ? JSON.parse(text) : null;
}
async function attempt(work) {
  try {
    $("outcome").replaceChildren(...(await work()).flat(Infinity).filter(Boolean));
  } catch (error) {
    $("outcome").replaceChildren(el("p", {class: "bad"}, bdi(error.message)));
  }
}
const explainTyped = () => attempt(async () => {
  const report = await api("POST", "explain", JSON.stringify({method: $("method").value, path: $("path").value, body: typedBody()}));
  const title = report.matched ? [bdi(report.rule), " answers"] : "No rule answers";
  return [el("h2", {class: report.matched ? "good" : "warn"}, title), verdicts(report), report.lint.length ? [heading("Lint"), findings(report.lint)] : null];
});
const sendTyped = () => attempt(async () => {
  const answer = await transmit($("method").value, $("path").value, typedBody());
  const type = answer.headers.get("content-type") || "", id = answer.headers.get("x-request-id");
  const content = await answer.arrayBuffer();
  const nodes = [el("h2", {class: answer.ok ? "good" : "warn"}, `${answer.status}`), el("p", {class: "quiet"}, `${type} · ${bytes(content.byteLength)}`)];
  if (answer.status === 401) {
    nodes.push(el("p", {class: "warn"}, "The mock wants one of its keys: enter it above as the API key."));
    $("api-key").focus();
  }
  poll().then(() => {
    const row = [...rows.values()].find((candidate) => candidate.id === id);
    if (row) $("outcome").append(el("p", null, link(`Open exchange #${row.order}`, {id: String(row.order)})));
  });
  return [...nodes, contentOf(type, content)];
});
function contentOf(type, content) {
  if (/^(image\/(png|jpeg|gif|webp)|audio\/)/.test(type)) {
    const address = `data:${type.split(";")[0]};base64,${encoded(content)}`;
    return type.startsWith("image/") ? el("img", {src: address, alt: "The answer"}) : el("audio", {src: address, controls: true, "aria-label": "The answer"});
  }
  if (!/json|text|event-stream|xml|yaml|subrip/.test(type)) return null;
  const text = new TextDecoder().decode(content);
  const value = parsed(text);
  return pre((value === undefined ? text : pretty(value)).slice(0, 200000), "Answer");
}
function encoded(content) {
  const all = new Uint8Array(content);
  let text = "";
  for (let at = 0; at < all.length; at += 8192) text += String.fromCharCode(...all.subarray(at, at + 8192));
  return btoa(text);
}
function openInTry(exchange) {
  const body = bodyOf(exchange);
  const methods = [...$("method").options].map((option) => option.value);
  if (!methods.includes(exchange.method)) $("method").append(el("option", null, exchange.method));
  $("method").value = exchange.method;
  $("path").value = pathOf(exchange);
  $("body").value = exchange.method === "POST" && body ? JSON.stringify(body, null, 2) : "";
  $("outcome").replaceChildren();
  go({view: "try"});
  $("explain").focus();
}
