// The page: shows the pieces that the station sends, and sends the forms. It decides nothing.
"use strict";
const byId = (id) => document.getElementById(id);
const kept = () => localStorage.getItem("cardbridge-desk") || "";
const headers = () => ({ "content-type": "application/json", "cardbridge-desk": kept() });
let pageIsLeft = false;

function show(id, isShown) { byId(id).hidden = !isShown; }

function failed(words) {
  byId("failed").textContent = words;
  show("failed", words !== "");
}

function signIn() {
  show("desk", false);
  show("lost", false);
  show("sign-in", true);
  const name = byId("name");
  name.value = localStorage.getItem("cardbridge-name") || name.value;
  const reader = localStorage.getItem("cardbridge-reader");
  if (reader !== null && [...byId("reader").options].some((option) => option.value === reader)) byId("reader").value = reader;
  name.focus();
}

async function ask(path, options) {
  const answer = await fetch(path, { headers: headers(), ...options });
  if (answer.status === 401) signIn();
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Error(said.error ? said.error.message : answer.statusText);
}

// A short sound for each end, so that nobody has to look up.
const SOUNDS = {
  read: [660], saved: [880], accepted: [880, 1320], ask: [520, 520], refused: [220, 180], differs: [220, 180],
  in_doubt: [330, 330], person: [330, 330],
};
let audio = null;
const played = {};
function play(place) {
  const now = byId(place).querySelector("[data-sound]");
  const sound = now ? now.dataset.sound : "";
  const what = sound + " " + (now ? now.dataset.of || "" : "");
  if (what === played[place]) return;
  played[place] = what;
  if (!audio || !SOUNDS[sound]) return;
  SOUNDS[sound].forEach((pitch, place) => {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    volume.gain.value = 0.1;
    tone.frequency.value = pitch;
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + place * 0.15);
    tone.stop(audio.currentTime + place * 0.15 + 0.12);
  });
}

const isNowhere = (element) => element === null || element === document.body || element.offsetParent === null;
// Where the next person begins: in the search, or at the list that people are on.
function goBack() { (byId("run") || byId("search")).focus({ preventScroll: byId("run") !== null }); }

// Of the day's list, what holds this text.
function filterToday() {
  const wanted = byId("today-filter").value.trim().toLowerCase();
  for (const entry of byId("today").querySelectorAll("li")) entry.hidden = !entry.textContent.toLowerCase().includes(wanted);
}

function say(words) { byId("said").textContent = words; }

function put(place, html) {
  const section = byId(place);
  const before = document.activeElement;
  const had = section.contains(before) ? before.id || "nothing" : "";
  const [wasSaid, same] = [section.querySelector("[data-say]"), before && before.dataset ? before.dataset.id : ""];
  const open = [...section.querySelectorAll("details[open]")].map((details) => details.id);
  const typed = place === "front-desk" ? [...section.querySelectorAll("input[id]")].map((field) => [field.id, field.value]) : [];
  section.innerHTML = html;
  typed.forEach(([id, value]) => { if (byId(id)) byId(id).value = value; });
  open.forEach((id) => { if (byId(id)) byId(id).open = true; });
  const isSaid = section.querySelector("[data-say]");
  if (wasSaid && isSaid && wasSaid.textContent !== isSaid.textContent) say(isSaid.textContent);
  if (place === "stage" || place === "roster" || place === "front-desk") play(place);
  if (place === "today") filterToday();
  if (place !== "stage") {
    // Whoever stood on a button that is still there stands on it again.
    const again = had === "" ? null : byId(had) || section.querySelector(`[data-id="${CSS.escape(same || "")}"]`);
    if (again) again.focus({ preventScroll: true });
    else if (had !== "" || (place === "roster" && isNowhere(before))) goBack();
    return;
  }
  const wanted = section.querySelector("[data-focus]");
  if (wanted) wanted.focus();
  else if (had !== "" || isNowhere(before)) goBack();
}

async function follow() {
  let pause = 250;
  while (!pageIsLeft) {
    try {
      const answer = await fetch("/desk/events", { headers: headers() });
      if (answer.status === 401) return signIn();
      if (!answer.ok) throw new Error(answer.statusText);
      show("sign-in", false);
      show("desk", true);
      const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await pieces.read();
        if (done) break;
        show("lost", false);
        pause = 250;
        rest += value;
        const events = rest.split("\n\n");
        rest = events.pop();
        for (const event of events.filter((event) => event.startsWith("data:"))) {
          for (const [place, html] of Object.entries(JSON.parse(event.slice(5)))) put(place, html);
        }
      }
    } catch (error) {
      console.info(error);
    }
    show("lost", !pageIsLeft);
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 4000);
  }
}

async function send(form) {
  const other = form.dataset.with ? new FormData(byId(form.dataset.with)) : [];
  const body = { ...Object.fromEntries(other), ...Object.fromEntries(new FormData(form)) };
  failed("");
  const path = form.dataset.call;
  audio = audio || new AudioContext();
  try {
    const answer = await ask(path, { method: "POST", body: JSON.stringify(body) });
    if (path === "/desk/sign-in") {
      localStorage.setItem("cardbridge-desk", (await answer.json()).key);
      localStorage.setItem("cardbridge-name", body.name);
      localStorage.setItem("cardbridge-reader", body.reader);
      follow();
    } else if (path === "/desk/sign-out") {
      location.reload();
    } else if (path === "/desk/roster") {
      const html = await answer.text();
      byId("found").innerHTML = html;
      const first = byId("found").querySelector("button");
      if (first) first.focus();
    } else if (path === "/desk/enroll" || path === "/desk/new") {
      byId("find").reset();
      byId("options").reset();
      if (byId("new")) [byId("new").reset(), byId("new-person").open = false];
      byId("found").replaceChildren();
      byId("search").focus();
    }
  } catch (error) {
    failed(error.message);
  }
}

