"use strict";
// Page elements that say more where scripts run; each page works without.

function offerCopies(within) {
  if (!navigator.clipboard) return;
  for (const button of within.querySelectorAll("[data-copy][hidden]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = button.closest(".saying, .said").querySelector("[data-said]").textContent;
      await navigator.clipboard.writeText(text);
      const word = button.querySelector("span");
      word.textContent = "Copied";
      setTimeout(() => { word.textContent = "Copy"; }, 2000);
    });
  }
}
offerCopies(document);
new MutationObserver(() => offerCopies(document)).observe(document.body, { childList: true, subtree: true });
