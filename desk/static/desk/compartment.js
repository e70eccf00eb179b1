/* Leaves the page of a compartment when its time is up, unless somebody is typing there. */
"use strict";
(() => {
  const room = document.querySelector("[data-closes-in]");
  const seconds = room ? Number(room.dataset.closesIn) : 0;
  if (!seconds) return;
  let typing = false;
  room.addEventListener("input", () => { typing = true; });
  window.setTimeout(() => { if (!typing) window.location.reload(); }, (seconds + 1) * 1000);
})();
