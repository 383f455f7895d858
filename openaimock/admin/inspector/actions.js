// Actions: an exchange as a command, as a program, as a rule, and once more.
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const bodyOf = (exchange) => exchange.request?.body;
// Why the request cannot be sent again, "" when it can.
function unsendable(exchange) {
  const request = exchange.request;
  if (exchange.operation === "webhooks.delivery") return "The mock itself sent this request.";
  if (!request) return "The mock did not read this request.";
  if (Object.keys(request.files || {}).length) return "The journal does not keep the bytes of files.";
  if (request.body && typeof request.body.clipped === "string") return "The journal does not keep the whole body.";
  return "";
}
function curl(exchange) {
  const lines = [`curl ${quoted(location.origin + urlOf(pathOf(exchange)))}`];
  if (!["GET", "POST"].includes(exchange.method)) lines.push(`-X ${exchange.method}`);
  lines.push('-H "authorization: Bearer ${OPENAI_API_KEY:-test-key}"');
  if (exchange.method === "POST") lines.push("-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(bodyOf(exchange), null, 2))}`);
  return lines.join(" \\\n  ");
}
// JSON as Python writes it.
function python(value, indent) {
  const inner = indent + "    ";
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const parts = Array.isArray(value) ? value.map((item) => python(item, inner)) : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${python(item, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const short = `${open}${parts.join(", ")}${close}`;
  return short.length < 90 && !short.includes("\n") ? short : `${open}\n${parts.map((part) => `${inner}${part},\n`).join("")}${indent}${close}`;
}
function program(exchange) {
  const [, start = "", rest] = pathOf(exchange).match(/^((?:\/t\/[^/]+)?(?:\/openai\/deployments\/[^/]+|\/openai\/v1|\/openai|\/v1)?)(\/.*)$/) || [null, "", pathOf(exchange)];
  const base = location.origin + urlOf(start || "/").replace(/\/$/, "");
  const lines = ["from openai import OpenAI", "", `client = OpenAI(base_url=${JSON.stringify(base)}, api_key="test-key")`];
  const body = bodyOf(exchange), names = Object.keys(body || {});
  // The SDK's methods refuse names that they do not know.
  const namesIn = (row) => row.param ? [row.param] : (row.message.split(" supplied: ")[1] || "").split(", ");
  const unknown = new Set((exchange.lint || []).filter((row) => row.check === "unknown_parameter").flatMap(namesIn));
  const simple = exchange.operation && exchange.method === "POST" && names.every((name) => /^[a-z_]+$/.test(name)) && !Object.keys(exchange.request.params || {}).length;
  if (exchange.method !== "POST") return [...lines, `answer = client.${exchange.method.toLowerCase()}(${JSON.stringify(rest)}, cast_to=object)`, "print(answer)", ""].join("\n");
  if (!simple) return [...lines, `answer = client.post(${JSON.stringify(rest)}, body=${python(body, "")}, cast_to=object)`, "print(answer)", ""].join("\n");
  const fields = names.filter((name) => !unknown.has(name)).map((name) => `    ${name}=${python(body[name], "    ")},`);
  const extra = names.filter((name) => unknown.has(name));
  if (extra.length) fields.push(`    extra_body=${python(Object.fromEntries(extra.map((name) => [name, body[name]])), "    ")},`);
  const end = body.stream ? ["for event in answer:", "    print(event)"] : ["print(answer)"];
  return [...lines, `answer = client.${exchange.operation}(`, ...fields, ")", ...end, ""].join("\n");
}
// A rule for a request that no rule answers. JSON strings are YAML strings, too.
function ruleFor(exchange) {
  const messages = exchange.messages || [], lines = [];
  const lastOne = messages[messages.length - 1];
  const user = messages.filter((message) => message.role === "user").pop();
  const writes = ["chat", "responses", "completions"].includes(exchange.endpoint);
  if (!writes) lines.push(`endpoint: ${JSON.stringify(exchange.endpoint || exchange.operation)}`);
  if (["tool", "function"].includes(lastOne?.role) && lastOne.text) lines.push(condition("tool", lastOne));
  else if (user?.text) lines.push(condition("user", user));
  else if (exchange.text) lines.push(condition("text", {text: exchange.text, clipped: exchange.text.length >= 200}));
  if (!lines.length) lines.push(`endpoint: ${JSON.stringify(exchange.endpoint)}`);
  return `- when:\n${lines.map((line) => `    ${line}\n`).join("")}  reply: ${writes ? '"Hello!"' : "{auto: true}"}\n`;
}
const condition = (name, message) => message.clipped ? `${name}: {contains: ${JSON.stringify(message.text.slice(0, 180))}}` : `${name}: ${JSON.stringify(message.text)}`;

// The panel with a rule in YAML, to copy or to add.
function ruleEditor(title, yaml) {
  const area = el("textarea", {spellcheck: "false", "aria-label": "Rule in YAML", dir: "auto"});
  area.value = yaml;
  const outcome = el("div", {role: "status"});
  const add = async () => {
    try {
      const report = await api("POST", "rules", area.value);
      outcome.replaceChildren(el("p", {class: "good"}, "Added: ", report.added.map((name, index) => [index ? ", " : "", link(bdi(name), {view: "rules", rule: name})])));
    } catch (error) {
      outcome.replaceChildren(el("p", {class: "bad"}, bdi(error.message)));
    }
  };
  const panel = el("div", {class: "panel"}, heading(title), area, el("div", {class: "row"},
    button("Add to the mock", add, {class: "main"}), copier("Copy YAML", () => area.value, "YAML"), button("Download", () => download(area.value)), button("Close", () => panel.remove())), outcome);
  return {panel, area};
}
function download(text) {
  const address = URL.createObjectURL(new Blob([text], {type: "application/yaml"}));
  el("a", {href: address, download: "rule.yaml"}).click();
  URL.revokeObjectURL(address);
}
function actions(exchange) {
  const place = el("div", {id: "editor"});
  const edit = (title, yaml) => {
    const editor = ruleEditor(title, yaml);
    place.replaceChildren(editor.panel);
    editor.area.focus();
  };
  const save = async () => {
    try { edit("This exchange as a rule", await api("GET", `export?id=${exchange.order}`)); } catch (error) { notice(error.message); }
  };
  // A miss, or the mock's own answer in place of a rule's.
  const makes = exchange.unmatched || (!exchange.matched && exchange.request && !exchange.reply && !exchange.error);
  const reason = unsendable(exchange);
  const off = reason ? {disabled: true, title: reason} : null;
  const buttons = el("div", {class: "row actions", role: "group", "aria-label": "Actions"},
    makes ? button("Make a rule", () => edit("A rule for this request", ruleFor(exchange)), {class: "main"}) : button("Save as rule", save, {disabled: exchange.ended === "running" || !exchange.request}),
    button("Open in Try", () => openInTry(exchange), off),
    button("Replay", () => replay(exchange), off),
    copier("Copy curl", () => curl(exchange), "curl command"),
    copier("Copy Python", () => program(exchange), "Python program"),
    copier("Copy link", () => location.origin + location.pathname + hashOf({...DEFAULTS, id: String(exchange.order)}), "Link"));
  for (const item of [...buttons.children].slice(3, 5)) if (reason) { item.disabled = true; item.title = reason; }
  return [buttons, reason ? el("p", {class: "quiet"}, reason) : null, place];
}
// Send a request, with the key that Try keeps.
async function transmit(method, path, content) {
  const headers = {};
  if (content !== null && method === "POST") headers["content-type"] = "application/json";
  if ($("api-key").value) headers.authorization = `Bearer ${$("api-key").value}`;
  return fetch(urlOf(path), {method, headers, cache: "no-store", body: method === "POST" && content !== null ? JSON.stringify(content) : undefined});
}
async function replay(exchange) {
  try {
    const answer = await transmit(exchange.method, pathOf(exchange), bodyOf(exchange));
    await answer.arrayBuffer();
    if (answer.status === 401) notice("The mock wants an API key: enter it in Try.");
    const id = answer.headers.get("x-request-id");
    await poll();
    const row = [...rows.values()].find((candidate) => candidate.id === id);
    if (row) go({id: String(row.order)});
  } catch {
    await poll();
    notice("The connection broke off.");
  }
}
