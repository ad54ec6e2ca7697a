// The live tail of new events. The page holds at most two hundred rows.
import { example, parse } from "./api.js";
import { h, card, clock, count, eventID, nothing, recorded, route, t } from "./dom.js";
import { shortPayload } from "./event.js";

const most = 200;

export async function tail({ show, signal }, chosen = "") {
  const feed = h("div", { class: "feed", role: "log", "aria-label": t("column.events") });
  const status = h("span", { class: "sub" }, t("tail.waiting"));
  const stream = h("input", { placeholder: t("stream.one"), value: chosen, "aria-label": t("stream.one") });
  const category = h("input", { placeholder: t("stream.category"), "aria-label": t("stream.category") });
  const type = h("input", { placeholder: t("column.type"), "aria-label": t("column.type") });
  const hold = h("button", { type: "button" }, t("tail.hold"));
  let [source, last, seen, held, waiting, drawing] = [null, null, 0, false, [], 0];

  const empty = h("div", {});
  const invite = () => {
    const isFiltered = [stream, category, type].some((field) => field.value);
    empty.hidden = false;
    empty.replaceChildren(
      isFiltered
        ? nothing(t("tail.noMatch"), t("tail.noMatchNext"))
        : nothing(
            t("tail.empty"), t("tail.emptyNext"), h("pre", { class: "code" }, example()),
            h("p", {}, h("a", { href: "#/streams" }, t("tail.older")))
          )
    );
  };
  const draw = () => {
    drawing = 0;
    const rows = waiting
      .splice(0)
      .slice(-most)
      .map((one) =>
        h(
          "a",
          { href: route("event", eventID(one)) },
          h("span", { class: "num" }, count(one.position)),
          h("span", { class: "time" }, clock(recorded(one))),
          h("span", { class: "stream" }, one.subject ? `${one.subject}@${one.revision}` : "–"),
          h("span", { class: "type" }, one.type),
          h("span", { class: "rest" }, shortPayload(one))
        )
      );
    if (rows.length) empty.hidden = true;
    feed.prepend(...rows.reverse());
    while (feed.childElementCount > most) feed.lastElementChild.remove();
    status.textContent = t("tail.seen", { n: seen });
  };
  const open = () => {
    source?.close();
    const query = new URLSearchParams({ after: last ?? "head" });
    for (const [name, field] of [
      ["stream", stream],
      ["category", category],
      ["type", type]
    ])
      if (field.value) query.set(name, field.value);
    source = new EventSource(`v1/subscribe?${query}`);
    source.onmessage = (message) => {
      last = message.lastEventId;
      seen += 1;
      waiting.push(parse(message.data));
      if (waiting.length > most) waiting.shift();
      drawing ||= requestAnimationFrame(draw);
    };
    source.addEventListener("progress", (message) => {
      last = message.lastEventId;
    });
    source.addEventListener("end", (message) => {
      status.textContent = t("tail.ended", { why: message.data });
      source.close();
    });
    source.onopen = () => {
      status.textContent = t("tail.following");
    };
    source.onerror = () => {
      status.textContent = source.readyState === EventSource.CLOSED ? t("tail.refused") : t("tail.again");
    };
  };
  const toggle = () => {
    held = !held;
    hold.textContent = held ? t("act.resume") : t("tail.hold");
    if (held) {
      source?.close();
      status.textContent = t("tail.held");
    } else open();
  };
  hold.addEventListener("click", toggle);
  for (const field of [stream, category, type])
    field.addEventListener("change", () => {
      last = null;
      feed.replaceChildren();
      invite();
      if (!held) open();
    });
  document.addEventListener(
    "keydown",
    (press) => {
      if (press.key === " " && !press.target.closest("input,button,a,dialog")) {
        press.preventDefault();
        toggle();
      }
    },
    { signal }
  );
  signal.addEventListener("abort", () => source?.close());
  show(
    h(
      "div",
      { class: "head" },
      h("h1", {}, t("tail.title")),
      status,
      h("div", { class: "end" }, stream, category, type, hold)
    ),
    card(null, empty, feed)
  );
  invite();
  open();
}
