/** What the policy refuses, as data/POLICY.md spells it out; these words go to callers and into metric labels. */
export const refusalCategories = [
  'sexual',
  'minors-sexual',
  'weapons',
  'extremism',
  'hate',
  'drugs',
  'fraud',
  'cyber',
  'self-harm',
  'trafficking',
  'minors-targeted',
  'child-danger',
  'stalking-harassment',
  'animal-cruelty',
  'illegal-other',
] as const;

export type RefusalCategory = (typeof refusalCategories)[number];

/** Clauses that protect children, and those on weapons and sexual services: no operator can switch them off. */
export const lockedCategories: readonly RefusalCategory[] = [
  'sexual',
  'minors-sexual',
  'weapons',
  'minors-targeted',
  'child-danger',
];

/** What a caller is told; never how it was found out. */
export const refusalMessages: Record<RefusalCategory, string> = {
  sexual: 'We do not name sexual services or explicit content.',
  'minors-sexual': 'We do not name anything sexual that involves minors.',
  weapons: 'We do not name trade in illegal weapons or explosives.',
  extremism: 'We do not name violent or extremist causes.',
  hate: 'We do not name businesses that attack people for who they are.',
  drugs: 'We do not name trade in illegal drugs.',
  fraud: 'We do not name fraud, counterfeits or forged documents.',
  cyber: 'We do not name hacking for hire, malware or piracy.',
  'self-harm':
    'We do not name the promotion of self-harm. If you are struggling, please talk to someone you trust or a local helpline.',
  trafficking: 'We do not name the trade in people or forced labour.',
  'minors-targeted': 'We do not name gambling, alcohol or tobacco for minors.',
  'child-danger': 'We do not name services that leave children in danger.',
  'stalking-harassment': 'We do not name stalking, covert surveillance of people or harassment.',
  'animal-cruelty': 'We do not name cruelty to animals.',
  'illegal-other': 'We do not name businesses that break the law.',
};
