/** Desktop notifications: whether there can be some, whether they are wanted, and showing one. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { browserStore } from '../../common/storage.ts';

export type NotificationState = 'impossible' | 'denied' | 'off' | 'on';

const key = 'finchat.notifications';

const remember = (isOn: boolean): void => void browserStore.writeText(key, isOn ? 'on' : undefined);

function read(): NotificationState {
  // Only pages with a secure origin have them.
  if (typeof Notification === 'undefined') return 'impossible';
  if (Notification.permission === 'denied') return 'denied';
  return Notification.permission === 'granted' && browserStore.readText(key) === 'on' ? 'on' : 'off';
}

const state = signal<NotificationState>(read());
export const notifications: ReadonlySignal<NotificationState> = state;

/** On a press: browsers ask for permission only then. */
export async function switchNotifications(): Promise<void> {
  if (state.peek() === 'on') {
    remember(false);
    state.value = 'off';
    return;
  }
  const permission = await Notification.requestPermission();
  remember(permission === 'granted');
  state.value = permission === 'granted' ? 'on' : permission === 'denied' ? 'denied' : 'off';
}

/** One with the same `tag` takes the place of the one before. */
export function notify(title: string, body: string, tag: string, onPress: () => void): void {
  if (state.peek() !== 'on') return;
  try {
    const shown = new Notification(title, { body, tag });
    shown.addEventListener('click', () => {
      window.focus();
      onPress();
      shown.close();
    });
  } catch {
    // Some phones have them for service workers only.
    state.value = 'impossible';
  }
}
