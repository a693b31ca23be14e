/** A line on the terminal that is written over. Silent where standard error is no terminal. */
interface Line {
  readonly show: (text: string) => void;
  readonly clear: () => void;
}

function terminalLine(wanted: boolean): Line {
  let shown = false;
  return {
    show(text) {
      if (!wanted || !process.stderr.isTTY) return;
      process.stderr.write(`\r\x1b[K${text}`);
      shown = true;
    },
    clear() {
      if (shown) process.stderr.write('\r\x1b[K');
      shown = false;
    },
  };
}

/** What an import is doing at the moment. */
export function stageLine(wanted: boolean): Line {
  const line = terminalLine(wanted);
  return {
    show(text) {
      line.show(`${text} …`);
    },
    clear() {
      line.clear();
    },
  };
}
