// Keys for those who keep their hands on the keyboard: "/" goes to the search, "g" and a letter to a page.
// Links and fields say themselves which key is theirs: data-key="/", data-key="g d".
"use strict";

{
  const PATIENCE_MS = 1200;
  let first = "";
  let since = 0;

  const typing = (element) => element.closest("input, select, textarea, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || typing(event.target)) return;
    // A Russian keyboard: the place of the key counts, not the letter on it.
    const letter = /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : event.key;
    const combined = first && Date.now() - since < PATIENCE_MS ? `${first} ${letter}` : letter;
    first = letter === "g" ? "g" : "";
    since = Date.now();
    const target = document.querySelector(`[data-key="${CSS.escape(combined)}"]`) ?? (combined === "/" && search());
    if (!target) return;
    event.preventDefault();
    if (target.matches("a")) target.click();
    else target.focus();
  });

  const search = () => document.querySelector("#searchbar, #nav-filter");
}
