// npm run check: types, lint, layering, formatting.
import { ensureInstalled } from './lib/project.mjs';
import { runChecks } from './lib/checks.mjs';

ensureInstalled();
const failed = runChecks().filter((check) => !check.passed);
process.exit(failed.length === 0 ? 0 : 1);
