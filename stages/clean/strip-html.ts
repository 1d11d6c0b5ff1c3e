import { Parser } from "htmlparser2";

const WITHOUT_TEXT = new Set(["script", "style"]);

/** Elements that end a line: words on their two sides do not touch. */
const BLOCKS = new Set(
  "address article aside blockquote br dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol option p pre section summary table tbody td tfoot th thead title tr ul".split(
    " ",
  ),
);

/** The text of a piece of HTML: entities decoded, scripts, styles and comments dropped, a space for each block's edge. */
export function stripHtml(html: string): string {
  if (!html.includes("<") && !html.includes("&")) return html;
  let text = "";
  let silent = 0;
  const space = (tag: string) => {
    if (BLOCKS.has(tag) && text !== "" && !text.endsWith(" ")) text += " ";
  };
  const parser = new Parser({
    onopentagname(tag) {
      if (WITHOUT_TEXT.has(tag)) silent++;
      space(tag);
    },
    ontext(piece) {
      if (silent === 0) text += piece;
    },
    onclosetag(tag) {
      if (WITHOUT_TEXT.has(tag)) silent--;
      space(tag);
    },
  });
  parser.end(html);
  return text;
}
