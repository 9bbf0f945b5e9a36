export { formatMagnet, type Magnet, magnetOf } from './magnet.ts';
export { parseMagnet } from './parse-magnet.ts';
