/** A cap on frames and bytes a second of one session, before anything is decoded: far above what any client needs. */
import { limits } from '../protocol/limits.ts';
import type { Clock } from './ports.ts';
import type { RawCapExport } from './session-state.ts';

export class RawCap {
  readonly #clock: Clock;
  #second = 0;
  #frames = 0;
  #bytes = 0;

  constructor(clock: Clock, from?: RawCapExport) {
    this.#clock = clock;
    if (from !== undefined) this.take(from.frames, from.bytes);
  }

  export(): RawCapExport {
    this.take(0, 0);
    return { frames: this.#frames, bytes: this.#bytes };
  }

  /** Counts them; false: they are too many. */
  take(frames: number, bytes: number): boolean {
    const second = Math.floor(this.#clock.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#frames = 0;
      this.#bytes = 0;
    }
    this.#frames += frames;
    this.#bytes += bytes;
    return this.#frames <= limits.rawFramesPerSecond && this.#bytes <= limits.rawBytesPerSecond;
  }
}
