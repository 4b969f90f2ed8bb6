import { queryOptions, useQuery } from "@tanstack/react-query";
import { answer, api } from "@/api/client";
import { Money } from "@/components/money";
import { Quantity } from "@/components/quantity";
import { DELIVERY_STATES, type DeliveryState, StatusBadge } from "@/components/status-badge";
import { Card, CardHead } from "@/components/ui/card";
import { ErrorState, Skeleton, Waiting } from "@/components/ui/feedback";
import { SurplusNotice } from "./surplus";

const summaryQuery = queryOptions({
  queryKey: ["admin", "summary"],
  queryFn: ({ signal }) => answer(api.GET("/api/v1/admin/summary", { signal })),
  refetchInterval: 30_000,
});

/** Today's figures for operators. */
export function Overview({
  deliveriesLink,
}: {
  /** A link to the deliveries in one state; the route knows the way. */
  deliveriesLink: (state: DeliveryState, children: React.ReactNode) => React.ReactNode;
}) {
  const summary = useQuery(summaryQuery);
  if (summary.isPending) {
    return (
      <Waiting what="figures">
        <div className="grid grid-cols-2 gap-4 lg:grid-cols-4">
          {["a", "b", "c", "d"].map((tile) => (
            <Skeleton key={tile} className="h-28 rounded-card" />
          ))}
        </div>
      </Waiting>
    );
  }
  if (summary.isError) {
    return (
      <Card>
        <ErrorState error={summary.error} what="the figures" onRetry={() => summary.refetch()} />
      </Card>
    );
  }
  const figures = summary.data;
  return (
    <div className="grid gap-6">
      {figures.surplus.length > 0 ? <SurplusNotice surplus={figures.surplus} /> : null}
      <dl className="grid grid-cols-2 gap-4 lg:grid-cols-4" data-testid="figures">
        <Tile term="Monthly recurring revenue">
          {figures.mrr.length === 0 ? (
            "–"
          ) : (
            <span className="grid">
              {figures.mrr.map((money) => (
                <Money short key={money.currency} value={money} />
              ))}
            </span>
          )}
        </Tile>
        <Tile term="Active subscriptions">
          <Quantity value={figures.active_subscriptions} unit="count" />
        </Tile>
        <Tile term="On trial">
          <Quantity value={figures.trialing} unit="count" />
        </Tile>
        <Tile term="Past due" alarming={figures.past_due > 0}>
          <Quantity value={figures.past_due} unit="count" />
        </Tile>
      </dl>
      <Card aria-labelledby="inbox-title">
        <CardHead id="inbox-title" title="Events from Stripe">
          <Quantity value={figures.organizations} unit="count" />{" "}
          {figures.organizations === 1 ? "organisation" : "organisations"} on this installation
        </CardHead>
        <ul className="grid gap-px p-3 sm:grid-cols-5 sm:p-4">
          {DELIVERY_STATES.map((state) => (
            <li key={state}>
              {deliveriesLink(
                state,
                <>
                  <StatusBadge kind="delivery" value={state} />
                  <span className="font-semibold text-xl sm:mt-2 sm:block">
                    <Quantity value={figures.deliveries[state]} unit="count" />
                  </span>
                </>,
              )}
            </li>
          ))}
        </ul>
      </Card>
    </div>
  );
}

function Tile({
  term,
  children,
  alarming = false,
}: {
  term: string;
  children: React.ReactNode;
  alarming?: boolean;
}) {
  return (
    <div className="flex flex-col justify-between gap-2 rounded-card border border-line bg-surface p-4 shadow-card sm:p-5">
      <dt className="text-ink-soft text-sm">{term}</dt>
      <dd
        className={`font-semibold text-2xl tracking-[-0.02em] sm:text-[1.75rem] ${alarming ? "text-bad" : ""}`}
      >
        {children}
      </dd>
    </div>
  );
}
