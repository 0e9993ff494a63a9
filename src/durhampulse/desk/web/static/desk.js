"use strict";
// What the pages do beyond links and forms; every page works without it.

// The path under which a proxy shows the desk; empty for none.
const root = new URL(document.currentScript.src).pathname.split("/static/")[0];
const beside = { "x-beside-the-list": "1" };

// Moments, in the time and words of the browser.
function localTimes(part) {
  const day = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
  const weekday = new Intl.DateTimeFormat("en-GB", { weekday: "long" });
  const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
  const long = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
  for (const time of part.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const now = new Date();
    const days = Math.round((day(now) - day(moment)) / 86400000);
    time.title = `${long.format(moment)}, ${clock.format(moment)}`;
    if (days === 0) time.textContent = `today ${clock.format(moment)}`;
    else if (days === 1) time.textContent = `yesterday ${clock.format(moment)}`;
    else if (days > 1 && days < 7) time.textContent = `${weekday.format(moment)} ${clock.format(moment)}`;
    else time.textContent = (moment.getFullYear() === now.getFullYear() ? date : long).format(moment);
  }
}
localTimes(document);

// What was done, and the button that undoes it.
function say(text, { undo = null, bad = false } = {}) {
  const toast = document.querySelector(".toast");
  const words = document.createElement("p");
  words.textContent = text;
  toast.classList.toggle("bad", bad);
  toast.replaceChildren(words);
  if (!undo) return;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: "Undo" });
  button.dataset.key = "undo";
  button.addEventListener("click", undo, { once: true });
  toast.append(button);
}

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// An open menu closes by a click elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// From a creator one comes back to where one was in the list.
if (location.pathname === `${root}/shortlist`) sessionStorage.setItem("list", location.search);
for (const link of document.querySelectorAll("a[data-list]")) {
  link.search = sessionStorage.getItem("list") ?? "";
}
// and goes on to those beside them there; behind the last comes the next page of the list.
const creatorsHere = [...document.querySelectorAll(".list tbody tr[data-id]")];
if (creatorsHere.length) {
  const place = (rel) => document.querySelector(`.foot a[rel=${rel}]`)?.getAttribute("href");
  const ids = creatorsHere.map((row) => `/creators/${row.dataset.id}`);
  sessionStorage.setItem("beside", JSON.stringify([place("prev"), ...ids, place("next")]));
}
const besideLinks = document.getElementById("beside");
if (besideLinks) {
  const places = JSON.parse(sessionStorage.getItem("beside") ?? "[]");
  const at = places.indexOf(location.pathname);
  for (const [link, to] of [[besideLinks.firstElementChild, places[at - 1]], [besideLinks.lastElementChild, places[at + 1]]]) {
    link.hidden = at < 0 || !to;
    if (!link.hidden) link.setAttribute("href", to);
  }
  besideLinks.hidden = at < 0;
}

// The queue: the card leaves at once, and the next one comes with the answer.
let sending = false;
let shownAt = location.pathname + location.search;
async function sendAndShow(form, button) {
  const body = new URLSearchParams(new FormData(form));
  body.append(button.name, button.value);
  const card = document.getElementById("card");
  card?.classList.add(button.value === "decline" ? "leaving-no" : "leaving-yes");
  const answer = await fetch(form.action, { method: "POST", body });
  show(await answer.text(), answer.url);
}
function show(text, address) {
  const page = new DOMParser().parseFromString(text, "text/html");
  document.title = page.title;
  document.body.className = page.body.className;
  document.querySelector("main").replaceWith(page.querySelector("main"));
  document.querySelector(".toast").replaceWith(page.querySelector(".toast"));
  if (address !== location.href) history.pushState(null, "", address);
  shownAt = location.pathname + location.search;
  const main = document.querySelector("main");
  localTimes(document);
  htmx.process(main);
  window.scrollTo(0, 0);
  (main.querySelector("[autofocus], #creator, h1") ?? main).focus();
  document.dispatchEvent(new Event("shown"));
}
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (form.id !== "review" || event.defaultPrevented) return;
  event.preventDefault();
  if (sending) return;
  sending = true;
  try {
    await sendAndShow(form, button);
  } catch {
    document.getElementById("card")?.classList.remove("leaving-no", "leaving-yes");
    say("The desk does not answer. What you chose stands below; press it again.", { bad: true });
  }
  sending = false;
});
window.addEventListener("popstate", () => { // a link within the page is one, too
  if (location.pathname + location.search !== shownAt) location.reload();
});

