// Every status a page can show, with its word and its tone. The switches are
// exhaustive on purpose: a new status does not compile until it has both.
import {
  Ban,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleDot,
  CircleHelp,
  CirclePause,
  Clock,
  FileText,
  type LucideIcon,
  Sparkles,
} from "lucide-react";
import { cn } from "@/lib/cn";

const SUBSCRIPTION = [
  "FREE",
  "ACTIVE",
  "TRIALING",
  "PAST_DUE",
  "CANCELLED",
  "INCOMPLETE",
  "UNPAID",
  "PAUSED",
] as const;
const INVOICE = ["draft", "open", "paid", "void", "uncollectible"] as const;
const DELIVERY = ["pending", "claimed", "applied", "ignored", "parked"] as const;

type SubscriptionStatus = (typeof SUBSCRIPTION)[number];
type InvoiceStatus = (typeof INVOICE)[number];
export type DeliveryState = (typeof DELIVERY)[number];
export const DELIVERY_STATES: readonly DeliveryState[] = DELIVERY;

type Tone = "good" | "info" | "warn" | "bad" | "neutral";
type Face = { label: string; tone: Tone; icon: LucideIcon };

function subscriptionFace(status: SubscriptionStatus): Face {
  switch (status) {
    case "FREE":
      return { label: "Free", tone: "neutral", icon: CircleDot };
    case "ACTIVE":
      return { label: "Active", tone: "good", icon: CircleCheck };
    case "TRIALING":
      return { label: "Trial", tone: "info", icon: Sparkles };
    case "PAST_DUE":
      return { label: "Past due", tone: "bad", icon: CircleAlert };
    case "CANCELLED":
      return { label: "Cancelled", tone: "neutral", icon: Ban };
    case "INCOMPLETE":
      return { label: "Incomplete", tone: "warn", icon: CircleDashed };
    case "UNPAID":
      return { label: "Unpaid", tone: "bad", icon: CircleAlert };
    case "PAUSED":
      return { label: "Paused", tone: "warn", icon: CirclePause };
  }
}

function invoiceFace(status: InvoiceStatus): Face {
  switch (status) {
    case "draft":
      return { label: "Draft", tone: "neutral", icon: FileText };
    case "open":
      return { label: "Open", tone: "warn", icon: Clock };
    case "paid":
      return { label: "Paid", tone: "good", icon: CircleCheck };
    case "void":
      return { label: "Void", tone: "neutral", icon: Ban };
    case "uncollectible":
      return { label: "Uncollectible", tone: "bad", icon: CircleAlert };
  }
}

function deliveryFace(state: DeliveryState): Face {
  switch (state) {
    case "pending":
      return { label: "Pending", tone: "info", icon: Clock };
    case "claimed":
      return { label: "In work", tone: "info", icon: CircleDashed };
    case "applied":
      return { label: "Applied", tone: "good", icon: CircleCheck };
    case "ignored":
      return { label: "Ignored", tone: "neutral", icon: CircleDot };
    case "parked":
      return { label: "Parked", tone: "bad", icon: CircleAlert };
  }
}

const TONES: Readonly<Record<Tone, string>> = {
  good: "bg-good-soft text-good",
  info: "bg-info-soft text-info",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  neutral: "bg-sunken text-ink-soft",
};

type Kind = "subscription" | "invoice" | "delivery";

/** The server may be newer than this page: an unknown status is shown as it came. */
export function faceOf(kind: Kind, value: string): Face {
  switch (kind) {
    case "subscription":
      return isOne(SUBSCRIPTION, value) ? subscriptionFace(value) : unknown(value);
    case "invoice":
      return isOne(INVOICE, value) ? invoiceFace(value) : unknown(value);
    case "delivery":
      return isOne(DELIVERY, value) ? deliveryFace(value) : unknown(value);
  }
}

function unknown(value: string): Face {
  const words = value.toLowerCase().replaceAll("_", " ").trim() || "unknown";
  return {
    label: words.charAt(0).toUpperCase() + words.slice(1),
    tone: "neutral",
    icon: CircleHelp,
  };
}

function isOne<T extends string>(all: readonly T[], value: string): value is T {
  return (all as readonly string[]).includes(value);
}

export function StatusBadge({ kind, value }: { kind: Kind; value: string }) {
  const { label, tone, icon: Icon } = faceOf(kind, value);
  return (
    <span
      data-testid={`${kind}-status`}
      data-status={value}
      className={cn(
        "inline-flex items-center gap-1.5 whitespace-nowrap rounded-full px-2.5 py-0.5 font-medium text-[0.8125rem]",
        TONES[tone],
      )}
    >
      <Icon aria-hidden="true" className="size-3.5" strokeWidth={2.25} />
      {label}
    </span>
  );
}
