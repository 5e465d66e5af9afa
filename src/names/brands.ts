import {
  insideKnownPart,
  places,
  readingBorders,
  segment,
  type Segmentation,
  type WordFrequencies,
} from './segment.js';

/** Names the world knows and shops online by, beyond the open list; its own words: lower case, no spaces. */
const knownBrands = new Set(
  `google facebook instagram whatsapp youtube gmail hotmail android chrome microsoft windows linkedin github xbox skype outlook
amazon alexa kindle twitch audible netflix spotify tiktok bytedance snapchat pinterest reddit twitter telegram discord
paypal venmo stripe klarna revolut mastercard americanexpress westernunion moneygram coinbase binance kraken robinhood
barclays lloyds natwest santander citibank goldmansachs jpmorgan wellsfargo hsbc deutschebank commerzbank unicredit
airbnb expedia tripadvisor ryanair easyjet lufthansa emirates uber lyft deliveroo doordash grubhub instacart
walmart costco tesco sainsburys asda aldi lidl carrefour ikea wayfair ebay etsy alibaba aliexpress shopify zalando
starbucks mcdonalds burgerking kfc pizzahut dominos dunkin nespresso nescafe nestle cocacola pepsi fanta redbull
heineken budweiser guinness carlsberg bacardi smirnoff jagermeister marlboro philipmorris
adidas nike puma reebok lululemon patagonia northface columbia gucci prada versace armani chanel hermes burberry
louisvuitton dior balenciaga cartier rolex omega swarovski pandora tiffany zara uniqlo primark levis
toyota honda nissan mazda subaru mitsubishi hyundai volkswagen mercedes porsche ferrari lamborghini maserati bugatti
bentley rollsroyce renault peugeot citroen fiat volvo tesla chevrolet cadillac chrysler michelin bridgestone goodyear
samsung sony panasonic toshiba hitachi philips siemens bosch electrolux whirlpool dyson braun gillette logitech lenovo
huawei xiaomi motorola nokia ericsson intel nvidia qualcomm cisco oracle salesforce adobe photoshop dropbox zoominfo
openai chatgpt anthropic deepmind mistral huggingface disney pixar marvel pokemon nintendo playstation minecraft roblox
pawpatrol wattbike fortnite lego hasbro mattel barbie hotwheels pfizer moderna astrazeneca novartis roche bayer tylenol viagra botox
unilever colgate listerine nivea loreal maybelline sephora pampers huggies kleenex tampax durex
fedex dhl vodafone verizon tmobile comcast telefonica airtel wordpress squarespace godaddy mailchimp hubspot zendesk
atlassian jira trello asana notion figma canva grammarly duolingo coursera udemy wikipedia mozilla firefox
caterpillar johndeere shell exxon chevron totalenergies gazprom
iphone ipad macbook airpods nutella ferrero haribo oreo snickers nescafe tinder bumble onlyfans grindr
metamask opensea trustwallet ledger icloud appleid office365 steamcommunity epicgames usps shein temu bmw dhl ups
mercedesbenz bankofamerica chase citi apple amazonaws gemini kucoin bybit bitfinex trezor phantom dropbox onedrive
protonmail yahoo aol teamviewer anydesk norton mcafee avast kaspersky vinted depop wish cashapp zelle wise monzo`
    .split(/\s+/)
    .filter(Boolean),
);

/** Brands that are words of their own as well: theirs is the bare word, and the word beside one that asks for trust. */
const ordinaryWords = new Set(
  `windows outlook chrome stripe kraken robinhood discord dominos puma columbia patagonia omega pandora tiffany
mercedes fiat tesla intel oracle adobe roche notion asana shell barbie caterpillar android kindle alexa audible mistral
marvel hermes mazda nokia dove sony dior emirates canva bosch braun volvo levis amazon apple ledger chase wish wise
phantom gemini norton ups citi target orange visa delta telegram pinterest columbia nestle total`
    .split(/\s+/)
    .filter(Boolean),
);

