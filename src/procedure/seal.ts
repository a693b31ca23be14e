import { createPublicKey, verify } from 'node:crypto';
import { sha256Of } from '../common/sha256.js';
import { chainLine, type ChainedLine, type ChainHead, type LineTimes } from './chain.js';
import type { Entry } from './entries.js';
import type { InstallationKey } from './key.js';

/** Keeps a signature of a seal from being taken for one of anything else. */
const PURPOSE = 'lumenmark procedure seal v1\n';
const SIGNATURE_LENGTH = 128;
const SIGNATURE_AT = ',"signature":"';

/** A line that signs everything before it: the signature is over the line without the signature, which holds the hash of the line before. */
export function sealLine(head: ChainHead, key: InstallationKey, times: LineTimes): ChainedLine {
  const unsigned = chainLine(head, { type: 'seal', key: key.publicKey, signature: '' }, times);
  const statement = `${unsigned.bytes.toString().slice(0, -`${SIGNATURE_AT}"}`.length)}}`;
  const signature = key.sign(Buffer.from(PURPOSE + statement));
  const bytes = Buffer.from(`${statement.slice(0, -1)}${SIGNATURE_AT}${signature}"}`);
  return {
    entry: { ...unsigned.entry, signature } as Entry<'seal'>,
    bytes,
    head: { seq: head.seq + 1, previous: sha256Of(bytes) },
  };
}

/**
 * Whether the bytes of a seal's line are exactly what its key signed. No hash covers the last line of a journal, so its very spelling is
 * checked: another spelling of the same values is no seal.
 */
export function isSealGenuine(bytes: Buffer, seal: Entry<'seal'>): boolean {
  const end = `${SIGNATURE_AT}${seal.signature}"}`;
  const text = bytes.toString();
  if (seal.signature.length !== SIGNATURE_LENGTH || !text.endsWith(end) || !Buffer.from(text).equals(bytes)) return false;
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(seal.key, 'hex').toString('base64url') },
    format: 'jwk',
  });
  return verify(null, Buffer.from(`${PURPOSE}${text.slice(0, -end.length)}}`), key, Buffer.from(seal.signature, 'hex'));
}
