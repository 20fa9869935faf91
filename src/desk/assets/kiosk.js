// The kiosk's page: shows the step that the station sends, and sends what is pressed. It decides nothing and keeps nothing.
"use strict";
const byId = (id) => document.getElementById(id);
// The key of this kiosk comes with the start file; it says nothing about anybody who stands here.
if (location.hash.length > 1) sessionStorage.setItem("cardbridge-kiosk", location.hash.slice(1));
history.replaceState(null, "", location.pathname);
const headers = () => ({ "content-type": "application/json", "cardbridge-kiosk": sessionStorage.getItem("cardbridge-kiosk") || "" });
let visit = 0;
let language = "";
const usual = document.documentElement.lang;

// Color and sound both: somebody may not see the one or hear the other.
const SOUNDS = { step: [660], again: [520, 520], ask: [520, 520], good: [880, 1320], bad: [220, 180] };
let audio = null;
let played = "";
function play() {
  const sounding = [...document.querySelectorAll("#step [data-sound]")].pop();
  const what = sounding ? `${visit} ${sounding.dataset.sound} ${sounding.dataset.of || ""}` : "";
  if (what === played) return;
  played = what;
  const pitches = sounding ? SOUNDS[sounding.dataset.sound] : undefined;
  if (!pitches) return;
  audio = audio || new AudioContext();
  pitches.forEach((pitch, place) => {
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    volume.gain.value = 0.15;
    tone.frequency.value = pitch;
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + place * 0.17);
    tone.stop(audio.currentTime + place * 0.17 + 0.14);
  });
}

function show(told) {
  lost(false);
  const before = byId("code");
  // Whoever types goes on typing where only a word beside it is new.
  const typed = before && told.visit === visit && !told.step.includes('role="alert"') ? before.value : "";
  const kept = before && told.visit === visit && told.step.includes('class="asks"') ? before.value : typed;
  [visit, language] = [told.visit, told.language];
  document.documentElement.lang = language || usual;
  byId("step").innerHTML = told.step;
  if (byId("code")) byId("code").value = kept;
  const wanted = document.querySelector("#step [data-focus]") || document.querySelector("#step h1");
  if (wanted) {
    if (wanted.tagName === "H1") wanted.tabIndex = -1;
    wanted.focus({ preventScroll: true });
  }
  scrollTo(0, 0);
  play();
}

// Without a station nothing of anybody stays on the screen, and after a while not their language either.
let lostSince = 0;
function lost(isLost) {
  if (isLost) byId("step").replaceChildren();
  lostSince = isLost ? lostSince || Date.now() : 0;
  if (isLost && Date.now() - lostSince > 30000) language = "";
  for (const words of byId("lost").querySelectorAll("[data-language]")) words.hidden = language !== "" && words.dataset.language !== language;
  byId("lost").hidden = !isLost;
  byId("step").hidden = isLost;
}

async function follow() {
  let pause = 250;
  for (;;) {
    try {
      const answer = await fetch("/kiosk/events", { headers: headers(), cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await pieces.read();
        if (done) break;
        pause = 250;
        rest += value;
        const events = rest.split("\n\n");
        rest = events.pop();
        const told = events.filter((event) => event.startsWith("data:")).pop();
        if (told) show(JSON.parse(told.slice(5)));
      }
    } catch (error) {
      console.info(error);
    }
    lost(true);
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 4000);
  }
}

async function press(what, value) {
  try {
    await fetch("/kiosk/press", { method: "POST", headers: headers(), body: JSON.stringify({ visit, press: what, value }) });
  } catch (error) {
    console.info(error);
  }
}

// Whoever types or moves is still there; said every few seconds at most.
let stayed = 0;
function stays() {
  if (Date.now() - stayed < 4000 || document.querySelector("#step [data-press=leave]") === null) return;
  stayed = Date.now();
  press("stay", "");
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("code");
  const typed = field.value;
  field.value = "";
  if (typed.trim() !== "") press("code", typed);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if ("type" in button.dataset) {
    const field = byId("code");
    field.value = button.dataset.type === "" ? field.value.slice(0, -1) : (field.value + button.dataset.type).slice(0, field.maxLength);
    field.focus({ preventScroll: true });
    stays();
  } else if (button.dataset.press) {
    press(button.dataset.press, button.value);
  }
});
document.addEventListener("input", stays);
document.addEventListener("pointerdown", stays);
// There is no way out of this page: no menu, no keys of the browser's own, nothing dropped into it, no step back.
for (const way of ["contextmenu", "dragstart", "dragover", "drop", "copy", "cut"]) document.addEventListener(way, (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  const field = byId("code");
  const isTheBrowsers = event.ctrlKey || event.altKey || event.metaKey || /^(F\d+|Browser.*|ContextMenu)$/.test(event.key);
  if (isTheBrowsers) event.preventDefault();
  // What is typed or scanned is a code, whatever has the focus.
  else if (field && event.key.length === 1 && document.activeElement !== field && event.key !== " ") field.focus({ preventScroll: true });
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
follow();