/** Beside a brand these ask for the trust that the brand has earned. */
const impersonation = new Set(
  `login signin logon account accounts verify verified verification secure security support helpdesk service services
update updates unlock password wallet pay payment payments billing refund refunds gift gifts giveaway giveaways promo prize parts merch
reward rewards claim airdrop official outlet replica replicas fake cheap discount deals sale free code codes freecodes
tracking track parcel delivery redelivery customs fee bank banking alert alerts id app online store shop`
    .split(/\s+/)
    .filter(Boolean),
);

/** Shorter brands stand inside too many innocent words, unless a hyphen or a word of trust sets them apart. */
const shortestContained = 4;
const shortestListedContained = 6;
const shortestNear = 5;
/** Of brands that are words. */
const shortestNearWord = 6;
const shortestListedNear = 7;

type Borders = ReturnType<typeof readingBorders>;

/** Shorter brands are one letter from too many words; of those a letter doubled or two swapped are misspellings. */
const shortestEdited = 6;
/** From this length on a changed letter makes a misspelling even of two ordinary words. */
const shortestChanged = 9;

export type BrandConflict = 'exact' | 'contained' | 'near' | 'impersonation';

/** What look-alike spelling stands for: digits for letters, `rn` for `m`, `vv` for `w`. */
function readings(name: string): string[] {
  const signs = (one: string) =>
    name.replace(/[013457]/g, (digit) => ({ '0': 'o', '1': one, '3': 'e', '4': 'a', '5': 's', '7': 't' })[digit]!);
  const spelt = /\d/.test(name) ? [name, signs('l'), signs('i')] : [name];
  return [
    ...new Set([
      ...spelt,
      ...spelt.map((text) => text.replace(/rn/g, 'm')),
      ...spelt.map((text) => text.replace(/vv/g, 'w')),
    ]),
  ];
}

/** The name with one letter left out, for each. Two words one edit apart share one of these or one holds the other. */
function withoutOne(text: string): string[] {
  return Array.from(text, (_, at) => text.slice(0, at) + text.slice(at + 1));
}

/** Tells known brands in names: as they are, inside, misspelt, and beside words that ask for their customers' trust. */
export class Brands {
  /** Every brand; a name that is one of them is taken. */
  private readonly _all: ReadonlySet<string>;
  /** Those that are looked for inside a name. */
  private readonly _contained: readonly string[];
  /** Those whose misspellings are looked for, by what is left of them without one letter. */
  private readonly _near = new Map<string, string[]>();

  /** @param listed brands, and whether the wider world knows them */
  constructor(
    listed: ReadonlyMap<string, boolean>,
    private readonly _words: WordFrequencies,
  ) {
    const distinct = (brand: string) => segment(brand, _words).coverage < 1;
    const world = [...listed].filter(([brand, known]) => known && distinct(brand)).map(([brand]) => brand);
    const own = [...knownBrands].filter((brand) => !ordinaryWords.has(brand));
    this._all = new Set([
      ...knownBrands,
      ...ordinaryWords,
      ...[...listed.keys()].filter((brand) => !_words.has(brand)),
    ]);
    this._contained = [
      ...new Set([
        ...own.filter((brand) => brand.length >= shortestContained),
        ...world.filter((brand) => brand.length >= shortestListedContained),
      ]),
    ];
    for (const brand of new Set([
      ...[...knownBrands].filter(
        (brand) => brand.length >= (ordinaryWords.has(brand) ? shortestNearWord : shortestNear),
      ),
      ...world.filter((brand) => brand.length >= shortestListedNear),
    ]))
      for (const rest of [brand, ...withoutOne(brand)]) this._near.set(rest, [...(this._near.get(rest) ?? []), brand]);
  }

