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
  switch (phase.kind) {
    case 'signed-out':
      return <SignIn reason={phase.reason} />;
    case 'starting':
      return <Starting />;
    case 'elsewhere':
      return <Elsewhere reason={phase.reason} />;
    case 'chatting':
      return <Shell />;
  }
}
