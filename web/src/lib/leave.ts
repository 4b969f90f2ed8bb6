/** Goes to a page outside the app, Stripe's for one. */
export function leaveTo(url: string): void {
  window.location.assign(webAddress(url));
}

/** The address, if it is one of the web; anything else is never followed. */
export function webAddress(url: string): string {
  const target = new URL(url, window.location.origin);
  if (target.protocol !== "https:" && target.protocol !== "http:") {
    throw new Error("the server named a page that is not on the web");
  }
  return target.href;
}
