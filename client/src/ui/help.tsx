import type { JSX } from 'preact';
import { SHORTCUTS } from '../shortcuts.js';
import { Dialog } from './dialog.js';
import { KeyList } from './key-list.js';
import { LevelIcon, SiteIcon } from './icons.js';

export function Help({ onClose }: { onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Keys and signs" name="help" onClose={onClose}>
      <div class="help">
        <KeyList keys={SHORTCUTS} />
        <dl class="help-signs">
          {(['documented', 'seen', 'unseen', 'unsupported'] as const).map((state) => (
            <div key={state} data-state={state} class="help-site">
              <dt>
                <SiteIcon state={state} />
              </dt>
              <dd>
                {
                  {
                    documented: 'Documented: a still of adequate quality is kept',
                    seen: 'Seen, but no still is good enough yet',
                    unseen: 'Not seen',
                    unsupported: 'The gallery has no exemplar: it cannot be recognised, which is not the same as missed',
                  }[state]
                }
              </dd>
            </div>
          ))}
          {(['ready', 'active', 'fault'] as const).map((level) => (
            <div key={level}>
              <dt class="indicator" data-level={level}>
                <LevelIcon level={level} overlay />
              </dt>
              <dd>
                {
                  {
                    ready: 'Ready: the picture is being analysed',
                    active: 'A landmark is in view',
                    fault: 'Fault: nothing is being tracked',
                  }[level]
                }
              </dd>
            </div>
          ))}
          <div>
            <dt class="indicator" data-level="off">
              <LevelIcon level="off" overlay={false} />
            </dt>
            <dd>Overlay off: tracking goes on</dd>
          </div>
        </dl>
      </div>
    </Dialog>
  );
}
