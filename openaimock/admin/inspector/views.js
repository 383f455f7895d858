// The views of rules, of findings about the client, and of holds.
const contents = {};

// Replace the content of a view only when it changes, so that what is open there stays open.
function put(id, state, ...nodes) {
  const text = JSON.stringify(state);
  if (contents[id] === text) return false;
  contents[id] = text;
  $(id).replaceChildren(...nodes.flat(Infinity).filter(Boolean));
  return true;
}
async function fill(id, work) {
  try {
    await work();
  } catch (error) {
    put(id, error.message, el("p", {class: "bad"}, bdi(error.message)));
  }
}

// Rules

const rules = (fresh) => fill("rules", async () => {
  const [report, listing] = await Promise.all([api("GET", "coverage"), api("GET", "rules")]);
  const unreached = new Map(report.rules.map((rule) => [rule.id, rule.unreached]));
  const isOpen = new Set([...document.querySelectorAll("#rules details[open]")].map((node) => node.dataset.rule));
  const typed = $("rule-filter")?.value || "";
  const unmatched = report.unmatched.slice(-20).reverse();
  const all = listing.rules;
  const chosen = all.findIndex((rule) => rule.id === place.rule);
  const listed = chosen >= MAX_ROWS ? [all[chosen], ...all.slice(0, MAX_ROWS - 1)] : all.slice(0, MAX_ROWS);
  const items = el("div", {id: "rule-list"}, listed.map((rule) => ruleItem(rule, unreached.get(rule.id) || [], isOpen.has(rule.id) || rule.id === place.rule)));
  const filter = el("input", {id: "rule-filter", type: "search", placeholder: "Filter rules", "aria-label": "Filter rules", oninput: () => narrow(items, filter.value)});
  filter.value = typed;
  const focused = document.activeElement?.id === "rule-filter";
  const changed = put("rules", [listing, report],
    el("h2", null, `${plural(all.length, "rule")}, ${report.never.length} never hit`), filter, items,
    all.length > MAX_ROWS ? el("p", {class: "quiet"}, `and ${all.length - MAX_ROWS} more`) : "",
    heading(`Requests that no rule matched: ${report.unmatched.length}`),
    el("ol", {class: "verdicts"}, unmatched.map((row) => el("li", null, link(bdi(row.text || `${row.method} ${row.path}`), {id: String(row.order)})))));
  if (changed) narrow(items, typed);
  if (changed && focused) filter.focus();
  if (fresh && place.rule) {
    const node = [...document.querySelectorAll("#rules details.rule")].find((item) => item.dataset.rule === place.rule);
    if (node) { node.open = true; node.scrollIntoView({block: "center"}); node.querySelector("summary").focus(); }
  }
});
function narrow(items, text) {
  const words = text.toLowerCase().split(/\s+/);
  for (const item of items.children) item.hidden = !words.every((word) => item.textContent.toLowerCase().includes(word));
}
function ruleItem(rule, unreached, isOpen) {
  const asks = rule.asks.join(" · ") || "anything";
  const item = el("details", {class: rule.hits ? "rule" : "rule never", "data-rule": rule.id, open: isOpen},
    el("summary", null,
      el("span", {class: "name"}, bdi(rule.id)), el("span", {class: rule.hits ? "hits" : "hits warn"}, rule.hits ? plural(rule.hits, "hit") : "never hit"),
      el("span", {class: "clip"}, bdi(asks)), el("span", {class: "clip quiet"}, "→ ", bdi(rule.replies.map(replyGist).join(" | ") || "nothing"))),
    el("dl", null,
      el("dt", null, "asks"), el("dd", null, rule.asks.length ? rule.asks.map((ask) => el("div", {dir: "auto"}, ask)) : "anything"),
      rule.place ? [el("dt", null, "where"), el("dd", null, bdi(rule.place))] : null,
      el("dt", null, "priority"), el("dd", null, rule.priority),
      rule.times ? [el("dt", null, "times"), el("dd", null, rule.times)] : null,
      rule.then ? [el("dt", null, "then"), el("dd", null, rule.then)] : null,
      unreached.length ? [el("dt", null, "not reached"), el("dd", {class: "warn"}, `replies ${unreached.join(", ")}`)] : null,
      el("dt", null, "exchanges"), el("dd", null, link("show them", {rule: rule.id}))),
    rule.replies.map((reply, index) => json(reply, `Reply ${index + 1}`)));
  return item;
}
// A reply in a few words.
function replyGist(reply) {
  if (reply.error) return `error ${reply.error.status ?? ""} ${reply.error.code ?? ""}`.trim();
  const blocks = Array.isArray(reply.blocks) ? reply.blocks : [];
  const parts = blocks.map((block) => block.call ? `calls ${block.call.name}` : block.text || block.kind);
  const text = parts.length ? parts.join(" ") : typeof reply.content === "string" ? reply.content : JSON.stringify(reply);
  const trouble = [reply.fault && `fault ${reply.fault.kind}`, reply.fail && `first ${plural(reply.fail.times, "attempt")}: error ${reply.fail.error?.status ?? reply.fail.error?.code ?? ""}`].filter(Boolean);
  return [clip(text.replace(/\s+/g, " "), 120), ...trouble].filter(Boolean).join(" · ");
}

// Findings about the client

const client = () => fill("client", async () => {
  const reported = (await api("GET", "verdict")).findings;
  const items = reported.slice(0, MAX_ROWS).map((one) => el("li", null, el("b", null, one.code), ": ", bdi(one.message), " ",
    el("span", {class: "quiet"}, "(", one.exchanges.slice(0, 50).map((order, index) => [index ? ", " : "", link(`#${order}`, {id: String(order)})]), ")"),
    el("div", {class: "quiet"}, bdi(one.remedy.replaceAll("``", "")))));
  put("client", reported,
    el("h2", null, reported.length === 1 ? "1 finding about the client" : `${reported.length || "No"} findings about the client`),
    reported.length ? "" : el("p", {class: "quiet"}, "Nothing in the journal shows that the client does something wrong."),
    el("ol", {class: "verdicts"}, items),
    reported.length > MAX_ROWS ? el("p", {class: "quiet"}, `and ${reported.length - MAX_ROWS} more`) : "");
});

// Holds

const holds = () => fill("holds", async () => {
  const waiting = (await api("GET", "holds")).holds;
  const names = [...new Set(waiting.map((row) => row.name))];
  const group = (name) => {
    const own = waiting.filter((row) => row.name === name);
    return el("li", null, el("strong", null, bdi(name)), ` ${plural(own.length, "request")} `, button("Release", () => release(name), {"aria-label": `Release ${name}`}),
      own.slice(0, MAX_ROWS).map((row) => el("div", null, link(["#", row.exchange.order, " ", bdi(row.exchange.text || row.exchange.path)], {id: String(row.exchange.order)}), el("span", {class: "quiet"}, ` waits after ${plural(row.after, "event")}`))));
  };
  put("holds", waiting.map((row) => [row.name, row.after, row.exchange.order]),
    el("h2", null, waiting.length ? `${plural(waiting.length, "request")} waiting at ${plural(names.length, "hold")}` : "No request waits at a hold"),
    waiting.length ? "" : el("p", {class: "quiet"}, "A reply with hold: NAME waits until the hold is released, so that a test decides when it goes on."),
    el("ol", {class: "verdicts"}, names.map(group)));
});
async function release(name) {
  try {
    const report = await api("POST", `holds/${encodeURIComponent(name)}/release`);
    notice(`Released ${plural(report.released, "request")}.`);
  } catch (error) {
    notice(error.message);
  }
  holds();
}
