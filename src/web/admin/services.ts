/** What every page of the administration works with. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { AccessModel } from './access.ts';
import type { AdminApi } from './api.ts';
import type { Router } from './router.ts';
import type { Toasts } from './toasts.ts';

export type Services = { api: AdminApi; access: AccessModel; router: Router; toasts: Toasts };

export const ServicesContext = createContext<Services | undefined>(undefined);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (services === undefined) throw new Error('The page is outside the administration.');
  return services;
}

/** Who administers. */
export function useMe(): string {
  const access = useServices().access.state.value;
  return access.kind === 'granted' ? access.username : '';
}
