export const wordsIn = (text: string): number => text.split(" ").length;