  /**
   * @param name lower-case letters, digits and hyphens
   * @returns undefined when the name is nobody's
   */
  conflict(name: string): BrandConflict | undefined {
    for (const text of readings(name)) {
      const bare = text.replace(/-/g, '');
      if (this._all.has(bare)) return 'exact';
      const { parts, coverage } = segment(bare, this._words);
      const borders = this._borders(text);
      if (this._isContained(bare, borders, parts)) return 'contained';
      if (coverage === 1 ? this._isMisspelt(bare, true) : this._holdsMisspelt(bare, borders)) return 'near';
    }
    return this._impersonates(name.split('-')) ? 'impersonation' : undefined;
  }

  /** Where ordinary words end or begin, in the letters without hyphens; every hyphen is such a border. */
  private _borders(text: string): Borders {
    const { before, after } = readingBorders(text.replace(/-/g, ''), this._words, true);
    let at = 0;
    for (const piece of text.split('-').slice(0, -1)) {
      at += piece.length;
      before[at] = after[at] = true;
    }
    return { before, after };
  }

  /** A brand with ordinary words, or nothing, on either side of it; inside one word ("grape") it is none. */
  private _isContained(text: string, { before, after }: Borders, parts: Segmentation['parts']): boolean {
    return this._contained.some((brand) =>
      places(text, brand).some(([from, to]) => before[from] && after[to] && !insideKnownPart(parts, from, to)),
    );
  }

  /** A misspelt brand between ordinary words. */
  private _holdsMisspelt(text: string, { before, after }: Borders): boolean {
    for (let from = 0; from < text.length; from++) {
      if (!before[from]) continue;
      for (let to = text.length; to - from >= shortestNear; to--)
        if (after[to] && this._isMisspelt(text.slice(from, to), false)) return true;
    }
    return false;
  }

  /**
   * One letter too many, too few, changed or swapped with the next.
   * @param plain whether ordinary words make up the text: "hopmail" is two of them, "starbuck" nobody's but the brand's
   */
  private _isMisspelt(text: string, plain: boolean): boolean {
    if (this._words.has(text) || (segment(text, this._words).coverage === 1) !== plain) return false;
    const found = [text, ...withoutOne(text)].flatMap((rest) => this._near.get(rest) ?? []);
    return found.some((brand) => {
      const edit = brand === text ? undefined : editKind(text, brand);
      if (edit === undefined || edit === 'swapped') return edit !== undefined;
      if (brand.length < shortestEdited) return undoubled(text) === undoubled(brand);
      if (!plain) return true;
      return text.length >= (edit === 'length' ? shortestListedNear : shortestChanged);
    });
  }

  private _impersonates(pieces: readonly string[]): boolean {
    const words = pieces.flatMap((piece) =>
      readings(piece).map((text) => segment(text, this._words).parts.map((part) => part.text)),
    );
    const all = words.flat();
    const brand = [...all, ...pieces].find((word) => knownBrands.has(word) || ordinaryWords.has(word));
    return brand !== undefined && [...all, ...pieces].some((word) => word !== brand && impersonation.has(word));
  }
}

const undoubled = (text: string) => text.replace(/(.)\1+/g, '$1');

/** What parts two different words of at most one edit: a letter more or less, one changed, or two swapped. */
function editKind(a: string, b: string): 'length' | 'changed' | 'swapped' | undefined {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (left.length + right.length === 1) return 'length';
  if (left.length === 1 && right.length === 1) return 'changed';
  if (left.length === 2 && left[0] === right[1] && left[1] === right[0] && right.length === 2) return 'swapped';
  return undefined;
}

/** Reads data/brands.tsv: a brand and `world` or `region` on each line. */
export function parseBrands(tsv: string): ReadonlyMap<string, boolean> {
  const listed = new Map<string, boolean>();
  for (const line of tsv.split('\n')) {
    const [brand, reach] = line.split('\t');
    if (brand && reach) listed.set(brand, reach === 'world');
  }
  return listed;
}
