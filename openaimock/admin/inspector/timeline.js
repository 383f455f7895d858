// The timeline of an answer: an axis, a mark for each piece, the first token, the gaps, and the piece under the pointer.
function timeline(exchange) {
  const times = exchange.chunks;
  const events = exchange.answer?.events;
  const gists = events && events.length === times.length ? events.map(gist) : null;
  const whole = Math.max(exchange.duration, times.length ? times[times.length - 1] : 0, 0.001);
  const part = (at) => Math.min(1, at / (1.02 * whole));
  const first = Math.max(0, gists ? gists.findIndex((piece) => piece.text) : 0);
  const gaps = times.slice(1).map((at, index) => at - times[index]);
  const widest = gaps.reduce((best, gap, index) => gap > gaps[best] ? index : best, 0);
  const longest = gaps.length > 1 && gaps[widest] >= 1 ? widest : -1;
  const label = times.length ? `${plural(times.length, "piece")} in ${milliseconds(whole)}` : events ? `${plural(events.length, "event")} at once, after ${milliseconds(whole)}` : `one piece, after ${milliseconds(whole)}`;
  const facts = [label];
  if (times.length > 1) facts.push(`first token after ${milliseconds(times[first])}`);
  if (longest >= 0) facts.push(`median gap ${milliseconds([...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)])}`, `longest gap ${milliseconds(gaps[longest])}, before piece ${longest + 2}`);

  const chart = svg("svg", {viewBox: "0 0 1000 60", "aria-hidden": "true", preserveAspectRatio: "none"});
  if (longest >= 0) chart.append(svg("rect", {class: "gap", x: 1000 * part(times[longest]), y: 0, width: Math.max(0, 1000 * (part(times[longest + 1]) - part(times[longest]))), height: 60}));
  chart.append(svg("path", {class: "axis", d: "M0 59H1000", "vector-effect": "non-scaling-stroke"}));
  const marks = (times.length ? times : [whole]).map((at) => `M${(1000 * part(at)).toFixed(2)} 14V46`).join("");
  chart.append(svg("path", {d: marks, class: "marks", "stroke-width": times.length > 150 ? ".8" : "2", "vector-effect": "non-scaling-stroke"}));
  if (times.length > 1) chart.append(svg("path", {d: `M${(1000 * part(times[first])).toFixed(2)} 4V56`, class: "first", "stroke-width": "3", "vector-effect": "non-scaling-stroke"}));
  const cursor = el("div", {class: "cursor", hidden: true});
  const box = el("div", times.length ? {class: "chart", tabindex: "0", role: "slider", "aria-label": "Pieces of the answer", "aria-valuemin": 1, "aria-valuemax": times.length, "aria-valuenow": 1, "aria-valuetext": label} : {class: "chart", role: "img", "aria-label": label}, chart, cursor);
  const axis = el("div", {class: "ticks", "aria-hidden": "true"}, ticks(whole).map((at) => placed(el("span", null, milliseconds(at)), part(at))));
  const output = times.length ? el("p", {class: "piece"}, "Point at a piece, or use the arrow keys, to see it.") : null;
  if (times.length) choosePieces(box, cursor, output, times, gists, part);
  return el("div", {class: "timeline"}, box, axis, el("p", {class: "quiet"}, facts.join(" · ")), output);
}
function placed(node, share) {
  node.style.left = `${(100 * share).toFixed(2)}%`;
  return node;
}
function ticks(whole) {
  const rough = whole / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  return Array.from({length: Math.floor(whole / step) + 1}, (_, index) => index * step).filter((at) => at <= whole * 0.96 || at === 0);
}
function choosePieces(box, cursor, output, times, gists, part) {
  let chosen = 0;
  const choose = (index) => {
    chosen = Math.max(0, Math.min(times.length - 1, index));
    const gap = chosen ? `, ${milliseconds(times[chosen] - times[chosen - 1])} after the one before` : "";
    const piece = gists ? gists[chosen] : null;
    placed(cursor, part(times[chosen])).hidden = false;
    output.replaceChildren(`piece ${chosen + 1} at ${milliseconds(times[chosen])}${gap}`, piece ? ": " : "", piece ? (piece.text ? el("code", null, bdi(piece.text)) : el("span", {class: "quiet"}, bdi(piece.word))) : "");
    box.setAttribute("aria-valuenow", chosen + 1);
    box.setAttribute("aria-valuetext", output.textContent);
  };
  box.addEventListener("pointermove", (event) => {
    const frame = box.getBoundingClientRect();
    const share = (event.clientX - frame.left) / frame.width;
    choose(times.reduce((best, at, index) => Math.abs(part(at) - share) < Math.abs(part(times[best]) - share) ? index : best, 0));
  });
  box.addEventListener("keydown", (event) => {
    const to = {ArrowRight: chosen + 1, ArrowUp: chosen + 1, ArrowLeft: chosen - 1, ArrowDown: chosen - 1, Home: 0, End: times.length - 1}[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(cursor.hidden ? 0 : to);
  });
}
