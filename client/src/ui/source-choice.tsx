import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, listDevices, openSource, upload, type Device } from '../api.js';
import type { Store } from '../store.js';
import { percent } from '../words.js';
import { ChecklistChoice } from './checklist-choice.js';
import { WarningIcon } from './icons.js';

/** What became of the last choice. It outlives the panel: what was open is closed before the next is tried. */
export interface Choice {
  readonly busy: string | null;
  readonly fault: ApiError | null;
}

export const NO_CHOICE: Choice = { busy: null, fault: null };

interface SourceChoiceProps {
  readonly store: Store;
  readonly choice: Choice;
  readonly onChoice: (choice: Choice) => void;
  readonly onOpened?: () => void;
}

function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(String(error), null);
}

/** Devices found, a file, or an address: whatever a procedure can be watched from. */
export function SourceChoice({ store, choice: { busy, fault }, onChoice, onOpened }: SourceChoiceProps): JSX.Element {
  const [devices, setDevices] = useState<Device[] | null>(null);
  const [path, setPath] = useState('');
  const [address, setAddress] = useState('');
  const [over, setOver] = useState(false);
  const fileInput = useRef<HTMLInputElement>(null);

  const setFault = (error: unknown): void => {
    onChoice({ busy: null, fault: asApiError(error) });
  };
  const setBusy = (words: string): void => {
    onChoice({ busy: words, fault: null });
  };

  const look = (): void => {
    setDevices(null);
    listDevices().then(setDevices, (error: unknown) => {
      setDevices([]);
      setFault(error);
    });
  };
  useEffect(look, []);

  const open = async (source: string, name = source): Promise<void> => {
    setBusy(`Opening ${name} …`);
    await openSource(source);
    onChoice(NO_CHOICE);
    onOpened?.();
  };

  const send = async (file: File): Promise<void> => {
    setBusy(`Sending ${file.name} …`);
    const source = await upload(file, (share) => {
      setBusy(`Sending ${file.name}: ${percent(share)}`);
    });
    await open(source, file.name);
  };

  const submit = (value: string) => (event: Event) => {
    event.preventDefault();
    if (value.trim() !== '') open(value.trim()).catch(setFault);
  };

  return (
    <div class="source-choice" aria-busy={busy !== null}>
      {fault === null ? null : (
        <div class="fault" role="alert">
          <WarningIcon />
          <p>
            <strong>{fault.message}</strong>
            {fault.remedy === null ? null : <span>{fault.remedy}</span>}
          </p>
        </div>
      )}
      <div class="ways" inert={busy !== null}>
        <section class="way">
          <h3>Capture device</h3>
          {devices === null ? <p class="way-note">Looking for devices …</p> : null}
          {devices?.length === 0 ? <p class="way-note">None found on this machine. Connect a capture card and look again.</p> : null}
          <ul class="devices">
            {devices?.map((device) => (
              <li key={device.source}>
                <button
                  type="button"
                  class="device"
                  onClick={() => {
                    open(device.source, device.name).catch(setFault);
                  }}
                >
                  <span class="device-name">{device.name}</span>
                  <span class="device-formats">{device.formats.slice(0, 3).join(' · ') || device.source}</span>
                </button>
              </li>
            ))}
          </ul>
          <button type="button" class="quiet" onClick={look} disabled={devices === null}>
            Look again
          </button>
        </section>
        <section class="way">
          <h3>Video file</h3>
          <label
            class="drop"
            data-over={over}
            onDragOver={(event) => {
              event.preventDefault();
              setOver(true);
            }}
            onDragLeave={() => {
              setOver(false);
            }}
            onDrop={(event) => {
              event.preventDefault();
              setOver(false);
              const file = event.dataTransfer?.files[0];
              if (file !== undefined) send(file).catch(setFault);
            }}
          >
            <input
              ref={fileInput}
              type="file"
              class="visually-hidden"
              aria-label="Video file on this computer"
              accept="video/*,.mkv,.mts,.m2ts,.mpg,.avi,.mxf"
              onChange={({ currentTarget }) => {
                const file = currentTarget.files?.[0];
                if (file !== undefined) send(file).catch(setFault);
                currentTarget.value = '';
              }}
            />
            <span>
              Drop a video here, or <u>choose one</u>
            </span>
          </label>
          <form class="line" onSubmit={submit(path)}>
            <input
              type="text"
              value={path}
              onInput={({ currentTarget }) => {
                setPath(currentTarget.value);
              }}
              placeholder="/path/on/the/server.mp4"
              aria-label="Path of a video on the server"
              autocomplete="off"
              spellcheck={false}
            />
            <button type="submit">Open</button>
          </form>
        </section>
        <section class="way">
          <h3>Stream</h3>
          <p class="way-note">From a network encoder or a media server: RTSP, RTMP, SRT, UDP, TCP or HTTP.</p>
          <form class="line" onSubmit={submit(address)}>
            <input
              type="text"
              inputMode="url"
              value={address}
              onInput={({ currentTarget }) => {
                setAddress(currentTarget.value);
              }}
              placeholder="rtsp://host:554/stream"
              aria-label="Address of a stream"
              autocomplete="off"
              spellcheck={false}
            />
            <button type="submit">Open</button>
          </form>
        </section>
      </div>
      <div class="choice-foot">
        <label for="start-checklist">Checklist</label>
        <ChecklistChoice store={store} id="start-checklist" onError={setFault} />
        <span class="busy" role="status">
          {busy}
        </span>
      </div>
    </div>
  );
}
