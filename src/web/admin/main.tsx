/** Puts the administration page together. */
import { platformTimers } from '../../client/platform.ts';
import { createRest } from '../../client/rest.ts';
import { startPage } from '../common/start-page.ts';
import { browserStore, createStore, snapshotKey, tokenKey } from '../common/storage.ts';
import { texts } from '../common/texts.ts';
import { createAccess } from './access.ts';
import { createAdminApi } from './api.ts';
import { App } from './app.tsx';
import { openRouter } from './router.ts';
import { createToasts } from './toasts.ts';

/** Logging in hashes a password, behind those of others. */
const restTimeoutMs = 15_000;

// The page is `…/admin`: the server's own address is what stands before.
const base = new URL('.', location.href).href.replace(/\/$/, '');
const fetchHere = (url: string, init: RequestInit): Promise<Response> => fetch(url, init);
const ofTab = createStore(() => sessionStorage);
const place = {
  read: () => browserStore.readText(tokenKey),
  write: (token: string | undefined) => {
    browserStore.writeText(tokenKey, token);
    if (token === undefined) ofTab.writeText(snapshotKey, undefined);
  },
};
const api = createAdminApi({
  base,
  fetch: fetchHere,
  timers: platformTimers,
  token: place.read,
  onRefused: (status) => access.refused(status),
});
const access = createAccess({
  rest: createRest(base, fetchHere, platformTimers, restTimeoutMs),
  api,
  place,
});
const services = { api, access, router: openRouter(window), toasts: createToasts() };

addEventListener('storage', (event) => {
  if (event.key === tokenKey || event.key === null) access.tokenChanged();
});
void access.check();
startPage(texts.admin.title, () => <App services={services} />);
