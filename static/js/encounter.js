// The encounter page: a chosen diagnosis or complete dose is added at once, and only the changed parts of the page are renewed.
"use strict";

(() => {
  const { one, all, announce } = HMS;
  const form = one("#encounter");
  if (!form) return;

  async function swap(button) {
    form.dataset.busy = "1";
    const body = new FormData(form, button);
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!one("#encounter", page)) { location.assign(answer.url); return; }
    for (const part of all("[data-part]", form)) {
      const renewed = one(`[data-part="${part.dataset.part}"]`, page);
      if (renewed) { part.replaceWith(renewed); renewed.dispatchEvent(new CustomEvent("hms:added", { bubbles: true })); }
    }
    const key = one('input[name="once"]', form);
    key.value = one('#encounter input[name="once"]', page).value;
    delete form.dataset.busy;
    const next = one('[data-ux="override-code"]', form) || one('[data-ux="error-summary"]', form) || one(`[data-ux="${button.dataset.swap || "rx"}-input"]`, form);
    next?.focus();
    const stop = one('[data-ux="alert-stop"] .alert__title', form);
    if (stop) announce(stop.textContent, true);
  }

  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || !("swap" in button.dataset)) return;
    event.preventDefault();
    if (form.dataset.busy) return;
    swap(button).catch(() => { delete form.dataset.busy; button.removeAttribute("data-swap"); form.requestSubmit(button); });
  });

  form.addEventListener("combobox:chosen", (event) => {
    if (event.target.name === "dx") form.requestSubmit(one('[data-ux="dx-add"]', form));
    else if (event.detail.value?.startsWith("s:")) form.requestSubmit(one('[data-ux="rx-add"], [data-ux="override"]', form));
    else one('[data-ux="rx-dose"]', form)?.focus();
  });

  // Enter in the boxes adds what was typed; elsewhere the first button of the form keeps a draft.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.isComposing) return;
    const adds = { dx: '[data-ux="dx-add"]', rx: '[data-ux="rx-add"], [data-ux="override"]', rx_dose: '[data-ux="rx-add"], [data-ux="override"]', rx_quantity: '[data-ux="rx-add"], [data-ux="override"]', rx_instructions: '[data-ux="rx-add"], [data-ux="override"]', override_reason: '[data-ux="override"]' }[event.target.name];
    const button = adds && event.target.value.trim() && one(adds, form);
    if (button) { event.preventDefault(); form.requestSubmit(button); }
  });
})();
