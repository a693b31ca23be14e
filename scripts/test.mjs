// npm test [-- VITEST ARGUMENTS]: install, build, static checks, then every test. The last line counts all of them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, runTool } from './lib/project.mjs';
import { runChecks } from './lib/checks.mjs';

ensureInstalled();
ensureBuilt();
const checks = runChecks();

const folder = mkdtempSync(join(tmpdir(), 'lumenmark-test-'));
const reportPath = join(folder, 'report.json');
const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`, ...process.argv.slice(2)];
const vitestStatus = runTool('vitest/vitest.mjs', args);

let report = { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0, testResults: [] };
try {
  report = JSON.parse(readFileSync(reportPath, 'utf8'));
} catch {
  console.error('The test runner ended without a report.');
}
rmSync(folder, { recursive: true });

// A file that fails to load has no tests of its own to count.
const brokenFiles = report.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
);
const passed = report.numPassedTests + checks.filter((check) => check.passed).length;
let failed = report.numFailedTests + brokenFiles.length + checks.filter((check) => !check.passed).length;
// Unhandled errors and leaked handles fail the run without failing a test.
if (vitestStatus !== 0 && failed === 0) failed = 1;
const skipped = report.numPendingTests + report.numTodoTests;

if (skipped > 0) console.log(`${skipped} skipped: they need material or programs that this machine lacks (see above).`);
for (const check of checks.filter((entry) => !entry.passed)) console.log(`Failed check: ${check.name}`);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1;
