// One instance of a process: its records as a line of time, with what led to what.
import { get, every, path, may } from "./api.js";
import { h, svg, card, code, clock, span, link, moment, parts, redraw, confirmed, t } from "./dom.js";
import { pager, stateTag } from "./processes.js";
import { act, attempts, stepActs } from "./waiting.js";

export async function instance({ show, signal }, name, key) {
  const [top, line] = [h("div", { class: "fields" }), h("div", {})];
  let [after, drawn] = [undefined, ""];
  const load = async () => {
    const page = await get(path("v1", "processes", name, "instances", key), { after, limit: 200 }, signal);
    const text = JSON.stringify({ ...page, at: page.work.length > 0 && page.at.slice(0, 16) });
    // The picture is measured when it is drawn, so it is drawn only if it changes.
    if (text === drawn || signal.aborted) return;
    drawn = text;
    redraw(top, ...summary(name, page, load));
    redraw(line, card(null, timeline(name, page, load, signal), pager(page, after, further)));
  };
  const further = (place) => {
    [after, drawn] = [place, ""];
    return load();
  };
  show(top, line);
  await every(2000, signal, load);
}

function summary(name, page, load) {
  const { instance: one, stream } = page;
  return [
    h(
      "div",
      { class: "head" },
      h("h1", { class: "mono" }, one.key),
      stateTag(one.state),
      h("span", { class: "sub" }, parts("instance.of", { process: link(["process", name], name) })),
      may("project") && h("div", { class: "end" }, instanceActs(name, one, load))
    ),
    h(
      "p",
      { class: "about" },
      parts(one.startedAt ? "instance.aboutStarted" : "instance.about", {
        stream: link(["stream", stream], stream),
        at: one.startedAt && moment(one.startedAt),
        generation: one.generation,
        version: one.version,
        records: t("instance.records", { n: page.revision })
      })
    ),
    one.parkedBecause && h(
      "div",
      { class: "banner bad" },
      h("b", { class: "bad" }, t("processes.parked")),
      h("span", {}, one.parkedBecause)
    )
  ];
}

function instanceActs(name, one, load) {
  const button = (verb, kind, options = {}) => {
    const title = t(`act.${verb}`);
    const dialog = {
      action: title,
      title: t("act.question", { act: title, name: one.key }),
      text: t(`act.${verb}.text`),
      danger: kind === "danger"
    };
    return h(
      "button",
      {
        type: "button",
        class: kind,
        onclick: async () => {
          const answer = await confirmed({ ...dialog, ...options });
          if (!answer) return;
          if (verb === "release") answer.skippingInput = answer.skippingInput === "true";
          const place = `${path("v1", "processes", name, "instances", one.key)}/${verb}`;
          await act(place, answer, t("act.asked", { act: title }), load);
        }
      },
      title
    );
  };
  return [
    one.state === "parked"
      && button("release", "main", {
        fields: [
          {
            name: "skippingInput",
            label: t("act.release.input"),
            choices: [
              ["false", t("act.release.handled")],
              ["true", t("act.release.left")]
            ]
          },
          { name: "reason", label: t("dialog.why") }
        ]
      }),
    one.state !== "completed"
      && one.state !== "notStarted"
      && button("end", "danger"),
    one.generation > 0
      && one.state !== "compensating"
      && button("undo", "danger")
  ];
}

// What a record is: its shape in the picture. The names are those in the log.
const kinds = {
  started: "start",
  received: "input",
  ignored: "input quiet",
  inputSkipped: "input quiet",
  requestPlanned: "step",
  requestAccepted: "result good",
  requestRefused: "result bad",
  effectPlanned: "step",
  effectStarted: "call",
  effectDone: "result good",
  effectFailed: "result bad",
  effectUnknown: "result warn",
  effectCancelled: "step quiet",
  deadlineScheduled: "deadline",
  deadlineCancelled: "deadline quiet",
  deadlineFired: "deadline fired",
  compensationStarted: "step warn",
  compensationEnded: "step quiet",
  completed: "end",
  parked: "result bad",
  released: "act",
  actRequested: "act",
  actEnded: "act quiet"
};

