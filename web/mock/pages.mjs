// Stand-ins for Stripe's two hosted pages, with the same test ids as the
// simulator's. Only enough to walk the journey while no server runs.

const page = (title, body) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title></head><body><main><h1>${title}</h1>${body}</main></body></html>`;

const CARD_FIELDS = `<p><label>Card <input name="card_number" data-testid="card-number"></label></p>
<p><label>Expiry <input name="card_expiry" data-testid="card-expiry"></label></p>
<p><label>CVC <input name="card_cvc" data-testid="card-cvc"></label></p>
<p><label>Name <input name="card_name" data-testid="card-name"></label></p>`;

export function checkoutPage(session, fault = "") {
  return page(
    "Pay (mock)",
    `<p>${htmlText(session.plan)} ${htmlText(session.interval)}</p>
${fault ? `<p role="alert" data-testid="form-error">${htmlText(fault)}</p>` : ""}
<form method="post">${CARD_FIELDS}<p><button data-testid="pay">Pay</button></p></form>
<p><a data-testid="checkout-cancel" href="${htmlText(session.cancel_url)}">Back</a></p>`,
  );
}

export function portalPage(org, view) {
  const { plan, payment_method: method, cancel_at_period_end: ends } = org.subscription;
  const back = `<p><a data-testid="portal-return" href="/settings?tab=billing">Return</a></p>`;
  if (view === "card") {
    return page(
      "Update card (mock)",
      `<form method="post" action="?"><input type="hidden" name="do" value="card">${CARD_FIELDS}
<button data-testid="portal-save-card">Save card</button></form>${back}`,
    );
  }
  if (view === "cancel") {
    return page(
      "Cancel (mock)",
      `<form method="post" action="?"><input type="hidden" name="do" value="cancel">
<button data-testid="portal-confirm-cancel">Cancel plan</button></form>${back}`,
    );
  }
  return page(
    "Portal (mock)",
    `<p data-testid="portal-plan-name">${htmlText(plan.name)}</p>
<p data-testid="card-on-file">${method ? `${method.brand} ${method.last4}` : "no card"}</p>
<p><a data-testid="portal-update-card" href="?view=card">Update card</a></p>
${
  ends
    ? `<form method="post" action="?"><input type="hidden" name="do" value="resume"><button data-testid="portal-resume">Don't cancel</button></form>`
    : `<p><a data-testid="portal-cancel" href="?view=cancel">Cancel plan</a></p>`
}${back}`,
  );
}

function htmlText(text) {
  return String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
