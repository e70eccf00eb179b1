// Turns the parts of a long form into tabs. Without it the parts simply stand below each other.
// A part is a fieldset, a group of rows or anything with the class "tab-panel". The tab is named by the
// part's data-label or its heading, counts its rows, and is marked where something in it has to be corrected.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const page = document.querySelector(".change-form #content-main");
  if (!page) return;
  const parts = [...page.querySelectorAll("fieldset.module, .inline-group, .tab-panel")];
  const panels = parts.filter((part) => !part.parentElement.closest(".inline-group, .tab-panel, fieldset.module"));
  const first = panels.findIndex((panel) => panel.matches("fieldset.module"));
  const rest = panels.filter((panel) => panel.matches(".tab, .inline-group, .tab-panel"));
  if (first < 0 || !rest.length) return;
  // Fieldsets without the class "tab" belong together: they are the first tab.
  const groups = [panels.filter((panel) => !rest.includes(panel)), ...rest.map((panel) => [panel])];
  const words = document.getElementById("desk-words")?.dataset ?? {};

  const list = document.createElement("div");
  list.className = "tablist";
  list.setAttribute("role", "tablist");
  if (words.parts) list.setAttribute("aria-label", words.parts);

  const tabs = groups.map((group, number) => {
    const tab = document.createElement("button");
    const panel = group[0];
    panel.id ||= `part-${number}`;
    tab.type = "button";
    tab.id = `tab-${panel.id}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", group.map((each) => (each.id ||= `${panel.id}-more`)).join(" "));
    tab.textContent = name(panel, number);
    const rows = panel.dataset.count ?? panel.querySelectorAll(".has_original").length;
    if (+rows) tab.append(small("count", rows));
    if (group.some((each) => each.querySelector(".errorlist, .errornote"))) {
      tab.classList.add("wrong");
      tab.append(small("mark", " ⚠", words.wrong));
    }
    group.forEach((each) => {
      each.dataset.tab = number;
      each.setAttribute("role", "tabpanel");
      each.setAttribute("aria-labelledby", tab.id);
    });
    tab.addEventListener("click", () => show(number));
    list.append(tab);
    return tab;
  });

  function name(panel, number) {
    if (panel.dataset.label) return panel.dataset.label;
    const heading = panel.querySelector("h2");
    return number || heading ? heading?.textContent.trim() ?? "…" : words.overview ?? "…";
  }

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
    groups.forEach((group, at) => {
      group.forEach((panel) => (panel.hidden = at !== number));
      tabs[at].setAttribute("aria-selected", String(at === number));
      tabs[at].tabIndex = at === number ? 0 : -1;
    });
    const here = location.pathname + location.search;
    if (!quiet) history.replaceState(null, "", number ? `#${groups[number][0].id}` : here);
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
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    return target ? groups.findIndex((group) => group.some((panel) => panel.contains(target))) : -1;
  }

  // A browser refuses to send a form and cannot say why where the wrong field is hidden: show it.
  page.addEventListener("invalid", (event) => {
    const at = groups.findIndex((group) => group.some((panel) => panel.contains(event.target)));
    if (at >= 0) show(at);
  }, true);
  window.addEventListener("hashchange", () => wanted() >= 0 && show(wanted()));

  groups[0][0].before(list);
  const wrong = tabs.findIndex((tab) => tab.classList.contains("wrong"));
  show(wrong >= 0 ? wrong : Math.max(wanted(), 0), { quiet: true });
});
