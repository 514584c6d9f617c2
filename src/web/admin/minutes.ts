/** Whole minutes, 1 at least, as somebody typed them; undefined: they are none. What is too many the server knows. */
export function minutesOf(text: string): number | undefined {
  const minutes = /^\d{1,9}$/.test(text.trim()) ? Number(text) : 0;
  return minutes >= 1 ? minutes : undefined;
}
