/** Functions that run in a page and look at it: each is sent there as text, so it knows nothing but what it is given. */

/** The colour of an element's text as hue (0–360), saturation and lightness (0–1), whatever way it is written in. */
export function hueOf(element: Element): { hue: number; saturation: number } {
  const canvas = document.createElement('canvas').getContext('2d');
  if (canvas === null) throw new Error('There is nothing to paint on.');
  canvas.fillStyle = getComputedStyle(element).color;
  canvas.fillRect(0, 0, 1, 1);
  const [r = 0, g = 0, b = 0] = Array.from(canvas.getImageData(0, 0, 1, 1).data.slice(0, 3), (part) => part / 255);
  const most = Math.max(r, g, b);
  const range = most - Math.min(r, g, b);
  if (range === 0) return { hue: 0, saturation: 0 };
  const sixth = most === r ? ((g - b) / range) % 6 : most === g ? (b - r) / range + 2 : (r - g) / range + 4;
  return { hue: (sixth * 60 + 360) % 360, saturation: range / most };
}

/** How far the page can be scrolled sideways. */
export function sidewaysBy(): number {
  const root = document.documentElement;
  return root.scrollWidth - root.clientWidth;
}

/** The pixels from the top of the window to the element's. */
export function topOf(element: Element): number {
  return element.getBoundingClientRect().top;
}

export function hasFocus(element: Element): boolean {
  return element === document.activeElement;
}

/** What has the focus, in a word or two, and whether it is seen that it has. */
export function focusNow(): { role: string; name: string; isSeen: boolean } {
  const element = document.activeElement;
  if (element === null || element === document.body) return { role: '', name: '', isSeen: false };
  const style = getComputedStyle(element);
  // A ring of its own, or one around what holds it.
  const rings = [element, element.parentElement, element.parentElement?.parentElement].flatMap((one) => {
    if (!one) return [];
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
    return (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none' ? [one] : [];
  });
  const box = element.getBoundingClientRect();
  const isInside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return {
    role: element.getAttribute('role') ?? element.tagName.toLowerCase(),
    name: element.getAttribute('aria-label') ?? element.textContent?.trim() ?? '',
    isSeen: rings.length > 0 && isInside && style.visibility !== 'hidden',
  };
}

export function textsWithin(element: Element): string[] {
  return Array.from(element.querySelectorAll('*'), (one) => one.textContent?.trim() ?? '');
}
