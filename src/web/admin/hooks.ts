/** Lists, records and acts, for as long as a component shows them. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { CallOptions } from '../../client/call.ts';
import type { Listing, ListWish } from './api.ts';
import { type FormFaults, formFaultsOf, noFaults } from './faults.ts';
import { createList, type List } from './list.ts';
import { createRecord, type RecordModel } from './record.ts';

/** Read anew when the filter is another one. */
export function useList<Filter, Item>(
  read: (filter: Filter, wish: ListWish) => Promise<Listing<Item>>,
  filter: Filter,
): List<Filter, Item> {
  const list = useMemo(() => createList(read), []);
  useEffect(() => {
    void list.show(filter);
  }, [JSON.stringify(filter)]);
  useEffect(() => () => list.close(), []);
  return list;
}

/** `key`: what is asked for; another one is another record. */
export function useRecord<Item>(ask: (options: CallOptions) => Promise<Item>, key: string): RecordModel<Item> {
  const record = useMemo(() => createRecord(ask), [key]);
  useEffect(() => {
    void record.read();
    // Whoever comes back to the window sees how it is now.
    const onVisible = (): void => {
      if (!document.hidden) void record.read();
    };
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      document.removeEventListener('visibilitychange', onVisible);
      record.close();
    };
  }, [record]);
  return record;
}

export type Act = {
  isBusy: boolean;
  faults: FormFaults;
  /** Does nothing while it is under way already: a double click acts once. Never rejects. */
  run(): Promise<void>;
};

/** `fields`: those that the form shows. */
export function useAct(act: () => Promise<void>, fields: readonly string[] = []): Act {
  const [isBusy, setBusy] = useState(false);
  const [faults, setFaults] = useState<FormFaults>(noFaults);
  const running = useRef(false);
  return {
    isBusy,
    faults,
    async run() {
      if (running.current) return;
      running.current = true;
      setBusy(true);
      setFaults(noFaults);
      try {
        await act();
      } catch (error) {
        setFaults(formFaultsOf(error, fields));
      } finally {
        running.current = false;
        setBusy(false);
      }
    },
  };
}

/** What is typed, passed on when the typing rests for a moment. */
export function useResting(run: () => void, value: string, restMs: number): void {
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return undefined;
    }
    const timer = setTimeout(run, restMs);
    return () => clearTimeout(timer);
  }, [value]);
}
