// The film: which moment is shown, and the buttons, the slider and the clock that choose it.

const DELAYS = [2400, 1500, 1000, 650, 400, 200, 80]; // milliseconds of a moment, by speed
const CALM = 40; // moments from which on a film plays the faster the longer it is
const WAIT = 50; // milliseconds until it is looked again whether the next moment is there
const MOST_BEAT = 900; // milliseconds for which a cell that changed is lit

const $ = (id) => document.getElementById(id);

/** Says "play" and "pause" when the film starts and stops, and "end" when it has run out. */
export class Player extends EventTarget {
  /**
   * @param {() => number} length Moments there are now.
   * @param {(index: number, aloud: boolean) => void} draw Shows a moment.
   * @param {() => boolean} goesOn Whether more moments may come.
   * @param {() => boolean} follow Shows what is new elsewhere where the film has caught up; false: there is nothing.
   */
  constructor({ length, draw, goesOn, follow }) {
    super();
    Object.assign(this, { length, draw, goesOn, follow, index: 0, isPlaying: false, pace: 0, moment: "Look" });
    $("first").addEventListener("click", () => this.step(0));
    $("back").addEventListener("click", () => this.step(this.index - 1));
    $("forward").addEventListener("click", () => this.step(this.index + 1));
    $("play").addEventListener("click", () => this.toggle());
    $("scrubber").addEventListener("input", () => this.step(Number($("scrubber").value)));
    $("speed").addEventListener("input", () => { this.pace = 0; this.#mark(); });
  }

  get position() {
    return `${this.moment} ${this.index} of ${this.length()}`;
  }

  get delay() {
    return this.pace || DELAYS[Number($("speed").value)] * Math.min(1, CALM / this.length());
  }

  show(index, aloud = false) {
    this.index = Math.min(Math.max(0, index), this.length());
    this.draw(this.index, aloud);
    this.refresh();
  }

  /** Shows how many moments there are now. */
  refresh() {
    const last = this.length();
    const isThere = last > 0 || this.goesOn();
    $("scrubber").max = last;
    $("scrubber").value = this.index;
    $("position").textContent = this.position;
    $("scrubber").setAttribute("aria-valuetext", this.position);
    $("first").disabled = $("back").disabled = this.index === 0;
    $("forward").disabled = this.index >= last;
    $("play").disabled = !isThere;
    $("player").hidden = !isThere;
  }

  /** Plays on, from the start if it stands at the end; `pace` is the milliseconds of a moment in place of the speed's. */
  play(pace = 0) {
    clearTimeout(this.timer);
    this.pace = pace;
    if (this.index >= this.length() && !this.goesOn()) this.show(0);
    this.isPlaying = true;
    this.#mark();
    this.dispatchEvent(new Event("play"));
    this.timer = setTimeout(() => this.#tick(), pace || WAIT);
  }

  #tick() {
    const goesOn = this.goesOn();
    let isNew = this.index < this.length();
    if (isNew) this.show(this.index + 1);
    else if (goesOn) isNew = this.follow();
    if (this.index >= this.length() && !goesOn) {
      this.pause();
      this.show(this.index, true);
      this.dispatchEvent(new Event("end"));
    } else this.timer = setTimeout(() => this.#tick(), isNew ? this.delay : WAIT);
  }

  pause() {
    clearTimeout(this.timer);
    this.isPlaying = false;
    this.#mark();
    this.dispatchEvent(new Event("pause"));
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  /** Stops at a moment that a person chose. */
  step(index) {
    this.pause();
    this.show(index, true);
  }

  #mark() {
    $("play").classList.toggle("playing", this.isPlaying);
    $("play").setAttribute("aria-label", this.isPlaying ? "Pause" : "Play");
    document.documentElement.style.setProperty("--beat", `${Math.min(MOST_BEAT, this.delay)}ms`);
  }
}
