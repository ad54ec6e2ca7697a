// Line charts over time, as SVG: axes with round ticks, and a cursor that the pointer or the arrow keys move.
import { h, svg, span, count, t } from "./dom.js";

const [left, right, top, bottom, height] = [64, 12, 10, 24, 190];

// The forms of values. `least` is the smallest upper end of the axis.
export const rate = {
  least: 1,
  text: (value) =>
    t("unit.rate", { value: value === 0 || value >= 10 ? count(Math.round(value)) : String(round(value)) })
};
export const time = { least: 0.001, text: span, isTime: true };
export const lag = { least: 1, text: span, isTime: true };
const round = (value) => Number(value.toFixed(value < 1 ? 2 : 1));

// Returns the steps from 0 to a round number that is not smaller than `most`.
export function ticks(most, { least, isTime }, parts = 4) {
  const part = Math.max(most, least) / parts;
  const units = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
  const power = 10 ** Math.floor(Math.log10(part));
  const step =
    (isTime && part > 30 && units.find((unit) => unit >= part))
    || [1, 2, 5, 10].map((one) => one * power).find((one) => one >= part * 0.999999);
  const number = Math.ceil(Math.max(most, least) / step - 1e-9);
  return Array.from({ length: number + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

// Returns the round times of a range in milliseconds, at most one in 70 pixels.
function timeTicks(from, to, width) {
  const steps = [15, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200].map((one) => one * 1000);
  const step = steps.find((one) => (to - from) / one <= width / 70) ?? 86400000;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, index) => first + index * step);
}

const clock = (at, seconds) => new Date(at).toISOString().slice(11, seconds ? 19 : 16);

export class Chart {
  // `series` are pairs of a name and a function that returns the value of a point, or null.
  constructor({ label, form, series, signal }) {
    Object.assign(this, { label, form, series, points: [], at: null });
    this.drawing = svg("svg", { class: "chart", role: "img", height });
    this.plot = h("div", { class: "plot", tabindex: 0, role: "group", "aria-label": t("chart.keys", { label }) });
    this.readout = h("p", { class: "readout num", role: "status" });
    this.plot.append(this.drawing);
    const legend = series.map(([name], index) => h("span", { class: index ? "b" : "a" }, name));
    this.element = h("div", { class: "chart-box" }, this.plot, h("div", { class: "row legend" }, legend, this.readout));
    this.plot.addEventListener("pointermove", (event) => this.point(event));
    this.plot.addEventListener("pointerleave", () => this.move(null));
    this.plot.addEventListener("blur", () => this.move(null));
    this.plot.addEventListener("keydown", (event) => this.press(event));
    const observer = new ResizeObserver(() => this.draw());
    observer.observe(this.plot);
    signal?.addEventListener("abort", () => observer.disconnect(), { once: true });
  }

  // Shows points, the oldest first, whose `at` is in milliseconds; `step` is the time from one to the next.
  update({ from, to, step, points }) {
    Object.assign(this, { from, to, step, points });
    this.draw();
  }

  point(event) {
    const [x] = [event.clientX - this.plot.getBoundingClientRect().left];
    const wanted = this.from + ((x - left) / (this.width - left - right)) * (this.to - this.from);
    const nearest = this.points.reduce(
      (best, one) => best === null || Math.abs(one.at - wanted) < Math.abs(best.at - wanted) ? one : best,
      null
    );
    this.move(nearest?.at ?? null);
  }

  press(event) {
    if (event.key === "Escape") return this.move(null);
    const [length, now] = [this.points.length, this.points.findIndex((one) => one.at === this.at)];
    const page = Math.max(1, Math.round(length / 10));
    const places = {
      ArrowLeft: now < 0 ? length - 1 : now - 1,
      ArrowRight: now < 0 ? 0 : now + 1,
      PageUp: (now < 0 ? length : now) - page,
      PageDown: now + page,
      Home: 0,
      End: length - 1
    };
    if (!(event.key in places) || length === 0) return;
    event.preventDefault();
    this.move(this.points[Math.max(0, Math.min(length - 1, places[event.key]))].at);
  }

  move(at) {
    if (at === this.at) return;
    this.at = at;
    this.drawCursor();
  }

  draw() {
    this.width = this.plot.clientWidth;
    if (!this.width || this.from === undefined) return;
    const values = this.points.flatMap((one) => this.series.map(([, value]) => value(one) ?? 0));
    const [most, levels] = [Math.max(0, ...values), ticks(Math.max(0, ...values), this.form)];
    this.x = (at) => left + ((at - this.from) / (this.to - this.from)) * (this.width - left - right);
    this.y = (value) => height - bottom - (value / levels.at(-1)) * (height - top - bottom);
    const lines = this.series.map(([, value], index) => this.line(value, index)).reverse();
    this.cursor = svg("g", { class: "cursor" });
    this.drawing.setAttribute("width", this.width);
    this.drawing.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
    this.drawing.setAttribute("aria-label", t("chart.summary", { label: this.label, most: this.form.text(most) }));
    this.drawing.replaceChildren(...this.axes(levels), ...lines.flat(), this.cursor);
    if (this.points.length === 0) {
      const text = t("chart.empty", { time: span((this.step / 1000) * 2) });
      this.drawing.append(this.words((left + this.width) / 2, height / 2, "middle", text));
    }
    this.drawCursor();
  }

  words(x, y, anchor, text) {
    return svg("text", { x, y, "text-anchor": anchor }, text);
  }

  axes(levels) {
    const end = this.width - right;
    const across = levels.flatMap((level) => [
      svg("line", { class: level ? "rule" : "rule base", x1: left, x2: end, y1: this.y(level), y2: this.y(level) }),
      this.words(left - 8, this.y(level) + 4, "end", this.form.text(level))
    ]);
    const along = timeTicks(this.from, this.to, this.width).filter((at) => this.x(at) < end - 14).flatMap((at) => [
      svg("line", { class: "rule", x1: this.x(at), x2: this.x(at), y1: height - bottom, y2: height - bottom + 4 }),
      this.x(at) > left + 14 && this.words(this.x(at), height - 6, "middle", clock(at))
    ]);
    return [...across, ...along.filter(Boolean), this.words(left - 8, height - 6, "end", "UTC")];
  }

  // A line ends where values are missing, for example while the server did not run.
  line(value, index) {
    const runs = [];
    let before = null;
    for (const one of this.points) {
      const number = value(one);
      if (number === null || number === undefined) continue;
      if (before === null || one.at - before > this.step * 2.5) runs.push([]);
      runs.at(-1).push([this.x(one.at).toFixed(1), this.y(number).toFixed(1)]);
      before = one.at;
    }
    return runs.flatMap((run) => {
      const path = `M${run.map((one) => one.join(" ")).join("L")}`;
      const shape = run.length === 1 ? `${path}h0.1` : path;
      const ground = this.y(0).toFixed(1);
      return [
        index === 0 && svg("path", { class: "area", d: `${path}L${run.at(-1)[0]} ${ground}L${run[0][0]} ${ground}Z` }),
        svg("path", { class: index ? "line b" : "line", d: shape })
      ].filter(Boolean);
    });
  }

  drawCursor() {
    const one = this.points.find((point) => point.at === this.at);
    if (!one) this.at = null;
    const values = one ? this.series.map(([name, value]) => [name, value(one)]) : [];
    const shown = (value) => value === null || value === undefined ? "–" : this.form.text(value);
    const text = values.map(([name, value]) => `${name} ${shown(value)}`);
    const words = one ? `${clock(one.at, this.step < 60000)}: ${text.join(", ")}` : "";
    if (this.readout.textContent !== words) this.readout.textContent = words;
    if (!this.cursor) return;
    if (!one) return this.cursor.replaceChildren();
    const x = this.x(one.at);
    this.cursor.replaceChildren(
      svg("line", { class: "hair", x1: x, x2: x, y1: top, y2: height - bottom }),
      ...values.map(([, value], index) =>
        svg("circle", { class: index ? "b" : "a", cx: x, cy: this.y(value ?? 0), r: value === null ? 0 : 4 })
      )
    );
  }
}
