/** What stands for a credential in everything that people or logs can see. */
const HIDDEN = '***';

const SECRET_PARAMETERS =
  /([?&;](?:access[_-]?token|api[_-]?key|auth|key|pass|passphrase|passwd|password|pwd|secret|sig|signature|streamid|token|user|username)=)[^&;#\s'"]+/gi;

/**
 * Removes credentials from addresses anywhere in a text: `rtsp://user:pw@host/` becomes `rtsp://***@host/`, and the values of
 * query parameters that name a secret (`?token=…`, SRT's `passphrase` and `streamid`) become `***`.
 */
export function redact(text: string): string {
  return (
    text
      // Greedy up to the last @ of the authority: an unescaped @ or : inside a password must not end it early.
      .replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/'"?#]*@/gi, `$1${HIDDEN}@`)
      // A password with an unescaped slash, question mark or hash: nothing before an @ in the same word can be trusted to be harmless.
      .replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s'"@/?#]+:[^\s'"@]+@(?=[^\s/'"]+)/gi, `$1${HIDDEN}@`)
      .replace(SECRET_PARAMETERS, `$1${HIDDEN}`)
  );
}
