import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { Command } from 'commander';
import { LumenmarkError, messageOf, UsageError } from '../../common/errors.js';
import { lumenmarkHome } from '../../common/home.js';
import { progressBar, type ProgressBar } from '../../common/progress.js';
import { verifyArchive } from '../../procedure/export.js';
import { keyName, publicKeyOfPem, ownPublicKey } from '../../procedure/key.js';
import { isProcedureId, procedureFolder, proceduresFolder } from '../../procedure/paths.js';
import { verifyProcedure, type Verification, type VerifyOptions } from '../../procedure/verify.js';
import { abortable } from '../terminal/interrupt.js';
import { resolveProcedure } from './resolve.js';

interface VerifyFlags {
  readonly all: boolean;
  readonly key?: string;
  readonly head?: string;
  readonly json: boolean;
}

type Outcome = Verification | { readonly folder: string; readonly error: string; readonly code: string; readonly remedy?: string };

/** `lumenmark procedures verify`. */
export function registerVerify(procedures: Command): void {
  procedures
    .command('verify')
    .description('whether anything was altered, removed, reordered or added since a procedure was closed; exits with 1 if so')
    .argument('[procedure...]', 'ids or their first letters, "latest", paths of folders, or exported .zip archives')
    .option('--all', 'every procedure of this home', false)
    .option('--key <file>', 'public key (PEM) that must have sealed it, for what comes from elsewhere')
    .option('--head <hash>', 'head hash that was kept elsewhere, e.g. from the printed report: at least its first 16 digits')
    .option('--json', 'print one JSON object per procedure', false)
    .action(verify);
}

async function verify(names: string[], flags: VerifyFlags): Promise<void> {
  const home = lumenmarkHome();
  const folders = await foldersOf(home, names, flags);
  const expectedKey = flags.key === undefined ? undefined : keyOfFile(flags.key);
  const ownKey = await ownPublicKey(home, ({ message }) => {
    console.error(`${message}; seals of this installation cannot be told from others.`);
  });
  const bar = progressBar();
  if (folders.length === 0 && !flags.json) console.log('No procedure is kept.');
  await abortable(async (signal) => {
    for (const folder of folders) {
      const outcome = await judge(folder, bar, {
        ownKey,
        signal,
        ...(expectedKey === undefined ? {} : { expectedKey }),
        ...(flags.head === undefined ? {} : { expectedHead: flags.head }),
      });
      bar.end();
      if ('error' in outcome || outcome.verdict !== 'intact') process.exitCode = 1;
      console.log(flags.json ? JSON.stringify(outcome) : linesOf(outcome).join('\n'));
    }
  }).finally(() => {
    bar.end();
  });
}

async function judge(folder: string, bar: ProgressBar, options: VerifyOptions): Promise<Outcome> {
  const given: VerifyOptions = {
    ...options,
    onProgress: (done, total) => {
      bar.update({ label: 'verifying', done, total });
    },
  };
  try {
    return await (isArchive(folder) ? verifyArchive(folder, given) : verifyProcedure(folder, given));
  } catch (error) {
    if (!(error instanceof LumenmarkError) || error instanceof UsageError) throw error;
    return { folder, error: messageOf(error), code: error.code, ...(error.remedy === undefined ? {} : { remedy: error.remedy }) };
  }
}

async function foldersOf(home: string, names: readonly string[], { all, head }: VerifyFlags): Promise<string[]> {
  if (all === names.length > 0) {
    throw new UsageError('verify-what', all ? 'Both procedures and --all were given' : 'No procedure was given', {
      remedy: 'Name procedures, or give --all.',
    });
  }
  if (head !== undefined && names.length !== 1) {
    throw new UsageError('verify-head', '--head belongs to one procedure', { remedy: 'Name that procedure alone.' });
  }
  if (!all) return Promise.all(names.map(async (name) => (isArchive(name) ? name : resolveProcedure(home, name))));
  const ids = (await readdir(proceduresFolder(home)).catch(() => [])).filter(isProcedureId).sort();
  return ids.map((id) => procedureFolder(home, id));
}

function isArchive(name: string): boolean {
  return name.endsWith('.zip') && existsSync(name);
}

function keyOfFile(file: string): string {
  try {
    return publicKeyOfPem(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError('key-file', `${file}: holds no Ed25519 key: ${messageOf(error)}`, {
      remedy: 'Give the file that lumenmark procedures key --out FILE made on the other installation.',
      cause: error,
    });
  }
}

const OWNERS = { expected: 'the expected key', own: 'the key of this installation', unknown: 'a key that is not known here' } as const;
/** Findings after this many are many for one and the same cause. */
const SHOWN = 20;

function linesOf(outcome: Outcome): string[] {
  if ('error' in outcome) return [`NOT READABLE  ${outcome.error}`, ...(outcome.remedy === undefined ? [] : [`  ${outcome.remedy}`])];
  const { folder, id, verdict, findings, closing, lines, files, seals, key, headHash, amendmentsSinceHead } = outcome;
  const [first] = seals;
  const amendments = seals.length > 1 ? `, ${amendmentsIn(seals.length - 1)} after it` : '';
  return [
    `${{ intact: 'intact', unfinished: 'UNFINISHED', altered: 'ALTERED' }[verdict]}  ${id ?? folder}`,
    ...findings.slice(0, SHOWN).map(({ message }) => `  ${message}`),
    ...(findings.length > SHOWN ? [`  … and ${findings.length - SHOWN} more (--json lists all)`] : []),
    `  ${lines} lines hold, ${files} files are listed${first === undefined ? '' : `; sealed ${first.at}${amendments}`}`,
    ...(closing === 'interrupted' ? ['  closed as interrupted, after its process had died: it is proven from this seal on'] : []),
    ...(key === null
      ? []
      : [`  by ${OWNERS[key.owner]}: ${keyName(key.publicKey)}${key.owner === 'unknown' ? ' (compare it by --key)' : ''}`]),
    ...(headHash === null ? [] : [`  head hash ${headHash}`]),
    ...(amendmentsSinceHead === null
      ? []
      : [
          `  the hash that was kept elsewhere is in it${amendmentsSinceHead === 0 ? ', and is the last' : `, and ${amendmentsIn(amendmentsSinceHead)} after it`}`,
        ]),
    ...(verdict === 'unfinished'
      ? [
          '  A crash leaves it like that, and so does cutting its end off: only a head hash that was kept elsewhere (--head) tells them apart.',
        ]
      : []),
  ];
}

function amendmentsIn(count: number): string {
  return count === 1 ? '1 amendment' : `${count} amendments`;
}
