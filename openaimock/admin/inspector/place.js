// The place: which view, exchange and filters the address names, so that links and the back button work.
const DEFAULTS = {view: "exchanges", id: "", q: "", show: "", namespace: "", rule: ""};
let place = {...DEFAULTS};

function read() {
  const fields = new URLSearchParams(location.hash.slice(1));
  const names = Object.keys(DEFAULTS).map((name) => [name, fields.get(name) ?? DEFAULTS[name]]);
  const result = Object.fromEntries(names);
  return tabs.some((tab) => tab.id === `tab-${result.view}`) ? result : {...result, view: DEFAULTS.view};
}
function hashOf(target) {
  const changed = Object.entries(target).filter(([name, value]) => value !== DEFAULTS[name]);
  return "#" + new URLSearchParams(changed);
}
// Show another place. Typing in a filter replaces the entry of the history, all else adds one.
function go(changes, replaces) {
  const target = {...place, ...changes};
  if (hashOf(target) !== hashOf(place)) history[replaces ? "replaceState" : "pushState"](null, "", hashOf(target));
  show(target);
}
function show(target) {
  const before = place;
  place = target;
  for (const tab of tabs) {
    const on = tab.id === `tab-${place.view}`;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    $(tab.getAttribute("aria-controls")).hidden = !on;
  }
  if ($("filter").value !== place.q) $("filter").value = place.q;
  $("show").value = place.show;
  $("exchanges").classList.toggle("opened", place.id !== "");
  draw();
  if (place.id !== before.id) open(place.id);
  if (place.view !== before.view || place.rule !== before.rule) refresh(true);
}
const link = (label, changes, more) => el("a", {href: hashOf({...DEFAULTS, ...changes}), ...more}, label);
