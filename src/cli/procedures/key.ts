import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { messageOf, UsageError } from '../../common/errors.js';
import { lumenmarkHome } from '../../common/home.js';
import { installationKey, keyFile, keyName } from '../../procedure/key.js';

/** `lumenmark procedures key`. */
export function registerKey(procedures: Command): void {
  procedures
    .command('key')
    .description('the public key with which others verify what this installation seals; it is made at first use')
    .option('-o, --out <file>', 'write it to a new file (PEM)')
    .option('--json', 'print one JSON object', false)
    .action(async ({ out, json }: { readonly out?: string; readonly json: boolean }) => {
      const home = lumenmarkHome();
      const { publicKey, publicPem } = await installationKey(home);
      if (out !== undefined) {
        await writeFile(out, publicPem, { flag: 'wx' }).catch((error: unknown) => {
          throw new UsageError('key-out', `${out}: cannot be written: ${messageOf(error)}`, { remedy: 'Name a new file.', cause: error });
        });
      }
      if (json) console.log(JSON.stringify({ name: keyName(publicKey), publicKey, publicPem, privateKeyFile: keyFile(home) }));
      else {
        console.log(`${keyName(publicKey)}  (compare this name by telephone)`);
        if (out === undefined) process.stdout.write(publicPem);
        else console.log(`written to ${out}`);
        console.log(
          `The private key is in ${keyFile(home)}. Back it up; give it to nobody: whoever has it can write anything in its name.`,
        );
      }
    });
}
