import { type ComponentProps, type ReactNode, useId } from "react";
import { cn } from "@/lib/cn";

const BOX =
  "h-10 w-full rounded-lg border border-edge bg-surface px-3 text-ink shadow-card placeholder:text-ink-faint aria-invalid:border-bad disabled:bg-sunken disabled:text-ink-soft max-sm:text-base";

type Common = { label: string; hint?: ReactNode; error?: string | undefined; optional?: boolean };

/** A labelled text input; its hint and fault are tied to it for screen readers. */
export function Field({
  label,
  hint,
  error,
  optional = false,
  className,
  ...input
}: Common & ComponentProps<"input">) {
  const id = useId();
  return (
    <div className={className}>
      <FieldLabel id={id} label={label} optional={optional} />
      <input
        id={id}
        className={BOX}
        aria-invalid={error ? true : undefined}
        aria-describedby={describedBy(id, hint, error)}
        {...input}
      />
      <FieldNotes id={id} hint={hint} error={error} />
    </div>
  );
}

export function SelectField({
  label,
  hint,
  error,
  optional = false,
  className,
  children,
  ...select
}: Common & ComponentProps<"select">) {
  const id = useId();
  return (
    <div className={className}>
      <FieldLabel id={id} label={label} optional={optional} />
      <select id={id} className={BOX} aria-describedby={describedBy(id, hint, error)} {...select}>
        {children}
      </select>
      <FieldNotes id={id} hint={hint} error={error} />
    </div>
  );
}

function FieldLabel({ id, label, optional }: { id: string; label: string; optional: boolean }) {
  return (
    <label htmlFor={id} className="mb-1.5 block font-medium text-sm">
      {label}
      {optional ? <span className="font-normal text-ink-faint"> (optional)</span> : null}
    </label>
  );
}

function FieldNotes({
  id,
  hint,
  error,
}: {
  id: string;
  hint?: ReactNode;
  error?: string | undefined;
}) {
  if (error) {
    return (
      <p id={`${id}-error`} role="alert" className="mt-1.5 text-bad text-sm">
        {error}
      </p>
    );
  }
  if (!hint) return null;
  return (
    <p id={`${id}-hint`} className="mt-1.5 text-ink-faint text-sm">
      {hint}
    </p>
  );
}

function describedBy(id: string, hint: ReactNode, error: string | undefined): string | undefined {
  if (error) return `${id}-error`;
  return hint ? `${id}-hint` : undefined;
}

/** A choice of two or three, all visible: native radios under a segmented look. */
export function Segmented<T extends string>({
  label,
  value,
  onChange,
  options,
  className,
}: {
  label: string;
  value: T;
  onChange: (value: T) => void;
  options: readonly { value: T; label: ReactNode }[];
  className?: string;
}) {
  const name = useId();
  return (
    <fieldset
      className={cn("inline-flex rounded-full border border-line bg-sunken p-1", className)}
    >
      <legend className="sr-only">{label}</legend>
      {options.map((option) => (
        <label
          key={option.value}
          className={cn(
            "cursor-pointer rounded-full px-4 py-1.5 font-medium text-sm transition-colors has-focus-visible:outline-2 has-focus-visible:outline-accent has-focus-visible:outline-offset-2",
            option.value === value
              ? "bg-surface text-ink shadow-card"
              : "text-ink-soft hover:text-ink",
          )}
        >
          <input
            type="radio"
            className="sr-only"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          {option.label}
        </label>
      ))}
    </fieldset>
  );
}
