// How the matrix is coloured, and how closely it is looked at.
import { fixed } from "../../draw/number";
import { stride } from "../../draw/tile";
import type { Shape } from "../../draw/viewport";
import type { Session } from "../../model/session";
import { Choice } from "../../parts/Choice";
import { Toolbar } from "../../parts/Toolbar";
import { STEP, type Zoom, zoomBy } from "../../parts/Zoom";
import { OVERVIEW_SIDE } from "../../wire/tiles";

export function Controls({ session }: { session: Session }) {
  const [first, scale, pooling] = [
    session.params.choice("first").value,
    session.params.choice("scale").value,
    session.params.choice("pooling").value,
  ];
  // Of what is drawn, and a row that is there for the text: nothing moves while a head is on its way.
  const tile = session.picture.value;
  const pooled = session.text.value.tokens.length > OVERVIEW_SIDE;
  const step = tile ? stride(tile) : 1;
  return (
    <Toolbar label="How the matrix is coloured">
      <Choice
        named
        label="First token"
        options={[
          { value: "show", label: "show" },
          { value: "dim", label: "dim" },
          { value: "hide", label: "hide" },
        ]}
        value={first}
        choose={(value) => session.params.set("first", value)}
      />
      <Choice
        named
        label="Colours"
        options={[
          {
            value: "head",
            label: `this head (max ${fixed(tile ? session.ownMax(tile) : null)})`,
            about: "The last colour is this head's own maximum, but never less than 0.1",
          },
          {
            value: "shared",
            label: "all heads (max 1)",
            about: "The same colours for every head",
          },
        ]}
        value={scale}
        choose={(value) => session.params.set("scale", value)}
      />
      {pooled && (
        <Choice
          named
          label="Each cell"
          options={[
            {
              value: "max",
              label: "strongest",
              about: `The strongest of ${step} × ${step}`,
            },
            { value: "mean", label: "mean", about: "The mean over its causal pairs" },
          ]}
          value={pooling}
          choose={(value) => session.params.set("pooling", value)}
        />
      )}
    </Toolbar>
  );
}

interface ZoomProps {
  zoom: Zoom;
  shape: Shape;
}

/** For who has no wheel, and for a finger. */
export function ZoomButtons({ zoom, shape }: ZoomProps) {
  return (
    <span class="choice" role="group" aria-label="Zoom">
      <button type="button" title="Zoom in" onClick={() => zoomBy(zoom, shape, STEP)}>
        +
      </button>
      <button type="button" title="Zoom out" onClick={() => zoomBy(zoom, shape, 1 / STEP)}>
        −
      </button>
      <button
        type="button"
        title="Show the whole matrix"
        onClick={() => {
          zoom.window.value = null;
        }}
      >
        whole
      </button>
    </span>
  );
}
