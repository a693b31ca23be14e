// Runs the command line in this process and tells the parent the peak of its resident memory, bytes.
process.argv[1] = new URL('../../../dist/cli/main.js', import.meta.url).pathname;
await import('../../../dist/cli/main.js');
process.send?.(process.resourceUsage().maxRSS * 1024, () => {
  process.disconnect();
});
