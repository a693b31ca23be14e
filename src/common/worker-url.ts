/**
 * Address of a worker's script beside the caller: `workerUrl(import.meta.url, './worker.js')`. Workers are plain Node threads, which load
 * JavaScript only; a caller that runs as TypeScript (under the test runner) gets the script from the built `dist/` instead.
 */
export function workerUrl(callerUrl: string, script: string): URL {
  const source = /^(file:.*)\/src\/(.*)\.ts$/.exec(callerUrl.replace(/[?#].*$/, ''));
  if (source === null) return new URL(script, callerUrl);
  return new URL(script, `${source[1] ?? ''}/dist/${source[2] ?? ''}.js`);
}
