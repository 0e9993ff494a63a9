"use strict";
// What the pages do beyond links and forms; every page works without it.

const shortcuts = document.getElementById("shortcuts");
if (shortcuts) {
  shortcuts.checked = localStorage.getItem("shortcuts") !== "off";
  shortcuts.addEventListener("change", () => {
    localStorage.setItem("shortcuts", shortcuts.checked ? "on" : "off");
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (localStorage.getItem("shortcuts") === "off") return;
  if (event.target.closest("textarea, select, input:not([type=radio]):not([type=checkbox])")) return;
  const find = document.getElementById("find");
  if (event.key === "/" && find) {
    event.preventDefault();
    find.focus();
    find.select();
    return;
  }
  const key = event.key.toLowerCase();
  if (!/^[a-z0-9]$/.test(key)) return;
  const found = document.querySelector(`[data-key="${key}"]`);
  if (!found) return;
  event.preventDefault();
  found.focus();
  found.click();
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// From a creator one comes back to where one was in the list.
if (location.pathname === "/shortlist") sessionStorage.setItem("list", location.search);
for (const link of document.querySelectorAll("a[data-list]")) {
  link.search = sessionStorage.getItem("list") ?? "";
}

const review = document.getElementById("review");
if (review) {
  let sent = false;
  review.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
}

// Ticks outlast paging and sorting; they are kept for each filter until they are used.
const bulk = document.getElementById("bulk");
if (bulk) {
  const boxes = [...bulk.querySelectorAll(".list input[name=chosen]")];
  const all = document.getElementById("all");
  const elsewhere = document.getElementById("elsewhere");
  const forget = document.getElementById("forget");
  const name = `ticks:${bulk.dataset.view}`;
  if (sessionStorage.getItem("used") === name && document.querySelector(".said")) {
    sessionStorage.removeItem(name);
  }
  sessionStorage.removeItem("used");
  const ticks = new Set(JSON.parse(sessionStorage.getItem(name) ?? "[]"));
  const keep = () => {
    for (const box of boxes) ticks[box.checked ? "add" : "delete"](box.value);
    sessionStorage.setItem(name, JSON.stringify([...ticks]));
    if (forget) forget.hidden = !ticks.size;
  };
  const here = new Set(boxes.map((box) => box.value));
  for (const value of ticks) {
    if (here.has(value)) continue;
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "chosen", value });
    elsewhere.append(field);
  }
  for (const box of boxes) box.checked = ticks.has(box.value);
  let last = null;
  bulk.addEventListener("click", (event) => {
    const at = boxes.indexOf(event.target);
    if (at < 0) return;
    if (event.shiftKey && last !== null) {
      const range = boxes.slice(Math.min(at, last), Math.max(at, last) + 1);
      for (const box of range) box.checked = event.target.checked;
    }
    last = at;
  });
  bulk.addEventListener("change", (event) => {
    if (event.target === all) for (const box of boxes) box.checked = all.checked;
    keep();
  });
  if (forget) {
    forget.addEventListener("click", () => {
      for (const box of boxes) box.checked = false;
      elsewhere.replaceChildren();
      ticks.clear();
      boxes[0].dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
  bulk.addEventListener("submit", () => sessionStorage.setItem("used", name));
  if (ticks.size && boxes.length) {
    window.addEventListener("load", () => boxes[0].dispatchEvent(new Event("change", { bubbles: true })));
  }
}

const drop = document.getElementById("drop");
if (drop) {
  const file = drop.querySelector("input[type=file]");
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) {
        file.files = event.dataTransfer.files;
        drop.requestSubmit();
      }
    });
  }
}

// What other thresholds would do: counted from hundredths of probability, here in the page.
function sliders(box) {
  const bins = JSON.parse(box.dataset.bins);
  const yes = box.querySelector("#yes-at");
  const review = box.querySelector("#review-at");
  const number = new Intl.NumberFormat("en");
  const show = (event) => {
    if (Number(review.value) > Number(yes.value)) {
      if (event && event.target === review) yes.value = review.value;
      else review.value = yes.value;
    }
    const from = Number(yes.value);
    const maybe = Number(review.value);
    box.querySelector("#yes-out").textContent = `${from}%`;
    box.querySelector("#review-out").textContent = `${maybe}%`;
    for (const [name, low, high] of [["yes", from, 101], ["maybe", maybe, from], ["no", 0, maybe]]) {
      let creators = 0;
      let expected = 0;
      for (let bin = low; bin < high; bin += 1) {
        creators += bins[bin][0];
        expected += bins[bin][1];
      }
      const cells = box.querySelectorAll(`[data-band=${name}] td`);
      cells[0].textContent = number.format(creators);
      cells[1].textContent = creators ? `${(100 * expected / creators).toFixed(1)}%` : "–";
      cells[2].textContent = number.format(Math.round(expected));
    }
  };
  yes.addEventListener("input", show);
  review.addEventListener("input", show);
  show();
}
document.addEventListener("htmx:afterSwap", (event) => {
  const n = event.target.id === "totals" && event.target.querySelector("dd")?.textContent;
  const every = document.getElementById("decide-all");
  if (n && every) every.textContent = `Decide about all ${n} that match`;
  const box = event.target.querySelector("#sliders");
  if (box) sliders(box);
});
