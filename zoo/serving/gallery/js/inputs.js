// The fields of each kind of input.

import { audioInput } from "./audio_input.js";
import { noiseInput } from "./flows.js";
import { graphInput } from "./graph_input.js";
import { imageInput } from "./image_input.js";
import { arrayInput, seriesInput } from "./series_input.js";
import { tableInput } from "./table_input.js";
import { textInput, tokensInput } from "./text_input.js";

export const INPUTS = {
  image: imageInput,
  array: arrayInput,
  series: seriesInput,
  audio: audioInput,
  table: tableInput,
  text: textInput,
  tokens: tokensInput,
  graph: graphInput,
  noise: noiseInput,
};
