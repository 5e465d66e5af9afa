import { Brands } from '../names/brands.js';
import { ProfanityGuard } from './profanity.js';

export type OutputVerdict = 'ok' | 'profanity' | 'brand';

/** Proper names and rarer words that hold a bad run or stand near a brand, and are in no word list. */
const properNames = `saturday saturdays sunday monday tuesday wednesday thursday friday
  scunthorpe penistone essex sussex wessex middlesex dickens dickinson hancock hitchcock babcock woodcock assam clitheroe
  lightwater shitake matsushita cockburn cockermouth arsenal cockatiel cockatiels weathercock shuttlecock shuttlecocks
  stopcock cockerel cocker sexton sextons gerbera gerberas vandyke offasdyke negroni montenegro homogenizer dupatta
  gochujang twitcher cafe speedo havana cusco persian mozart tamari pipistrelle arabica santa granny grannys grannies
  rhebok mekong tivoli lotus monsoon bonjour lincoln pisco adobo
  passementerie titration mishit rapeseed wankel pussywillow pussycat bluetit bluetits`
  .split(/\s+/)
  .filter(Boolean);
/** Zipf value that they are given: likelier than the words that an accident would make of them. */
const properNameZipf = 5;

/** Judges names before they leave: profanity in any reading, and known brands. */
export class OutputGuard {
  private readonly _profanity: ProfanityGuard;
  private readonly _brands: Brands;

  /** @param listedBrands brands beyond those that the code knows, and whether the wider world knows them */
  constructor(words: ReadonlyMap<string, number>, listedBrands: ReadonlyMap<string, boolean>) {
    const dictionary = new Map([...words, ...properNames.map((name) => [name, properNameZipf] as const)]);
    this._profanity = new ProfanityGuard(dictionary);
    this._brands = new Brands(listedBrands, dictionary);
  }

  /** @param name lower-case letters, digits and hyphens */
  judge(name: string): OutputVerdict {
    if (this._profanity.isProfane(name)) return 'profanity';
    if (this._brands.conflict(name)) return 'brand';
    return 'ok';
  }
}
