// The static checks, each counted like a test.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, runTool } from './project.mjs';

const CHECKS = [
  ['types', 'typescript/bin/tsc', ['-p', 'test/tsconfig.json']],
  ['types of the client', 'typescript/bin/tsc', ['-p', 'client/tsconfig.json', '--noEmit'], 'client/tsconfig.json'],
  ['lint', 'eslint/bin/eslint.js', ['.', '--max-warnings', '0']],
  ['layering', 'dependency-cruiser/bin/dependency-cruise.mjs', ['src', 'client', '--config', '.dependency-cruiser.cjs']],
  ['formatting', 'prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', 'src', 'test', 'client', 'scripts']],
];

export function runChecks() {
  return CHECKS.filter(([, , , needs]) => needs === undefined || existsSync(join(root, needs))).map(([name, tool, args]) => {
    console.log(`Checking ${name} …`);
    const passed = runTool(tool, args) === 0;
    if (!passed) console.error(`✗ ${name}`);
    return { name, passed };
  });
}
