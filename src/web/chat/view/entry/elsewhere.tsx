import '../../../common/components/entry.css';
import { useState } from 'preact/hooks';
import { Brand } from '../../../common/components/brand.tsx';
import { Button } from '../../../common/components/button.tsx';
import { texts } from '../../../common/texts.ts';
import { useModel } from '../context.ts';

const says = texts.chat.elsewhere;

/** A user chats in one place at a time: this is not it, and can become it. */
export function Elsewhere({ reason }: { reason: 'already-chatting' | 'resumed-elsewhere' }) {
  const model = useModel();
  const [isBusy, setBusy] = useState(false);
  const useHere = async (): Promise<void> => {
    setBusy(true);
    await model.useHere();
    setBusy(false);
  };
  return (
    <main class="entry">
      <div class="entry-column">
        <header class="entry-head">
          <Brand size={34} />
        </header>
        <div class="entry-card">
          <h1>{says.titles[reason]}</h1>
          <p>{says.explained[reason]}</p>
          <p class="field-hint">{says.hint}</p>
          <Button look="primary" isWide isBusy={isBusy} onClick={() => void useHere()} autofocus>
            {says.useHere}
          </Button>
          <Button look="quiet" isWide onClick={() => void model.logout()}>
            {says.logout}
          </Button>
        </div>
      </div>
    </main>
  );
}
