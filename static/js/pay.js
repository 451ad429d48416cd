// The cashier's pages: the change while typing, the amount on the button, the counted cash, and printing. The server checks again.
"use strict";

(() => {
  const { one, all } = HMS;

  // How the hospital writes amounts: the sign before the decimals, and how many decimals its currency has.
  function writing() {
    const { decimalSign = ".", decimals = "2" } = one("[data-decimal-sign]")?.dataset ?? {};
    return { sign: decimalSign, other: decimalSign === "." ? "," : ".", decimals: Number(decimals) };
  }

  // Amounts in whole cents (the smallest amount of the currency), read as the server reads them on pages
  // (hms/core/text/numbers.py, hms/core/money.py); null when the server will refuse the text.
  // tests/cases/typed_numbers.json is run over both.
  function cents(text, largest = 99999999.99) {
    const { sign, other, decimals } = writing();
    const [, minus, typed] = /^([-−]?)(\d(?:.*\d)?)$/.exec(String(text).trim()) ?? [];
    if (!typed) return null;
    const grouped = new RegExp(`^[1-9]\\d{0,2}([${other}\u00a0\u202f])\\d{3}(?:\\1\\d{3})*(?:\\${sign}\\d+)?$`);
    const ungrouped = grouped.test(typed) ? typed.replace(new RegExp(`[${other}\u00a0\u202f]`, "g"), "") : typed;
    const [, whole, , part = ""] = /^(\d+)([.,](\d+))?$/.exec(ungrouped) ?? [];
    if (whole === undefined || part.length > decimals) return null;
    const amount = Number(whole + part.padEnd(decimals, "0"));
    if (amount > Math.floor(largest * 10 ** decimals) || (minus && !amount)) return null;
    return minus ? -amount : amount;
  }
  // An amount as the page's own data carry it: with a point and all decimals of the currency.
  const exact = (text) => Number(text.replace(".", ""));
  const paid = (text, largest) => Math.max(cents(text, largest) ?? 0, 0);
  function plain(amount) {
    const { sign, other, decimals } = writing();
    const digits = String(Math.abs(amount)).padStart(decimals + 1, "0");
    const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, other);
    return (amount < 0 ? "−" : "") + whole + (decimals ? sign + digits.slice(-decimals) : "");
  }
  const shown = (amount, code) => `${code} ${plain(amount)}`;

  function paying(form) {
    const code = form.dataset.currency;
    let due = exact(form.dataset.pay);
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
        if (event.target.value in dues) due = exact(dues[event.target.value]);
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
      const fields = all("[data-worth]", form);
      const sum = fields.reduce((so, field) => so + Math.round(paid(field.value, 9999999999.99) * Number(field.dataset.worth)), 0);
      // Before anything is typed, nothing is counted: that is no amount of zero.
      const isCounted = fields.some((field) => field.value.trim());
      total.textContent = isCounted ? shown(sum, form.dataset.countCash) : "–";
      total.toggleAttribute("data-none", !isCounted);
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