// The records that are inputs of the instance. Those up to the next input follow from it.
const inputs = new Set(
  `started received ignored inputSkipped requestAccepted requestRefused effectStarted effectDone effectFailed
  effectUnknown deadlineFired parked released actRequested actEnded`.split(/\s+/)
);

// Finds what each record follows from, the record that it is about, and the name of its step.
function related(entries) {
  const [about, latest, names, after] = [new Map(), new Map(), new Map(), new Map()];
  let input;
  for (const one of entries) {
    about.set(one, latest.get(one.step ?? one.undoes));
    if (!inputs.has(one.record)) after.set(one, input);
    else if (input?.record === "started") after.set(one, input);
    if (inputs.has(one.record)) input = one;
    latest.set(one.id, one);
    if (one.step && about.get(one)) latest.set(one.step, one);
    names.set(one.id, one.name ?? names.get(one.step));
  }
  return { about, latest, names, after };
}

function timeline(name, page, load, signal) {
  const { about, latest, names, after } = related(page.timeline);
  const [rows, places, edges] = [[], new Map(), []];
  let before;
  for (const one of page.timeline) {
    const pause = before ? (Date.parse(one.at) - Date.parse(before.at)) / 1000 : 0;
    if (pause >= 1) rows.push(h("li", { class: "pause" }, t("instance.later", { time: span(pause) })));
    const [cause, subject] = [after.get(one), about.get(one)];
    const row = entry(one, names.get(one.id) ?? names.get(one.step), cause, subject, before?.at !== one.at);
    places.set(one, row);
    edges.push([places.get(cause), row, ""], [places.get(subject), row, cause ? "about" : ""]);
    rows.push(row);
    before = one;
  }
  const open = page.next ? [] : page.work;
  if (open.length > 0) rows.push(h("li", { class: "pause now" }, t("instance.now")));
  for (const one of open) {
    const row = waiting(name, page, one, load);
    edges.push([places.get(latest.get(one.id)), row, ""]);
    rows.push(row);
  }
  const picture = svg("svg", { class: "causes", "aria-hidden": "true" });
  const box = h("div", { class: "timeline" }, picture, h("ol", {}, rows));
  const draw = () => {
    if (box.isConnected) connect(picture, box, rows, edges.filter(([from]) => from));
  };
  const observer = new ResizeObserver(draw);
  observer.observe(box);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  return box;
}

function entry(one, name, cause, subject, isNewTime) {
  const kind = kinds[one.record] ?? "act";
  const title = h("b", {}, name ?? t("instance.step"));
  const isBad = ["result bad", "result warn"].includes(kind);
  return h(
    "li",
    { class: `entry ${kind}`, tabindex: 0 },
    h("span", { class: "when" }, isNewTime && h("time", { datetime: one.at, title: one.at }, clock(one.at))),
    h("span", { class: "dot" }),
    h(
      "div",
      { class: "what" },
      h(
        "p",
        {},
        one.record in kinds ? parts(`record.${one.record}`, { name: title }) : [one.record, " ", title],
        one.due && parts("instance.due", { at: moment(one.due) }),
        one.actor && h("span", { class: "note" }, t("instance.by", { actor: one.actor })),
        one.record === "actRequested" && one.reason && h("span", { class: "note" }, `: ${one.reason}`)
      ),
      h(
        "p",
        { class: "note from" },
        cause && t("instance.because", { revision: cause.revision }),
        subject && t("instance.refers", { revision: subject.revision }),
        one.source && [link(["event", one.source], place(one)), " "],
        one.stream && parts("instance.from", { stream: link(["stream", one.stream], one.stream) }),
        link(["event", one.id], t("instance.record", { revision: one.revision }))
      ),
      one.result && h("p", { class: isBad ? "bad" : "note" }, one.result),
      one.payload !== undefined && folded(one.payload)
    )
  );
}

