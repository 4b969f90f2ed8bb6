import { type WhenStyle, whenText } from "@/lib/time";

/** A moment, in the reader's zone; the full one is in its title. */
export function When({ at, style = "date" }: { at: string; style?: WhenStyle }) {
  return (
    <time dateTime={at} title={whenText(at, "dateTime")} className="whitespace-nowrap tabular-nums">
      {whenText(at, style)}
    </time>
  );
}
