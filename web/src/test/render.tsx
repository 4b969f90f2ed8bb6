import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { makeApp } from "@/app";

/** The whole app at an address, as a reader would meet it. */
export function renderAt(address: string) {
  const { queryClient, router } = makeApp(createMemoryHistory({ initialEntries: [address] }));
  const view = render(
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  return { ...view, router, queryClient, user: userEvent.setup() };
}
