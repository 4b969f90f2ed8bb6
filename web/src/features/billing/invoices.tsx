import { useInfiniteQuery } from "@tanstack/react-query";
import { Download, ExternalLink, ReceiptText } from "lucide-react";
import type { Invoice } from "@/api/types";
import { Money } from "@/components/money";
import { StatusBadge } from "@/components/status-badge";
import { Button } from "@/components/ui/button";
import { Card, CardHead } from "@/components/ui/card";
import { EmptyState, ErrorState, Skeleton, Waiting } from "@/components/ui/feedback";
import { When } from "@/components/when";
import { invoicesQuery } from "./queries";

export function Invoices() {
  const invoices = useInfiniteQuery(invoicesQuery);
  const rows = invoices.data?.pages.flatMap((page) => page.data) ?? [];

  return (
    <Card aria-labelledby="invoices-title" data-testid="invoices">
      <CardHead id="invoices-title" title="Invoices" />
      {invoices.isPending ? (
        <Waiting what="invoices">
          <div className="grid gap-3 p-5 sm:p-6">
            <Skeleton className="h-9" />
            <Skeleton className="h-9" />
            <Skeleton className="h-9" />
          </div>
        </Waiting>
      ) : invoices.isError && rows.length === 0 ? (
        <ErrorState error={invoices.error} what="the invoices" onRetry={() => invoices.refetch()} />
      ) : rows.length === 0 ? (
        <EmptyState icon={ReceiptText} title="No invoices yet">
          They appear here as soon as something is charged.
        </EmptyState>
      ) : (
        <>
          <InvoiceTable rows={rows} />
          {invoices.hasNextPage ? (
            <div className="border-line border-t px-5 py-3 sm:px-6">
              <Button
                look="quiet"
                size="small"
                busy={invoices.isFetchingNextPage}
                onClick={() => invoices.fetchNextPage()}
              >
                Show older invoices
              </Button>
            </div>
          ) : null}
        </>
      )}
    </Card>
  );
}

function InvoiceTable({ rows }: { rows: Invoice[] }) {
  return (
    <table className="mt-4 w-full text-sm">
      <caption className="sr-only">Invoices, newest first</caption>
      <thead className="text-left text-[0.8125rem] text-ink-faint max-sm:sr-only">
        <tr className="border-line border-b [&_th]:px-3 [&_th]:pb-2 [&_th]:font-medium">
          <th scope="col" className="pl-5! sm:pl-6!">
            Number
          </th>
          <th scope="col">Date</th>
          <th scope="col">Status</th>
          <th scope="col" className="text-right">
            Amount
          </th>
          <th scope="col" className="pr-5! text-right sm:pr-6!">
            <span className="sr-only">Documents</span>
          </th>
        </tr>
      </thead>
      <tbody className="divide-y divide-line max-sm:border-line max-sm:border-t">
        {rows.map((invoice) => (
          <tr
            key={invoice.id}
            data-testid="invoice-row"
            className="max-sm:grid max-sm:grid-cols-2 max-sm:gap-y-1 max-sm:px-5 max-sm:py-3.5 sm:[&>*]:px-3 sm:[&>*]:py-3"
          >
            <th scope="row" className="text-left font-medium sm:pl-6!">
              {invoice.number ?? "Draft"}
            </th>
            <td className="text-ink-soft max-sm:order-3">
              <When at={invoice.created_at} />
            </td>
            <td className="max-sm:order-4 max-sm:justify-self-end">
              <StatusBadge kind="invoice" value={invoice.status} />
            </td>
            <td className="text-right font-medium">
              <Money value={invoice.amount} />
            </td>
            <td className="max-sm:order-5 max-sm:col-span-2 sm:pr-4! sm:text-right">
              <Documents invoice={invoice} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Documents({ invoice }: { invoice: Invoice }) {
  const name = invoice.number ?? "draft";
  return (
    <span className="inline-flex gap-1 max-sm:-ml-3">
      {invoice.hosted_invoice_url ? (
        <Button asChild look="quiet" size="small">
          <a
            href={invoice.hosted_invoice_url}
            target="_blank"
            rel="noreferrer"
            aria-label={`View invoice ${name} (opens in a new tab)`}
            data-testid="invoice-link"
          >
            <ExternalLink aria-hidden="true" />
            View
          </a>
        </Button>
      ) : null}
      {invoice.invoice_pdf ? (
        <Button asChild look="quiet" size="small">
          <a
            href={invoice.invoice_pdf}
            target="_blank"
            rel="noreferrer"
            aria-label={`Download invoice ${name} as PDF`}
            data-testid="invoice-pdf"
          >
            <Download aria-hidden="true" />
            PDF
          </a>
        </Button>
      ) : null}
    </span>
  );
}
