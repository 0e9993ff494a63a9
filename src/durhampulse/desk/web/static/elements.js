"use strict";
// Page elements that say more where scripts run; each page works without.

function offerCopies(within) {
  if (!navigator.clipboard) return;
  for (const button of within.querySelectorAll("[data-copy][hidden]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = button.closest(".saying").querySelector("[data-said]").textContent;
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }
}
offerCopies(document);
document.addEventListener("htmx:afterSwap", (event) => offerCopies(event.target));
