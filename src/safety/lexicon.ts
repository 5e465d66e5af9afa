import type { RefusalCategory } from './categories.js';

/**
 * The unmistakable: a text is refused when every pattern of a rule matches and its `unless` does not. Patterns see
 * normalized lower-case text. A rule earns its place by words that lawful businesses do not put together.
 */
export interface LexiconRule {
  category: RefusalCategory;
  all: readonly RegExp[];
  unless?: RegExp;
}

/** Words of those who prevent, treat, study, report or depict harm. */
const protective =
  /\b(awareness|prevent(s|ion|ing)?|protect(s|ion|ing)?|recover(y|ing|ed)?|rehab\w*|treat(s|ment|ing)?|therap\w+|counsel\w*|support (group|line|for)|surviv\w+|victims?|charity|helpline|hotline|museum|histor\w+|exhibition|research\w*|lawyers?|solicitors?|legal (aid|advice)|clinic\w*|hospital|police|detect\w*|against|anti|fight(s|ing)? (back|against|crime)|compliance|novels?|films?|documentar\w+|game studio|board game|escape room|theatre|theater|training for (staff|employees|banks)|bug bounty|penetration test\w*|pen ?test\w*|red team\w*|with permission|licen[sc]ed|former|ex-?(addict|offender|gang)\w*|quit(ting)?|sober|harm reduction|needle exchange|test(ing)? (kit|strip)s?|costumes?|props?|replica props)\b/;

const children =
  /\b(kid(s|z|die|dies)?|child(ren)?|minors?|teens?|teenagers?|toddlers?|bab(y|ies)|pupils?|under ?1[0-8]s?|underage|school ?(kids|girls?|boys?|children)|preteens?|(six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen)[- ]year[- ]olds?|(1[0-7]|[4-9])[- ]?(year|yr)s?[- ]?olds?|(sixth|seventh|eighth) grade\w*|infants?|young gir?ls?|youngsters|lolita)\b/;

const selling =
  /\b(sell(s|ing)?|sold|sale|buy|shop|store|deliver\w*|courier|ship(s|ped|ping|pd)?|wholesale|bulk|menu|menyoo|order|dealers?|supply|supplied|export\w*|import\w*|smuggl\w+|market(place)?|vendors?|price|resale|by post|mail|stash|packs?|drop|app|in stock|for hire|rent)\b/;

const illegalDrugs =
  /\b(cocaine|coke (by|delivery)|heroin|hero1n|fentanyl|phentanyl|crystal meth|meth|methamphetamine|mdma|ecstasy|ketamine|lsd|crack|speed pills|amphetamines?|opium|ghb|xanax|oxycodone|pervitin\w*|kokain\w*|cocaina|coca[ií]na|heroina|drogas|drogen|narkotik\w*|uyusturucu|narcotics|drugs)\b/;

const firearms =
  /\b(hand ?guns?|guns?|gunz|pistols?|rifles?|firearms?|weapons?|grenades?|explosives?|ammo|ammunition|silencers?|landmines?|rocket launchers?|machine guns?|tabanca|waffen|armas|bombs?)\b/;

