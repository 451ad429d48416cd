// Registration: possible records of the same person appear beside the form. They never block the form.
"use strict";

(() => {
  const { one, token, announce, say } = HMS;
  const form = one("form[data-lookalikes]");
  const panel = form && one("[data-lookalikes-panel]", form);
  if (!panel) return;
  const PAUSE = 250;
  const watched = ["first_name", "last_name", "date_of_birth", "age", "age_unit", "gender", "contact_info"];
  let timer = 0;
  let request = null;
  let asked = key();

  function key() {
    const values = new FormData(form);
    return watched.map((name) => values.get(name) || "").join("\n");
  }

  async function ask() {
    const now = key();
    if (now === asked || !(form.elements.first_name.value + form.elements.last_name.value).trim()) return;
    asked = now;
    request?.abort();
    request = new AbortController();
    const mine = request;
    const body = new FormData(form);
    body.delete("once");
    try {
      const answer = await fetch(form.dataset.lookalikes, { method: "POST", body, signal: mine.signal, headers: { "X-CSRFToken": token(), "X-Requested-With": "fetch" } });
      if (!answer.ok || answer.redirected) return;
      const html = await answer.text();
      if (mine.signal.aborted || panel.contains(document.activeElement)) return;
      const before = one("[data-found]", panel)?.dataset.found;
      panel.replaceChildren(HMS.parsed(html));
      const found = one("[data-found]", panel)?.dataset.found;
      if (found && found !== before) announce(`${one("h2", panel).textContent} ${say(found === "1" ? "one_found" : "many_found", { count: found })}`);
    } catch { /* Replaced by a newer request, or no connection: the server checks again before it saves. */ }
  }

  const soon = (pause) => { clearTimeout(timer); timer = setTimeout(ask, pause); };
  form.addEventListener("input", (event) => { if (watched.includes(event.target.name)) soon(PAUSE); });
  form.addEventListener("change", (event) => { if (watched.includes(event.target.name)) soon(0); });
})();
