// A wall screen: fetches its numbers every few seconds, tells since when they are old, and plays and speaks new calls if it may.
"use strict";

addEventListener("DOMContentLoaded", () => {
  const { one, all } = HMS;
  const calls = () => all(".calls [data-key]", part);
  const [EVERY, LATE, SWITCHED_OFF] = [4000, 12000, 60000];
  const [part, strip, button] = [one("[data-wall]"), one("[data-wall-strip]"), one("[data-wall-sound]")];
  let at = one("[data-wall-at]", part).dataset.wallAt;
  let fetched = Date.now();
  let audio = null;

  function show(text) { if (strip.textContent !== text) strip.textContent = text; }

  // Two falling tones.
  function chime() {
    [880, 660].forEach((pitch, place) => {
      const [tone, loudness, begins] = [audio.createOscillator(), audio.createGain(), audio.currentTime + place * 0.35];
      tone.frequency.value = pitch;
      loudness.gain.setValueAtTime(0.3, begins);
      loudness.gain.exponentialRampToValueAtTime(0.001, begins + 0.6);
      tone.connect(loudness).connect(audio.destination);
      tone.start(begins);
      tone.stop(begins + 0.6);
    });
  }

  function speak(row) {
    for (const [language, text] of JSON.parse(row.dataset.say || "[]")) {
      speechSynthesis.speak(Object.assign(new SpeechSynthesisUtterance(text), { lang: language, rate: 0.9 }));
    }
  }

  function announce(before) {
    const fresh = calls().filter((row) => !before.includes(row.dataset.key)).reverse();
    for (const row of fresh) row.dataset.changed = "";
    if (!audio || !fresh.length) return;
    if ("chime" in part.dataset) chime();
    setTimeout(() => fresh.forEach(speak), "chime" in part.dataset ? 1200 : 0);
  }

  function replace(html) {
    const before = calls().map((row) => row.dataset.key);
    const next = HMS.pageOf(html).body;
    at = one("[data-wall-at]", next).dataset.wallAt;
    part.replaceChildren(...next.childNodes);
    announce(before);
  }

  async function renew() {
    let pause = EVERY;
    try {
      const answer = await fetch(part.dataset.wall, { headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(LATE) });
      if (answer.status === 404) {
        part.replaceChildren();
        show(strip.dataset.off);
        pause = SWITCHED_OFF;
      } else if (answer.ok) {
        replace(await answer.text());
        fetched = Date.now();
        show("");
      }
    } catch { /* No connection: the strip tells since when, and the next look tries again. */ }
    setTimeout(renew, pause);
  }

  setInterval(() => { if (Date.now() - fetched > LATE && part.childElementCount) show(strip.dataset.late.replace("{time}", at)); }, 1000);
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => {
      audio = new AudioContext();
      chime();
      button.remove();
    });
  }
  setTimeout(renew, EVERY);
});
