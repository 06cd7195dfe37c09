// The script of a page without a kernel: all views in one bundle.
import views from "views:all";
import { start } from "./hosts/page/start";

start(views, document, new AbortController().signal);
