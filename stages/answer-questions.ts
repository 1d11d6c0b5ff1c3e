import type { Device } from "../compute/device.ts";
import { StageFailure } from "../engine/diagnostic.ts";
import { type BestAnswer, bestAnswers, defaultAnswerOptions } from "../training/best-answers.ts";
import { predictLogits } from "../training/evaluate.ts";
import { answeredRows } from "./answered-rows.ts";
import { openSavedModel } from "./open-saved-model.ts";
import { encodeQuestions } from "./tokenize/question-split.ts";

/** A question, and the text in which its answer is looked for. */
export interface Question {
  readonly question: string;
  readonly context: string;
}

/** A saved model of answers, ready for questions. */
export interface QuestionAnswerer {
  /** The best answer to each question, in their order. */
  answer(questions: readonly Question[]): Promise<readonly BestAnswer[]>;
}

/** As transformers' pipeline cuts contexts. */
const LONGEST_ROW = 384;
const LARGEST_STRIDE = 128;
const BATCH_ROWS = 32;

/**
 * Opens a Hugging Face folder that holds a model of answers and its tokenizer. Contexts longer than the model takes are
 * looked through stretch by stretch. A StageFailure says what does not fit.
 */
export async function openQuestionAnswerer(
  folder: string,
  device: Device,
): Promise<QuestionAnswerer> {
  const task = "question-answering";
  const { encoder, model, parameters, maxLength } = await openSavedModel(folder, { task, device });
  const longest = Math.min(maxLength, LONGEST_ROW);
  const docStride = Math.min(Math.floor(longest / 2), LARGEST_STRIDE);
  return {
    async answer(questions) {
      if (questions.length === 0) return [];
      const given = questions.map(({ question, context }, i) => {
        if (question.trim() === "" || context.trim() === "") throw nothingAsked(i);
        return { id: `${i + 1}`, text: context, question, columns: {} };
      });
      const { split } = await encodeQuestions(given, {
        name: "questions",
        encoder,
        limits: { maxLength: longest, docStride },
        onRows: () => {},
      });
      const rows = answeredRows("questions", split);
      const options = { model, parameters, device, batchSize: BATCH_ROWS };
      const logits = await predictLogits(rows, options);
      return bestAnswers(rows.questions!, { logits, offsets: rows.offsets }, defaultAnswerOptions);
    },
  };
}

function nothingAsked(at: number): StageFailure {
  return new StageFailure({
    code: "nothing-asked",
    message: `Question ${at + 1} or its context is empty.`,
    hint: "give each question a text in which its answer stands",
  });
}
