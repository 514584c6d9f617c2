import './messages.css';
import { Skeleton } from '../../../common/components/empty.tsx';

const lines = [
  ['7rem', '60%'],
  ['5rem', '80%'],
  ['9rem', '45%'],
  ['6rem', '70%'],
] as const;

/** The place of messages that are yet to come. */
export function MessageSkeletons() {
  return (
    <div class="message-skeletons" aria-hidden="true">
      {lines.map(([name, body]) => (
        <div key={body}>
          <Skeleton width="2.25rem" height="2.25rem" />
          <div>
            <Skeleton width={name} height="0.7rem" />
            <Skeleton width={body} height="0.7rem" />
          </div>
        </div>
      ))}
    </div>
  );
}
