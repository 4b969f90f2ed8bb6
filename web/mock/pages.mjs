// Stand-ins for Stripe's two hosted pages, with the same test ids as the
// simulator's. Only enough to walk the journey while no server runs.

const page = (title, body) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title></head><body><main><h1>${title}</h1>${body}</main></body></html>`;

export function checkoutPage(session) {
  return page(
    "Pay (mock)",
    `<form method="post">
<p>${htmlText(session.plan)} ${htmlText(session.interval)}</p>
<p><label>Card <input name="card_number" data-testid="card-number" autocomplete="off"></label></p>
<p><label>Expiry <input name="card_expiry" data-testid="card-expiry"></label></p>
<p><label>CVC <input name="card_cvc" data-testid="card-cvc"></label></p>
<p><label>Name <input name="card_name" data-testid="card-name"></label></p>
<p><button data-testid="pay">Pay</button> <a href="${htmlText(session.cancel_url)}">Back</a></p>
</form>`,
  );
}

export function portalPage(org) {
  const subscription = org.subscription;
  const method = subscription.payment_method;
  return page(
    "Portal (mock)",
    `<p>${htmlText(subscription.plan.name)}${subscription.cancel_at_period_end ? " (ends)" : ""}</p>
<p data-testid="portal-card">${method ? `${method.brand} ${method.last4}` : "no card"}</p>
<form method="post"><input type="hidden" name="do" value="card">
<p><label>Card <input name="card_number" data-testid="card-number"></label></p>
<p><label>Expiry <input name="card_expiry" data-testid="card-expiry"></label></p>
<p><label>CVC <input name="card_cvc" data-testid="card-cvc"></label></p>
<p><label>Name <input name="card_name" data-testid="card-name"></label></p>
<button data-testid="portal-update-card">Update card</button></form>
<form method="post"><input type="hidden" name="do" value="${subscription.cancel_at_period_end ? "resume" : "cancel"}">
<button data-testid="${subscription.cancel_at_period_end ? "portal-resume" : "portal-confirm-cancel"}">${
      subscription.cancel_at_period_end ? "Resume" : "Cancel plan"
    }</button></form>
<p><a data-testid="portal-return" href="/settings?tab=billing">Return</a></p>`,
  );
}

function htmlText(text) {
  return String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
