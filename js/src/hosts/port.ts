// What a view needs of the page around it, whether there is a kernel behind that page or not.
import type { Traits } from "../wire/traits";

/** Ends a subscription. All of them end with `signal` too. */
export type End = () => void;

export interface Port {
  get<K extends keyof Traits>(name: K): Traits[K];
  /** Sets a value here; `save` tells the kernel of all that was set. */
  set<K extends keyof Traits>(name: K, value: Traits[K]): void;
  save(): void;
  /** Told after all values of one message are there. */
  onChange(name: keyof Traits, changed: () => void): End;
  onMessage(receive: (content: unknown, buffers: DataView[]) => void): End;
  /** The kernel was restarted or went away. */
  onGone(gone: () => void): End;
  /** Null: there is nobody to ask. */
  readonly send: ((content: unknown) => void) | null;
  /** Whether the host says that the kernel has nothing to do, or that there is none. */
  idle(): boolean;
  /** A page without a kernel: what is asked is answered from what was computed ahead, in 8 bits. */
  readonly baked: boolean;
  /** Aborted when the widget goes. */
  readonly signal: AbortSignal;
}
