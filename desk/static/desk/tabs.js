// Turns the parts of a long form into tabs. Without it the parts simply stand below each other.
// A part is a fieldset, a group of rows or anything with the class "tab-panel". The tab is named by the
// part's data-label or its heading, counts its rows, and is marked where something in it has to be corrected.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const page = document.querySelector(".change-form #content-main");
  if (!page) return;
  const inside = ".inline-group, .tab-panel, fieldset.module";
  const parts = [...page.querySelectorAll(inside)].filter((part) => !part.parentElement.closest(inside));
  const rest = parts.filter((part) => part.matches(".tab, .inline-group, .tab-panel"));
  const first = parts.filter((part) => !rest.includes(part));
  if (!first.length || !rest.length) return;
  const words = document.getElementById("desk-words")?.dataset ?? {};

  const list = document.createElement("div");
  list.className = "tablist";
  list.setAttribute("role", "tablist");
  if (words.parts) list.setAttribute("aria-label", words.parts);

  // Fieldsets without the class "tab" belong together: they are the first tab.
  const frames = [first, ...rest.map((part) => [part])].map((group, number) => {
    const frame = document.createElement("div");
    frame.className = "tab-frame";
    frame.id = `part-${number}`;
    frame.setAttribute("role", "tabpanel");
    frame.setAttribute("aria-labelledby", `tab-${number}`);
    group[0].before(frame);
    frame.append(...group);
    return frame;
  });

  const tabs = frames.map((frame, number) => {
    const part = frame.firstElementChild;
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = `tab-${number}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", frame.id);
    const heading = part.querySelector("h2")?.textContent.trim();
    tab.textContent = part.dataset.label ?? heading ?? words.overview ?? "…";
    const rows = part.dataset.count ?? part.querySelectorAll(".has_original").length;
    if (+rows) tab.append(small("count", rows));
    if (frame.querySelector(".errorlist, .errornote")) {
      tab.classList.add("wrong");
      tab.append(small("mark", " ⚠", words.wrong));
    }
    tab.addEventListener("click", () => show(number));
    list.append(tab);
    return tab;
  });

  function small(kind, text, spoken) {
    const mark = document.createElement("span");
    mark.className = kind;
    mark.textContent = text;
    if (spoken) {
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", spoken);
    }
    return mark;
  }

  function show(number, { quiet = false } = {}) {
    frames.forEach((frame, at) => {
      frame.hidden = at !== number;
      tabs[at].setAttribute("aria-selected", String(at === number));
      tabs[at].tabIndex = at === number ? 0 : -1;
    });
    // The part stays in the address, so that saving leads back to it.
    const name = frames[number].firstElementChild.id;
    const here = location.pathname + location.search;
    if (!quiet) history.replaceState(null, "", number && name ? `#${name}` : here);
  }

  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    let next = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : null;
    if (event.key in steps) next = (at + steps[event.key] + tabs.length) % tabs.length;
    if (next === null || at < 0) return;
    event.preventDefault();
    show(next);
    tabs[next].focus();
  });

  // An address may name a part, or something inside of one.
  function wanted() {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    return target ? frames.findIndex((frame) => frame.contains(target)) : -1;
  }

  // A browser refuses to send a form and cannot say why where the wrong field is hidden: show it.
  page.addEventListener("invalid", (event) => {
    const at = frames.findIndex((frame) => frame.contains(event.target));
    if (at >= 0) show(at);
  }, true);
  window.addEventListener("hashchange", () => wanted() >= 0 && show(wanted()));

  frames[0].before(list);
  const wrong = tabs.findIndex((tab) => tab.classList.contains("wrong"));
  show(wrong >= 0 ? wrong : Math.max(wanted(), 0), { quiet: true });
});