let typed = 0;
async function find() {
  const mine = ++typed;
  const text = byId("search").value.trim();
  if (text === "") return byId("found").replaceChildren();
  const answer = await ask("/desk/people?q=" + encodeURIComponent(text), {});
  const html = await answer.text();
  if (mine === typed) byId("found").innerHTML = html;
}

// Puts what is asked for where the people stand.
async function fill(form) {
  failed("");
  try {
    const answer = await ask(form.dataset.fill + "?" + new URLSearchParams(new FormData(form)), {});
    typed += 1;
    byId("found").innerHTML = await answer.text();
    const first = byId("found").querySelector("button");
    if (first) first.focus();
  } catch (error) {
    failed(error.message);
  }
}

// A reader that types into the page types faster than anybody can: what it typed goes, nothing is sent, and no question is
// answered. The slowest one known types a key every 40 ms, and some end with no key at all.
const FASTEST = 60;
const SILENCE = 100;
let burst = { field: null, before: "", keys: "", slowest: 0, at: 0 };
let silence = 0;
function isReader({ keys, slowest }) {
  return /^[\d:,]{5,}$/.test(keys) || /^[0-9A-F:,]{6,}$/i.test(keys) || (keys.length >= 10 && slowest < FASTEST / 2);
}
function drop() {
  if ("value" in burst.field) burst.field.value = burst.before;
  burst = { ...burst, keys: "" };
  say("");
  failed(byId("said").dataset.burst);
  typed += 1;
  clearTimeout(waiting);
  byId("found").replaceChildren();
}
// Whether this key belongs to what was typed just before.
function follows(event) {
  clearTimeout(silence);
  const [field, gap] = [event.target, event.timeStamp - burst.at];
  const isFast = burst.keys !== "" && gap < FASTEST;
  if (event.key === "Enter" || event.key === "Tab") {
    const isDropped = isFast && isReader(burst);
    if (isDropped) {
      event.preventDefault();
      drop();
    }
    burst.keys = "";
    return isDropped;
  }
  if (event.key === "Shift" && isFast) burst.at = event.timeStamp;
  // A blank presses what it stands on.
  const isPress = event.key === " " && !["search", "text", "password"].includes(field.type);
  if (event.key.length !== 1 || isPress || event.ctrlKey || event.metaKey) return false;
  if (!isFast) burst = { field, before: field.value, keys: "", slowest: 0 };
  burst = { ...burst, keys: burst.keys + event.key, slowest: isFast ? Math.max(burst.slowest, gap) : 0, at: event.timeStamp };
  if (isReader(burst)) silence = setTimeout(drop, SILENCE);
  return isFast;
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (event.target.id === "find") {
    await find().catch((error) => failed(error.message));
    const first = byId("found").querySelector("form");
    if (first) send(first);
  } else if (event.target.dataset.fill) {
    fill(event.target);
  } else if (event.target.dataset.call) {
    send(event.target);
  }
});
let waiting = 0;
document.addEventListener("input", (event) => {
  if (event.target.id === "today-filter") filterToday();
  if (event.target.id !== "search") return;
  failed("");
  clearTimeout(waiting);
  waiting = setTimeout(() => find().catch((error) => failed(error.message)), 80);
});
let pressing = 0;
document.addEventListener("keydown", (event) => {
  clearTimeout(pressing);
  if (follows(event)) return;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const isFilled = ["INPUT", "SELECT"].includes(event.target.tagName) && event.target.type !== "checkbox" && event.target.value !== "";
  if (event.key !== "Escape" && isFilled) return;
  // A letter means something only where what it does is in focus.
  const isThere = event.target.closest("#stage, #roster") !== null;
  if (event.key.length === 1 && !isThere) return;
  const button = byId("desk").querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!button) return;
  event.preventDefault();
  // A single letter may be the first one of a burst: it counts once no further one follows.
  if (event.key.length === 1) pressing = setTimeout(() => button.click(), FASTEST);
  else button.click();
});
document.addEventListener("click", async (event) => {
  if ("print" in event.target.dataset) print();
  if (!event.target.dataset.download) return;
  event.preventDefault();
  try {
    const answer = await ask(event.target.getAttribute("href"), {});
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = event.target.dataset.download;
    link.click();
  } catch (error) {
    failed(error.message);
  }
});
// A list that is dropped here is told by its name; it is read where the station finds it.
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const file = event.dataTransfer ? event.dataTransfer.files[0] : null;
  if (!file || byId("desk").hidden) return;
  const form = document.createElement("form");
  form.dataset.call = "/desk/roster";
  const name = document.createElement("input");
  [name.type, name.name, name.value] = ["hidden", "list", file.name];
  form.append(name);
  send(form);
});
addEventListener("pagehide", () => { pageIsLeft = true; });
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
if (kept() === "") signIn(); else follow();
