import { useEffect } from 'preact/hooks';

/** Keeps the screen from sleeping while there is something live to be seen. Browsers grant it on localhost and over https only. */
export function useWakeLock(live: boolean): void {
  useEffect(() => {
    if (!live || !('wakeLock' in navigator)) return;
    let lock: WakeLockSentinel | null = null;
    let wanted = true;
    const ask = (): void => {
      // A lock ends when the page is hidden, and can be had again only when it is shown.
      if (document.hidden) return;
      navigator.wakeLock.request('screen').then(
        (granted) => {
          if (wanted) lock = granted;
          else void granted.release();
        },
        () => undefined,
      );
    };
    ask();
    document.addEventListener('visibilitychange', ask);
    return () => {
      wanted = false;
      document.removeEventListener('visibilitychange', ask);
      void lock?.release();
    };
  }, [live]);
}
