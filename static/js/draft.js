// Drafts live on the server: form[data-draft-url] posts its fields as JSON soon after each change.
// The answer may carry {"saved_at": "10:06:14"} or, with 409, {"detail": "…"}; what [data-ux=draft-status] says is always true.
"use strict";

(() => {
  const { one, all, say, announce, token } = HMS;
  const [QUIET, RETRY, SPEAK_EVERY] = [1500, 5000, 60000];

  function fields(form) {
    const values = {};
    for (const field of form.elements) {
      if (!field.name || field.name === "csrf_token" || ["password", "file", "submit", "button"].includes(field.type) || field.matches("fieldset, output")) continue;
      const many = field.type === "checkbox" || field.matches("select[multiple]") || all(`[name="${CSS.escape(field.name)}"]:not([type="radio"])`, form).length > 1;
      if (many) values[field.name] ??= [];
      if (["checkbox", "radio"].includes(field.type) && !field.checked) continue;
      if (field.matches("select[multiple]")) values[field.name].push(...[...field.selectedOptions].map((option) => option.value));
      else if (many) values[field.name].push(field.value);
      else values[field.name] = field.value;
    }
    return values;
  }

  function keep(form) {
    const status = one('[data-ux="draft-status"]', form) || one('[data-ux="draft-status"]');
    let [timer, unsaved, sending, since, spoken, leaving] = [0, false, false, "", 0, false];

    function tell(state, text, aloud = false) {
      if (status) { status.dataset.state = state; status.textContent = text; }
      if (aloud && Date.now() - spoken > SPEAK_EVERY) { spoken = Date.now(); announce(text); }
    }

    async function save(last = false) {
      clearTimeout(timer);
      if (!unsaved || sending) return;
      unsaved = false;
      sending = true;
      tell("saving", say("draft_saving"));
      try {
        const answer = await fetch(form.dataset.draftUrl, { method: "POST", keepalive: last, headers: { "Content-Type": "application/json", "X-CSRFToken": token() }, body: JSON.stringify(fields(form)) });
        const body = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
        if (answer.status === 409) { tell("failed", body.detail || say("draft_elsewhere"), true); return; }
        if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
        since = body.saved_at || new Date().toTimeString().slice(0, 8);
        if (!unsaved) tell("saved", say("draft_saved", { time: since }), true);
      } catch {
        unsaved = true;
        tell("failed", say(since ? "draft_failed_since" : "draft_failed", { time: since.slice(0, 5) }), true);
        timer = setTimeout(save, RETRY);
      } finally {
        sending = false;
      }
      if (unsaved && status?.dataset.state !== "failed") timer = setTimeout(save, QUIET);
    }

    function changed() {
      unsaved = true;
      if (status?.dataset.state !== "failed") tell("unsaved", say("draft_unsaved"));
      clearTimeout(timer);
      timer = setTimeout(save, QUIET);
    }

    form.addEventListener("input", changed);
    form.addEventListener("change", changed);
    form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) save(); });
    form.addEventListener("hms:save-draft", (event) => { event.preventDefault(); unsaved = true; save(); });
    form.addEventListener("submit", () => { leaving = true; clearTimeout(timer); setTimeout(() => { leaving = false; }, RETRY); });
    document.addEventListener("visibilitychange", () => { if (document.hidden && !leaving) save(true); });
    addEventListener("beforeunload", (event) => { if ((unsaved || sending) && !leaving) { save(true); event.preventDefault(); } });
  }

  all("form[data-draft-url]").forEach(keep);
})();
