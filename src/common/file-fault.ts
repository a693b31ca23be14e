/** What the file system said, in words, with the way out. */
export interface FileFault {
  readonly message: string;
  readonly remedy: string;
}

const ELSEWHERE = 'Name another place.';
const FAULTS: Readonly<Record<string, readonly [why: string, remedy: string]>> = {
  EACCES: ['permission is denied', 'Check who may read and write there, or name another place.'],
  EPERM: ['that is not permitted', 'Check who may read and write there, or name another place.'],
  EROFS: ['the file system is read-only', ELSEWHERE],
  ENOSPC: ['the disk is full', 'Make room, or name a place on another disk.'],
  EDQUOT: ['the quota is used up', 'Make room, or name a place on another disk.'],
  EFBIG: ['the file would be larger than is allowed', ELSEWHERE],
  ENOENT: ['there is no such file or folder', 'Check the path.'],
  ENOTDIR: ['a file stands where a folder is needed', ELSEWHERE],
  EISDIR: ['a folder stands where a file is needed', ELSEWHERE],
  EEXIST: ['something of that name is there already', ELSEWHERE],
  ENAMETOOLONG: ['the name is too long', 'Take a shorter one.'],
  EIO: ['the disk fails', 'Check the disk, or name a place on another.'],
  EMFILE: ['too many files are open', 'Raise the limit (ulimit -n).'],
};

/** Of an error of the file system that reached nobody who knows more about it; null for every other error. */
export function fileFaultOf(error: unknown): FileFault | null {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return null;
  const fault = FAULTS[String(error.code)];
  if (fault === undefined) return null;
  const [why, remedy] = fault;
  const path = 'dest' in error ? error.dest : 'path' in error ? error.path : null;
  return { message: typeof path !== 'string' ? `The file system refused: ${why}` : `${path === '' ? '""' : path}: ${why}`, remedy };
}
