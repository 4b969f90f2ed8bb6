import { Link, Outlet, useRouteContext } from "@tanstack/react-router";
import { Card } from "@/components/ui/card";
import { NoPermission } from "@/components/ui/feedback";

const TAB =
  "block whitespace-nowrap border-b-2 border-transparent px-3 py-2.5 font-medium text-ink-soft text-sm outline-offset-[-3px] hover:border-line hover:text-ink data-[status=active]:border-accent data-[status=active]:text-ink";

/** The frame of the operators' pages; others are told that these are not theirs. */
export function AdminFrame() {
  const { me } = useRouteContext({ from: "/member" });
  if (!me.user.is_operator) {
    return (
      <Card>
        <title>No access – Billhook</title>
        <h1 className="sr-only">No access</h1>
        <NoPermission detail="These pages are for operators of this installation: an address listed as operator, once it is verified." />
      </Card>
    );
  }
  return (
    <>
      <h1 className="mb-6 font-semibold text-2xl sm:text-[1.75rem]">Operations</h1>
      <nav aria-label="Operations" className="overflow-x-auto shadow-[inset_0_-1px_0_var(--line)]">
        <ul className="flex gap-1">
          <li>
            <Link to="/admin" activeOptions={{ exact: true }} className={TAB}>
              Overview
            </Link>
          </li>
          <li>
            <Link to="/admin/deliveries" activeOptions={{ includeSearch: false }} className={TAB}>
              Deliveries
            </Link>
          </li>
        </ul>
      </nav>
      <div className="mt-7">
        <Outlet />
      </div>
    </>
  );
}
