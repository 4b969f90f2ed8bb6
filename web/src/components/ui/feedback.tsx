// What a page shows while it has nothing to show: waiting, empty, failed, not allowed.
import { CircleAlert, CircleCheck, Info, Lock, type LucideIcon, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError } from "@/api/problem";
import { cn } from "@/lib/cn";
import { Button } from "./button";

export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden="true" className={cn("animate-pulse rounded-md bg-sunken", className)} />;
}

/** Wraps skeletons so that waiting is also said. */
export function Waiting({ what, children }: { what: string; children: ReactNode }) {
  return (
    <div role="status" aria-busy="true">
      <span className="sr-only">Loading {what}…</span>
      {children}
    </div>
  );
}

type Tone = "info" | "good" | "warn" | "bad";

const BANNER: Readonly<Record<Tone, { box: string; icon: LucideIcon }>> = {
  info: { box: "border-info-line bg-info-soft [&>svg]:text-info", icon: Info },
  good: { box: "border-good/25 bg-good-soft [&>svg]:text-good", icon: CircleCheck },
  warn: { box: "border-warn-line bg-warn-soft [&>svg]:text-warn", icon: TriangleAlert },
  bad: { box: "border-bad-line bg-bad-soft [&>svg]:text-bad", icon: CircleAlert },
};

export function Banner({
  tone,
  title,
  children,
  actions,
  testId,
  live = false,
}: {
  tone: Tone;
  title: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
  testId?: string;
  /** Says the banner when it appears, for those that follow an action. */
  live?: boolean;
}) {
  const { box, icon: Icon } = BANNER[tone];
  return (
    <div
      data-testid={testId}
      role={live ? (tone === "bad" ? "alert" : "status") : undefined}
      className={cn("flex gap-3 rounded-card border px-4 py-3.5 text-ink sm:px-5", box)}
    >
      <Icon aria-hidden="true" className="mt-0.5 size-5 shrink-0" />
      <div className="flex min-w-0 flex-1 flex-wrap items-center justify-between gap-x-6 gap-y-3">
        <div className="wrap-anywhere min-w-0 max-w-prose">
          <p className="font-semibold">{title}</p>
          {children ? <div className="mt-0.5 text-ink-soft text-sm">{children}</div> : null}
        </div>
        {actions ? <div className="flex flex-wrap gap-2">{actions}</div> : null}
      </div>
    </div>
  );
}

export function EmptyState({
  icon: Icon,
  title,
  children,
  action,
}: {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center px-6 py-12 text-center">
      <span className="mb-4 grid size-11 place-items-center rounded-full bg-sunken text-ink-faint">
        <Icon aria-hidden="true" className="size-5" />
      </span>
      <p className="font-semibold">{title}</p>
      {children ? <div className="mt-1 max-w-sm text-ink-soft text-sm">{children}</div> : null}
      {action ? <div className="mt-5">{action}</div> : null}
    </div>
  );
}

/** A failed load: what happened, the id to quote to support, and another try. */
export function ErrorState({
  error,
  onRetry,
  what,
}: {
  error: unknown;
  onRetry?: () => void;
  what: string;
}) {
  const failure = error instanceof ApiError ? error : null;
  if (failure?.status === 403) return <NoPermission detail={failure.message} />;
  return (
    <div role="alert" className="flex flex-col items-center px-6 py-12 text-center">
      <span className="mb-4 grid size-11 place-items-center rounded-full bg-bad-soft text-bad">
        <CircleAlert aria-hidden="true" className="size-5" />
      </span>
      <p className="font-semibold">Could not load {what}</p>
      <p className="mt-1 max-w-md text-ink-soft text-sm">
        {failure?.message ?? "Something unexpected happened on this page."}
      </p>
      <RequestId error={error} className="mt-2" />
      {onRetry ? (
        <Button className="mt-5" onClick={onRetry}>
          Try again
        </Button>
      ) : null}
    </div>
  );
}

export function NoPermission({ detail }: { detail?: string }) {
  return (
    <EmptyState icon={Lock} title="You have no access to this">
      {detail ?? "Your role does not include this page."}
    </EmptyState>
  );
}

export function RequestId({ error, className }: { error: unknown; className?: string }) {
  if (!(error instanceof ApiError) || !error.requestId) return null;
  return (
    <p className={cn("text-[0.8125rem] text-ink-faint", className)}>
      Request id: <code className="select-all font-mono">{error.requestId}</code>
    </p>
  );
}

/** A failed action, beside the button that started it. */
export function ActionError({ error, className }: { error: unknown; className?: string }) {
  if (!error) return null;
  const failure = error instanceof ApiError ? error : null;
  return (
    <div
      role="alert"
      data-testid="action-error"
      className={cn("rounded-lg border border-bad-line bg-bad-soft px-4 py-3 text-sm", className)}
    >
      <p className="font-medium text-bad">
        {failure?.message ?? "Something unexpected happened. Please try again."}
      </p>
      {failure?.retryAfterSeconds ? (
        <p className="mt-0.5 text-ink-soft">
          Try again in {failure.retryAfterSeconds}{" "}
          {failure.retryAfterSeconds === 1 ? "second" : "seconds"}.
        </p>
      ) : null}
      {/* A refusal explains itself; a failure is for support, who need the id. */}
      {failure && failure.status >= 500 ? <RequestId error={error} className="mt-1" /> : null}
    </div>
  );
}
