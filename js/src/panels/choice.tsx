// The one choice is in parts/.
export { Choice } from "../parts/Choice";
