// Presses of a toolbar's buttons that come twice where once was meant: double clicks, double taps, a held Enter.

const DOUBLE = 500; // milliseconds; not every browser counts the taps of a finger

/** What adds up when it is pressed again. The others would undo what the first press did (Pause, Resume), or answer what
 *  it asked (Stop). */
const ADDING = new Set(["step", "stepn", "lower", "higher"]);
const GOES_ON = new Set(["step"]); // while Enter is held, as its key does

/** Have `press(name)` called with the `data-act` of a button that is pressed. */
export function onVerbs(element, press) {
  let last = { button: null, time: 0 };
  const buttonOf = (event) => event.target.closest("button[data-act]");

  /** Whether a click is the second, or a further one, of a double click on the same button. */
  function isAgain(button, { detail, pointerType, timeStamp }) {
    const before = last;
    last = { button, time: timeStamp };
    return before.button === button && (detail > 1 || (pointerType === "touch" && timeStamp - before.time < DOUBLE));
  }

  element.addEventListener("click", (event) => {
    const button = buttonOf(event);
    if (!button) return;
    const again = isAgain(button, event);
    if (button.getAttribute("aria-disabled") !== "true" && (!again || ADDING.has(button.dataset.act))) press(button.dataset.act);
  });
  // A browser clicks once for each repetition of a held Enter, and once for Space, when it is let go.
  element.addEventListener("keydown", (event) => {
    const button = event.repeat && event.key === "Enter" ? buttonOf(event) : null;
    if (button && !GOES_ON.has(button.dataset.act)) event.preventDefault();
  });
}
