// The page: tabs, keys, and the clock that keeps all up to date.
const tabs = [...document.querySelectorAll("[role=tab]")];
const nameOf = (tab) => tab.getAttribute("aria-controls");

function refresh(fresh) {
  if (place.view === "rules") return rules(fresh);
  if (place.view === "client") return client();
  if (place.view === "holds") return holds();
}
for (const tab of tabs) {
  tab.addEventListener("click", () => go({view: nameOf(tab), rule: ""}));
  tab.addEventListener("keydown", (event) => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    go({view: nameOf(next), rule: ""});
    next.focus();
  });
}
$("filter").addEventListener("input", () => go({q: $("filter").value}, true));
$("show").addEventListener("change", () => go({show: $("show").value}));
$("namespace").addEventListener("change", () => go({namespace: $("namespace").value}));
$("rule-chip").addEventListener("click", () => go({rule: ""}));
$("list").addEventListener("keydown", follow);
$("copy-base").addEventListener("click", () => copy(BASE, "Base URL"));
$("clear").addEventListener("click", async () => {
  try {
    await api("DELETE", "exchanges");
  } catch (error) {
    notice(error.message);
    return;
  }
  rows.clear();
  go({id: ""});
  open("");
  poll();
});
$("attempt").addEventListener("submit", (event) => {
  event.preventDefault();
  explainTyped();
});
$("send").addEventListener("click", sendTyped);
$("lock").addEventListener("submit", (event) => {
  event.preventDefault();
  key = $("key").value;
  sessionStorage.setItem("openaimock-admin-key", key);
  $("lock-error").textContent = "";
  begin().then(() => {
    if (!$("lock").hidden) $("lock-error").textContent = "The key is wrong.";
    else if (place.id !== "") open(place.id);
    refresh(true);
  });
});
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
  if (event.key === "Escape" && !typing && place.view === "exchanges" && place.id !== "") close();
  if (event.key === "/" && !typing && place.view === "exchanges") { event.preventDefault(); $("filter").focus(); }
});
addEventListener("popstate", () => show(read()));

// The version and what else is asked once.
async function begin() {
  await poll();
  try {
    const config = await api("GET", "config");
    $("version").textContent = config.version;
    welcome.keys = config.api_keys.length > 0;
    if (place.id === "") open("");
  } catch { /* Locked, or not connected: asked again with the key. */ }
}
async function live() {
  if (!document.hidden) {
    const changed = await poll();
    if (changed || place.view !== "rules") await refresh(false);
  }
  setTimeout(live, 1000);
}
$("base-url").textContent = BASE;
show(read());
begin().then(live);
