import { useQuery } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import type { DeliveryDetail } from "@/api/types";
import { JsonView } from "@/components/json-view";
import { StatusBadge } from "@/components/status-badge";
import { Button } from "@/components/ui/button";
import { Dialog, DialogBody, DialogFoot } from "@/components/ui/dialog";
import { ActionError, Banner, ErrorState, Skeleton, Waiting } from "@/components/ui/feedback";
import { When } from "@/components/when";
import { announce } from "@/lib/announce";
import { deliveryQuery, isUnfinished, useReplay, useResync } from "./queries";

/** One delivery: what happened to it, why, what to do, and the event itself. */
export function DeliverySheet({ id, onClose }: { id: string | null; onClose: () => void }) {
  return (
    <Dialog
      side="right"
      open={id !== null}
      onClose={onClose}
      title="Delivery"
      description={id ? <code className="break-all font-mono text-[0.8125rem]">{id}</code> : null}
      testId="delivery-sheet"
    >
      {id ? <Detail key={id} id={id} /> : null}
    </Dialog>
  );
}

function Detail({ id }: { id: string }) {
  const delivery = useQuery(deliveryQuery(id));
  const replay = useReplay(id);
  const resync = useResync();

  if (delivery.isPending) {
    return (
      <DialogBody>
        <Waiting what="the delivery">
          <div className="grid gap-4">
            <Skeleton className="h-24" />
            <Skeleton className="h-72" />
          </div>
        </Waiting>
      </DialogBody>
    );
  }
  if (delivery.isError) {
    return (
      <DialogBody>
        <ErrorState
          error={delivery.error}
          what="this delivery"
          onRetry={() => delivery.refetch()}
        />
      </DialogBody>
    );
  }
  const organization = delivery.data.organization_id;
  return (
    <>
      <DialogBody className="grid content-start gap-5">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
          <h3 className="break-all font-semibold">{delivery.data.type}</h3>
          <StatusBadge kind="delivery" value={delivery.data.state} />
        </div>
        {delivery.data.reason ? (
          <Banner
            tone={delivery.data.state === "parked" ? "bad" : "warn"}
            title={delivery.data.reason.detail}
            testId="park-reason"
          >
            <p>
              <span className="font-medium text-ink">What to do:</span>{" "}
              {delivery.data.reason.what_to_do}
            </p>
            <p className="mt-1 text-[0.8125rem]">
              Code: <code className="font-mono">{delivery.data.reason.code}</code>
            </p>
          </Banner>
        ) : null}
        <Facts delivery={delivery.data} />
        <section aria-labelledby="payload-title">
          <h3 id="payload-title" className="mb-2 font-medium text-sm">
            Event <span className="font-normal text-ink-faint">(personal data left out)</span>
          </h3>
          <JsonView value={delivery.data.payload} label="The event as JSON" />
        </section>
        <ActionError error={replay.error ?? resync.error} />
      </DialogBody>
      <DialogFoot>
        {organization ? (
          <Button
            busy={resync.isPending}
            data-testid="resync"
            onClick={() =>
              resync.mutate(organization, {
                onSuccess: ({ changed }) =>
                  announce(
                    changed.length === 0
                      ? "Compared with Stripe: nothing had to change."
                      : `Compared with Stripe: ${changed.length} changed.`,
                  ),
              })
            }
          >
            Compare organisation with Stripe
          </Button>
        ) : null}
        <Button
          look="primary"
          busy={replay.isPending}
          disabled={isUnfinished(delivery.data.state)}
          data-testid="replay"
          onClick={() =>
            replay.mutate(undefined, {
              onSuccess: () => announce("Replayed. The delivery is back in the queue."),
            })
          }
        >
          <RotateCw aria-hidden="true" />
          Replay
        </Button>
      </DialogFoot>
    </>
  );
}

function Facts({ delivery }: { delivery: DeliveryDetail }) {
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5 text-sm [&_dd]:min-w-0 [&_dd]:break-all [&_dt]:text-ink-faint">
      <dt>Received</dt>
      <dd>
        <When at={delivery.received_at} style="dateTime" />
      </dd>
      {delivery.finished_at ? (
        <>
          <dt>Finished</dt>
          <dd>
            <When at={delivery.finished_at} style="dateTime" />
          </dd>
        </>
      ) : null}
      {delivery.due_at ? (
        <>
          <dt>Next attempt</dt>
          <dd>
            <When at={delivery.due_at} style="dateTime" />
          </dd>
        </>
      ) : null}
      <dt>Attempts</dt>
      <dd className="tabular-nums">{delivery.attempts}</dd>
      {delivery.object_id ? (
        <>
          <dt>Stripe object</dt>
          <dd className="font-mono text-[0.8125rem]">{delivery.object_id}</dd>
        </>
      ) : null}
      {delivery.organization_id ? (
        <>
          <dt>Organisation</dt>
          <dd className="font-mono text-[0.8125rem]">{delivery.organization_id}</dd>
        </>
      ) : null}
      {delivery.api_version ? (
        <>
          <dt>API version</dt>
          <dd className="font-mono text-[0.8125rem]">{delivery.api_version}</dd>
        </>
      ) : null}
    </dl>
  );
}
