// The cashier's pages: the change while typing, the amount on the button, the counted cash, and printing. The server checks again.
"use strict";

(() => {
  const { one, all } = HMS;

  const MOST_CENTS = 9999999999;

  // Amounts in whole cents, read as the server reads them (hms/core/money.py); null when the server will refuse the text.
  // tests/cases/typed_numbers.json is run over both.
  function cents(text) {
    const tidy = String(text).trim().replace(/[,\u00a0]/g, "").replace(/−/g, "-");
    if (!/^-?\d{1,20}(\.\d{1,2})?$/.test(tidy)) return null;
    const amount = Math.round(Number(tidy) * 100) || 0;
    return Math.abs(amount) <= MOST_CENTS ? amount : null;
  }
  const paid = (text) => Math.max(cents(text) ?? 0, 0);
  const plain = (amount) => (amount / 100).toLocaleString("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const shown = (amount, code) => `${code} ${plain(amount)}`;

  function paying(form) {
    const code = form.dataset.currency;
    let due = cents(form.dataset.pay);
    const dues = JSON.parse(form.dataset.dues || "{}");
    const sum = one('[data-ux="pay-due"]');
    const amount = one('[name="amount"]', form);
    const given = one('[name="tendered"]', form);
    const take = one("[data-take]", form);
    const part = one("[data-part]", form);

    function renew() {
      const taken = paid(amount.value);
      const change = given.value.trim() ? paid(given.value) - taken : 0;
      one("[data-change]", form).textContent = change < 0 ? "–" : shown(change, code);
      one("span", take).textContent = take.dataset.take.replace("{amount}", shown(taken, code));
      part.hidden = !(taken > 0 && taken < due);
      part.textContent = part.dataset.words.replace("{left}", shown(due - taken, code));
      one("[data-pay-reference]", form).hidden = one('[name="method"]:checked', form)?.value === "Cash";
    }

    form.addEventListener("click", (event) => {
      const quick = event.target.closest("[data-given]");
      if (!quick) return;
      given.value = quick.dataset.given;
      renew();
      take.focus();
    });
    // Each payer has an own amount to pay; other payers usually pay by insurance claim.
    function changed(event) {
      if (event.target.name === "payer") {
        due = cents(dues[event.target.value]) ?? due;
        amount.value = plain(due);
        sum.textContent = shown(due, code);
        const method = one(`[name="method"][value="${event.target.value === "self" ? "Cash" : "Insurance"}"]`, form);
        if (method && !method.checked) { method.checked = true; method.dispatchEvent(new Event("change", { bubbles: true })); }
      }
      renew();
    }

    form.addEventListener("input", renew);
    form.addEventListener("change", changed);
    renew();
  }

  function counting(form) {
    const total = one("[data-cash-total]", form);
    const renew = () => {
      const sum = all("[data-worth]", form).reduce((so, field) => so + Math.round(paid(field.value) * Number(field.dataset.worth)), 0);
      total.textContent = shown(sum, form.dataset.countCash);
    };
    form.addEventListener("input", renew);
    renew();
  }

  HMS.readCents = cents;
  all("form[data-pay]").forEach(paying);
  all("form[data-count-cash]").forEach(counting);
  document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) print(); });
  // Print only once: going back to the page does not print again.
  if (one("[data-print-now]")) {
    const address = new URL(location);
    address.searchParams.delete("prints");
    history.replaceState(null, "", address);
    addEventListener("load", () => setTimeout(print, 50));
  }
})();