const place = (one) =>
  one.sourcePosition === undefined ? t("instance.event") : t("instance.eventAt", { position: one.sourcePosition });
const folded = (payload) => h("details", {}, h("summary", {}, t("instance.contents")), code(payload));

const waits = {
  input: "input",
  held: "input",
  request: "step",
  effect: "step",
  unknown: "step warn",
  deadline: "deadline",
  act: "act"
};

function waiting(name, page, one, load) {
  const kind = waits[one.kind] ?? "step";
  const text = one.kind in waits ? parts(`waits.${one.kind}`, { name: h("b", {}, one.name ?? "") }) : one.kind;
  return h(
    "li",
    { class: `entry open ${kind}`, tabindex: 0 },
    h("span", { class: "when" }, one.due && h("time", { datetime: one.due, title: one.due }, clock(one.due))),
    h("span", { class: "dot" }),
    h(
      "div",
      { class: "what" },
      h(
        "p",
        {},
        text,
        ["input", "held"].includes(one.kind)
          && [" (", link(["event", one.id], t("instance.eventAt", { position: one.position })), ")"],
        one.due && remaining(one.due, page.at)
      ),
      one.failure && h("p", { class: "bad" }, one.failure),
      h("p", { class: "note" }, attempts(one), one.isHeldByParking && [" ", t("instance.held")]),
      ["request", "effect", "unknown"].includes(one.kind)
        && may("project")
        && h("div", { class: "buttons" }, stepActs(name, one, load))
    )
  );
}

function remaining(due, now) {
  const seconds = (Date.parse(due) - Date.parse(now)) / 1000;
  const rest = t(seconds > 0 ? "instance.in" : "instance.overdue", { time: span(Math.abs(seconds)) });
  return [...parts("instance.due", { at: moment(due) }), rest];
}

// Draws a line from each cause to what follows from it. Causes whose lines overlap get lanes of their own.
function connect(picture, box, rows, edges) {
  const frame = box.getBoundingClientRect();
  const center = (row) => {
    const dot = row.querySelector(".dot").getBoundingClientRect();
    return [dot.left + dot.width / 2 - frame.left, dot.top + dot.height / 2 - frame.top];
  };
  const at = new Map(rows.map((row, index) => [row, index]));
  const [lanes, bySource] = [[], new Map()];
  for (const [from, to, kind] of edges) bySource.set(from, [...(bySource.get(from) ?? []), [to, kind]]);
  const lines = [];
  for (const [from, followers] of [...bySource].sort((one, other) => at.get(one[0]) - at.get(other[0]))) {
    const last = Math.max(...followers.map(([to]) => at.get(to)));
    const isNext = last === at.get(from) + 1;
    let lane = lanes.findIndex((end) => end <= at.get(from));
    if (lane < 0) lane = lanes.length;
    if (!isNext) lanes[lane] = last;
    for (const [to, kind] of followers) lines.push(edge(center(from), center(to), isNext ? -1 : lane, kind, from, to));
  }
  picture.setAttribute("width", frame.width);
  picture.setAttribute("height", frame.height);
  picture.replaceChildren(...lines);
}

function edge([x, top], [end, bottom], lane, kind, from, to) {
  const gutter = from.querySelector(".what").offsetLeft - from.querySelector(".when").offsetWidth;
  const out = x - 14 - (lane % Math.max(1, Math.floor((Math.min(x, gutter) - 34) / 7))) * 7;
  const round = Math.min(10, (bottom - top) / 2);
  const shape =
    lane < 0
      ? `M${x} ${top}V${bottom}`
      : `M${x} ${top}Q${out} ${top} ${out} ${top + round}V${bottom - round}Q${out} ${bottom} ${end} ${bottom}`;
  const path = svg("path", { d: shape, class: kind });
  for (const row of [from, to]) {
    for (const event of ["pointerenter", "focusin"]) row.addEventListener(event, () => path.classList.add("lit"));
    for (const event of ["pointerleave", "focusout"]) row.addEventListener(event, () => path.classList.remove("lit"));
  }
  return path;
}
