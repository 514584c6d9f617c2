/** Functions that run in a page and make it believe something: each is sent there as text, so it knows nothing but what it is given. */

/** Notifications are noted instead of shown: a browser without a screen has no place for them. Runs before the page's scripts. */
export function noteNotifications(): void {
  const shown: { title: string; body: string }[] = [];
  class Noted extends EventTarget {
    static readonly permission = 'granted';
    static requestPermission(): Promise<string> {
      return Promise.resolve('granted');
    }
    constructor(title: string, { body = '' }: { body?: string } = {}) {
      super();
      shown.push({ title, body });
    }
    close(): void {}
  }
  Object.assign(globalThis, { Notification: Noted, shownNotifications: shown });
}

export function notificationsShown(): { title: string; body: string }[] {
  return (globalThis as unknown as { shownNotifications: { title: string; body: string }[] }).shownNotifications;
}

/** Somebody looks at another tab, or back at this one. */
export function lookAway(isAway: boolean): void {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => isAway });
  Object.defineProperty(document, 'visibilityState', {
    configurable: true,
    get: () => (isAway ? 'hidden' : 'visible'),
  });
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
}