// The side panel: why, and the decision, without another page.
const panel = document.getElementById("panel");
let wanted = null;
let decided = Promise.resolve(); // the latest decision beside the list
function selectedRow() {
  return document.querySelector(".list tr[aria-selected=true]");
}
function selectRow(row) {
  selectedRow()?.removeAttribute("aria-selected");
  row.setAttribute("aria-selected", "true");
  row.scrollIntoView({ block: "nearest" });
}
async function fillPanel(row) {
  wanted = row.dataset.id;
  panel.setAttribute("aria-busy", "true");
  const headers = { "HX-Request": "true", "HX-Current-URL": location.href };
  const answer = await fetch(`${root}/creators/${wanted}/panel`, { headers });
  if (wanted !== row.dataset.id) return;
  if (!answer.ok) {
    await decided.catch(() => {});
    if (!panel.isConnected) return; // the page shows the decision, to be sent again
    location.href = answer.headers.get("HX-Redirect") ?? `${root}/creators/${row.dataset.id}`;
    return;
  }
  panel.innerHTML = await answer.text();
  panel.removeAttribute("aria-busy");
  localTimes(panel);
  document.dispatchEvent(new Event("shown"));
}
async function openPanel(row, focus = false) {
  selectRow(row);
  panel.hidden = false;
  localStorage.setItem("panel", "open");
  await fillPanel(row);
  row.scrollIntoView({ block: "nearest" });
  if (focus) panel.querySelector("h2")?.focus();
}
function closePanel() {
  if (!panel || panel.hidden) return false;
  panel.hidden = true;
  localStorage.setItem("panel", "closed");
  selectedRow()?.querySelector("[data-open]").focus();
  return true;
}
function rowBeside(step) {
  const rows = [...document.querySelectorAll(".list tbody tr[data-id]")];
  const at = rows.indexOf(selectedRow());
  return rows[at < 0 ? 0 : at + step];
}
if (panel) {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) {
      event.preventDefault();
      closePanel();
      return;
    }
    const row = event.target.closest(".list tbody tr[data-id]");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("a");
    if ((link && !("open" in link.dataset)) || event.target.closest("input, label")) return;
    event.preventDefault();
    openPanel(row, event.detail === 0);
  });
  panel.addEventListener("submit", (event) => {
    if (event.target.id !== "decide") return;
    event.preventDefault();
    decideBeside(event.target, event.submitter);
  });
  const first = document.querySelector(".list tbody tr[data-id]");
  const wide = window.matchMedia("(min-width: 1080px)").matches;
  if (first && wide && localStorage.getItem("panel") === "open") openPanel(first);
}

