// The names the pages use for what the server sends. They are derived from the
// routes, not from component names, so regenerating schema.ts cannot rename them.
import type { paths } from "./schema";

type Json<R> = R extends { content: { "application/json": infer B } } ? B : never;
type Ok<Op> = Op extends { responses: infer R }
  ? Json<R extends { 200: infer A } ? A : R extends { 201: infer B } ? B : never>
  : never;
type Get<P extends keyof paths> = Ok<paths[P]["get"]>;
type Post<P extends keyof paths> = Ok<paths[P]["post"]>;

export type Me = Get<"/api/v1/auth/me">;
export type Plan = Get<"/api/v1/plans">["data"][number];
export type PlanFeature = Plan["features"][number];
export type Subscription = Get<"/api/v1/billing/subscription">;
export type PaymentProblem = NonNullable<Subscription["payment_problem"]>;
export type CheckoutState = Get<"/api/v1/billing/checkout/{id}">;
export type PlanChangePreview = Post<"/api/v1/billing/plan-change/preview">;
export type Invoice = Get<"/api/v1/billing/invoices">["data"][number];
type Entitlements = Get<"/api/v1/entitlements">;
export type EntitledFeature = Entitlements["features"][number];
export type Delivery = Get<"/api/v1/admin/deliveries">["data"][number];
export type DeliveryDetail = Get<"/api/v1/admin/deliveries/{id}">;
export type Webhooks = Get<"/api/v1/admin/webhooks">;
export type Summary = Get<"/api/v1/admin/summary">;

export type Interval = "monthly" | "yearly";
export type ChangeWhen = "now" | "period_end";
