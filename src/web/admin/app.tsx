/** The administration page: what stands in front of it, or itself. */
import './admin.css';
import { AccessPage } from './access-page.tsx';
import { ToastList } from './parts/toast-list.tsx';
import { type Services, ServicesContext } from './services.ts';
import { Shell } from './shell.tsx';

export function App({ services }: { services: Services }) {
  const access = services.access.state.value;
  return (
    <ServicesContext.Provider value={services}>
      {access.kind === 'granted' ? <Shell /> : <AccessPage access={access} />}
      <ToastList />
    </ServicesContext.Provider>
  );
}
