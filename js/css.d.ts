/** A style sheet is imported as its text, for a shadow root. */
declare module "*.css" {
  const text: string;
  export default text;
}
