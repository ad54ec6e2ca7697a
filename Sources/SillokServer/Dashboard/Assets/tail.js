// The live tail of new events. The page holds at most two hundred rows.
import { parse } from "./api.js";
import { h, card, clock, count, eventID, recorded, route } from "./dom.js";
import { shortPayload } from "./event.js";

const most = 200;

export async function tail({ show, signal }, chosen = "") {
  const feed = h("div", { class: "feed", role: "log", "aria-label": "Events" });
  const status = h("span", { class: "sub" }, "waiting for events");
  const stream = h("input", { placeholder: "stream", value: chosen, "aria-label": "Stream" });
  const category = h("input", { placeholder: "category", "aria-label": "Category" });
  const type = h("input", { placeholder: "type", "aria-label": "Type" });
  const hold = h("button", { type: "button" }, "Hold");
  let [source, last, seen, held, waiting, drawing] = [null, null, 0, false, [], 0];

  const draw = () => {
    drawing = 0;
    const rows = waiting.splice(0).slice(-most).map((one) => h("a", { href: route("event", eventID(one)) },
      h("span", { class: "num" }, count(one.position)), h("span", { class: "time" }, clock(recorded(one))), h("span", { class: "stream" }, one.subject ? `${one.subject}@${one.revision}` : "–"),
      h("span", { class: "type" }, one.type), h("span", { class: "rest" }, shortPayload(one))));
    feed.prepend(...rows.reverse());
    while (feed.childElementCount > most) feed.lastElementChild.remove();
    status.textContent = `${count(seen)} since the page was opened`;
  };
  const open = () => {
    source?.close();
    const query = new URLSearchParams({ after: last ?? "head" });
    for (const [name, field] of [["stream", stream], ["category", category], ["type", type]]) if (field.value) query.set(name, field.value);
    source = new EventSource(`v1/subscribe?${query}`);
    source.onmessage = (message) => {
      last = message.lastEventId;
      seen += 1;
      waiting.push(parse(message.data));
      if (waiting.length > most) waiting.shift();
      drawing ||= requestAnimationFrame(draw);
    };
    source.addEventListener("progress", (message) => { last = message.lastEventId; });
    source.addEventListener("end", (message) => { status.textContent = `ended: ${message.data}`; source.close(); });
    source.onopen = () => { status.textContent = "following"; };
    source.onerror = () => { status.textContent = source.readyState === EventSource.CLOSED ? "the server refused it" : "connecting again"; };
  };
  const toggle = () => {
    held = !held;
    hold.textContent = held ? "Resume" : "Hold";
    if (held) { source?.close(); status.textContent = "held"; } else open();
  };
  hold.addEventListener("click", toggle);
  for (const field of [stream, category, type]) field.addEventListener("change", () => { last = null; feed.replaceChildren(); if (!held) open(); });
  document.addEventListener("keydown", (press) => {
    if (press.key === " " && !press.target.closest("input,button,a,dialog")) { press.preventDefault(); toggle(); }
  }, { signal });
  signal.addEventListener("abort", () => source?.close());
  show(h("div", { class: "head" }, h("h1", {}, "Live tail"), status, h("div", { class: "end" }, stream, category, type, hold)), card(null, feed));
  open();
}
