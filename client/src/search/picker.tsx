import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const ACCEPTED = 'image/jpeg,image/png,image/tiff,image/webp,image/bmp,.dcm,application/dicom';

/** A picture dropped anywhere on the page, pasted, or chosen. */
export function Picker({ fileName, onFile }: { fileName: string | null; onFile: (file: File) => void }): JSX.Element {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const take = (files: FileList | undefined): void => {
      const [file] = files ?? [];
      if (file !== undefined) onFile(file);
    };
    const onOver = (event: DragEvent): void => {
      event.preventDefault();
      setOver(true);
    };
    const onLeave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent): void => {
      event.preventDefault();
      setOver(false);
      take(event.dataTransfer?.files);
    };
    const onPaste = (event: ClipboardEvent): void => {
      take(event.clipboardData?.files);
    };
    document.addEventListener('dragover', onOver);
    document.addEventListener('dragleave', onLeave);
    document.addEventListener('drop', onDrop);
    document.addEventListener('paste', onPaste);
    return () => {
      document.removeEventListener('dragover', onOver);
      document.removeEventListener('dragleave', onLeave);
      document.removeEventListener('drop', onDrop);
      document.removeEventListener('paste', onPaste);
    };
  }, [onFile]);
  return (
    <label class="search-picker" data-over={over}>
      <input
        type="file"
        accept={ACCEPTED}
        onChange={({ currentTarget }) => {
          const [file] = currentTarget.files ?? [];
          if (file !== undefined) onFile(file);
          // The same file may be chosen again after it was changed.
          currentTarget.value = '';
        }}
      />
      <span>{fileName ?? 'Drop, paste or choose a picture'}</span>
    </label>
  );
}
