// The page: shows the pieces that the station sends, and sends the forms. It decides nothing.
"use strict";
const byId = (id) => document.getElementById(id);
const KEY = "cardbridge-desk";
const kept = () => localStorage.getItem(KEY) || "";
const headers = () => ({ "content-type": "application/json", [KEY]: kept() });
let pageIsLeft = false;

function show(id, isShown) { byId(id).hidden = !isShown; }

function failed(words) {
  byId("failed").textContent = words;
  show("failed", words !== "");
}

// What goes wrong is said in the page's own words: those of the browser are in its own language.
class Said extends Error {}
function fails(error) {
  console.info(error);
  failed(error instanceof Said ? error.message : byId("failed").dataset.unanswered);
}

// What comes from the station: of a session that has ended nothing is shown any more.
let following = 0;
let stream = null;
function leave() {
  following += 1;
  if (stream) stream.abort();
}

function signIn() {
  leave();
  show("desk", false);
  show("lost", false);
  show("sign-in", true);
  const name = byId("name");
  for (const field of ["name", "reader"]) {
    const kept = localStorage.getItem(`cardbridge-${field}`);
    const { options } = byId(field);
    // Whoever or whatever is no longer configured is no choice.
    if (kept && (!options || [...options].some((option) => option.value === kept))) byId(field).value = kept;
  }
  if (byId("pin")) byId("pin").value = "";
  move(name, isTyping());
}

// An answer that takes its time is waited for, and the page says so.
const LONG = 1500;
let unanswered = 0;
async function ask(path, options) {
  unanswered += 1;
  const long = setTimeout(() => show("working", true), LONG);
  try {
    const answer = await fetch(path, { headers: headers(), ...options });
    if (answer.status === 401 && path !== "/desk/sign-in") signIn();
    if (answer.ok) return answer;
    throw new Said((await answer.json()).error.message);
  } finally {
    clearTimeout(long);
    unanswered -= 1;
    if (unanswered === 0) show("working", false);
  }
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
function goBack() { move(byId("run") || byId("search"), isTyping()); }

// Of the day's list, what holds this text.
function filterToday() {
  const wanted = byId("today-filter").value.trim().toLowerCase();
  for (const entry of byId("today").querySelectorAll("li")) entry.hidden = !entry.textContent.toLowerCase().includes(wanted);
}

function say(words) { byId("said").textContent = words; }

// Which question a place asks.
function asks(section) {
  const question = section.querySelector("[name=question]");
  return question ? question.value : "";
}
// Where somebody stood in it, now that it was put anew.
function standing(section, { name, dataset }) {
  return section.querySelector(name ? `input[name="${CSS.escape(name)}"]` : `[data-key="${CSS.escape(dataset.key || "-")}"]`);
}
const answers = (section) => [...section.querySelectorAll("input[name]:not([type=hidden])")];

function put(place, html) {
  const section = byId(place);
  const before = document.activeElement;
  const had = section.contains(before) ? before.id || "nothing" : "";
  const [wasSaid, same] = [section.querySelector("[data-say]"), before && before.dataset ? before.dataset.id : ""];
  const open = [...section.querySelectorAll("details[open]")].map((details) => details.id);
  const typed = place === "front-desk" ? [...section.querySelectorAll("input[id]")].map((field) => [field.id, field.value]) : [];
  const [wasAsked, answered] = [asks(section), answers(section).map(({ name, value, checked }) => ({ name, value, checked }))];
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
  const isSame = wasAsked !== "" && asks(section) === wasAsked;
  if (isSame) answers(section).forEach((field) => Object.assign(field, answered.find((before) => before.name === field.name)));
  const again = isSame && had !== "" ? standing(section, before) : null;
  const wanted = section.querySelector("[data-focus]");
  const isElsewhere = had === "" && !isNowhere(before);
  if (again) again.focus();
  else if (wanted && isElsewhere && (isSame || (isText(before) && (isTyping() || before.value.trim() !== "")))) return;
  else if (wanted) move(wanted, had !== "" || isElsewhere);
  else if (had !== "" || isNowhere(before)) goBack();
}

// A station that says nothing at all for so long is not there: it says every few seconds that it is.
const SILENT = 12000;
let watchdog = 0;
function listens() {
  const heard = stream;
  clearTimeout(watchdog);
  watchdog = setTimeout(() => heard.abort(), SILENT);
}

function isThere() {
  if (byId("lost").hidden) return;
  show("lost", false);
  if (byId("failed").textContent === byId("failed").dataset.unanswered) failed("");
}

async function hear(answer) {
  const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await pieces.read();
    if (done) return;
    listens();
    isThere();
    rest += value;
    const events = rest.split("\n\n");
    rest = events.pop();
    for (const event of events.filter((event) => event.startsWith("data:"))) {
      for (const [place, html] of Object.entries(JSON.parse(event.slice(5)))) put(place, html);
    }
  }
}

