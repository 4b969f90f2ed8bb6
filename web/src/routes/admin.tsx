import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { DeliveryFilters, stateFrom } from "@/features/inbox/delivery-filters";
import { DeliverySheet } from "@/features/inbox/delivery-sheet";
import { DeliveryTable } from "@/features/inbox/delivery-table";
import { WebhookSwitch } from "@/features/inbox/webhook-switch";
import { Overview } from "@/features/overview/overview";

export function AdminHomePage() {
  return (
    <div className="grid gap-6">
      <title>Operations – Billhook</title>
      <h2 className="sr-only">Overview</h2>
      <WebhookSwitch />
      <Overview
        deliveriesLink={(state, children) => (
          <Link
            to="/admin/deliveries"
            search={{ state }}
            className="flex items-center justify-between gap-3 rounded-lg p-3 hover:bg-sunken sm:block"
          >
            {children}
          </Link>
        )}
      />
    </div>
  );
}

export function DeliveriesPage() {
  const search = useSearch({ from: "/member/admin/deliveries" });
  const navigate = useNavigate();
  const filter = { state: stateFrom(search.state), type: search.type, cursor: search.cursor };
  return (
    <div className="grid gap-5">
      <title>Deliveries – Billhook</title>
      <h2 className="sr-only">Deliveries</h2>
      <WebhookSwitch />
      <DeliveryFilters
        filter={filter}
        // Another filter starts at the newest again.
        onChange={(next) => navigate({ to: "/admin/deliveries", search: next })}
      />
      <DeliveryTable
        filter={filter}
        onOpen={(id) =>
          navigate({ to: "/admin/deliveries", search: { ...filter, id }, resetScroll: false })
        }
        onCursor={(cursor) => navigate({ to: "/admin/deliveries", search: { ...filter, cursor } })}
      />
      <DeliverySheet
        id={search.id ?? null}
        onClose={() =>
          navigate({ to: "/admin/deliveries", search: filter, replace: true, resetScroll: false })
        }
      />
    </div>
  );
}
