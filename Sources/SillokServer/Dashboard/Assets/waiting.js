// What the instances of a process wait for: deadlines, and steps that do not succeed.
import { get, send, every, path, may } from "./api.js";
import { h, card, span, table, link, moment, nothing, parts, redraw, toast, confirmed, t } from "./dom.js";
import { pagesOf, pager } from "./processes.js";

// A page of work that is loaded again every two seconds, and its buttons.
async function list({ show, signal }, name, page, body) {
  const place = h("div", {});
  let after;
  const load = async () => {
    const found = await get(path("v1", "processes", name, page), { after, limit: 50 }, signal);
    redraw(place, body(found, load), pager(found, after, further));
  };
  const further = (next) => {
    after = next;
    return load();
  };
  show(h("div", { class: "head" }, h("h1", {}, name), pagesOf(name, page)), place);
  await every(2000, signal, load);
}

export function deadlines(page, name) {
  return list(page, name, "deadlines", (found) =>
    card(
      null,
      table(
        [
          { title: t("work.due"), class: "cut", cell: (one) => moment(one.due) },
          { title: t("work.in"), class: "cut", cell: (one) => remaining(one.due, found.at) },
          { title: t("work.deadline"), cell: (one) => one.name },
          { title: t("instance.one"), cell: (one) => link(["instance", name, one.key], one.key) },
          { title: "", cell: (one) => one.isHeldByParking && h("span", { class: "tag bad" }, t("instance.parked")) }
        ],
        found.work,
        { empty: nothing(t("work.noDeadline"), t("work.noDeadlineNext")) }
      )
    )
  );
}

function remaining(due, now) {
  const seconds = (Date.parse(due) - Date.parse(now)) / 1000;
  return seconds > 0 ? span(seconds) : h("span", { class: "tag warn" }, t("work.overdue", { time: span(-seconds) }));
}

export function effects(page, name) {
  return list(page, name, "effects", (found, load) => [
    found.work.map((one) => failing(name, one, load)),
    found.work.length === 0 && nothing(t("work.noFailure"), t("work.noFailureNext"))
  ]);
}

function failing(name, one, load) {
  const isUnknown = one.kind === "unknown";
  return h(
    "section",
    { class: "card spaced" },
    h(
      "div",
      { class: "row lines" },
      h("h2", { class: "name" }, t(one.kind === "request" ? "work.request" : "work.effect", { name: one.name })),
      h("span", { class: `tag ${isUnknown ? "bad" : "warn"}` }, t(isUnknown ? "work.unknown" : "work.failing")),
      one.isHeldByParking && h("span", { class: "tag bad" }, t("instance.parked")),
      h("span", { class: "sub" }, parts("instance.of", { process: link(["instance", name, one.key], one.key) })),
      h("span", { class: "end note" }, attempts(one))
    ),
    one.failure && h("p", { class: "bad" }, one.failure),
    h("p", { class: "note" }, t("work.key"), " ", h("code", {}, one.id)),
    may("project") && h("div", { class: "buttons" }, stepActs(name, one, load))
  );
}

export const attempts = (one) => [
  one.attempts > 0 && t("work.attempts", { n: one.attempts }),
  one.nextAttempt && [one.attempts > 0 && ", ", parts("work.next", { at: moment(one.nextAttempt) })]
];

// The acts of an operator on a step. Each is recorded, and the application that runs the process executes it.
export function stepActs(name, one, load) {
  const isEffect = one.kind === "effect" || one.kind === "unknown";
  const base = path("v1", "processes", name, "instances", one.key, "steps", one.id);
  const button = (verb, title, kind, options) =>
    h(
      "button",
      {
        type: "button",
        class: kind,
        onclick: async () => {
          const answer = await confirmed({ action: title, ...options });
          if (answer) await act(`${base}/${verb}`, answer, t("act.asked", { act: title }), load);
        }
      },
      options.fields ? `${title}…` : title
    );
  return [
    button("retry", t("act.retry"), "main", {
      title: t("act.retry.title", { name: one.name }),
      text: t(isEffect ? "act.retry.effect" : "act.retry.request")
    }),
    isEffect
      && button("answer", t("act.answer"), undefined, {
        title: t("act.answer.title", { name: one.name }),
        text: t("act.answer.text"),
        fields: [
          { name: "result", label: t("act.answer.result") },
          { name: "reason", label: t("dialog.why") }
        ]
      }),
    isEffect
      && button("skip", t("act.skip"), "danger", {
        title: t("act.question", { act: t("act.skip"), name: one.name }),
        text: t("act.skip.text"),
        danger: true
      })
  ];
}

export async function act(place, body, text, load) {
  try {
    await send("POST", place, body);
    toast(text);
    await load?.();
  } catch (error) {
    toast(error.message, true);
  }
}
