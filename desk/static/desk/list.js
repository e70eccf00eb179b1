// Filters above a list, and the fold-outs on the board: opening one closes the others, Escape closes all.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const foldouts = [...document.querySelectorAll("#changelist-filter details, details.foldout")];
  foldouts.forEach((one) => {
    one.addEventListener("toggle", () => {
      if (one.open) foldouts.filter((other) => other !== one).forEach((other) => (other.open = false));
    });
  });
  document.addEventListener("keydown", (event) => {
    const open = foldouts.find((one) => one.open);
    if (event.key !== "Escape" || !open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    foldouts
      .filter((one) => one.open && one.closest("#changelist-filter") && !one.contains(event.target))
      .forEach((one) => (one.open = false));
  });
});
