/** Every view by its name: build.mjs lists `src/views/*.tsx`. */
declare module "views:all" {
  import type { Views } from "./src/hosts/page/start";

  const views: Views;
  export default views;
}