// A name that runs from right to left is kept to itself, as in_sentence does on the server.
function inSentence(name) {
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(name) ? `\u2068${name}\u2069` : name;
}
// What the desk answers to a decision. Where the session has ended that is a page which keeps what
// was written, and is shown in place of the list.
async function sendDecision(form, body) {
  const answer = await fetch(form.action, { method: "POST", body, headers: beside });
  const kind = answer.headers.get("content-type") ?? "";
  if (answer.status === 403 && kind.includes("html")) show(await answer.text(), location.href);
  return { ok: answer.ok, said: kind.includes("json") ? await answer.json() : {} };
}
const STATES = { approve: "Approved", tentative: "Tentative", decline: "Declined" };
// The row says what was decided at once; what the desk answers then stands.
async function decideBeside(form, button) {
  const row = document.querySelector(`.list tr[data-id="${form.dataset.id}"]`);
  const cell = row?.querySelector(".c-state");
  const before = cell?.innerHTML;
  const name = inSentence(form.dataset.name);
  const body = new URLSearchParams(new FormData(form));
  body.append("decision", button.value);
  setState(cell, STATES[button.value]);
  say(button.value === "tentative" ? `Marked ${name} tentative` : `${STATES[button.value]} ${name}`);
  decided = sendDecision(form, body);
  const next = rowBeside(1);
  if (next) openPanel(next);
  let problem = "The desk does not answer.";
  try {
    const { ok, said } = await decided;
    if (!panel.isConnected) return;
    if (ok && said.said) {
      say(said.said, { undo: () => undoBeside(root + said.undo, body.get("csrf"), cell) });
      return;
    }
    problem = said.problem ?? "The desk could not take it.";
  } catch { /* the row and the form come back below */ }
  if (cell) cell.innerHTML = before;
  if (!row) return;
  say(`${name} is not decided. ${problem}`, { bad: true });
  await openPanel(row);
  const again = panel.querySelector("#decide");
  if (!again) return;
  again.note.value = form.note.value;
  for (const box of again.querySelectorAll("[name=reason]")) box.checked = box.value === body.get("reason");
}
function setState(cell, text) {
  if (!cell) return;
  const state = document.createElement("span");
  state.className = "state set";
  state.textContent = text;
  cell.replaceChildren(state);
}
async function undoBeside(path, csrf, cell) {
  const body = new URLSearchParams({ csrf });
  const answer = await fetch(path, { method: "POST", body, headers: beside });
  const kind = answer.headers.get("content-type") ?? "";
  if (!answer.ok || !kind.includes("json")) {
    say("That was not undone: somebody has decided since. Look at the creator's page.", { bad: true });
    return;
  }
  const said = await answer.json();
  setState(cell, said.state[0].toUpperCase() + said.state.slice(1));
  say(said.said);
  const row = cell?.closest("tr");
  if (row) openPanel(row);
}

// Rows of the list as high as one likes them.
const density = document.getElementById("density");
const list = document.querySelector(".list");
if (density && list) {
  const set = (tight) => {
    list.classList.toggle("tight", tight);
    density.setAttribute("aria-pressed", String(tight));
  };
  density.hidden = false;
  set(localStorage.getItem("rows") === "tight");
  density.addEventListener("click", () => {
    const tight = !list.classList.contains("tight");
    localStorage.setItem("rows", tight ? "tight" : "roomy");
    set(tight);
  });
}

// Ticks outlast paging and sorting; they are kept for each filter until they are used.
const bulk = document.getElementById("bulk");
if (bulk) {
  const boxes = [...bulk.querySelectorAll(".list input[name=chosen]")];
  const all = document.getElementById("all");
  const elsewhere = document.getElementById("elsewhere");
  const forget = document.getElementById("forget");
  const strip = bulk.querySelector(".to-bar");
  const name = `ticks:${bulk.dataset.view}`;
  if (sessionStorage.getItem("used") === name && document.querySelector(".toast p")) {
    sessionStorage.removeItem(name);
  }
  sessionStorage.removeItem("used");
  const ticks = new Set(JSON.parse(sessionStorage.getItem(name) ?? "[]"));
  const keep = () => {
    for (const box of boxes) ticks[box.checked ? "add" : "delete"](box.value);
    sessionStorage.setItem(name, JSON.stringify([...ticks]));
    if (forget) forget.hidden = !ticks.size;
    if (strip) strip.firstElementChild.textContent = `${ticks.size} ticked`;
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
  strip?.addEventListener("click", (event) => {
    event.preventDefault(); // a fragment would be a step of the history, which loads the page again
    const bar = document.getElementById("ticked");
    bar.scrollIntoView({ block: "end" });
    bar.querySelector("[name=decision]").focus({ preventScroll: true });
  });
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
// A figure that cannot be read is marked where it was typed: its message came with the answer.
function markWrong() {
  for (const input of document.querySelectorAll("#ask input")) {
    const message = document.getElementById(input.getAttribute("aria-describedby"));
    if (message?.textContent) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
}
document.addEventListener("htmx:load", (event) => localTimes(event.detail.elt));
document.addEventListener("htmx:afterSwap", (event) => {
  const n = event.target.id === "totals" && event.target.querySelector("dd")?.textContent;
  const every = document.getElementById("decide-all");
  if (n && every) every.textContent = `Decide about all ${n} that match`;
  if (event.target.id === "imagined") markWrong();
  const box = event.target.querySelector("#sliders");
  if (box) sliders(box);
});
