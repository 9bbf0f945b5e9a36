// A small strict reader of XML 1.0: elements and their text, as UPnP needs them. Whoever is on the local network may have
// written it, so it knows no document type and thereby no entities but the five of XML itself and numbers of characters; what
// nests too deep or has too many parts is refused. Attributes are passed over. One pass, linear in the length.
import { decodeUtf8Lenient } from '../../base/bytes.ts';
import { UPNP_BODY_MAX_BYTES, XML_DEPTH_MAX, XML_TOKENS_MAX } from '../limits.ts';

export interface XmlElement {
  /** Without the prefix of its namespace. */
  readonly name: string;
  /** Its own, without what its children say; trimmed. */
  readonly text: string;
  // BOUNDED: XML_TOKENS_MAX over the document.
  readonly children: readonly XmlElement[];
}

interface OpenElement {
  readonly tag: string;
  readonly children: XmlElement[];
  text: string;
}

const NAME = '[A-Za-z_][A-Za-z0-9_.:-]*';
const START_TAG = new RegExp(`<(${NAME})(?:\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*\\s*(/?)>`, 'y');
const END_TAG = new RegExp(`</(${NAME})\\s*>`, 'y');
const REFERENCE = /&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});/g;
const CHARACTERS: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
};
const CDATA_START = '<![CDATA[';
/** What is passed over, by how it begins and ends. */
const PASSED_OVER: readonly (readonly [string, string])[] = [
  ['<?', '?>'],
  ['<!--', '-->'],
];

/** The root; what follows it is not read. Undefined for what is no XML, or more of it than anybody needs. */
export function readXml(bytes: Uint8Array): XmlElement | undefined {
  if (bytes.length > UPNP_BODY_MAX_BYTES) return undefined;
  return new XmlReader(decodeUtf8Lenient(bytes)).read();
}

export function childNamed(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name);
}

class XmlReader {
  readonly #source: string;
  readonly #open: OpenElement[] = []; // BOUNDED: XML_DEPTH_MAX
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  read(): XmlElement | undefined {
    for (let tokenCount = 0; tokenCount < XML_TOKENS_MAX; tokenCount++) {
      const next = this.#source.indexOf('<', this.#at);
      if (next === -1 || !this.#append(resolveReferences(this.#source.slice(this.#at, next)))) return undefined;
      this.#at = next;
      const step = this.#token();
      if (step !== 'go on') return step;
    }
    return undefined;
  }

  /** Reads what begins with `<`. The root once it is closed; undefined: it cannot be read. */
  #token(): XmlElement | undefined | 'go on' {
    const source = this.#source;
    for (const [start, end] of PASSED_OVER) {
      if (source.startsWith(start, this.#at))
        return this.#skipTo(end, start.length) === undefined ? undefined : 'go on';
    }
    if (source.startsWith(CDATA_START, this.#at)) {
      const text = this.#skipTo(']]>', CDATA_START.length);
      return text !== undefined && this.#open.length > 0 && this.#append(text) ? 'go on' : undefined;
    }
    return source.startsWith('</', this.#at) ? this.#end() : this.#start();
  }

  #start(): XmlElement | undefined | 'go on' {
    START_TAG.lastIndex = this.#at;
    const match = START_TAG.exec(this.#source);
    if (match === null || this.#open.length === XML_DEPTH_MAX) return undefined;
    this.#at = START_TAG.lastIndex;
    this.#open.push({ tag: match[1]!, children: [], text: '' });
    return match[2] === '/' ? this.#close() : 'go on';
  }

  #end(): XmlElement | undefined | 'go on' {
    END_TAG.lastIndex = this.#at;
    const match = END_TAG.exec(this.#source);
    if (match === null || match[1] !== this.#open.at(-1)?.tag) return undefined;
    this.#at = END_TAG.lastIndex;
    return this.#close();
  }

  #close(): XmlElement | 'go on' {
    const { tag, text, children } = this.#open.pop()!;
    const element = { name: tag.slice(tag.lastIndexOf(':') + 1), text: text.trim(), children };
    const parent = this.#open.at(-1);
    if (parent === undefined) return element;
    parent.children.push(element);
    return 'go on';
  }

  /** Text of the element that is open; false: there is none, and it is not only space. */
  #append(text: string): boolean {
    const element = this.#open.at(-1);
    if (element === undefined) return text.trim() === '';
    element.text += text;
    return true;
  }

  /** What stands up to the next `end`, which is passed; undefined: it never comes. */
  #skipTo(end: string, startLength: number): string | undefined {
    const from = this.#at + startLength;
    const to = this.#source.indexOf(end, from);
    if (to === -1) return undefined;
    this.#at = to + end.length;
    return this.#source.slice(from, to);
  }
}

/** References to anything else stay as they are written. */
function resolveReferences(text: string): string {
  return text.replace(REFERENCE, (reference) => {
    const known = CHARACTERS[reference];
    if (known !== undefined) return known;
    const isHex = reference[2] === 'x';
    const code = Number.parseInt(reference.slice(isHex ? 3 : 2, -1), isHex ? 16 : 10);
    return code > 0 && code <= 0x10_ffff ? String.fromCodePoint(code) : reference;
  });
}
