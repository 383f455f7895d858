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
// A text with the letters marked that another does not have: those between what both begin and end with, or, in similar texts,
// those outside their longest common subsequence.
function letters(text, other) {
  const own = [...text], others = [...other];
  const shared = common(own, others);
  const marked = shared.size * 2 >= Math.min(own.length, others.length) ? own.map((_, at) => !shared.has(at)) : between(own, others);
  const runs = [];
  own.forEach((letter, at) => {
    if (at && marked[at] === marked[at - 1]) runs[runs.length - 1] += letter;
    else runs.push(letter);
  });
  return runs.map((run, index) => marked[0] === (index % 2 === 0) ? el("mark", null, run) : run);
}
function between(own, others) {
  const shortest = Math.min(own.length, others.length);
  let start = 0, end = 0;
  while (start < shortest && own[start] === others[start]) start++;
  while (end < shortest - start && own[own.length - 1 - end] === others[others.length - 1 - end]) end++;
  return own.map((_, at) => at >= start && at < own.length - end);
}
// The places in a text of its longest common subsequence with another; none for long texts.
function common(own, others) {
  const places = new Set();
  if (own.length * others.length > 40000) return places;
  const lengths = [...own, ""].map(() => new Array(others.length + 1).fill(0));
  for (let i = own.length - 1; i >= 0; i--) {
    for (let j = others.length - 1; j >= 0; j--) lengths[i][j] = own[i] === others[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
  }
  for (let i = 0, j = 0; i < own.length && j < others.length;) {
    if (own[i] === others[j]) { places.add(i++); j++; } else if (lengths[i + 1][j] >= lengths[i][j + 1]) i++; else j++;
  }
  return places;
}
