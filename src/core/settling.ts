/** Something that others wait for, and what says that it is over. */
export type Settling = { readonly over: Promise<void>; readonly settle: () => void };

export function createSettling(): Settling {
  let settle = (): void => {};
  const over = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { over, settle };
}
