// Who told a cell: the run of the graph once more without each of the cell's ties; what solving/why.py does.

const SIDES = { "1,0": "below", "0,-1": "left", "0,1": "right", "-1,0": "above", "1,-1": "below left", "1,1": "below right", "-1,-1": "above left", "-1,1": "above right" };

/** A family with the graph's inputs as they are but for one tie of a cell; with what that tie is called and its cells. */
export function withoutEach(family, cell) {
  const { graph, rows, columns } = family;
  const found = [];
  for (const [input, groups] of Object.entries(graph.members ?? {})) {
    groups.forEach((group, number) => {
      if (group.length < 2 || !group.includes(cell)) return;
      const less = groups.map((one, i) => (i === number ? one.filter((other) => other !== cell) : one));
      found.push({ name: groupName(group, { rows, columns }), cells: group, graph: { ...graph, members: { ...graph.members, [input]: less } } });
    });
  }
  (graph.neighbours ?? []).forEach((table, direction) => {
    if (table[cell] < 0) return;
    const less = graph.neighbours.map((one, i) => (i === direction ? one.with(cell, -1) : one));
    const name = neighbourName(table[cell], cell, { columns });
    found.push({ name, cells: [table[cell]], graph: { ...graph, neighbours: less } });
  });
  return found.map(({ name, cells, graph }) => ({ name, cells, family: { ...family, graph } }));
}

/** What a person calls a cell that another one hears: its side where they touch, else its place. */
export function neighbourName(other, cell, { columns }) {
  const [row, column] = [Math.floor(other / columns), other % columns];
  return SIDES[[row - Math.floor(cell / columns), column - (cell % columns)]] ?? `row ${row + 1} column ${column + 1}`;
}

/** What a person calls a group of cells, by where they are. */
export function groupName(group, { rows, columns }) {
  const cells = [...group].sort((a, b) => a - b);
  const at = cells.map((cell) => Math.floor(cell / columns));
  const across = cells.map((cell) => cell % columns);
  const span = (values) => Math.max(...values) - Math.min(...values) + 1;
  const first = Math.min(...across);
  if (cells.length === rows * columns) return "the whole grid";
  if (span(at) === 1 && cells.length === columns) return `row ${at[0] + 1}`;
  if (span(across) === 1 && cells.length === rows) return `column ${first + 1}`;
  const [height, width] = [span(at), span(across)];
  if (height * width === cells.length && at[0] % height === 0 && first % width === 0 && columns % width === 0) {
    return `box ${(at[0] / height) * (columns / width) + first / width + 1}`;
  }
  if (cells.every((_, i) => at[i] === across[i])) return "the diagonal from the upper left";
  if (cells.every((_, i) => at[i] === columns - 1 - across[i])) return "the other diagonal";
  return "its region";
}
