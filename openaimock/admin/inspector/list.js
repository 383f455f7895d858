// The list of exchanges, which follows the journal.
const rows = new Map();
let last = 0, drawn = "";

async function poll() {
  try {
    let since = last;
    for (const row of rows.values()) if (row.ended === "running") since = Math.min(since, row.order - 1);
    const query = `exchanges?brief=true&usage=true&limit=${MAX_ROWS}`;
    const page = await api("GET", `${query}&since=${since}`);
    const before = last;
    if (page.last < last || rows.size > page.kept) {
      // The journal was emptied or has dropped its oldest entries: load the list again.
      rows.clear();
      Object.assign(page, await api("GET", query));
    }
    for (const row of page.exchanges) {
      const earlier = rows.get(row.order);
      rows.set(row.order, row);
      if (String(row.order) === place.id && earlier && earlier.ended === "running") open(place.id);
    }
    last = page.last;
    for (const order of [...rows.keys()].sort((a, b) => a - b).slice(0, Math.max(0, rows.size - MAX_ROWS))) rows.delete(order);
    $("connection").textContent = `live, ${plural(rows.size, "exchange")}`;
    draw();
    $("exchanges").classList.toggle("blank", !rows.size);
    if (place.id === "" && (last !== before || !$("detail").firstChild)) open("");
    return last !== before;
  } catch (error) {
    $("connection").textContent = $("lock").hidden ? "not connected" : "locked";
    return false;
  }
}
const SHOWN = {
  missed: (row) => row.unmatched,
  errors: (row) => row.status >= 400,
  faults: (row) => row.fault_kind || !["complete", "running"].includes(row.ended),
  streams: (row) => row.stream,
  lint: (row) => row.findings,
};
function passes(row) {
  if (SHOWN[place.show] && !SHOWN[place.show](row)) return false;
  if (place.namespace && row.namespace !== place.namespace) return false;
  if (place.rule && row.rule !== place.rule) return false;
  const fields = [`#${row.order}`, row.rule, row.text, row.status, row.path, row.namespace, row.code, row.model, row.endpoint, row.fault_kind, row.id];
  return place.q.toLowerCase().split(/\s+/).every((word) => fields.join(" ").toLowerCase().includes(word));
}
// What went wrong, in words.
function trouble(row) {
  if (row.ended === "running") return ["running", "quiet"];
  if (row.fault_kind) return [`fault: ${row.fault_kind}`, "bad"];
  if (row.ended === "client_disconnected") return ["client left", "bad"];
  if (row.ended === "fault") return ["broken off", "bad"];
  if (row.unmatched) return ["no rule", "warn"];
  return row.status >= 400 ? [row.code || "error", row.status >= 500 ? "bad" : "warn"] : ["", "good"];
}
function tokens(row) {
  const usage = row.usage;
  if (!usage) return "";
  const input = usage.prompt_tokens ?? usage.input_tokens, output = usage.completion_tokens ?? usage.output_tokens;
  return `${textOf(input) || 0} in, ${textOf(output) || 0} out`;
}
function draw() {
  const names = [...new Set([...rows.values()].map((row) => row.namespace))].sort((a, b) => (b === "default") - (a === "default") || (a < b ? -1 : 1));
  drawNamespaces(names);
  $("rule-chip").hidden = !place.rule || place.view !== "exchanges";
  $("rule-chip").replaceChildren("rule ", bdi(clip(place.rule, 60)), " ×");
  $("rule-chip").setAttribute("aria-label", `Remove the filter rule ${place.rule}`);
  const visible = [...rows.values()].sort((a, b) => b.order - a.order).filter(passes);
  const state = JSON.stringify([visible.map((row) => [row.order, row.ended, row.events, row.status]), place.id, names]);
  if (state === drawn) return;
  drawn = state;
  const focused = document.activeElement?.dataset?.order;
  const top = $("list").scrollTop;
  const groups = names.length > 1 ? names.map((name) => [name, visible.filter((row) => row.namespace === name)]).filter(([, group]) => group.length) : [["", visible]];
  $("list").replaceChildren(...groups.flatMap(([name, group]) => [name && groupLine(name, group), ...group.map(line)]).filter(Boolean));
  if (!visible.length) $("list").append(el("li", {class: "quiet empty"}, rows.size ? "No exchange passes the filter." : "No exchanges yet."));
  $("list").scrollTop = top;
  if (focused) $("list").querySelector(`[data-order="${Number(focused)}"]`)?.focus({preventScroll: true});
}
function drawNamespaces(names) {
  const select = $("namespace");
  const options = JSON.stringify([names, place.namespace]);
  select.hidden = names.length < 2 && !place.namespace;
  if (select.dataset.options === options) return;
  select.dataset.options = options;
  const all = place.namespace && !names.includes(place.namespace) ? [...names, place.namespace] : names;
  select.replaceChildren(el("option", {value: ""}, "all namespaces"), ...all.map((name) => el("option", {value: name}, name)));
  select.value = place.namespace;
}
const groupLine = (name, group) => el("li", {class: "group"}, el("h2", null, "namespace ", bdi(name), el("span", {class: "quiet"}, ` ${group.length}`)));
function line(row) {
  const [word, tone] = trouble(row);
  const facts = [
    word && el("strong", {class: tone}, word), (row.rule ?? row.endpoint) && bdi(row.rule ?? row.endpoint), row.model && bdi(row.model),
    row.stream && "stream", row.attempt && `attempt ${row.attempt + 1}`, row.findings && el("span", {class: "warn"}, `${row.findings} lint`),
  ].filter(Boolean);
  return el("li", null, el("button", {
    type: "button", "data-order": row.order, "aria-current": String(row.order) === place.id ? "true" : null, onclick: () => go({id: String(row.order)}),
  },
    el("span", {class: `status ${tone}`}, row.status || "..."),
    el("span", {class: "clip"}, bdi(row.text || `${row.method} ${row.path}`)),
    el("span", {class: "number quiet"}, row.ended === "running" ? "" : milliseconds(row.duration)),
    el("span", {class: "quiet order"}, `#${row.order}`),
    el("span", {class: "clip quiet"}, facts.map((fact, index) => [index ? " · " : "", fact])),
    el("span", {class: "number quiet"}, [tokens(row), clock(row)].filter(Boolean).join(" · "))));
}
function follow(event) {
  const all = [...$("list").querySelectorAll("button")];
  const at = all.indexOf(document.activeElement);
  const to = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1}[event.key];
  if (to === undefined || !all[to]) return;
  event.preventDefault();
  all[to].focus();
}
