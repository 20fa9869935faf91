// What is typed into the page: by a person, by a reader, or by somebody whom the page has moved meanwhile.
"use strict";
const isText = (field) => field !== null && field.tagName === "INPUT" && ["search", "text", "password"].includes(field.type);

// Whoever types goes on typing where they are. Where the page has to move them, the rest of what they type answers nothing: it is
// dropped until they pause.
const TYPING = 1000;
const STRAY = 500;
let typedAt = -Infinity;
let moved = { to: null, at: -Infinity };
const isTyping = () => performance.now() - typedAt < TYPING;
function move(element, isGuarded) {
  element.focus({ preventScroll: element.id === "run" });
  moved = { to: element, at: isGuarded ? performance.now() : -Infinity };
}
function isStray(event, isFast) {
  const isKey = event.key.length === 1 || event.key === "Enter";
  if (!isKey || event.ctrlKey || event.altKey || event.metaKey) return false;
  if (event.target !== moved.to || event.timeStamp - moved.at > STRAY) return false;
  if (!isFast) moved.at = event.timeStamp;
  return true;
}
function notesTyping(event) {
  if (event.key === "Enter" || event.key === "Escape") typedAt = -Infinity;
  else if ((event.key.length === 1 || event.key === "Backspace") && isText(event.target)) typedAt = event.timeStamp;
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
  forget();
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
  const isPress = event.key === " " && !isText(field);
  if (event.key.length !== 1 || isPress || event.ctrlKey || event.metaKey) return false;
  if (!isFast) burst = { field, before: field.value, keys: "", slowest: 0 };
  burst = { ...burst, keys: burst.keys + event.key, slowest: isFast ? Math.max(burst.slowest, gap) : 0, at: event.timeStamp };
  if (isReader(burst)) silence = setTimeout(drop, SILENCE);
  return isFast;
}

let pressing = 0;
document.addEventListener("keydown", (event) => {
  clearTimeout(pressing);
  const isFast = follows(event);
  if (isStray(event, isFast)) return event.preventDefault();
  notesTyping(event);
  if (isFast) return;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  // What is typed into a field is no command.
  const isField = isText(event.target) || (event.target.tagName === "SELECT" && event.target.value !== "");
  if (event.key !== "Escape" && isField) return;
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
