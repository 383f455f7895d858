"use strict";
// Elements, requests and texts. Data is put on the page by textContent only; HTML is never built from it.
const $ = (id) => document.getElementById(id);
const MAX_ROWS = 500;
let key = sessionStorage.getItem("openaimock-admin-key") || "";

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined && child !== "") node.append(child instanceof Node ? child : String(child));
  return node;
}
function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
// Text of any direction, which does not change the order of what surrounds it.
const bdi = (text) => el("bdi", null, text);
const button = (label, onclick, more) => el("button", {type: "button", onclick, ...more}, label);
const heading = (text) => el("h3", null, text);

async function api(method, path, body) {
  // A header carries bytes: other than ASCII is sent as UTF-8.
  const headers = key ? {"x-openaimock-admin-key": String.fromCharCode(...new TextEncoder().encode(key))} : {};
  const answer = await fetch(path, {method, headers, body, cache: "no-store"});
  $("lock").hidden = answer.status !== 401;
  if (answer.ok && !(answer.headers.get("content-type") || "").includes("json")) return answer.text();
  const payload = await answer.json();
  if (!answer.ok) throw new Error(payload.error.message);
  return payload;
}

// Addresses: of the mock's root, and of what clients use as base URL.
const FOLDER = location.pathname.replace(/\/__openaimock\/.*$/, "");
const ROOT = FOLDER.replace(/\/t\/[^/]+$/, "");
const BASE = location.origin + FOLDER + "/v1";
// The path of an exchange from the root, with its namespace and query.
function pathOf(exchange) {
  const pairs = Object.entries(exchange.request?.query || {}).flatMap(([name, value]) => [value].flat().map((item) => [name, String(item)]));
  const path = exchange.path.startsWith("/t/") || exchange.namespace === "default" ? exchange.path : `/t/${encodeURIComponent(exchange.namespace)}${exchange.path}`;
  return path + (pairs.length ? "?" + new URLSearchParams(pairs) : "");
}
const urlOf = (path) => (path.startsWith("/t/") ? ROOT : FOLDER) + (path.startsWith("/") ? path : "/" + path);

// Texts

const milliseconds = (value) => value >= 10000 ? (value / 1000).toFixed(1) + " s" : value.toFixed(value < 10 ? 1 : 0) + " ms";
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const clock = (row) => new Date(row.at * 1000).toLocaleTimeString([], {hourCycle: "h23"});
const bytes = (size) => size < 1024 ? plural(size, "byte") : size < 1048576 ? (size / 1024).toFixed(1) + " KB" : (size / 1048576).toFixed(1) + " MB";
const clip = (text, length) => text.length > length ? text.slice(0, length - 3) + "..." : text;
function parsed(text) {
  try { return JSON.parse(text); } catch { return undefined; }
}
// JSON to read: long lists of numbers and long encoded texts are shortened.
function pretty(value) {
  return JSON.stringify(value, (name, item) => {
    if (Array.isArray(item) && item.length > 20 && typeof item[0] === "number") return `[${item.slice(0, 4).join(", ")}, ... ${item.length} numbers]`;
    if (typeof item === "string" && item.length > 2000 && /^(data:[^,]*,)?[A-Za-z0-9+/=]+$/.test(item)) return `${item.slice(0, 60)}... (${item.length} characters)`;
    return item;
  }, 2) ?? "";
}
const pre = (text, label) => el("pre", {tabindex: "0", dir: "auto", role: label ? "region" : null, "aria-label": label}, text);
function json(value, label) {
  const clipped = value && typeof value === "object" && typeof value.clipped === "string";
  return clipped ? el("div", null, el("p", {class: "quiet"}, `The beginning of ${bytes(value.size)}; raise journal: {body_limit: ...} to keep more.`), pre(value.clipped, label)) : pre(pretty(value), label);
}
function folded(title, content, open) {
  return el("details", {open: Boolean(open)}, el("summary", null, title), content);
}

// The clipboard

function notice(text) {
  $("notice").textContent = text;
  clearTimeout(notice.timer);
  notice.timer = setTimeout(() => { $("notice").textContent = ""; }, 2500);
}
async function copy(text, name) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure context there is no clipboard API.
    const area = el("textarea", {readonly: true, class: "aside"});
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  notice(`${name} copied.`);
}
const copier = (label, text, name) => button(label, () => copy(typeof text === "function" ? text() : text, name || "Text"));
