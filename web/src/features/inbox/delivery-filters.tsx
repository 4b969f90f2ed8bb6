import { useQuery } from "@tanstack/react-query";
import { useEffect, useId, useState } from "react";
import { DELIVERY_STATES, type DeliveryState, faceOf } from "@/components/status-badge";
import { Button } from "@/components/ui/button";
import { Field, SelectField } from "@/components/ui/field";
import { type DeliveryFilter, webhooksQuery } from "./queries";

/** The filters live in the URL; this only shows and changes them. */
export function DeliveryFilters({
  filter,
  onChange,
}: {
  filter: DeliveryFilter;
  onChange: (filter: { state?: DeliveryState | undefined; type?: string | undefined }) => void;
}) {
  const known = useQuery(webhooksQuery).data?.handled_events ?? [];
  const [type, setType] = useState(filter.type ?? "");
  const listId = useId();
  useEffect(() => setType(filter.type ?? ""), [filter.type]);

  return (
    <form
      aria-label="Filters"
      className="flex flex-wrap items-end gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        onChange({ state: filter.state, type: type.trim() || undefined });
      }}
    >
      <SelectField
        label="State"
        className="w-full sm:w-44"
        value={filter.state ?? ""}
        data-testid="filter-state"
        onChange={(event) => onChange({ type: filter.type, state: stateFrom(event.target.value) })}
      >
        <option value="">All states</option>
        {DELIVERY_STATES.map((state) => (
          <option key={state} value={state}>
            {faceOf("delivery", state).label}
          </option>
        ))}
      </SelectField>
      <Field
        label="Event type"
        className="w-full sm:w-80"
        placeholder="invoice.payment_failed"
        list={listId}
        value={type}
        data-testid="filter-type"
        onChange={(event) => setType(event.target.value)}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
      />
      <datalist id={listId}>
        {known.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <div className="flex gap-2">
        <Button type="submit">Filter</Button>
        {filter.state || filter.type ? (
          <Button look="quiet" onClick={() => onChange({})} data-testid="filter-clear">
            Clear
          </Button>
        ) : null}
      </div>
    </form>
  );
}

export function stateFrom(value: unknown): DeliveryState | undefined {
  return DELIVERY_STATES.find((state) => state === value);
}
