import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { answer, api } from "@/api/client";
import type { Me } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Card, CardHead } from "@/components/ui/card";
import { ActionError, ErrorState, Skeleton, Waiting } from "@/components/ui/feedback";
import { Field } from "@/components/ui/field";
import { When } from "@/components/when";
import { announce } from "@/lib/announce";
import { placeFaults, resolve } from "@/lib/form";
import { sessionQuery } from "./session";

const organizationQuery = (id: string) =>
  queryOptions({
    queryKey: ["organization", id],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/organization", { signal })),
  });

const schema = z.object({
  name: z
    .string()
    .check(z.trim(), z.minLength(1, "Enter a name."), z.maxLength(120, "At most 120 characters.")),
});

export function OrganizationPanel({ me }: { me: Me }) {
  const organization = useQuery(organizationQuery(me.organization.id));
  const mayRename = me.organization.role === "admin";

  return (
    <Card aria-labelledby="organization-title">
      <CardHead id="organization-title" title="Organisation">
        What your plan and your invoices belong to.
      </CardHead>
      <div className="p-5 sm:p-6">
        {organization.isPending ? (
          <Waiting what="the organisation">
            <Skeleton className="h-10 max-w-md" />
          </Waiting>
        ) : organization.isError ? (
          <ErrorState
            error={organization.error}
            what="the organisation"
            onRetry={() => organization.refetch()}
          />
        ) : (
          <>
            {mayRename ? (
              <RenameForm id={organization.data.id} name={organization.data.name} />
            ) : (
              <p className="font-medium">{organization.data.name}</p>
            )}
            <dl className="mt-6 grid gap-x-8 gap-y-3 border-line border-t pt-5 text-sm sm:grid-cols-3">
              <Fact term="Your role">{roleText(me.organization.role)}</Fact>
              <Fact term="Created">
                <When at={organization.data.created_at} />
              </Fact>
              <Fact term="Id">
                <code className="select-all break-all font-mono text-[0.8125rem]">
                  {organization.data.id}
                </code>
              </Fact>
            </dl>
          </>
        )}
      </div>
    </Card>
  );
}

export function Fact({ term, children }: { term: string; children: React.ReactNode }) {
  return (
    <div>
      <dt className="text-ink-faint">{term}</dt>
      <dd className="mt-0.5">{children}</dd>
    </div>
  );
}

export function roleText(role: string): string {
  switch (role) {
    case "admin":
      return "Administrator";
    case "member":
      return "Member";
    case "viewer":
      return "Viewer";
    default:
      return role;
  }
}

function RenameForm({ id, name }: { id: string; name: string }) {
  const client = useQueryClient();
  const form = useForm<{ name: string }>({
    resolver: resolve(schema),
    defaultValues: { name },
  });
  const rename = useMutation({
    mutationFn: (body: { name: string }) => answer(api.PATCH("/api/v1/organization", { body })),
    onSuccess: async (saved) => {
      client.setQueryData(organizationQuery(id).queryKey, saved);
      await client.invalidateQueries({ queryKey: sessionQuery.queryKey });
      announce(`Saved. The organisation is now called ${saved.name}.`);
    },
    onError: (error) => placeFaults(error, ["name"], form.setError),
  });
  const { reset } = form;
  useEffect(() => reset({ name }), [name, reset]);

  const { errors, isDirty } = form.formState;
  return (
    <form
      noValidate
      className="grid max-w-md gap-4"
      onSubmit={form.handleSubmit((body) => {
        if (!rename.isPending) rename.mutate(body);
      })}
    >
      <Field
        label="Name"
        autoComplete="organization"
        error={errors.name?.message}
        {...form.register("name")}
      />
      {errors.name ? null : <ActionError error={rename.error} />}
      <div className="flex items-center gap-3">
        <Button type="submit" look="primary" busy={rename.isPending}>
          Save name
        </Button>
        {rename.isSuccess && !isDirty ? (
          <span className="font-medium text-good text-sm">Saved</span>
        ) : null}
      </div>
    </form>
  );
}
