import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ProcedureError } from '../common/errors.js';
import { sha256Of } from '../common/sha256.js';
import { claimName } from './durable-files.js';

/** The Ed25519 key (RFC 8032) with which this installation seals its procedures. */
export interface InstallationKey {
  /** 32 bytes, hex. */
  readonly publicKey: string;
  /** SPKI in PEM, as other software reads it. */
  readonly publicPem: string;
  /** 64 bytes, hex. */
  sign(bytes: Uint8Array): string;
}

export function keyFile(home: string): string {
  return join(home, 'installation-key.pem');
}

/**
 * Reads the key of an installation, or makes it at first use: PKCS #8 in PEM, readable by its owner alone.
 * @throws ProcedureError `key-unreadable`
 */
export async function installationKey(home: string): Promise<InstallationKey> {
  return (await readInstallationKey(home)) ?? (await createKey(home));
}

/** The key if there is one. @throws ProcedureError `key-unreadable` */
export async function readInstallationKey(home: string): Promise<InstallationKey | null> {
  const file = keyFile(home);
  try {
    return keyOf(createPrivateKey(await readFile(file)));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new ProcedureError('key-unreadable', `${file}: is no key that procedures can be sealed with: ${messageOf(error)}`, {
      remedy: 'Put the key back from a backup, or move it away: a new one is made, and older procedures then count as sealed by another.',
      cause: error,
    });
  }
}

/**
 * What tells seals of this installation from those of others, hex; null where there is no key, or none that can be read: to verify needs no
 * key, and must be possible where it was lost or belongs to somebody else.
 */
export async function ownPublicKey(home: string, onUnreadable?: (error: ProcedureError) => void): Promise<string | null> {
  try {
    return (await readInstallationKey(home))?.publicKey ?? null;
  } catch (error) {
    if (!(error instanceof ProcedureError)) throw error;
    onUnreadable?.(error);
    return null;
  }
}

async function createKey(home: string): Promise<InstallationKey> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await mkdir(home, { recursive: true });
  const partial = `${keyFile(home)}.${randomBytes(4).toString('hex')}`;
  const handle = await open(partial, 'wx', 0o600);
  try {
    await handle.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await handle.sync();
    // Of two processes that make a key at the same time, both use the one that came first.
    await claimName(partial, keyFile(home));
  } finally {
    await handle.close();
    await rm(partial, { force: true });
  }
  const key = await readInstallationKey(home);
  if (key === null) throw new ProcedureError('key-unreadable', `${keyFile(home)}: was made and is gone again`);
  return key;
}

/** A key for tests and for `installationKey`. @throws TypeError when it is no Ed25519 key. */
export function keyOf(privateKey: KeyObject): InstallationKey {
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('it is no Ed25519 key');
  const publicKey = createPublicKey(privateKey);
  return {
    publicKey: rawHex(publicKey),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }) as string,
    sign: (bytes) => sign(null, bytes, privateKey).toString('hex'),
  };
}

/** Public key of a PEM file (SPKI, or the private key itself), hex. @throws TypeError when it holds none of Ed25519. */
export function publicKeyOfPem(pem: string): string {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('it is no Ed25519 key');
  return rawHex(key);
}

/** What people compare: the first 16 digits of the SHA-256 of the public key, in groups of four. */
export function keyName(publicKey: string): string {
  return (sha256Of(Buffer.from(publicKey, 'hex')).slice(0, 16).match(/.{4}/g) ?? []).join('-');
}

function rawHex(publicKey: KeyObject): string {
  return Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex');
}
