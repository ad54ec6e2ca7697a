// The picture of what led to an event and what came of it: boxes and arrows, from the causation ids in the log.
import { h, svg, count, eventID, route, t } from "./dom.js";

const [most, boxWidth, boxHeight, column, row] = [60, 176, 46, 209, 60];

export const causeOf = (one) => one.metadata?.causationid ?? one.causationid;
const correlation = (one) => one.metadata?.correlationid ?? one.correlationid;

// Arranges the events as a tree: each below or to the right of its cause. The nearest causes come first.
function arrange(event, causes, effects) {
  const under = new Map();
  const shownCauses = causes.slice(0, most / 3).reverse();
  for (const one of effects) under.set(causeOf(one), [...(under.get(causeOf(one)) ?? []), one]);
  const nodes = [];
  const add = (one, depth, parent) => {
    const node = { one, depth, parent, children: [], isHere: one === event };
    parent?.children.push(node);
    nodes.push(node);
    return node;
  };
  let parent;
  for (const cause of shownCauses) parent = add(cause, nodes.length, parent);
  // Without recursion, because a chain of effects can be long.
  const open = [[event, parent]];
  const seen = new Set();
  while (open.length && nodes.length < most) {
    const [one, above] = open.pop();
    if (seen.has(eventID(one))) continue;
    seen.add(eventID(one));
    const node = add(one, above ? above.depth + 1 : 0, above);
    for (const next of (under.get(eventID(one)) ?? []).toReversed()) open.push([next, node]);
  }
  return nodes;
}

// Places the boxes from left to right if they fit into the width, else one below the other, indented.
function place(nodes, width) {
  const deepest = Math.max(...nodes.map((node) => node.depth));
  if (deepest * column + boxWidth + 4 > width) {
    const indent = Math.min(28, Math.max(0, width - boxWidth - 4) / Math.max(1, deepest));
    nodes.forEach((node, index) => Object.assign(node, { x: node.depth * indent + 2, y: index * row + 4 }));
    return false;
  }
  let leaf = 0;
  for (const node of nodes.toReversed()) {
    node.x = node.depth * column + 2;
    if (node.children.length === 0) node.y = -row * leaf++;
    else node.y = (node.children[0].y + node.children.at(-1).y) / 2;
  }
  const highest = Math.min(...nodes.map((node) => node.y));
  for (const node of nodes) node.y += 4 - highest;
  return true;
}

function arrow(from, to, isAcross) {
  const middle = boxHeight / 2;
  const shape = isAcross
    ? `M${from.x + boxWidth} ${from.y + middle}C${from.x + boxWidth + 20} ${from.y + middle} `
      + `${to.x - 22} ${to.y + middle} ${to.x - 3} ${to.y + middle}`
    : `M${from.x + 12} ${from.y + boxHeight}V${to.y + middle}H${Math.max(from.x + 15, to.x - 3)}`;
  return svg("path", { class: "arrow", d: shape, "marker-end": "url(#tip)" });
}

function box(node, event) {
  const { one } = node;
  const cut = (text, length) => text.length > length ? `${text.slice(0, length - 1)}…` : text;
  const place = `${one.subject ?? t("event.noStream")} · ${count(one.position)}`;
  const isOther = correlation(one) !== correlation(event);
  const kind = `${node.isHere ? "here" : ""} ${isOther ? "other" : ""}`;
  return svg(
    "a",
    { href: route("event", eventID(one)), class: kind, transform: `translate(${node.x} ${node.y})` },
    svg("title", {}, `${one.type}, ${place}`),
    svg("rect", { width: boxWidth, height: boxHeight, rx: 8 }),
    svg("text", { class: "name", x: 11, y: 19 }, cut(one.type, 21)),
    svg("text", { x: 11, y: 36 }, cut(place, 26))
  );
}

export function picture(event, causes, effects, signal) {
  const nodes = arrange(event, causes, effects);
  const drawing = svg("svg", { class: "family", role: "group", "aria-label": t("event.causes") });
  const frame = h("div", { class: "family" }, drawing);
  const draw = () => {
    const width = frame.clientWidth;
    if (!width) return;
    const isAcross = place(nodes, width);
    const form = { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" };
    const tip = svg("marker", form, svg("path", { d: "M0 0L8 4L0 8Z" }));
    const arrows = nodes.filter((node) => node.parent).map((node) => arrow(node.parent, node, isAcross));
    drawing.setAttribute("width", width);
    drawing.setAttribute("height", Math.max(...nodes.map((node) => node.y)) + boxHeight + 6);
    drawing.replaceChildren(svg("defs", {}, tip), ...arrows, ...nodes.map((node) => box(node, event)));
  };
  const observer = new ResizeObserver(draw);
  observer.observe(frame);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  const shared = correlation(event);
  const hidden = causes.length + effects.length + 1 - nodes.length;
  return [
    frame,
    shared && h("p", { class: "note" }, t("event.correlation"), " ", h("code", {}, shared)),
    hidden > 0 && h("p", { class: "note" }, t("event.hidden", { n: hidden }))
  ];
}
