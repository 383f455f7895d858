// The conversation as bubbles: the messages of the request, and the reply as the client received it.
const EARLIER = 12, MOST_MESSAGES = 200;

function conversation(exchange) {
  const names = {};
  // An endpoint without messages has one text: an input, a prompt.
  const text = exchange.text ? [{role: "input", text: exchange.text, clipped: exchange.text.length >= 200}] : [];
  const bubbles = (exchange.messages?.length ? exchange.messages : text).map((message) => {
    for (const call of message.tool_calls || []) if (call.id) names[call.id] = call.name;
    return bubble(message, names);
  });
  const hidden = bubbles.splice(0, Math.max(0, bubbles.length - EARLIER));
  const box = el("div", {class: "conversation"}, bubbles);
  if (hidden.length) {
    const more = button(`Show ${plural(hidden.length, "earlier message")}`, () => more.replaceWith(...hidden));
    box.prepend(more);
    if (exchange.messages.length >= MOST_MESSAGES) box.prepend(el("p", {class: "quiet"}, `The last ${MOST_MESSAGES} messages.`));
  }
  for (const reply of replies(exchange)) box.append(replyBubble(reply));
  return box.childNodes.length ? box : null;
}
function bubble(message, names) {
  const role = message.role;
  const label = role === "tool" || role === "function" ? `result of ${names[message.tool_call_id] || message.name || message.tool_call_id || "a tool"}` : message.name ? `${role} ${message.name}` : role;
  const parts = message.parts ? el("p", {class: "quiet"}, `with ${message.parts.join(", ")}`) : null;
  const content = [message.text ? readable(message.text) : null, message.clipped ? el("p", {class: "quiet"}, "The text is longer.") : null, parts, (message.tool_calls || []).map(callBox)];
  if (role === "system" || role === "developer") {
    return el("details", {class: "bubble system"}, el("summary", null, el("span", {class: "role"}, bdi(label)), " ", bdi(clip((message.text || "").replace(/\s+/g, " "), 90))), content);
  }
  const side = role === "assistant" ? "assistant" : ["user", "input"].includes(role) ? "user" : "tool";
  return el("div", {class: `bubble ${side}`}, el("span", {class: "role"}, bdi(label)), content);
}
// JSON is indented, other text stays as it is.
function readable(text) {
  const value = /^\s*[[{]/.test(text) ? parsed(text) : undefined;
  return value === undefined ? el("div", {class: "text", dir: "auto"}, text) : pre(pretty(value));
}
function callBox(call) {
  const id = textOf(call.id), input = textOf(call.arguments);
  return el("div", {class: "call"}, el("span", {class: "role"}, "calls ", bdi(textOf(call.name) || "a tool")), id ? el("span", {class: "quiet"}, " ", bdi(id)) : null, input ? readable(input) : null);
}

// What should be text, of an answer that may hold anything.
const textOf = (value) => typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value);

function replyBubble(answer) {
  const texts = Object.fromEntries(["text", "reasoning", "refusal", "error", "finish"].map((name) => [name, textOf(answer[name])]));
  const reply = {...answer, ...texts};
  const node = el("div", {class: `bubble assistant reply${reply.label === "error" ? " error" : ""}`}, el("span", {class: "role"}, reply.label || "reply"));
  if (reply.reasoning) node.append(folded("reasoning", el("div", {class: "text", dir: "auto"}, reply.reasoning), true));
  if (reply.refusal) node.append(el("span", {class: "warn"}, "refusal: "), el("div", {class: "text", dir: "auto"}, reply.refusal));
  if (reply.error) node.append(el("div", {class: "text bad", dir: "auto"}, reply.error));
  if (reply.text) node.append(readable(reply.text));
  for (const call of reply.calls || []) node.append(callBox(call));
  for (const note of reply.notes || []) node.append(el("p", {class: "quiet"}, note));
  if (reply.finish && reply.finish !== "stop") node.append(el("p", {class: "quiet"}, `finish reason: ${reply.finish}`));
  return node;
}
// What is in the answer, as a list of {text, reasoning, refusal, calls, finish, error, notes, label}.
function replies(exchange) {
  const answer = exchange.answer || {};
  const result = answer.events ? fromEvents(answer.events) : answer.body !== undefined ? fromBody(answer.body) : [];
  if (result.length) return result;
  const blocks = exchange.reply?.blocks;
  if (!Array.isArray(blocks) || !answer.missing) return [];
  const text = (kind) => blocks.filter((block) => block.kind === kind).map((block) => block.text || "").join("");
  return [{text: text("text"), reasoning: text("reasoning"), refusal: text("refusal"), calls: blocks.filter((block) => block.call).map((block) => block.call)}];
}
const list = (value) => Array.isArray(value) ? value.filter((item) => item && typeof item === "object") : [];
const callOf = (call) => ({id: call.call_id || call.id, name: call.function?.name ?? call.custom?.name ?? call.name, arguments: call.function?.arguments ?? call.custom?.input ?? call.arguments ?? call.input ?? ""});
function fromBody(body) {
  if (!body || typeof body !== "object") return [];
  if (body.error && typeof body.error === "object") return [{error: body.error.message, label: "error", notes: [[body.error.type, body.error.code].map(textOf).filter(Boolean).join(", ")].filter(Boolean)}];
  if (Array.isArray(body.choices)) {
    return list(body.choices).map((choice) => {
      const message = choice.message || {};
      const calls = list(message.tool_calls).concat(list([message.function_call])).map(callOf);
      return {text: choice.text ?? message.content ?? "", refusal: message.refusal, reasoning: message.reasoning_content, calls, finish: choice.finish_reason, label: body.choices.length > 1 ? `reply ${choice.index ?? 0}` : "reply"};
    });
  }
  if (Array.isArray(body.output)) return [fromItems(body.output, body.status)];
  if (typeof body.text === "string") return [{text: body.text}];
  const vectors = list(body.data).filter((item) => item.embedding);
  if (vectors.length) return [{notes: [`${plural(vectors.length, "embedding")} ${dimensions(vectors[0].embedding)}`]}];
  if (Array.isArray(body.results)) return [{notes: list(body.results).map((result) => result.flagged ? "flagged: " + Object.keys(result.categories || {}).filter((name) => result.categories[name]).join(", ") : "not flagged")}];
  return [];
}
const dimensions = (vector) => Array.isArray(vector) ? `of ${vector.length} numbers` : "in base64";
function fromItems(items, status) {
  const reply = {text: "", reasoning: "", refusal: "", calls: [], notes: [], finish: status === "completed" ? "" : status};
  for (const item of list(items)) {
    if (item.type === "message") {
      for (const part of list(item.content)) reply[part.type === "refusal" ? "refusal" : "text"] += textOf(part.text ?? part.refusal);
    } else if (item.type === "reasoning") {
      reply.reasoning += list(item.summary).concat(list(item.content)).map((part) => textOf(part.text)).join("\n");
    } else if (item.name) reply.calls.push(callOf(item));
    else reply.notes.push(textOf(item.type));
  }
  return reply;
}
const dataOf = (event) => parsed(event.split("\n").filter((row) => row.startsWith("data:")).map((row) => row.slice(5)).join("\n"));
// The text that one event adds, or a word for what it is.
function gist(event) {
  if (!event.trim()) return {word: "the end of the connection"};
  const data = dataOf(event);
  if (!data || typeof data !== "object") return {word: clip(event.trim(), 200)};
  const deltas = list(data.choices).map((choice) => textOf(choice.text ?? choice.delta?.content ?? choice.delta?.refusal ?? choice.delta?.reasoning_content ?? list(choice.delta?.tool_calls).map((call) => textOf(call.function?.name) + textOf(call.function?.arguments)).join(""))).join("");
  const text = typeof data.delta === "string" ? data.delta : deltas;
  return text ? {text} : {word: textOf(data.type) || (data.error ? "error" : data.usage ? "usage" : list(data.choices).some((choice) => choice.finish_reason) ? "finish" : "start")};
}
function fromEvents(events) {
  const choices = new Map();
  const reply = {text: "", reasoning: "", refusal: "", calls: [], notes: [], any: false};
  const items = new Map();
  for (const event of events) {
    const data = dataOf(event);
    if (!data || typeof data !== "object") continue;
    if (Array.isArray(data.choices)) for (const choice of list(data.choices)) addDelta(choices, choice);
    else if (data.error || data.type === "error") reply.error = textOf((data.error || data).message) || "error";
    else if (typeof data.type === "string") addEvent(reply, items, data);
  }
  const all = [...choices.values()].map((choice) => ({...choice, calls: [...choice.calls.values()], label: choices.size > 1 ? `reply ${choice.index}` : "reply"}));
  reply.calls = [...items.values()];
  return reply.any || reply.error || reply.calls.length ? [...all, reply.error ? {...reply, label: "error"} : reply] : all;
}
function addDelta(choices, choice) {
  const index = choice.index ?? 0, delta = choice.delta || {};
  if (!choices.has(index)) choices.set(index, {index, text: "", refusal: "", reasoning: "", calls: new Map(), finish: null});
  const reply = choices.get(index);
  reply.text += textOf(choice.text ?? delta.content);
  reply.refusal += textOf(delta.refusal);
  reply.reasoning += textOf(delta.reasoning_content);
  reply.finish = choice.finish_reason ?? reply.finish;
  for (const piece of list(delta.tool_calls)) {
    const before = reply.calls.get(piece.index) || {id: "", name: "", arguments: ""};
    const call = callOf(piece);
    reply.calls.set(piece.index, {id: before.id || call.id, name: before.name || call.name, arguments: before.arguments + textOf(call.arguments)});
  }
}
function addEvent(reply, items, data) {
  const delta = typeof data.delta === "string" ? data.delta : "";
  const at = data.output_index ?? 0;
  if (/(output_text|transcript\.text)\.delta$/.test(data.type)) { reply.text += delta; reply.any = true; }
  else if (/refusal\.delta$/.test(data.type)) { reply.refusal += delta; reply.any = true; }
  else if (/reasoning(_summary)?_text\.delta$/.test(data.type)) { reply.reasoning += delta; reply.any = true; }
  else if (data.type === "response.output_item.added" && data.item?.name) items.set(at, {...callOf(data.item), arguments: ""});
  else if (/(arguments|input)\.delta$/.test(data.type) && items.has(at)) items.get(at).arguments += delta;
  else if (data.type === "response.incomplete") reply.finish = data.response?.incomplete_details?.reason || "incomplete";
  else if (data.type === "response.failed") { reply.error = textOf(data.response?.error?.message) || "failed"; }
}
