/** The chat page, put together: the browser's side of the model, and the view on it. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { startPage } from '../common/start-page.ts';
import { texts } from '../common/texts.ts';
import { createChatModel } from './model/chat-model.ts';
import { App } from './view/app.tsx';
import { ModelContext } from './view/context.ts';
import { startRouter } from './view/router.ts';

/** A signal of what the browser says, read again at each of `events`; all of them come to the window. */
function told(events: readonly string[], read: () => boolean): ReadonlySignal<boolean> {
  const is = signal(read());
  for (const event of events) {
    addEventListener(event, () => {
      is.value = read();
    });
  }
  return is;
}

// A window that is seen but not used is not being read.
const isLookedAt = (): boolean => document.visibilityState === 'visible' && document.hasFocus();

const model = createChatModel({
  url: new URL('.', location.href).href,
  texts,
  localStorage: () => localStorage,
  sessionStorage: () => sessionStorage,
  isVisible: told(['visibilitychange', 'focus', 'blur'], isLookedAt),
  isOnline: told(['online', 'offline'], () => navigator.onLine),
});

addEventListener('pagehide', () => model.suspend());
addEventListener('pageshow', (event) => event.persisted && model.unsuspend());
// A tab that is put to sleep may be thrown away without another word.
document.addEventListener('freeze', () => model.suspend());
document.addEventListener('resume', () => model.unsuspend());
addEventListener('storage', () => model.checkToken());

startRouter();
startPage(texts.chat.title, () => (
  <ModelContext.Provider value={model}>
    <App />
  </ModelContext.Provider>
));
model.start();
