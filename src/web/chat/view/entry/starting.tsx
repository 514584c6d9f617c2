import '../shell.css';
import { Brand } from '../../../common/components/brand.tsx';
import { Skeleton } from '../../../common/components/empty.tsx';
import { texts } from '../../../common/texts.ts';
import { ConnectionState } from '../connection.tsx';
import { MessageSkeletons } from '../messages/skeletons.tsx';

/** The page as it will be, without what is not known yet. */
export function Starting() {
  return (
    <div class="shell" data-at="rooms" aria-busy="true">
      <div class="shell-side">
        <div class="side-head">
          <Brand />
        </div>
        <p class="only-heard" role="status">
          {texts.chat.entry.starting}
        </p>
        <div class="side-skeletons">
          {['55%', '70%', '45%', '62%', '50%'].map((width) => (
            <Skeleton key={width} width={width} />
          ))}
        </div>
        <div class="side-foot">
          <ConnectionState />
        </div>
      </div>
      <main class="shell-main">
        <MessageSkeletons />
      </main>
    </div>
  );
}
