/** The chat page: which of its faces is shown, and what stands over all of them. */
import { useModel } from './context.ts';
import { Elsewhere } from './entry/elsewhere.tsx';
import { SignIn } from './entry/sign-in.tsx';
import { Starting } from './entry/starting.tsx';
import { Shell } from './shell.tsx';
import { Toast } from './toast.tsx';

export function App() {
  return (
    <>
      <Face />
      <Toast />
    </>
  );
}

function Face() {
  const phase = useModel().phase.value;
  if (phase.kind === 'signed-out') return <SignIn reason={phase.reason} />;
  if (phase.kind === 'elsewhere') return <Elsewhere reason={phase.reason} />;
  return phase.kind === 'starting' ? <Starting /> : <Shell />;
}