async function follow() {
  following += 1;
  const mine = following;
  let pause = 250;
  for (;;) {
    try {
      stream = new AbortController();
      listens();
      const answer = await fetch("/desk/events", { headers: headers(), signal: stream.signal });
      if (answer.status === 401) return signIn();
      if (!answer.ok) throw new Error(answer.statusText);
      show("sign-in", false);
      show("desk", true);
      pause = 250;
      await hear(answer);
    } catch (error) {
      console.info(error);
    }
    clearTimeout(watchdog);
    if (pageIsLeft || mine !== following) return;
    show("lost", true);
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (pageIsLeft || mine !== following) return;
    pause = Math.min(pause * 2, 4000);
  }
}

// What is done at this desk is sent in the order in which it was done, each once the one before is answered. Of several people who are
// chosen meanwhile, the last one counts.
const CHOOSES = ["/desk/enroll", "/desk/new", "/desk/roster"];
const IN_TURN = [...CHOOSES, "/desk/roster/key", "/desk/withdraw", "/desk/sign-out"];
let turn = Promise.resolve();
let chosen = 0;
const isOver = (path, mine) => CHOOSES.includes(path) && mine !== chosen;
function inTurn(path, mine, body) {
  const asks = () => (isOver(path, mine) ? null : ask(path, { method: "POST", body }));
  if (!IN_TURN.includes(path)) return asks();
  const answer = turn.then(asks);
  turn = answer.catch(() => {});
  return answer;
}

async function send(form) {
  const other = form.dataset.with ? new FormData(byId(form.dataset.with)) : [];
  const body = { ...Object.fromEntries(other), ...Object.fromEntries(new FormData(form)) };
  failed("");
  const [path, sought] = [form.dataset.call, byId("search").value];
  audio = audio || new AudioContext();
  const wasFollowing = stream !== null;
  if (CHOOSES.includes(path)) chosen += 1;
  const mine = chosen;
  try {
    const answer = await inTurn(path, mine, JSON.stringify(body));
    if (isOver(path, mine)) return;
    if (path === "/desk/sign-in") {
      localStorage.setItem("cardbridge-name", body.name);
      localStorage.setItem("cardbridge-reader", body.reader);
      localStorage.setItem(KEY, (await answer.json()).key);
      // Nothing of the session before stays on the page.
      if (wasFollowing) location.reload();
      else follow();
    } else if (path === "/desk/sign-out") {
      localStorage.removeItem(KEY);
      location.reload();
    } else if (path === "/desk/roster") {
      found(await answer.text());
    } else if (path === "/desk/enroll" || path === "/desk/new") {
      // A name that was typed meanwhile is the next one.
      if (byId("search").value === sought) {
        byId("find").reset();
        forget();
      }
      byId("options").reset();
      if (byId("new")) [byId("new").reset(), byId("new-person").open = false];
      byId("search").focus();
    }
  } catch (error) {
    if (!isOver(path, mine)) fails(error);
  } finally {
    // A PIN is typed anew for each try.
    if (path === "/desk/sign-in" && byId("pin")) byId("pin").value = "";
  }
}

let typed = 0;
// Nobody is found any more, whatever answer still comes.
function forget() {
  typed += 1;
  clearTimeout(waiting);
  byId("found").replaceChildren();
}

// True where what was found for this text now stands there: a newer search may have overtaken it.
async function find() {
  clearTimeout(waiting);
  typed += 1;
  const [mine, text] = [typed, byId("search").value.trim()];
  if (text === "") return forget();
  try {
    const answer = await ask("/desk/people?q=" + encodeURIComponent(text), {});
    const html = await answer.text();
    if (mine !== typed) return false;
    byId("found").innerHTML = html;
    return true;
  } catch (error) {
    if (mine === typed) forget();
    fails(error);
    return false;
  }
}

// Puts what is asked for where the people stand.
function found(html) {
  byId("found").innerHTML = html;
  const first = byId("found").querySelector("button");
  if (first) first.focus();
  else goBack();
}

async function fill(form) {
  failed("");
  try {
    const answer = await ask(form.dataset.fill + "?" + new URLSearchParams(new FormData(form)), {});
    typed += 1;
    found(await answer.text());
  } catch (error) {
    fails(error);
  }
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (event.target.id === "find") {
    const first = (await find()) && byId("found").querySelector("form");
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
  waiting = setTimeout(find, 80);
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
    fails(error);
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
// All tabs of a browser are at one desk: where somebody leaves it or comes to it in one of them, the others follow.
addEventListener("storage", (event) => { if (event.key === KEY || event.key === null) location.reload(); });
addEventListener("pagehide", () => { pageIsLeft = true; });
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
if (kept() === "") signIn(); else follow();
