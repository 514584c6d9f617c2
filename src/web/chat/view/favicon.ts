/** The tab's icon, with a count drawn over it while there is something to read. */

const size = 64;

let link: HTMLLinkElement | undefined;
let plain = '';
let image: Promise<HTMLImageElement> | undefined;
let wanted = 0;

export function showOnIcon(count: number): void {
  link ??= document.querySelector<HTMLLinkElement>('link[rel="icon"]') ?? undefined;
  if (link === undefined) return;
  if (plain === '') plain = link.href;
  wanted = count;
  if (count === 0) {
    link.href = plain;
    return;
  }
  // Without a canvas the icon stays as it is: the title has the count, too.
  image ??= load(plain);
  image.then(
    (loaded) => {
      if (wanted === count && count > 0 && link !== undefined) link.href = draw(loaded, count);
    },
    () => {},
  );
}

function load(url: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const loaded = new Image(size, size);
    loaded.addEventListener('load', () => resolve(loaded));
    loaded.addEventListener('error', () => reject(new Error('The icon cannot be loaded.')));
    loaded.src = url;
  });
}

function draw(under: HTMLImageElement, count: number): string {
  const canvas = document.createElement('canvas');
  canvas.width = size;
  canvas.height = size;
  const context = canvas.getContext('2d');
  if (context === null) return plain;
  context.drawImage(under, 0, 0, size, size);
  const text = count > 99 ? '99+' : String(count);
  const width = text.length === 1 ? 38 : text.length === 2 ? 48 : size;
  context.fillStyle = '#c22436';
  context.beginPath();
  context.roundRect(size - width, size - 38, width, 38, 19);
  context.fill();
  context.fillStyle = '#ffffff';
  context.font = `bold ${text.length > 2 ? 26 : 30}px sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(text, size - width / 2, size - 18);
  return canvas.toDataURL('image/png');
}
