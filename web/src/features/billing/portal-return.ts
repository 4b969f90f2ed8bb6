// The way back from the customer portal: what was done there reaches us by webhook,
// moments after the page is shown. For that while the page looks again by itself.
import { useEffect, useState } from "react";

const KEY = "billhook.portal";
const LOOK_EVERY_MS = 2_000;
const LOOK_FOR_MS = 20_000;

export function rememberPortal(): void {
  try {
    sessionStorage.setItem(KEY, "visited");
  } catch {
    // Without storage a reload shows the change instead.
  }
}

function wasThere(): boolean {
  try {
    return sessionStorage.getItem(KEY) !== null;
  } catch {
    return false;
  }
}

/** How often to look again: often just after the portal, else never. */
export function useLookAgain(): number | false {
  const [looking, setLooking] = useState(wasThere);
  useEffect(() => {
    if (!looking) return;
    const timer = setTimeout(() => {
      sessionStorage.removeItem(KEY);
      setLooking(false);
    }, LOOK_FOR_MS);
    return () => clearTimeout(timer);
  }, [looking]);
  return looking ? LOOK_EVERY_MS : false;
}
