import { cn } from "@/lib/cn";

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Above this many characters the spans would cost more than they help. */
const COLOUR_LIMIT = 100_000;

/** JSON with its parts told apart; it scrolls by itself and can be reached by keyboard. */
export function JsonView({ value, label }: { value: unknown; label: string }) {
  const text = JSON.stringify(value, null, 2) ?? "null";
  return (
    <section
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must get in
      tabIndex={0}
      aria-label={label}
      className="relative max-h-[32rem] overflow-auto rounded-xl border border-line bg-sunken p-4"
    >
      <pre data-testid="payload" className="font-mono text-[0.8125rem] leading-relaxed">
        {text.length > COLOUR_LIMIT ? text : coloured(text)}
      </pre>
    </section>
  );
}

function coloured(text: string): React.ReactNode[] {
  const parts: React.ReactNode[] = [];
  let done = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > done) parts.push(text.slice(done, match.index));
    const [whole, string, colon] = match;
    parts.push(
      <span
        key={match.index}
        className={cn(string ? (colon ? "text-ink" : "text-accent-ink") : "text-info")}
      >
        {whole}
      </span>,
    );
    done = match.index + whole.length;
  }
  parts.push(text.slice(done));
  return parts;
}
