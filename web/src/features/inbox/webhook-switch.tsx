import { useQuery } from "@tanstack/react-query";
import { CirclePause } from "lucide-react";
import { useState } from "react";
import type { Webhooks } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Dialog, DialogBody, DialogFoot } from "@/components/ui/dialog";
import { ActionError, Banner, ErrorState, Skeleton } from "@/components/ui/feedback";
import { Field } from "@/components/ui/field";
import { When } from "@/components/when";
import { announce } from "@/lib/announce";
import { usePauseWebhooks, useResumeWebhooks, webhooksQuery } from "./queries";

/** Whether events are taken in, how far behind we are, and the switch for it. */
export function WebhookSwitch() {
  const webhooks = useQuery(webhooksQuery);
  if (webhooks.isPending) return <Skeleton className="h-14 rounded-card" />;
  if (webhooks.isError) {
    return <ErrorState error={webhooks.error} what="webhooks" onRetry={() => webhooks.refetch()} />;
  }
  return webhooks.data.paused ? (
    <Paused webhooks={webhooks.data} />
  ) : (
    <Running webhooks={webhooks.data} />
  );
}

function Running({ webhooks }: { webhooks: Webhooks }) {
  const [asking, setAsking] = useState(false);
  return (
    <div
      data-testid="webhooks-running"
      className="flex flex-wrap items-center justify-between gap-3 rounded-card border border-line bg-surface px-4 py-3 shadow-card sm:px-5"
    >
      <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1 text-sm">
        <span aria-hidden="true" className="size-2.5 rounded-full bg-good" />
        <span className="font-medium">Taking in events</span>
        <span className="text-ink-soft">{lagText(webhooks.lag_ms ?? null)}</span>
      </p>
      <Button size="small" onClick={() => setAsking(true)} data-testid="pause-webhooks">
        <CirclePause aria-hidden="true" />
        Pause webhooks
      </Button>
      <PauseDialog open={asking} onClose={() => setAsking(false)} />
    </div>
  );
}

function lagText(lagMs: number | null): string {
  if (lagMs === null) return "nothing waiting";
  if (lagMs < 1_000) return "up to date";
  const seconds = Math.round(lagMs / 1_000);
  if (seconds < 120) return `${seconds} s behind`;
  return `${Math.round(seconds / 60)} min behind`;
}

function PauseDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const pause = usePauseWebhooks();
  const [reason, setReason] = useState("");
  return (
    <Dialog open={open} onClose={onClose} title="Pause webhooks?" testId="pause-dialog">
      <form
        className="contents"
        onSubmit={(event) => {
          event.preventDefault();
          if (pause.isPending) return;
          pause.mutate(reason.trim(), {
            onSuccess: () => {
              announce("Webhooks are paused.");
              setReason("");
              onClose();
            },
          });
        }}
      >
        <DialogBody className="grid gap-4">
          <p className="text-ink-soft text-sm">
            Stripe is told to come back later (503 with Retry-After) and keeps every event, for up
            to three days in live mode. Until you resume, payments and cancellations made at Stripe
            do not show here.
          </p>
          <Field
            label="Reason"
            optional
            hint="For whoever looks next."
            value={reason}
            maxLength={200}
            onChange={(event) => setReason(event.target.value)}
          />
          <ActionError error={pause.error} />
        </DialogBody>
        <DialogFoot>
          <Button onClick={onClose}>Keep running</Button>
          <Button type="submit" look="danger" busy={pause.isPending} data-testid="confirm-pause">
            Pause webhooks
          </Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}

function Paused({ webhooks }: { webhooks: Webhooks }) {
  const resume = useResumeWebhooks();
  return (
    <div className="grid gap-3">
      <Banner
        tone="warn"
        testId="webhooks-paused"
        title="Webhooks are paused"
        actions={
          <Button
            look="primary"
            busy={resume.isPending}
            data-testid="resume-webhooks"
            onClick={() =>
              resume.mutate(undefined, { onSuccess: () => announce("Webhooks are running again.") })
            }
          >
            Resume webhooks
          </Button>
        }
      >
        Stripe keeps the events and delivers them after you resume.
        {webhooks.paused_at ? (
          <>
            {" "}
            Since <When at={webhooks.paused_at} style="dateTime" />
            {webhooks.paused_by ? ` by ${webhooks.paused_by}` : ""}.
          </>
        ) : null}
      </Banner>
      <ActionError error={resume.error} />
    </div>
  );
}
