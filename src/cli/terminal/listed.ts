/** Lists longer than this are cut in text output; `--json` has all. */
const LIST_LIMIT = 12;

/** A title with what it counts below it; nothing where there is nothing. */
export function listed(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const more = lines.length > LIST_LIMIT ? [`  … and ${lines.length - LIST_LIMIT} more (--json lists all)`] : [];
  return [`${title}:`, ...lines.slice(0, LIST_LIMIT).map((line) => `  ${line}`), ...more];
}
