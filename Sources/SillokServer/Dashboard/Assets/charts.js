// Line charts of the last seconds, as SVG.
import { h, svg } from "./dom.js";

export function chart({ series, format, label, small = false }) {
  const [width, height] = [600, small ? 42 : 150];
  const count = Math.max(...series.map((one) => one.values.length), 2);
  const most = Math.max(...series.flatMap((one) => one.values.filter((value) => value !== null)), 0);
  const top = ceiling(most);
  const x = (index, length) => ((count - length + index) / (count - 1)) * width;
  const y = (value) => height - (top ? (value / top) * (height - 8) : 0);
  const drawing = svg("svg", { class: small ? "chart small" : "chart", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": `${label}: at most ${format(most)}` });
  if (!small) for (const part of [0, 0.5, 1]) drawing.append(svg("line", { class: "rule", x1: 0, x2: width, y1: y(top * part), y2: y(top * part) }));
  series.forEach((one, number) => {
    const points = one.values.map((value, index) => [x(index, one.values.length), value]).filter(([, value]) => value !== null);
    if (points.length === 0) return;
    const path = points.map(([at, value], index) => `${index ? "L" : "M"}${at.toFixed(1)} ${y(value).toFixed(1)}`).join("");
    if (number === 0) drawing.append(svg("path", { class: "area", d: `${path}L${points.at(-1)[0].toFixed(1)} ${height}L${points[0][0].toFixed(1)} ${height}Z` }));
    drawing.append(svg("path", { class: number ? "line b" : "line", d: path }));
  });
  if (small) return drawing;
  const readout = h("span", { class: "note num" }, "");
  const hair = svg("line", { class: "hair", x1: 0, x2: 0, y1: 0, y2: height, visibility: "hidden" });
  drawing.append(hair);
  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const index = Math.round(((event.clientX - box.left) / box.width) * (count - 1));
    const at = (index / (count - 1)) * width;
    hair.setAttribute("x1", at); hair.setAttribute("x2", at); hair.setAttribute("visibility", "visible");
    readout.textContent = `${count - 1 - index} s ago: ` + series.map((one) => {
      const value = one.values[index - (count - one.values.length)];
      return `${one.name} ${value === undefined || value === null ? "–" : format(value)}`;
    }).join(", ");
  });
  drawing.addEventListener("pointerleave", () => { hair.setAttribute("visibility", "hidden"); readout.textContent = ""; });
  const plot = h("div", { class: "plot" }, drawing, [1, 0.5, 0].map((part) => h("span", { class: `axis num at${part * 100}` }, format(top * part))));
  const times = h("div", { class: "times num" }, [1, 0.5].map((part) => h("span", {}, `${Math.round((count - 1) * part)} s ago`)), h("span", {}, "now"));
  return h("div", { class: "chart-box" }, plot, times, h("div", { class: "row legend" }, series.map((one, number) => h("span", { class: number ? "b" : "a" }, one.name)), readout));
}

// Returns the next round number that is not smaller.
function ceiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}
