/** Names that Windows gives to devices, in any folder and with any ending. */
export const DEVICE_NAME = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
const FORBIDDEN = /[\u0000-\u001f\u007f<>:"|?*\\]/;

/**
 * Whether a path that was written by somebody else stays below the folder that it is joined to, on every platform: parts with `/`
 * between, none of them empty, `.`, `..`, a device, or ending in a dot or space.
 */
export function isSafeRelativePath(path: string): boolean {
  if (path.length === 0 || path.length > 500 || FORBIDDEN.test(path)) return false;
  return path.split('/').every((part) => part !== '' && !/[. ]$/.test(part) && !DEVICE_NAME.test(part));
}
