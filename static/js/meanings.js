// Pages of vitals and of laboratory results: show the meaning of each typed value under its field at once, and the NEWS2 of vitals
// below. The meanings come from the server, by the rules with which values are saved. The values are sent in the body, because
// addresses are written to logs.
"use strict";

(() => {
  const { one, all, token } = HMS;
  const form = one("form[data-meaning]");
  if (!form) return;
  const PAUSE = 250;
  const outputs = all("output[id$='-echo']", form);
  const score = one("#news2", form);
  const measured = [...outputs.map((output) => output.htmlFor.value), ...(form.dataset.meaningWith || "").split(" ")];
  let [request, timer] = [null, 0];

  function show(output, meaning) {
    const text = meaning?.text || "";
    if (output.textContent !== text) output.textContent = text;
    if (meaning) output.dataset.level = meaning.level;
    else delete output.dataset.level;
  }

  // A value that is still being typed is not called wrong: "3" may become 36.5.
  async function showMeanings(typing) {
    request?.abort();
    request = new AbortController();
    const body = new URLSearchParams([...new FormData(form)].filter(([name, value]) => measured.includes(name) && value));
    try {
      const answer = await fetch(form.dataset.meaning, { method: "POST", body, signal: request.signal, headers: { "X-CSRFToken": token(), "X-Requested-With": "fetch" } });
      if (!answer.ok || answer.redirected) return;
      const { fields, news2 } = await answer.json();
      for (const output of outputs) {
        const meaning = fields[output.htmlFor.value];
        const isUnfinished = meaning?.level === "wrong" && typing?.id === output.htmlFor.value;
        show(output, isUnfinished ? null : meaning);
      }
      if (score) show(score, news2);
    } catch (problem) {
      if (problem.name !== "AbortError") [...outputs, score].forEach((output) => { if (output) show(output, null); });
    }
  }

  const scheduleRequest = (typing) => { clearTimeout(timer); timer = setTimeout(showMeanings, PAUSE, typing); };
  form.addEventListener("input", (event) => { if (measured.includes(event.target.name)) scheduleRequest(event.target); });
  form.addEventListener("focusout", (event) => { if (measured.includes(event.target.name) && event.target.value) scheduleRequest(null); });
  showMeanings(null);
})();
