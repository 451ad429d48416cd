// A link with data-opens-form="id" opens the form of its page in the dialog of that id, without a page load. The link is followed
// instead when that page cannot be fetched, or after the dialog was opened by a link to another address.
"use strict";

(() => {
  const { one, all, pageOf } = HMS;
  const { nonce } = document.currentScript;

  // Start the scripts of the fetched page that this page has not, and wait until they run: what is typed before them would be in
  // no draft. A script that this page has in an older version, from before an update, is not started again.
  function startScripts(page) {
    const known = all("script[src]").map((script) => new URL(script.src).pathname);
    const missing = all("script[src]", page).filter(({ src }) => !known.includes(new URL(src).pathname));
    return Promise.all(missing.map(({ src }) => new Promise((onload, onerror) => {
      document.head.append(Object.assign(document.createElement("script"), { src, nonce, async: false, onload, onerror }));
    })));
  }

  async function fill(dialog, address) {
    const answer = await fetch(address, { headers: { "X-Requested-With": "fetch" } });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    const page = pageOf(await answer.text());
    const form = one("main form[data-draft-url]", page);
    if (!form) throw new Error(address);
    one("[data-form-place]", dialog).replaceChildren(document.adoptNode(form));
    const started = startScripts(page);
    dialog.dispatchEvent(new CustomEvent("hms:added", { bubbles: true }));
    dialog.dispatchEvent(new Event("change", { bubbles: true }));
    await started;
    dialog.dataset.address = address;
  }

  HMS.openForm = async (id, address) => {
    const dialog = document.getElementById(id);
    if (dialog.ariaBusy === "true") return; // pressed twice: a second form would replace what is typed in the first
    dialog.ariaBusy = "true";
    try {
      if (dialog.dataset.address && dialog.dataset.address !== address) throw new Error(address);
      if (!dialog.dataset.address) await fill(dialog, address);
      if (!dialog.open) dialog.showModal();
    } catch { location.assign(address); } finally { dialog.ariaBusy = "false"; }
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-opens-form]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !document.getElementById(link.dataset.opensForm)) return;
    event.preventDefault();
    HMS.openForm(link.dataset.opensForm, link.href);
  });
})();
