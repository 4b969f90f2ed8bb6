// Generated from crates/server/openapi.json by `npm run generate`. Do not edit.

export interface paths {
    "/api/subscription/create-checkout-session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Opens a checkout. */
        post: operations["create_checkout_session"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/subscription/create-portal-session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Opens the customer portal. */
        post: operations["create_portal_session"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the product keys, without their secrets. */
        get: operations["list_product_keys"];
        put?: never;
        /** Makes a product key. Its secret is shown once. */
        post: operations["create_product_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a product key. It is refused from then on, on every node. */
        delete: operations["revoke_product_key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists deliveries, newest first. */
        get: operations["list_deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/deliveries/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows a delivery with its payload. */
        get: operations["get_delivery"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/deliveries/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts a finished delivery back into the queue. */
        post: operations["replay_delivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/organizations/{id}/cancel-surplus": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ends a surplus subscription at once and, if asked, refunds its last payment; once, however
         *     often it is called.
         */
        post: operations["cancel_surplus_subscription"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/organizations/{id}/limits/{feature}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Gives an organisation another limit for a while, whatever its plan says. It counts from the
         *     next call on.
         */
        post: operations["override_limit"];
        /** Takes another limit back. */
        delete: operations["remove_limit_override"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/organizations/{id}/override": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Gives an organisation a plan for a while, whatever it pays for. */
        post: operations["override_plan"];
        /** Takes an override back. */
        delete: operations["remove_plan_override"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/organizations/{id}/resync": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Reads everything of an organisation from Stripe and brings the mirror up to date. */
        post: operations["resync_organization"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows how the installation does. */
        get: operations["get_summary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows how the inbox stands. */
        get: operations["get_webhooks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/webhooks/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Refuses webhooks until they are resumed. */
        post: operations["pause_webhooks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/webhooks/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes webhooks again. */
        post: operations["resume_webhooks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/announcements": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists announcements. */
        get: operations["list_announcements"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the organisation's keys, without their secrets. */
        get: operations["list_api_keys"];
        put?: never;
        /** Makes a key that acts for the organisation. Its secret is shown once. */
        post: operations["create_api_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a key. It is refused from then on, on every node. */
        delete: operations["revoke_api_key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs in. */
        post: operations["create_session"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs out: the token is worth nothing from here on. Signing out twice is no error. */
        post: operations["end_session"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Says who is signed in. */
        get: operations["get_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/signup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes an account with its organisation on the free plan, and signs in. */
        post: operations["create_account"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follows the link of a verification mail, and leads to the log-in page. It counts only for the
         *     person who made the account and is logged in; who is not logged in may do so first.
         */
        get: operations["follow_verification"];
        put?: never;
        /** Proves one's own e-mail address with the token of a verification mail. */
        post: operations["verify_email"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/billing/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends the subscription, with its period by default. */
        post: operations["cancel_subscription"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/billing/checkout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Opens a checkout at Stripe, or gives the one that is open. */
        post: operations["create_checkout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/billing/checkout/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Looks at Stripe and says how a checkout stands. The page that Stripe returns to asks this, so
         *     that nobody waits for a webhook.
         */
        get: operations["get_checkout"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/billing/invoices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists invoices, newest first. */
        get: operations["list_invoices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/billing/plan-change": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Changes the plan. The previewed amount is the charged amount. */
        post: operations["change_plan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/billing/plan-change/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says what a change of plan would cost. Nothing is changed. */
        post: operations["preview_plan_change"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/billing/plan-change/withdraw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes a scheduled change of plan back. */
        post: operations["withdraw_plan_change"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/billing/portal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Opens Stripe's customer portal. */
        post: operations["create_portal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/billing/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes a cancellation with the period's end back. */
        post: operations["resume_subscription"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/billing/subscription": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows where billing stands. */
        get: operations["get_subscription"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/entitlements": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Says what the organisation may do now. */
        get: operations["get_entitlements"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/organization": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows the organisation. */
        get: operations["get_organization"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Renames the organisation. */
        patch: operations["update_organization"];
        trace?: never;
    };
    "/api/v1/plans": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the plans that are sold. */
        get: operations["list_plans"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Says where each feature stands, and when its limit is reached at the present pace. */
        get: operations["get_usage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the newest alerts. */
        get: operations["list_usage_alerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage/alerts/{feature}/{threshold}/dismiss": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts the alerts about one threshold aside, for everybody in the organisation. */
        post: operations["dismiss_usage_alert"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says whether a quantity would be allowed now. It counts nothing and promises nothing. */
        post: operations["check_usage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage/consume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Counts a quantity if the limit admits it. */
        post: operations["consume_usage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The use of each feature, day by day, for the last year. */
        get: operations["get_usage_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage/levels/{feature}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Sets the level of an allocated feature. A level above the limit is told, not refused: it is a
         *     fact.
         */
        put: operations["set_usage_level"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage/record": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Counts what has happened already, also past the limit. */
        post: operations["record_usage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage/reservations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Holds a quantity until it is confirmed, released or over. */
        post: operations["create_reservation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage/reservations/{id}/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Counts a reservation, whole or in part, and returns the rest. */
        post: operations["confirm_reservation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage/reservations/{id}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Returns a reservation. */
        post: operations["release_reservation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/webhooks/stripe": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Receives an event from Stripe.
         * @description The signature proves it; no log-in is needed. A repeat of an event is answered alike.
         */
        post: operations["receive_event"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/webhooks/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Says whether webhooks could be received. */
        get: operations["test_webhooks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Says that the process runs. */
        get: operations["get_livez"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows the figures. */
        get: operations["get_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Says whether the process can serve. */
        get: operations["get_readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description The event is stored. */
        Acknowledged: {
            /** @description Always true. */
            received: boolean;
        };
        /** @description An address at Stripe. */
        Address: {
            /** @description Where to send the browser. */
            url: string;
        };
        /** @description A threshold that was reached. */
        Alert: {
            /** @description The feature. */
            feature: string;
            /** @description In the period of metered features that began then. */
            period_start: components["schemas"]["Time"];
            /**
             * Format: int64
             * @description In percent.
             */
            threshold: number;
            /** @description How urgent. */
            severity: components["schemas"]["Severity"];
            /**
             * Format: int64
             * @description What was used then.
             */
            used: number;
            /**
             * Format: int64
             * @description Of how much.
             */
            limit: number;
            /** @description When. */
            at: components["schemas"]["Time"];
            dismissed_at: components["schemas"]["Time"] | null;
            /** @description Where more can be had. */
            action_url: string;
        };
        /** @description The newest alerts. */
        AlertList: {
            /** @description The alerts, newest first. */
            data: components["schemas"]["Alert"][];
            /** @description Always null: only the newest are shown. */
            next: string | null;
        };
        /** @description Something all members should know. */
        Announcement: {
            /** @description Its id. */
            id: string;
            /** @description One or two sentences. */
            text: string;
        };
        /** @description A page of announcements. */
        AnnouncementList: {
            /** @description The announcements. */
            data: components["schemas"]["Announcement"][];
            /** @description Where the next page starts. */
            next: string | null;
        };
        /** @description A key, without its secret. */
        ApiKey: {
            /** @description `key_…` */
            id: string;
            /** @description What people call it. */
            name: string;
            /** @description What it may be used for. */
            scopes: string[];
            /** @description When it was made. */
            created_at: components["schemas"]["Time"];
            expires_at: components["schemas"]["Time"] | null;
            revoked_at: components["schemas"]["Time"] | null;
            last_used_at: components["schemas"]["Time"] | null;
        };
        /** @description Keys, newest first, ended ones included. */
        ApiKeyList: {
            /** @description The keys. */
            data: components["schemas"]["ApiKey"][];
            /** @description Always null: the list is whole. */
            next: string | null;
        };
        /** @description The fact that decided. */
        Because: {
            /**
             * @description A stable code.
             * @example subscription_active
             */
            fact: string;
            /** @description A sentence for people. */
            detail: string;
        };
        /**
         * @description The state of billing in one word.
         * @enum {string}
         */
        BillingStatus: "FREE" | "ACTIVE" | "TRIALING" | "PAST_DUE" | "CANCELLED" | "INCOMPLETE" | "UNPAID" | "PAUSED";
        /** @description When to end. */
        CancelBody: {
            when?: components["schemas"]["When"] | null;
        };
        /** @description What to buy. */
        CheckoutBody: {
            /**
             * @description The plan's id.
             * @example team
             */
            plan: string;
            /** @description At which interval. */
            interval: components["schemas"]["Interval"];
            /** @description Where to return after paying; its origin has to be ours or allowed. */
            success_url?: string | null;
            /** @description Where to return on turning back; its origin has to be ours or allowed. */
            cancel_url?: string | null;
        };
        /** @description A checkout the browser can be sent to. */
        CheckoutCreated: {
            /** @description `cs_…`. */
            id: string;
            /** @description Stripe's page. */
            url: string;
        };
        /** @description How a checkout stands at Stripe now. */
        CheckoutState: {
            /** @description `cs_…`. */
            id: string;
            /** @description How far it is. */
            status: components["schemas"]["CheckoutStatus"];
            /** @description Stripe's page, while open. */
            url: string | null;
            subscription: components["schemas"]["Subscription"] | null;
        };
        /**
         * @description How far a checkout is.
         * @enum {string}
         */
        CheckoutStatus: "open" | "complete" | "expired";
        /** @description What to buy. */
        CreateCheckoutBody: {
            /** @description The plan's id. */
            tier: string;
            /** @description `monthly` or `yearly`. */
            billing_cycle?: string;
            /** @description Where to return after paying. */
            success_url?: string | null;
            /** @description Where to return on turning back. */
            cancel_url?: string | null;
        };
        /** @description Where to return from the portal. */
        CreatePortalBody: {
            /** @description Our billing page when left out. */
            return_url?: string | null;
        };
        /** @description What was used on one day. */
        Day: {
            /** @description The day, as its first moment in UTC. */
            day: components["schemas"]["Time"];
            /**
             * Format: int64
             * @description How much.
             */
            used: number;
        };
        /** @description An event from Stripe, and what became of it. */
        Delivery: {
            /** @description `evt_…`. */
            id: string;
            /** @description Stripe's type. */
            type: string;
            /** @description Where it stands. */
            state: components["schemas"]["DeliveryState"];
            /**
             * Format: int32
             * @description Attempts made so far.
             */
            attempts: number;
            /** @description When it came. */
            received_at: components["schemas"]["Time"];
            due_at: components["schemas"]["Time"] | null;
            finished_at: components["schemas"]["Time"] | null;
            reason: components["schemas"]["ParkReason"] | null;
            /** @description The object it is about. */
            object_id: string | null;
            /** @description Whose object that is, once known. */
            organization_id: string | null;
            /** @description The API version it is written in. */
            api_version: string | null;
        };
        /** @description How many deliveries are in which state. */
        DeliveryCounts: {
            /**
             * Format: int64
             * @description Waiting.
             */
            pending: number;
            /**
             * Format: int64
             * @description In work.
             */
            claimed: number;
            /**
             * Format: int64
             * @description In the mirror.
             */
            applied: number;
            /**
             * Format: int64
             * @description Nothing followed from them.
             */
            ignored: number;
            /**
             * Format: int64
             * @description Waiting for an operator.
             */
            parked: number;
        };
        /** @description A delivery with its payload. */
        DeliveryDetail: components["schemas"]["Delivery"] & {
            /** @description The event as it came, without personal data. */
            payload: unknown;
        };
        /** @description A page of deliveries, newest first. */
        DeliveryList: {
            /** @description The deliveries. */
            data: components["schemas"]["Delivery"][];
            /** @description Where the next page starts. */
            next: string | null;
        };
        /**
         * @description Where a delivery stands.
         * @enum {string}
         */
        DeliveryState: "pending" | "claimed" | "applied" | "ignored" | "parked";
        /** @description A feature, how much of it is allowed, and how much is left. */
        EntitledFeature: components["schemas"]["PlanFeature"] & {
            /**
             * Format: int64
             * @description What was used; none for switches.
             */
            used: number | null;
            /**
             * Format: int64
             * @description What is left; none for switches and without a bound.
             */
            remaining: number | null;
            resets_at: components["schemas"]["Time"] | null;
        };
        /** @description What an organisation may do now. */
        Entitlements: {
            /** @description Whose. */
            organization_id: string;
            /** @description The plan whose limits apply. */
            plan: components["schemas"]["PlanRef"];
            /** @description Whether a paid plan is granted. */
            is_active: boolean;
            /** @description The state in one word. */
            status: components["schemas"]["BillingStatus"];
            /** @description The fact that decided. */
            because: components["schemas"]["Because"];
            /** @description Every feature of the catalogue. */
            features: components["schemas"]["EntitledFeature"][];
        };
        /** @description Where a feature stands. */
        FeatureStanding: components["schemas"]["EntitledFeature"] & {
            /**
             * Format: int64
             * @description What reservations hold; none for switches.
             */
            reserved: number | null;
            severity: components["schemas"]["Severity"] | null;
            limit_reached_at: components["schemas"]["Time"] | null;
        };
        /** @description One event, or up to a thousand. */
        Happened: {
            /** @description The events, in the order they happened. */
            events: components["schemas"]["Wanted"][];
        } | components["schemas"]["Wanted"];
        /** @description The history of each feature that was used. */
        History: {
            /** @description Feature ids and their days, oldest first. */
            data: {
                [key: string]: components["schemas"]["Day"][];
            };
            /** @description Always null: a year fits. */
            next: string | null;
        };
        /** @description A quantity to hold. */
        Hold: {
            /** @description The feature. */
            feature: string;
            /**
             * Format: int64
             * @description How much; one when left out.
             */
            quantity?: number;
            /**
             * Format: int32
             * @description For how many seconds; ten minutes when left out, at most a day.
             */
            ttl_seconds?: number | null;
        };
        /** @description The installation one is signed in to. */
        Installation: {
            /** @description Test or live. */
            mode: components["schemas"]["Mode"];
        };
        /**
         * @description How often a price is charged.
         * @enum {string}
         */
        Interval: "monthly" | "yearly";
        /** @description An invoice. */
        Invoice: {
            /** @description `in_…`. */
            id: string;
            /** @description The number on paper; none while a draft. */
            number: string | null;
            /** @description Stripe's status: `draft`, `open`, `paid`, `uncollectible`, `void`. */
            status: string;
            /** @description What it comes to. */
            amount: components["schemas"]["Money"];
            /** @description What is asked for. */
            amount_due: components["schemas"]["Money"];
            /** @description What was paid. */
            amount_paid: components["schemas"]["Money"];
            /** @description When Stripe made it. */
            created_at: components["schemas"]["Time"];
            period_start: components["schemas"]["Time"] | null;
            period_end: components["schemas"]["Time"] | null;
            /** @description Stripe's page for the customer. */
            hosted_invoice_url: string | null;
            /** @description The PDF. */
            invoice_pdf: string | null;
        };
        /** @description A page of invoices, newest first. */
        InvoiceList: {
            /** @description The invoices. */
            data: components["schemas"]["Invoice"][];
            /** @description Where the next page starts. */
            next: string | null;
        };
        /** @description A key to make. */
        KeyBody: {
            /**
             * @description What people call it.
             * @example worker
             */
            name: string;
            /**
             * @description What it may be used for: `usage`, `entitlements`, `billing`.
             * @example [
             *       "usage"
             *     ]
             */
            scopes: string[];
            /**
             * Format: date-time
             * @description When it ends by itself, RFC 3339; never when left out.
             */
            expires_at?: string | null;
        };
        /**
         * @description What a feature measures.
         * @enum {string}
         */
        Kind: "switch" | "metered" | "allocated";
        /** @description A level to set. */
        Level: {
            /**
             * Format: int64
             * @description How much there is now.
             */
            used: number;
        };
        /** @description How much a plan allows: a number, or a word. */
        Limit: number | components["schemas"]["LimitWord"];
        /** @description A limit in place of the plan's. */
        LimitOverrideBody: {
            /** @description A number of zero or more, `unlimited` or `disabled`; for a switch one of the words. */
            limit: components["schemas"]["Limit"];
            /** @description Why, for the audit log. */
            reason: string;
            /**
             * Format: date-time
             * @description Until when, RFC 3339.
             */
            expires_at: string;
        };
        /**
         * @description The limits that are no numbers.
         * @enum {string}
         */
        LimitWord: "unlimited" | "disabled";
        /** @description The process runs. */
        Liveness: {
            /** @description `ok`. */
            status: string;
        };
        /** @description A log-in. */
        LoginBody: {
            /** @description The account's address. */
            email: string;
            /** @description Its password. */
            password: string;
        };
        /** @description Who is signed in. */
        Me: {
            /** @description The person. */
            user: components["schemas"]["User"];
            /** @description The organisation. */
            organization: components["schemas"]["Organization"];
            /** @description The installation. */
            installation: components["schemas"]["Installation"];
        };
        /**
         * @description Test or live.
         * @enum {string}
         */
        Mode: "test" | "live";
        /** @description An amount in minor units with its currency. */
        Money: {
            /**
             * Format: int64
             * @description Minor units of the currency: cents, yen, fils.
             * @example 9900
             */
            amount: number;
            /**
             * @description ISO 4217 in lower case.
             * @example usd
             */
            currency: string;
        };
        /** @description A key that was just made. */
        NewApiKey: components["schemas"]["ApiKey"] & {
            /** @description The whole secret. It is shown this once. */
            secret: string;
        };
        /** @description The organisation one is signed in to. */
        Organization: {
            /** @description Its id. */
            id: string;
            /** @description Its name. */
            name: string;
            /** @description One's own role in it. */
            role: components["schemas"]["Role"];
            /** @description When it was made. */
            created_at: components["schemas"]["Time"];
        };
        /** @description What to change. */
        OrganizationPatch: {
            /** @description Its new name. */
            name: string;
        };
        /** @description An organisation. */
        OrganizationProfile: {
            /** @description Its id. */
            id: string;
            /** @description Its name. */
            name: string;
            /** @description When it was made. */
            created_at: components["schemas"]["Time"];
        };
        /** @description A plan given without a subscription. */
        OverrideBody: {
            /** @description The plan's id. */
            plan: string;
            /** @description Why, for the audit log. */
            reason: string;
            /**
             * Format: date-time
             * @description Until when, RFC 3339.
             */
            expires_at: string;
        };
        /** @description Why a delivery was parked. */
        ParkReason: {
            /**
             * @description A stable code.
             * @example unknown_price
             */
            code: string;
            /** @description The fact behind it. */
            detail: string;
            /** @description What an operator can do about it. */
            what_to_do: string;
        };
        /** @description How much of a reservation was used. */
        Part: {
            /**
             * Format: int64
             * @description At most what is held; all of it when left out.
             */
            quantity?: number | null;
        };
        /** @description Why webhooks are paused. */
        PauseBody: {
            /** @description For the audit log. */
            reason?: string | null;
        };
        /** @description The card that is charged. */
        PaymentMethod: {
            /** @description `visa`, … */
            brand: string;
            /** @description The last four digits. */
            last4: string;
            /**
             * Format: int64
             * @description Month of expiry, from 1.
             */
            exp_month: number | null;
            /**
             * Format: int64
             * @description Year of expiry.
             */
            exp_year: number | null;
        };
        /** @description A payment that failed and is still missing. */
        PaymentProblem: {
            /** @description A sentence for people. */
            reason: string;
            /** @description The bank's code, where it is known. */
            decline_code: string | null;
            /** @description The invoice. */
            invoice_id: string;
            /** @description What is owed. */
            amount: components["schemas"]["Money"];
            /** @description Stripe's page on which it can be paid. */
            hosted_invoice_url: string | null;
            next_payment_attempt: components["schemas"]["Time"] | null;
        };
        /** @description A plan with its prices and what it allows. */
        Plan: {
            /**
             * @description Its id.
             * @example team
             */
            id: string;
            /** @description Its name for people. */
            name: string;
            /** @description One sentence on who it is for. */
            description: string;
            /**
             * Format: int32
             * @description The order of plans; a higher rank is an upgrade.
             */
            rank: number;
            /** @description Its prices; none when it is free. */
            prices: components["schemas"]["PlanPrice"][];
            /** @description Every feature of the catalogue and how much of it this plan allows. */
            features: components["schemas"]["PlanFeature"][];
        };
        /** @description A change of plan to be made. */
        PlanChangeBody: {
            /** @description The plan's id. */
            plan: string;
            /** @description At which interval. */
            interval: components["schemas"]["Interval"];
            when?: components["schemas"]["When"] | null;
            /**
             * Format: int64
             * @description From the preview: pins the reckoning to its second.
             */
            proration_date?: number | null;
            /**
             * Format: int64
             * @description From the preview, in minor units: another amount is refused with 409.
             */
            expected_amount_due?: number | null;
        };
        /** @description What a change of plan would cost. */
        PlanChangePreview: {
            /** @description The plan. */
            plan: components["schemas"]["PlanRef"];
            /** @description At which interval. */
            interval: components["schemas"]["Interval"];
            /** @description When it takes effect. */
            when: components["schemas"]["When"];
            /** @description What would be charged at once. */
            amount_due: components["schemas"]["Money"];
            /** @description What would go to the customer's balance; 0 otherwise. */
            credit: components["schemas"]["Money"];
            /** @description The reckoning. */
            lines: components["schemas"]["PreviewLine"][];
            /**
             * Format: int64
             * @description The second for which it was reckoned (Unix); send it with the change.
             */
            proration_date: number | null;
            /** @description When the plan changes. */
            effective_at: components["schemas"]["Time"];
            renews_at: components["schemas"]["Time"] | null;
            /** @description How much then. */
            renewal_amount: components["schemas"]["Money"];
        };
        /** @description A feature and how much of it a plan allows. */
        PlanFeature: {
            /**
             * @description Its id.
             * @example test_runs
             */
            id: string;
            /** @description Its name for people. */
            name: string;
            /** @description What it measures. */
            kind: components["schemas"]["Kind"];
            /** @description The unit of its quantity. */
            unit: components["schemas"]["Unit"];
            limit: components["schemas"]["Limit"] | null;
            /** @description Whether it is on, for switches. */
            enabled: boolean | null;
        };
        /** @description All plans, lowest first. */
        PlanList: {
            /** @description The plans. */
            data: components["schemas"]["Plan"][];
            /** @description Always null: the list is whole. */
            next: string | null;
        };
        /** @description What is charged each time. */
        PlanPrice: {
            /** @description How often. */
            interval: components["schemas"]["Interval"];
            /** @description How much. */
            amount: components["schemas"]["Money"];
        };
        /** @description A plan, as far as it has to be named. */
        PlanRef: {
            /**
             * @description Its id.
             * @example team
             */
            id: string;
            /**
             * @description Its name for people.
             * @example Team
             */
            name: string;
        };
        /** @description Where to return from the portal. */
        PortalBody: {
            /** @description Its origin has to be ours or allowed; our billing page when left out. */
            return_url?: string | null;
        };
        /** @description Stripe's customer portal. */
        PortalCreated: {
            /** @description Where to send the browser. */
            url: string;
        };
        /** @description A change of plan to be reckoned. */
        PreviewBody: {
            /** @description The plan's id. */
            plan: string;
            /** @description At which interval. */
            interval: components["schemas"]["Interval"];
            when?: components["schemas"]["When"] | null;
        };
        /** @description One line of a preview. */
        PreviewLine: {
            /** @description What the customer reads. */
            description: string;
            /** @description Negative for credit. */
            amount: components["schemas"]["Money"];
        };
        /** @description What went wrong, as `application/problem+json`. */
        Problem: {
            /**
             * @description A stable address that names the code.
             * @example https://billhook.dev/problems/not_found
             */
            type: string;
            /** @description A few words for people. */
            title: string;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /**
             * @description One of the closed list of codes.
             * @example not_found
             */
            code: string;
            /** @description A sentence for people. */
            detail: string;
            /** @description Names the request in the log. */
            request_id: string;
            /** @description With `invalid_request`: fields at fault, with a hint each. */
            fields?: {
                [key: string]: string;
            } | null;
            /**
             * Format: int64
             * @description With `rate_limited`: when to come again.
             */
            retry_after_seconds?: number | null;
            /** @description With `payment_failed`: why, for people. */
            reason?: string | null;
            /** @description With `payment_failed`: the bank's code, where it is known. */
            decline_code?: string | null;
        };
        /** @description Whether the process can serve, and why not. */
        Readiness: {
            /** @description `ready` or `not_ready`. */
            status: string;
            /** @description The database can be read and written. */
            database: boolean;
            /** @description The schema is exactly this program's. */
            migrations: boolean;
            /** @description The worker of this process goes round; none when this process has no worker. */
            worker: boolean | null;
            deliveries: components["schemas"]["UnfinishedDeliveries"] | null;
            /**
             * Format: int64
             * @description For how long the oldest unfinished delivery has been waiting, in milliseconds.
             */
            lag_ms: number | null;
        };
        /** @description Where the counters stand after recording. */
        RecordedList: {
            /** @description One answer for each event, in their order. */
            data: components["schemas"]["Usage"][];
            /** @description Always null: the list is whole. */
            next: string | null;
        };
        /** @description A held quantity. */
        Reservation: {
            /** @description Its id. */
            id: string;
            /** @description When it is released by itself. */
            expires_at: components["schemas"]["Time"];
            /** @description `held`, `confirmed` or `released`. */
            state: string;
            /**
             * Format: int64
             * @description How much of it is held or was confirmed.
             */
            quantity: number;
            usage?: components["schemas"]["Usage"] | null;
        };
        /** @description What a look at Stripe changed. */
        Resynced: {
            /** @description Ids of the objects whose mirror changed. */
            changed: string[];
        };
        /**
         * @description What a member may do.
         * @enum {string}
         */
        Role: "admin" | "member" | "viewer";
        /** @description A change of plan that is to come. */
        ScheduledChange: {
            /** @description The plan that follows. */
            plan: components["schemas"]["PlanRef"];
            /** @description At which interval. */
            interval: components["schemas"]["Interval"];
            /** @description From when. */
            at: components["schemas"]["Time"];
        };
        /** @description A log-in that just began. */
        Session: {
            /** @description For `Authorization: Bearer`; browsers get it as a cookie too. */
            token: string;
            /** @description Until when it counts. */
            expires_at: components["schemas"]["Time"];
            /** @description Who is signed in. */
            user: components["schemas"]["User"];
            /** @description Where. */
            organization: components["schemas"]["Organization"];
        };
        /**
         * @description How urgent a share of a limit is.
         * @enum {string}
         */
        Severity: "info" | "warning" | "critical" | "exceeded";
        /** @description A new account. */
        SignupBody: {
            /**
             * @description Where to reach them.
             * @example ada@example.com
             */
            email: string;
            /** @description At least 10 characters. */
            password: string;
            /**
             * @description What to call them.
             * @example Ada Lovelace
             */
            name: string;
            /**
             * @description Who is billed.
             * @example Analytical Engines
             */
            organization_name: string;
        };
        /** @description Where an organisation's billing stands. */
        Subscription: {
            /** @description The plan whose limits apply. */
            plan: components["schemas"]["PlanRef"];
            /** @description The state in one word. */
            status: components["schemas"]["BillingStatus"];
            subscribed_plan: components["schemas"]["PlanRef"] | null;
            /** @description Whether a paid plan is granted. */
            is_active: boolean;
            price: components["schemas"]["PlanPrice"] | null;
            current_period_start: components["schemas"]["Time"] | null;
            current_period_end: components["schemas"]["Time"] | null;
            trial_end: components["schemas"]["Time"] | null;
            /** @description Ends with the running period. */
            cancel_at_period_end: boolean;
            cancel_at: components["schemas"]["Time"] | null;
            ended_at: components["schemas"]["Time"] | null;
            scheduled_change: components["schemas"]["ScheduledChange"] | null;
            /** @description `cus_…`. */
            stripe_customer_id: string | null;
            /** @description `sub_…`. */
            stripe_subscription_id: string | null;
            payment_problem: components["schemas"]["PaymentProblem"] | null;
            payment_method: components["schemas"]["PaymentMethod"] | null;
            /** @description The fact that decided, as a sentence. */
            because: string;
            /** @description Live subscriptions beside the one that counts. */
            surplus_subscriptions: string[];
        };
        /** @description How the installation does. */
        Summary: {
            /**
             * Format: int64
             * @description Organisations in all.
             */
            organizations: number;
            /**
             * Format: int64
             * @description Subscriptions that are paid.
             */
            active_subscriptions: number;
            /** @description Monthly recurring revenue by currency, yearly prices as a twelfth. Discounts are not in it. */
            mrr: components["schemas"]["Money"][];
            /**
             * Format: int64
             * @description In their trial.
             */
            trialing: number;
            /**
             * Format: int64
             * @description Their last renewal failed.
             */
            past_due: number;
            /** @description Deliveries by state. */
            deliveries: components["schemas"]["DeliveryCounts"];
            /** @description Organisations that pay for more than one subscription. */
            surplus: components["schemas"]["Surplus"][];
        };
        /** @description An organisation that pays for more than one subscription. */
        Surplus: {
            /** @description Whose. */
            organization_id: string;
            /** @description Its name. */
            name: string;
            /** @description Those that are not needed. */
            subscriptions: string[];
        };
        /** @description Which subscription, and whether to give its last payment back. */
        SurplusBody: {
            /** @description One of the organisation's `surplus_subscriptions`. */
            subscription_id: string;
            /** @description Whether to refund what was last paid for it. */
            refund: boolean;
        };
        /** @description A surplus subscription that was ended. */
        SurplusEnded: {
            /** @description `re_…`; null when none was asked for or nothing was paid. */
            refund_id?: string | null;
            refunded?: components["schemas"]["Money"] | null;
            /** @description Where billing stands now. */
            subscription: components["schemas"]["Subscription"];
        };
        /**
         * Format: date-time
         * @description RFC 3339, UTC.
         * @example 2026-11-21T09:30:00Z
         */
        Time: string;
        /** @description Deliveries that are not finished, by state. */
        UnfinishedDeliveries: {
            /**
             * Format: int64
             * @description Waiting.
             */
            pending: number;
            /**
             * Format: int64
             * @description In work.
             */
            claimed: number;
            /**
             * Format: int64
             * @description Waiting for an operator.
             */
            parked: number;
        };
        /**
         * @description The unit in which people read a quantity.
         * @enum {string}
         */
        Unit: "count" | "bytes";
        /** @description Whether a quantity is allowed, and where its counter stands. */
        Usage: {
            /** @description Whether it may be used; for `consume`, it was counted. */
            allowed: boolean;
            /**
             * Format: int64
             * @description What is used, this call included when it counted.
             */
            used: number;
            /** @description How much the plan allows. */
            limit: components["schemas"]["Limit"];
            /**
             * Format: int64
             * @description What is left; none without a bound.
             */
            remaining: number | null;
            resets_at: components["schemas"]["Time"] | null;
            /** @description Why not, as a sentence; none when allowed. */
            reason: string | null;
        };
        /** @description Where an organisation stands with all that it uses. */
        UsageSummary: {
            /** @description Whose. */
            organization_id: string;
            /** @description The plan whose limits apply. */
            plan: components["schemas"]["PlanRef"];
            /** @description When the running period of metered features began. */
            period_start: components["schemas"]["Time"];
            /** @description When it ends. */
            period_end: components["schemas"]["Time"];
            /** @description Where more can be had. */
            upgrade_url: string;
            /** @description Every feature of the catalogue. */
            features: components["schemas"]["FeatureStanding"][];
        };
        /** @description A person with a log-in. */
        User: {
            /** @description Their id. */
            id: string;
            /** @description Their address. */
            email: string;
            /** @description What to call them. */
            name: string;
            /** @description Whether they proved that the address is theirs. */
            email_verified: boolean;
            /** @description Whether they run this installation. */
            is_operator: boolean;
            /** @description When the account was made. */
            created_at: components["schemas"]["Time"];
        };
        /** @description The token of a verification mail. */
        VerifyBody: {
            /** @description As it stands in the link. */
            token: string;
        };
        /** @description A quantity of a feature that is about to be used. */
        Wanted: {
            /**
             * @description The feature.
             * @example test_runs
             */
            feature: string;
            /**
             * Format: int64
             * @description How much; one when left out.
             */
            quantity?: number;
            /** @description A repeated key gets the first answer and counts nothing. */
            idempotency_key?: string | null;
        };
        /** @description Whether webhooks could be received: booleans, never values. */
        WebhookTest: {
            /** @description `ok`. */
            status: string;
            /** @description A sentence. */
            message: string;
            /** @description Whether a secret key is configured. */
            stripeConfigured: boolean;
            /** @description Whether a webhook secret is configured. */
            webhookSecretConfigured: boolean;
        };
        /** @description How the inbox stands. */
        Webhooks: {
            /** @description Whether they are refused with 503 for now. Stripe keeps and repeats them. */
            paused: boolean;
            paused_at: components["schemas"]["Time"] | null;
            /** @description Who paused them. */
            paused_by: string | null;
            /** @description Deliveries by state. */
            counts: components["schemas"]["DeliveryCounts"];
            /**
             * Format: int64
             * @description For how long the oldest unfinished delivery has been waiting, in milliseconds.
             */
            lag_ms: number | null;
            /** @description The event types that change anything; all others are stored and ignored. */
            handled_events: string[];
        };
        /**
         * @description When a change takes effect.
         * @enum {string}
         */
        When: "now" | "period_end";
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    create_checkout_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateCheckoutBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Address"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_portal_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreatePortalBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Address"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_product_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeyList"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_product_key: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeyBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiKey"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revoke_product_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `key_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_deliveries: {
        parameters: {
            query?: {
                /** @description Only this state. */
                state?: "pending" | "claimed" | "applied" | "ignored" | "parked";
                /** @description Only this type. */
                type?: string;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryList"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_delivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `evt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryDetail"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    replay_delivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `evt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Delivery"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancel_surplus_subscription: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `org_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SurplusBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SurplusEnded"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    override_limit: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `org_…` */
                id: string;
                /** @description The feature */
                feature: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LimitOverrideBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Entitlements"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    remove_limit_override: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `org_…` */
                id: string;
                /** @description The feature */
                feature: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    override_plan: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `org_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OverrideBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Entitlements"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    remove_plan_override: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `org_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resync_organization: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `org_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Resynced"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_summary: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Summary"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_webhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhooks"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    pause_webhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PauseBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhooks"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resume_webhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhooks"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_announcements: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AnnouncementList"];
                };
            };
        };
    };
    list_api_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeyList"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_api_key: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeyBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiKey"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revoke_api_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `key_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    end_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_account: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignupBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    follow_verification: {
        parameters: {
            query: {
                /** @description As it stands in the link. */
                token: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    verify_email: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VerifyBody"];
            };
        };
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancel_subscription: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CancelBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Subscription"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_checkout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CheckoutBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckoutCreated"];
                };
            };
            /** @description already_subscribed */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_checkout: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `cs_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckoutState"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_invoices: {
        parameters: {
            query?: {
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvoiceList"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_plan: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PlanChangeBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Subscription"];
                };
            };
            /** @description payment_failed: the old plan stays */
            402: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description conflict: the amount is another one now */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    preview_plan_change: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PreviewBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PlanChangePreview"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    withdraw_plan_change: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Subscription"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_portal: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PortalBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PortalCreated"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resume_subscription: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Subscription"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_subscription: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Subscription"];
                };
            };
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_entitlements: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Entitlements"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_organization: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrganizationProfile"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    update_organization: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OrganizationPatch"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrganizationProfile"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_plans: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PlanList"];
                };
            };
        };
    };
    get_usage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsageSummary"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_usage_alerts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertList"];
                };
            };
        };
    };
    dismiss_usage_alert: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The feature */
                feature: string;
                /** @description In percent */
                threshold: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    check_usage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Wanted"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Usage"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    consume_usage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Wanted"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Usage"];
                };
            };
            /** @description limit_exceeded; nothing was counted */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description enforcement_unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_usage_history: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["History"];
                };
            };
        };
    };
    set_usage_level: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The feature */
                feature: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Level"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Usage"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    record_usage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Happened"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecordedList"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_reservation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Hold"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Reservation"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    confirm_reservation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The reservation */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Part"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Reservation"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    release_reservation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The reservation */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Reservation"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    receive_event: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description The event, byte for byte */
        requestBody: {
            content: {
                "application/json": unknown;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Acknowledged"];
                };
            };
            /** @description signature_missing, signature_invalid, wrong_mode, invalid_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description webhooks_paused, overloaded, unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    test_webhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookTest"];
                };
            };
        };
    };
    get_livez: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Liveness"];
                };
            };
        };
    };
    get_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    get_readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
}
