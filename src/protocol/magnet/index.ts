export { formatMagnet, type Magnet, type MagnetPublisher, magnetOf } from './magnet.ts';
export { parseMagnet } from './parse-magnet.ts';
