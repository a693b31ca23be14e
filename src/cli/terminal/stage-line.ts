/** What is being done at the moment, on a line that is written over; silent where standard error is no terminal. */
export interface StageLine {
  readonly show: (stage: string) => void;
  readonly clear: () => void;
}

export function stageLine(wanted: boolean): StageLine {
  let shown = false;
  return {
    show(stage) {
      if (!wanted || !process.stderr.isTTY) return;
      process.stderr.write(`\r\x1b[K${stage} …`);
      shown = true;
    },
    clear() {
      if (shown) process.stderr.write('\r\x1b[K');
      shown = false;
    },
  };
}
