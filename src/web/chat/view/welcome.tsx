import './welcome.css';
import { Empty } from '../../shared/components/empty.tsx';
import { ChatIcon } from '../../shared/components/icons.tsx';
import { texts } from '../../shared/texts.ts';
import { ConnectionBanner } from './connection.tsx';
import { useModel } from './context.ts';

/** Beside the rooms, while none is open. */
export function Welcome() {
  const name = useModel().username.value ?? '';
  return (
    <div class="page">
      <ConnectionBanner />
      <div class="page-center">
        <Empty icon={<ChatIcon size={40} />} title={texts.chat.welcome.title(name)}>
          <p>{texts.chat.welcome.hint}</p>
        </Empty>
      </div>
    </div>
  );
}
