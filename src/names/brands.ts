import { editDistance } from './format.js';

/** Names the world knows; a later list may be longer, the tests on it stay the same. */
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
fortnite lego hasbro mattel barbie hotwheels pfizer moderna astrazeneca novartis roche bayer tylenol viagra botox
unilever colgate listerine nivea loreal maybelline sephora pampers huggies kleenex tampax durex
fedex dhl vodafone verizon tmobile comcast telefonica airtel wordpress squarespace godaddy mailchimp hubspot zendesk
atlassian jira trello asana notion figma canva grammarly duolingo coursera udemy wikipedia mozilla firefox
caterpillar johndeere shell exxon chevron totalenergies gazprom`
    .split(/\s+/)
    .filter(Boolean),
);

/** Brands that are words of their own as well: only the bare word is theirs. */
const ordinaryWords = new Set(
  `windows outlook chrome stripe kraken robinhood discord dominos puma columbia patagonia omega pandora tiffany
mercedes fiat tesla intel oracle adobe roche notion asana shell barbie caterpillar android kindle alexa audible mistral
marvel lego zara prada hermes mazda aldi nokia dove sony dior emirates uber canva bosch braun volvo levis roblox`
    .split(/\s+/)
    .filter(Boolean),
);

/** Shorter brands stand inside and beside too many innocent words. */
const shortestContained = 6;
const shortestNear = 6;

export type BrandConflict = 'exact' | 'contained' | 'near';

/** What look-alike spelling stands for: "paypa1" and "g00gle" read as the letters. */
function readDigits(name: string): string {
  return name
    .replace(/0/g, 'o')
    .replace(/1/g, 'l')
    .replace(/3/g, 'e')
    .replace(/4/g, 'a')
    .replace(/5/g, 's')
    .replace(/7/g, 't');
}

/**
 * Whether a name is a known brand, holds one, or is one edit from one.
 * @returns undefined when it is none of these
 */
export function brandConflict(name: string, isOrdinaryWord: (word: string) => boolean): BrandConflict | undefined {
  const bare = readDigits(name).replace(/-/g, '');
  if (knownBrands.has(bare)) return 'exact';
  for (const brand of knownBrands) {
    if (ordinaryWords.has(brand)) continue;
    if (brand.length >= shortestContained && bare.includes(brand)) return 'contained';
    if (brand.length >= shortestNear && !isOrdinaryWord(bare) && editDistance(bare, brand, 1) <= 1) return 'near';
  }
  return undefined;
}
