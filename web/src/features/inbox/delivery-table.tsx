import { useQuery } from "@tanstack/react-query";
import { Inbox } from "lucide-react";
import type { Delivery } from "@/api/types";
import { StatusBadge } from "@/components/status-badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { EmptyState, ErrorState, Skeleton, Waiting } from "@/components/ui/feedback";
import { When } from "@/components/when";
import { type DeliveryFilter, deliveriesQuery } from "./queries";

export function DeliveryTable({
  filter,
  onOpen,
  onCursor,
}: {
  filter: DeliveryFilter;
  onOpen: (id: string) => void;
  /** Goes to the page that starts at a cursor; undefined is the newest page. */
  onCursor: (cursor: string | undefined) => void;
}) {
  const deliveries = useQuery(deliveriesQuery(filter));
  if (deliveries.isPending) {
    return (
      <Waiting what="deliveries">
        <Card className="grid gap-3 p-5">
          {["a", "b", "c", "d", "e", "f"].map((row) => (
            <Skeleton key={row} className="h-9" />
          ))}
        </Card>
      </Waiting>
    );
  }
  if (deliveries.isError) {
    return (
      <Card>
        <ErrorState
          error={deliveries.error}
          what="the deliveries"
          onRetry={() => deliveries.refetch()}
        />
      </Card>
    );
  }
  const { data, next } = deliveries.data;
  const filtered = Boolean(filter.state || filter.type);
  return (
    <Card className="overflow-hidden" aria-label="Deliveries">
      {data.length === 0 ? (
        <EmptyState icon={Inbox} title={filtered ? "No delivery matches" : "No deliveries yet"}>
          {filtered
            ? "Change or clear the filters."
            : "Events from Stripe appear here as they arrive."}
        </EmptyState>
      ) : (
        <Rows rows={data} onOpen={onOpen} />
      )}
      {next || filter.cursor ? (
        <nav
          aria-label="Pages of deliveries"
          className="flex justify-between gap-3 border-line border-t px-4 py-3"
        >
          <Button
            size="small"
            disabled={!filter.cursor}
            onClick={() => onCursor(undefined)}
            data-testid="page-newest"
          >
            Newest
          </Button>
          <Button
            size="small"
            disabled={!next}
            onClick={() => onCursor(next ?? undefined)}
            data-testid="page-older"
          >
            Older
          </Button>
        </nav>
      ) : null}
    </Card>
  );
}

function Rows({ rows, onOpen }: { rows: Delivery[]; onOpen: (id: string) => void }) {
  return (
    <table className="w-full text-sm">
      <caption className="sr-only">Deliveries, newest first</caption>
      <thead className="text-left text-[0.8125rem] text-ink-faint max-md:sr-only">
        <tr className="border-line border-b [&_th]:px-3 [&_th]:py-2.5 [&_th]:font-medium">
          <th scope="col" className="pl-5!">
            Event
          </th>
          <th scope="col">State</th>
          <th scope="col">Received</th>
          <th scope="col" className="text-right">
            Attempts
          </th>
          <th scope="col" className="pr-5!">
            Reason
          </th>
        </tr>
      </thead>
      <tbody className="divide-y divide-line">
        {rows.map((delivery) => (
          <tr
            key={delivery.id}
            data-testid="delivery-row"
            data-id={delivery.id}
            className="relative hover:bg-sunken/60 max-md:grid max-md:grid-cols-[1fr_auto] max-md:gap-x-3 max-md:gap-y-1 max-md:px-4 max-md:py-3 md:[&>*]:px-3 md:[&>*]:py-2.5"
          >
            <th scope="row" className="min-w-0 text-left font-medium md:pl-5!">
              {/* The button's area covers the row; the row itself is no control. */}
              <button
                type="button"
                onClick={() => onOpen(delivery.id)}
                className="block break-words text-left after:absolute after:inset-0"
              >
                {delivery.type}
              </button>
              <span className="block break-all font-mono font-normal text-[0.75rem] text-ink-faint">
                {delivery.id}
              </span>
            </th>
            <td className="max-md:justify-self-end">
              <StatusBadge kind="delivery" value={delivery.state} />
            </td>
            <td className="text-ink-soft">
              <When at={delivery.received_at} style="relative" />
            </td>
            <td className="text-right text-ink-soft tabular-nums">
              {delivery.attempts}
              <span className="md:sr-only">
                {delivery.attempts === 1 ? " attempt" : " attempts"}
              </span>
            </td>
            <td className="text-ink-soft max-md:col-span-2 md:max-w-64 md:pr-5!">
              {delivery.reason ? (
                <span className="line-clamp-2">{delivery.reason.detail}</span>
              ) : (
                <span className="max-md:hidden">–</span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