const noPapers =
  /\b(no (papers?|questions?|licen[cs]e|background checks?|checks?|i\.? ?d|serials?|registration|permits?)|without (a )?(papers?|licen[cs]e|paperwork|background checks?|documents|permit)|w\/?o? no papers|numbers? filed( off)?|serial numbers? (filed|removed)|untraceable|unregistered|off the books|under the counter|black market|can(no|')?t (pass|buy)|cannot (pass|buy)|ruhsatsiz|ghost (guns?|kits?)|no ?id asked)\b/;

const sexualService =
  /\b(escort (agency|service|girls?)|escorts? (in|by|for)|prostitut\w+|brothels?|bordell\w*|call ?girls?|happy end(ing)?s?|for sex\b|paid sex|sex included|sexual (services|extras)|erotic massage|porn|pornograph\w*|xxx|nudes?|onlyfans|cam ?girls?|cam ?shows?|strip(tease)? (club|shows?)|sugar (baby|babies|dates?|daddy)|hookers?|girls by the hour|women by the hour|full service massage|explicit (videos?|content|photos?)|adult (videos?|films?)|sex (shows?|tapes?|videos?|parties|tourism|work(er)?s? (agency|delivered)))\b/;

export const lexicon: readonly LexiconRule[] = [
  {
    category: 'minors-sexual',
    all: [
      children,
      /\b(porn|nudes?|naked|sexy?|sexual|erotic|lingerie shoots?|escorts?|grown men|to men|lolita|bikini shoots?|pedo\w*|paedo\w*)\b/,
    ],
    unless:
      /\b(sex ?ed(ucation)?|education|protect\w*|prevent\w*|abuse|surviv\w+|safeguard\w*|therap\w+|report\w*|health|clinic|counsel\w*|charity|police|taught|teach\w*|parents)\b/,
  },
  {
    category: 'sexual',
    all: [sexualService],
    unless:
      /\b(leav(e|ing)|exit\w*|therap\w+|addict\w*|surviv\w+|support|rights|museum|histor\w+|block(s|er|ing)?|filter\w*|recover\w*|charity|health|research\w*|takedown|remov(e|al|es)|vehicles?|loads?|convoy|trucks?|lorr\w+|oversi[sz]ed?|novels?|art|drawing|life class|conference|medical|hospital|airport|motorcade|detect\w*|quit\w*|nude (paint|lipstick|shades?|shoes|tones?|heels)|against|lawyers?)\b/,
  },
  {
    category: 'minors-targeted',
    all: [
      children,
      /\b(casino|slots?|betting|bets?|gambl\w+|poker|scratch ?cards?|lottery|roulette|beers?|vodka|alcohol|alcopops?|wine|booze|cigarettes?|vapes?|vaping|e-?cigs?|tobacco|nicotine|snus|smokers?)\b/,
      /\b(for|4|to|aimed|aged|flavou?r\w*|cartoon|pencil case|lunch money|pocket money|pupils|school\w*|playground|no ?id|discreet)\b/,
    ],
    unless:
      /\b(alcohol[- ]free|non[- ]?alcoholic|no alcohol|without alcohol|prevent\w*|awareness|quit\w*|parents (drink|have|enjoy|sip)|adults? only|over ?18|18\+|teach\w*|lessons? about|education|charity|play money|sweets as chips|jam|matchsticks|family|families|parents|grown ?ups|babysit\w*|pensioners|lawyers?|therap\w+|creche|wine bar)\b/,
  },
  { category: 'drugs', all: [illegalDrugs, selling], unless: protective },
  {
    category: 'drugs',
    all: [
      /\b(drug dealers?|pill press|dope delivery|dealing (coke|weed|drugs)|weed (for|to) (kids|students|schools?)|prescription (pills|meds|drugs) without|no prescription|without (a )?prescription|fake xanax|narco\w*)\b/,
    ],
    unless: protective,
  },
  { category: 'weapons', all: [firearms, noPapers], unless: protective },
  {
    category: 'weapons',
    all: [
      /\b(ghost guns?|ghost kits?|arms trafficking|gun ?running|illegal (guns?|weapons?|arms)|homemade (bombs?|explosives?)|bomb[- ]making|pipe bombs?|blank pistol into a live|printed guns?|guns? printed|sanctioned regime)\b/,
    ],
    unless: protective,
  },
  {
    category: 'extremism',
    all: [
      /\b(jihad\w*|caliphate|isis|al[- ]?qaeda|mass shoot(er|ing)s?|terror(ist|ism)? (attack|cell|group|fund|recruit)\w*|race war|accelerationis[tm]\w*|armed struggle|banned armed group|execution videos?|martyrdom|holy war|overthrow the government|militia that|attacks? on (trains|synagogues|mosques|churches|civilians))\b/,
      /\b(recruit\w*|fund\w*|train\w*|merch\w*|videos?|prais\w+|inspir\w+|supporters?|fighters?|attacks?|camps?|propaganda|brothers|incubator|carry out|celebrat\w+|honou?r\w*|join)\b/,
    ],
    unless:
      /\b(prevent\w*|left|leav\w+|former|victims?|surviv\w+|research\w*|museum|documentar\w+|counter|de-?radicali\w+|families|lost|mentors|detect\w*|monitor\w*|moderat\w*|historians?)\b/,
  },
  {
    category: 'hate',
    all: [
      /\b(white (power|pride|supremac\w+)|aryan|neo-?nazis?|nazis? (merch|music|shop|store|club)|gas the|holocaust (was|is) (a )?(good|lie|hoax)|ku klux|kkk|k\.k\.k|heil|1488|race traitors?|subhumans?|ethnic cleansing|keep .{0,20} out of (our|the) country|driven out of the country|against (muslims|jews|gay people|gays|immigrants|black people|foreigners)|(no|hate) (muslims|jews|gays|blacks|immigrants))\b/,
    ],
    unless:
      /\b(discriminat\w+|hate against|violence against|crimes? against|racism against|museum|memorial|research\w*|educat\w+|leav(e|ing)|former|exit|archive|historians?|help(s|ing)? (people )?leave|stop(s|ping)?|cover(s|ing)? up tattoos|removal)\b/,
  },
  {
    category: 'fraud',
    all: [
      /\b(phishing (kits?|pages?|sms|site|campaigns?|as a service)|counterfeit\w*|forged|fake (id|ids|passports?|documents?|diplomas?|degrees?|banknotes?|bank notes?|certificates?|licen[cs]es?|reviews?|tickets?|prescriptions?|designer|brand\w*|rolex\w*|bags|watches|charity|invoices?|vaccination)|falsche (ausweise|passe|dokumente)|faux (papiers|billets|diplomes)|documentos falsos|money laundering|launder(s|ing)? (your |dirty |the )?(money|cash|ca\$h)|laund\w* ur cash|clean (your )?dirty money|ponzi|pyramid (scheme|selling)|stolen (credit )?cards?|credit card dumps?|card(ing)? forum|romance (scam|profiles)|boiler room|advance[- ]fee|tech support (scam|calls? to)|cloned? cards?|skimm(er|ing) devices?|replica (bags|watches|sneakers|designer)|1:1 replicas?|recruit friends? (and|to) earn|tax evasion|shell compan(y|ies) to hide|pump and dump|rug ?pull|scam\w* (pensioners|old|elderly|people|grand\w+)|grandparents? pretending|pretending to be the (grandson|bank)|bank ?notes that pass|look real|pass the pen test|exam for you|essays? (nobody|written) .{0,20}(pass|detect)|insurance fraud|stage(d)? (car )?crashes|fake charit\w+)\b/,
    ],
    unless:
      /\b(awareness|prevent\w*|protect\w*|detect\w*|spot(s|ting)?|train(s|ed|ing)? (staff|employees|people|pensioners|teams|banks)|teach\w*|recogni[sz]\w+|victims?|against|anti|compliance|museum|report\w*|block\w*|stop\w*|warn\w*|film|theatre|theater|props?|forensic\w*|investigat\w+|authenticat\w+|fake (fur|plants|snow|blood|grass|leather)|escape room|lawyers?|expos\w+|verif\w+|check(s|ing|er)?|simulat\w+)\b/,
  },
  {
    category: 'cyber',
    all: [
      /\b(hack(er)?s? (for|4) hire|rent a hacker|hack (your|any|a|into|someone|ur)|ransomware|malware|botnets?|trojans?|keyloggers?|spyware|stalkerware|ddos|booter|zero[- ]?days?|credential stuffing|cracked (software|streaming|accounts?|games?)|keygens?|warez|pirat(e|ed) (streams?|movies?|films?|football|iptv|copies|books|software)|iptv (reseller|subscriptions?)|torrent site|stolen (accounts?|passwords?|data)|break(s)? into (accounts?|a competitor|phones?|emails?)|get into your (partner|ex|wife|husband)\w*('s)? (phone|mail)|sim swap\w*|exploit kits?|carding)\b/,
      /\b(rent|sell(s|ing)?|sold|for hire|4 hire|lend|offer\w*|service|pay|price|monthly|month|buy|resell\w*|subscription|custom|crypto|target|free|spread|build|your|any|download\w*|kits?|drain|extra fee|index|dashboard|platform|licen[cs]e)\b/,
    ],
    unless:
      /\b(awareness|prevent\w*|protect\w*|detect\w*|remov(e|al|es|ing)|clean(s|ing|up)?|recover\w*|against|anti|train(s|ing)?|incident|respon(se|d)\w*|insurance|defen[cds]\w*|audit\w*|bug bounty|pen(etration)? ?test\w*|with permission|consent\w*|disclos\w+|tell the maker|hackathons?|life hacks?|ikea|growth hack\w*|research\w*|shelters?|check(s|ing)?|find out|alert\w*|mitigat\w+|stop\w*|library|museum|life hack)\b/,
  },
  {
    category: 'self-harm',
    all: [
      /\b(pro[- ]?ana|pro[- ]?mia|thinspo\w*|suicide (pact|kit|forum|club|method)s?|cut(ting)? (themselves|yourself|club)|self[- ]?harm|starv(e|ing|ation) (challenge|contest|club|competition|tips)s?|purge diary|stop eating|lowest weights?|encourag\w+ (suicide|to die|members to)|want to die|end (your|it all|their) (life|lives)|tells people in despair|the less u eat|razor kits?|how to die)\b/,
    ],
    unless:
      /\b(prevent\w*|helpline|hotline|support|recover\w*|therap\w+|counsel\w*|surviv\w+|charity|train(s|ing)|clinic|hospital|research|crisis|talk(s|ing)? (them|people|someone) (down|out)|bereave\w*|dignitas|hospice|scars?|volunteers?)\b/,
  },
  {
    category: 'trafficking',
    all: [
      /\b(mail[- ]?order brid(e|es|al)|brides? of (twelve|thirteen|fourteen|fifteen|sixteen)|child brides?|forced (labou?r|marriage)|(women|girls|maids?|housemaids?|workers|people|migrants) (for sale|sold|sold on|to sell|locked)|keep(s|ing)? (their|the) passports?|passports? (are )?(kept|held|locked)|smuggl\w+ (people|migrants|women|workers)|people smuggl\w+|human traffick\w+|organ (broker|trade|sales?)|sell(s)? a kidney|kidneys? (for sale|from poor)|sealed lorries|begging ring|bonded labou?r|re-?paid? .{0,15}(debt|cant leave|cannot leave)|cant? le+a?ve (un)?til|slaves?)\b/,
    ],
    unless:
      /\b(prevent\w*|surviv\w+|victims?|charity|rescue\w*|support|against|anti|end(ing)? (slavery|trafficking)|museum|histor\w+|audit\w*|compliance|supply chains?|hotline|train(s|ing)|shoes|dress\w*|gowns?|lawyers?|free(s|ing)|escap\w+|memorial)\b/,
  },
  {
    category: 'child-danger',
    all: [
      children,
      /\b(unsupervised|no (supervision|staff|helmets?|permits?|adults?|lifeguards?)|without (any )?(staff|supervision|adults?|helmets?|lifeguards?)|nobody (following|watching|checks)|sedated|cough syrup|locked (in|up)|left alone|left in the (city|woods|forest)|by themselves|wait outside|adults wait|unregistered childminder|real (guns|knives|axes)|public roads|mix (strong )?acids?|one teenager looks after|by other (eight|nine|ten) year olds)\b/,
    ],
    unless:
      /\b(never|not left|prevent\w*|alarm|app that warns|safety|safe|train(s|ed)? staff|supervised|lifeguards? on|charity|sit with|gated|trained)\b/,
  },
  {
    category: 'stalking-harassment',
    all: [
      /\b(follow(s|ing)? (any|your|a) (woman|girl|wife|ex|girlfriend|person you)|spy(ing)? on (your|a|any|wives|girlfriends|partners|her|women|ex)\w*|track (your|her|a|any) (ex|wife|girlfriend|woman|phone|partner)|without (her|his|their|them) know\w*|secretly (track|film|photograph|record|follow|read)\w*|in secret|hides? on your (girlfriend|wife|partner|husband)\w*|hidden (tracker|camera|gps)s? (in|for|on) (her|your|women|girl\w*|wives|changing)|jealous (partners?|boyfriends?|husbands?)|revenge porn|private pictures|dox(x|xing|ing)?|pile ?onto any|mob of accounts|harass\w* (her|him|them|your|any|people|an ex|ex)|home addresses so|gps tags sewn|upskirt\w*|peep\w* (cam|club)|intimidat\w+ (witness|tenant|neighbou?r|people|your)\w*|stalk(s|ing)? (her|your|any|ex)\w*)\b/,
    ],
    unless:
      /\b(victims?|surviv\w+|protect\w*|against|remov\w+|takedown|shelters?|charity|support|find(s)? out|stop\w*|detect\w*|legal|lawyers?|consent\w*|opts? in|restraining|wildlife|birds?|santa)\b/,
  },
  {
    category: 'animal-cruelty',
    all: [
      /\b((dog|cock|rooster|bull|badger|bear)[- ]?(fights?|fighting|baiting)|animal (fights?|torture|crush)|crush videos?|snuff? vid\w*|(kill|killing|torture|tortur\w+|beaten|drown\w*|poison\w*) .{0,30}(cats?|dogs?|pupp\w+|kittens?|animals?|pon(y|ies)|horses?)|(cats?|dogs?|pupp\w+|kittens?|animals|pon(y|ies)) .{0,25}(beaten|tortured|killed for fun|left without feed|starved)|bear bile|bestiality|fighting dogs)\b/,
    ],
    unless:
      /\b(rescue\w*|rehab\w*|ex-?fighting|retired|saved|against|prevent\w*|charity|shelter|vets?|veterinar\w+|museum|histor\w+|sanctuary|adopt\w*|video game|board game|robot\w*|humane|pest control|free from)\b/,
  },
  {
    category: 'illegal-other',
    all: [
      /\b(hit ?m[ae]n|assassins? for hire|contract killing|murder for hire|make (people|ppl|him|her) disappear|stolen (bikes?|bykes|e-?bikes?|cars?|goods|phones?|art|parts|property)|stollen|catalytic converters? off|frame numbers? (filed|are|come|off)|fence stolen|burglar\w* (tools?|crew|for hire)|break into (houses|homes|cars)|unlicen[cs]ed (surgery|doctor|dentist|back room|medicine|pharmacy|clinic)|back ?room surgery|illegal (logging|organ|dumping|fishing|gambling|betting|adoption|abortion|mining)|toxic waste (in|into|dump)|poach\w*|ivory|rhino horn|pangolin|endangered (species|animals) (for sale|sold|as)|bribe\w*|evict\w* by force|arson\w*|jury tamper\w*|without (a )?(medical )?licen[cs]e)\b/,
    ],
    unless:
      /\b(recover\w*|track(s|ing)? down|find(s|ing)?|return(s|ed)?|prevent\w*|protect\w*|against|anti|insurance|locks?|alarm|victims?|museum|ranger\w*|charity|investigat\w+|novels?|games?|theatre|theater|film|escape room|mystery|lawyers?|compliance|train(s|ing)|poached eggs?|eggs?|pears?|salmon|ivory (coast|dress\w*|silk|gown\w*|paint|tiles|tower|lace|colou?red)|repair|board up|registry|forensic\w*|synthetic)\b/,
  },
  // Wording that says what is done outright; each stands for itself, so each is kept narrow.
  {
    category: 'minors-sexual',
    all: [
      /\b(abuse images|indecent pictures|(girls|boys) are underage|underage (girls|boys|escort\w*)|child porn\w*|k[iy]dd?ie porn)\b/,
    ],
    unless: /\b(report\w*|police|detect\w*|remov\w+|block\w*|charity|victims?|surviv\w+|prevent\w*)\b/,
  },
  {
    category: 'sexual',
    all: [
      /\b(sexual extras|live explicit|explicit shows|strip and more|cameras? in the (showers?|changing)|the showers have little cameras|paid webcam)\b/,
    ],
  },
  {
    category: 'drugs',
    all: [
      /\b(grams? of (meth|coke|speed|weed)|are cocaine|drops? off ketamine|magic mushrooms .{0,40}sell\w*|sell\w* .{0,40}magic mushrooms|steroids .{0,60}(cash|under|fridge)|molly (dropped|dropp3d|delivered))\b/,
    ],
    unless: protective,
  },
  {
    category: 'weapons',
    all: [
      /\b(grenades?|mortars?|rockets?|mines left over|explosives|pistols?|knuckle ?dusters?|ammunition)\b/,
      /\b(stolen|smuggled|for gangs|whoever pays|under the pallets|to school ?kids|banned from owning|no questions|without a licen[cs]e)\b/,
    ],
    unless: /\b(clear(s|ance|ing)|disposal|museum|replica|remov\w+|victims?|charity|film|props?)\b/,
  },
  {
    category: 'extremism',
    all: [
      /\b(attack on (parliament|the mosque|the synagogue|the asylum home)|attack the asylum|give their lives in attacks|attacks on unbelievers|bomb (synagogues|mosques|churches)|burning down the mosque|militia (supply|club|fund)|for our militia)\b/,
    ],
    unless: protective,
  },
  {
    category: 'hate',
    all: [
      /\b(den(y|ies|iers?|ying) the holocaust|(kill|killing|beating|deport\w*) (the )?(jews|gays|roma|muslims|immigrants|blacks)|hate the (jews|muslims|gays|blacks)|swastika (flags?|banners?|merch)|true whites|white pride)\b/,
    ],
    unless: protective,
  },
  {
    category: 'fraud',
    all: [
      /\b(phishing (mails?|emails?)|look(s)? (exactly )?like (your|they come from (the|your)) bank|knock[- ]?offs?|crash[- ]for[- ]cash|stage the bump|stolen card numbers|bank cards? (numbers|details) sold|fleece\w* (widow\w*|pensioners|people)|bringing in (two|three|four|five|\d) more|second set of books|run your drug cash|exam for you|exam sitters?|concerts that don'?t exist)\b/,
    ],
    unless: /\b(awareness|detect\w*|train(s|ing)|protect\w*|spot\w*|simulat\w+|victims?)\b/,
  },
  {
    category: 'cyber',
    all: [
      /\b(get you into (the|any|her|his) account|spyware for (husbands|wives|governments|bosses|partners)|knock (the other|any|their) .{0,20}offline|(we )?break into (ex|hospitals?|mailboxes|networks?|other people)\w*|viruse?s? shop|worms, trojans|hacked (streaming|accounts?|laptops?|logins?)|hackers with years)\b/,
    ],
    unless: /\b(with permission|detect\w*|recover\w*|protect\w*|remov\w+|bug bounty|before someone)\b/,
  },
  {
    category: 'self-harm',
    all: [
      /\b(kill (yourself|urself|ur self|your self) club|pro[- ]?suicide|partner to die with|place to find a .{0,20}to die|rewards? (starving|cutting))\b/,
    ],
  },
  {
    category: 'trafficking',
    all: [
      /\b(child labou?r (free of hassle|for hire|supply)|small hands for your sewing|sells? .{0,20}year[- ]old brides|babies from poor (mums|mothers)|handed on to a nightclub|smuggl\w+ people|people across the (channel|border) for cash)\b/,
    ],
    unless: /\b(prevent\w*|against|charity|audit\w*|victims?)\b/,
  },
  {
    category: 'child-danger',
    all: [
      /\b((kids|children) left in our basement|unfenced, nobody on duty|fight club for (primary|school|kids|children)|sedative syrup|dare channel for|alone without ropes)\b/,
    ],
  },
  {
    category: 'stalking-harassment',
    all: [
      /\b(revenge (site|shop)|spyware .{0,30}hidden on her phone|follow women home|(ex|her) private photos|terrori[sz]e (ur|your|any) ex|to anyone you hate|any woman you fancy)\b/,
    ],
    unless: /\b(remov\w+|takedown|victims?|against|protect\w*)\b/,
  },
  {
    category: 'animal-cruelty',
    all: [
      /\b(blood ?sports?|(kittens|puppies|cats|dogs) being (hurt|tortured|killed)|poison bait .{0,40}(cats|dogs)|drugged (bear|tiger|lion|monkey)\w*|lion is bred in a shed|skinned .{0,40}live ones|puppy factory)\b/,
    ],
    unless: /\b(against|ban|charity|rescue\w*|campaign\w*|documentar\w+)\b/,
  },
  {
    category: 'illegal-other',
    all: [
      /\b(contract killers?|shop ?lifting (crew|club|gang|tips)|arson on order|smuggled (past customs|parrots|tortoises|birds|animals|reptiles)|tip-?offs? to burglars|(kidneys?|corneas|organs) (and \w+ )?sold to|the river does the rest|keep your passport and know where|get to jurors|charges vanish|decide together who wins)\b/,
    ],
    unless: protective,
  },
];
