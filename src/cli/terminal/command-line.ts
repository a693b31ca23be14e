/** What was typed, for reports that say how they were made; arguments with spaces in quotes. */
export function commandLine(argv: readonly string[] = process.argv.slice(2)): string {
  return ['lumenmark', ...argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))].join(' ');
}
