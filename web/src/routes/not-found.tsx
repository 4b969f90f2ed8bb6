import { useQueryErrorResetBoundary } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { Button } from "@/components/ui/button";
import { EmptyState, ErrorState } from "@/components/ui/feedback";

export function NotFoundPage() {
  return (
    <>
      <title>Page not found – Billhook</title>
      <h1 className="sr-only">Page not found</h1>
      <EmptyState
        icon={Compass}
        title="There is no page here"
        action={
          <Button asChild look="primary">
            <Link to="/">Go to the start</Link>
          </Button>
        }
      >
        The address may be mistyped, or the page has moved.
      </EmptyState>
    </>
  );
}

/** A page that could not be shown at all. */
export function PageFailure({ error }: { error: unknown }) {
  const router = useRouter();
  const { reset } = useQueryErrorResetBoundary();
  return (
    <>
      <title>Something went wrong – Billhook</title>
      <h1 className="sr-only">Something went wrong</h1>
      <ErrorState
        error={error}
        what="this page"
        onRetry={() => {
          reset();
          void router.invalidate();
        }}
      />
    </>
  );
}
