// Why: the verdicts of the rules, the nearest first, with what differs marked.
const NEAREST = 3;

const finding = (row) => el("li", null, el("strong", {class: "warn"}, row.check), " ", row.param ? el("code", null, bdi(row.param)) : null, " ", bdi(row.message));
const findings = (rows) => el("ol", {class: "verdicts lint"}, rows.map(finding));

function verdicts(why) {
  if (!why.verdicts.length) return el("p", {class: "quiet"}, "There are no rules.");
  const items = why.verdicts.map(verdict);
  const rest = items.splice(NEAREST);
  const list = el("ol", {class: "verdicts"}, items);
  if (!rest.length) return list;
  const more = button(`Show ${rest.length} more of ${plural(why.rules, "rule")}`, () => {
    const first = rest[0];
    list.append(...rest);
    if (why.rules > why.verdicts.length) list.append(el("li", {class: "quiet"}, `and ${why.rules - why.verdicts.length} more, less near`));
    more.remove();
    first.querySelector("a").focus();
  });
  return el("div", null, list, more);
}
function verdict(result) {
  const outcome = result.answers ? `answers${result.score === undefined ? "" : `, score ${result.score}`}` : result.reason || "it fits";
  return el("li", null,
    link(bdi(result.rule), {view: "rules", rule: result.rule}, {class: result.answers ? "good" : null}), " ", el("span", {class: "quiet"}, bdi(result.place)),
    el("div", null, bdi(outcome)), result.hint ? el("div", {class: "hint"}, bdi(result.hint)) : null, difference(result.diff));
}
function difference(diff) {
  if (!diff || diff.length < 2 || diff.length > 60) return null;
  const expected = el("dd", {dir: "auto"}), got = el("dd", {dir: "auto"});
  diff.forEach(([kind, text], index) => {
    if (kind === "=") { expected.append(text); got.append(text); }
    const other = kind === "-" ? diff[index + 1] : diff[index - 1];
    const pair = other && other[0] !== "=" && other[0] !== kind ? other[1] : "";
    if (kind === "-") expected.append(el("del", null, letters(text, pair)));
    if (kind === "+") got.append(el("ins", null, letters(text, pair)));
  });
  return el("dl", {class: "difference"}, el("dt", null, "expected"), expected, el("dt", null, "received"), got);
}
// A word with the letters marked that another does not have, between what they begin and end with.
function letters(text, other) {
  const own = [...text], others = [...other];
  let start = 0, end = 0;
  while (start < Math.min(own.length, others.length) && own[start] === others[start]) start++;
  while (end < Math.min(own.length, others.length) - start && own[own.length - 1 - end] === others[others.length - 1 - end]) end++;
  const middle = own.slice(start, own.length - end).join("");
  return [own.slice(0, start).join(""), middle ? el("mark", null, middle) : null, own.slice(own.length - end).join("")];
}
