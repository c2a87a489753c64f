// A visitor's task for an ARC model that learns: its form, what is wrong with its text, and an example.

const $ = (id) => document.getElementById(id);

/** A task of ours: left and right are exchanged. */
const EXAMPLE = {
  train: [
    { input: [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 2], [0, 0, 0, 0]], output: [[0, 0, 0, 1], [0, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]] },
    { input: [[0, 3, 0, 0], [0, 0, 0, 0], [4, 0, 0, 0], [0, 0, 5, 0]], output: [[0, 0, 3, 0], [0, 0, 0, 0], [0, 0, 0, 4], [0, 5, 0, 0]] },
    { input: [[6, 6, 0, 0], [0, 0, 7, 0], [0, 0, 0, 0], [0, 8, 0, 0]], output: [[0, 0, 6, 6], [0, 7, 0, 0], [0, 0, 0, 0], [0, 0, 8, 0]] },
  ],
  test: [{ input: [[0, 5, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 3]] }],
};

/** The task in the text as {task, problem}; what is in it, the server looks at. */
function read(text) {
  if (!text.trim()) return { task: null, problem: "Paste a task here, or choose its file." };
  try {
    const task = JSON.parse(text);
    if (task && typeof task === "object" && !Array.isArray(task)) return { task, problem: "" };
  } catch {
    // told below
  }
  return { task: null, problem: "This is not a task as ARC’s files have it: {\"train\": [{\"input\": …, \"output\": …}, …], \"test\": [{\"input\": …}]}." };
}

/** Says what is wrong with the task beside its text. */
export function tellOfTask(problem) {
  $("own-problem").textContent = problem;
  $("own-text").setAttribute("aria-invalid", String(Boolean(problem)));
}

/** Shows how much of the task is learned, from 0 to 1; null: nothing is being learned. */
export function tellLearned(share) {
  $("own-progress").hidden = share === null;
  $("own-progress").value = share ?? 0;
  $("learn").disabled = share !== null;
}

/** Lets the form ask to learn what is in it. */
export function bindOwnTask(learn) {
  const take = (text) => {
    $("own-text").value = text;
    tellOfTask("");
  };
  $("own-file").addEventListener("change", async () => {
    const [file] = $("own-file").files;
    if (file) take(await file.text());
  });
  $("own-text").addEventListener("input", () => tellOfTask(""));
  $("own-example").addEventListener("click", () => take(JSON.stringify(EXAMPLE)));
  $("learn").addEventListener("click", () => {
    const { task, problem } = read($("own-text").value);
    tellOfTask(problem);
    if (task) learn(task);
  });
}
