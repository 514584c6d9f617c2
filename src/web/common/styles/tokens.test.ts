/** What WCAG 2.2 asks of colours (1.4.3, 1.4.11), of each pair that the pages show, in both themes. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { hueOf } from '../names.ts';

// Tests run as dist/src/web/common/styles/…: the project is five folders up.
const read = (file: string): string =>
  readFileSync(new URL(`../../../../../src/web/common/${file}`, import.meta.url), 'utf8');
const css = read('styles/tokens.css');

type Theme = 'light' | 'dark';
const themes: readonly Theme[] = ['light', 'dark'];

function token(name: string, theme: Theme): string {
  const value = new RegExp(`--${name}: ([^;]+);`).exec(css)?.[1] ?? '';
  const pair = /light-dark\((.+?), (.+?)\)$/.exec(value);
  return (theme === 'light' ? pair?.[1] : pair?.[2]) ?? value;
}

type Rgb = [number, number, number];

function rgbOf(hex: string): Rgb {
  const [, red, green, blue] = /^#(..)(..)(..)$/.exec(hex) ?? [];
  if (red === undefined || green === undefined || blue === undefined) throw new Error(`Not a colour: ${hex}`);
  return [Number.parseInt(red, 16) / 255, Number.parseInt(green, 16) / 255, Number.parseInt(blue, 16) / 255];
}

function rgbOfHsl(hue: number, saturation: number, lightness: number): Rgb {
  const part = (n: number): number => {
    const k = (n + hue / 30) % 12;
    return lightness - saturation * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
  };
  return [part(0), part(8), part(4)];
}

function luminance(rgb: Rgb): number {
  const [red, green, blue] = rgb.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)) as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Rgb, other: Rgb): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

const everywhere = ['canvas', 'surface', 'raised', 'hover', 'active', 'selected', 'mention-soft', 'sunken'];
const behind: Readonly<Record<string, readonly string[]>> = {
  text: everywhere,
  'text-soft': everywhere,
  'accent-text': ['canvas', 'surface', 'raised', 'hover', 'selected', 'mention-soft', 'command-soft'],
  'text-on-accent': ['accent', 'accent-hover', 'bad-fill'],
  good: ['good-soft', 'surface', 'raised', 'canvas', 'hover'],
  bad: ['bad-soft', 'surface', 'raised', 'canvas', 'hover'],
  warn: ['warn-soft', 'surface', 'raised', 'canvas', 'hover'],
  command: ['command-soft', 'surface', 'raised', 'canvas', 'hover'],
};

for (const theme of themes) {
  test(`text is readable on every background, ${theme}`, (t) => {
    for (const [text, backgrounds] of Object.entries(behind)) {
      for (const background of backgrounds) {
        const found = contrast(rgbOf(token(text, theme)), rgbOf(token(background, theme)));
        t.true(found >= 4.5, `${text} on ${background}: ${found.toFixed(2)}`);
      }
    }
  });

  test(`the edges of controls and the focus are seen on every surface, ${theme}`, (t) => {
    for (const line of ['line-strong', 'focus']) {
      for (const background of ['canvas', 'surface', 'raised']) {
        const found = contrast(rgbOf(token(line, theme)), rgbOf(token(background, theme)));
        t.true(found >= 3, `${line} on ${background}: ${found.toFixed(2)}`);
      }
    }
  });

  test(`initials are readable in every hue, ${theme}`, (t) => {
    const colours = [...read('components/avatar.css').matchAll(/hsl\(var\(--hue\) (\d+)% (\d+)%\)/g)];
    // Background and text, each for light and dark.
    t.is(colours.length, 4);
    const [background, text] = theme === 'light' ? [colours[0], colours[2]] : [colours[1], colours[3]];
    const rgb = (hue: number, colour: RegExpExecArray | undefined): Rgb =>
      rgbOfHsl(hue, Number(colour?.[1]) / 100, Number(colour?.[2]) / 100);
    for (let hue = 0; hue < 360; hue += 1) {
      const found = contrast(rgb(hue, text), rgb(hue, background));
      t.true(found >= 4.5, `${hue}: ${found.toFixed(2)}`);
    }
  });
}

test("a name's hue is the same whatever its case, and names differ", (t) => {
  t.is(hueOf('Ada'), hueOf('ada'));
  t.true(new Set(Array.from({ length: 50 }, (_, index) => hueOf(`user${index}`))).size > 40);
});
