// The simulator's only script. Every page works without it; it fills test cards in place,
// spaces the card number while typing, and guards against a double click on Pay.
"use strict";

const byId = (id) => document.getElementById(id);

const groups = (digits) =>
  /^3[47]/.test(digits)
    ? [digits.slice(0, 4), digits.slice(4, 10), digits.slice(10, 15)]
    : digits.slice(0, 19).match(/.{1,4}/g) || [];

document.addEventListener("click", (event) => {
  const card = event.target.closest("[data-fill-card]");
  if (card && byId("card-number")) {
    event.preventDefault();
    byId("card-number").value = groups(card.dataset.fillCard).filter(Boolean).join(" ");
    byId("card-expiry").value = card.dataset.fillExpiry;
    byId("card-cvc").value = card.dataset.fillCvc;
    if (byId("card-name") && byId("card-name").value === "") byId("card-name").value = "Jo Tester";
    byId("card-number").focus();
  }
  const copy = event.target.closest("[data-copy]");
  if (copy && navigator.clipboard) {
    navigator.clipboard.writeText(copy.dataset.copy).then(() => {
      copy.textContent = "Copied";
    });
  }
});

document.addEventListener("input", (event) => {
  const field = event.target;
  const atEnd = field.selectionStart === field.value.length;
  if (field.id === "card-number" && atEnd) {
    field.value = groups(field.value.replace(/\D/g, "")).filter(Boolean).join(" ");
  }
  if (field.id === "card-expiry" && atEnd && event.inputType !== "deleteContentBackward") {
    const digits = field.value.replace(/\D/g, "").slice(0, 4);
    field.value = digits.length >= 2 ? `${digits.slice(0, 2)} / ${digits.slice(2)}` : digits;
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  const button = form.querySelector("[data-busy]");
  if (button) {
    form.dataset.sent = "yes";
    // Disabled after the browser has collected the form, so a named button is still sent.
    setTimeout(() => {
      button.textContent = button.dataset.busy;
      button.disabled = true;
    }, 0);
  }
});

// A page restored by the Back button must be usable again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
