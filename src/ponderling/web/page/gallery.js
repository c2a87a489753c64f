// Puzzles with a name, and those that stand above the board. A test counts the solutions of every Sudoku here: there is one.

const BREAKFAST = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79";
const MONSTER = "1.......2.9.4...5...6...7...5.9.3.......7.......85..4.7.....6...3...9.8...2.....1";
const HARDEST = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..";
const LARGE = "8.GD....7.1CA.5B152...G.9..4.DC6.7A..81B5..34.9F6B9.FC5.AD8G.72E.68.G2D.EB7A5143.GF.CA3..9517.B8.AEB8...C3.2D96G31.54E..8GD6FCA29.DFABE.G1.7.534..6A31.GF2.....7..3....CBAED....B.4.768D.C.5G.FA...76G.5D83.9FE..956BDC82.A..4..ADC.932..4.FB6.5G..E.F476...2A8D";
const LONG_WAY = "# G# #  #  #     #   # # # ###               #  #  # ##     ### #  #  #     #  #    ##    # ####      # #      # S# #   #   #  #   #   ##  #     # ##    ###  #    # ## #   ##   ### ####    # # # # ##   #   ##    #    #     #      ## #    ##  # ####  ###    #    ##  #  ###   # ## #  ##  ### #    #   ##    #  #   #   # # ## #  ##  #     #####     # ##    ##          #       ##  ###   #   #   ## #   ";

export const GALLERY = {
  sudoku9: [
    ["A Sudoku for breakfast", BREAKFAST],
    ["17 clues (from Gordon Royle’s list)", ".......1.4.........2...........5.4.7..8...3....1.9....3..4..2...5.1........8.6..."],
    ["Al Escargot (Arto Inkala, 2006)", "1....7.9..3..2...8..96..5....53..9...1..8...26....4...3......1..4......7..7...3.."],
    ["“World’s hardest” (Arto Inkala, 2010)", "..53.....8......2..7..1.5..4....53...1..7...6..32...8..6.5....9..4....3......97.."],
    ["“World’s hardest” (Arto Inkala, 2012)", HARDEST],
    ["Easter Monster (JPF, 2007)", MONSTER],
    ["Golden Nugget (tarek, 2007)", ".......39.....1..5..3.5.8....8.9...6.7...2...1..4.......9.8..5..2....6..4..7....."],
    ["Platinum Blonde", ".......12........3..23..4....18....5.6..7.8.......9.....85.....9...4.5..47...6..."],
  ],
  sudoku4: [["Four by four", "....1..24...3.4."]],
  sudoku6: [["Six by six", "3.5.14..623..6.....3....4..126..24.."]],
  sudoku16: [
    ["With 167 clues", LARGE],
    ["With 116 clues", "8..D...47..C..5B152..7G.9..48DC6.7A..81B5...4..F6.9.FC.....G...E.68.G2D....A51...G.2CA3..9.1..B8.AEB8...C3.2D96G31..4..98.D.F...9..F.BE.G1.7.534..6..1...2.....7..3..4.C.AED......4....D...5G.F........5D.3...E..95....8..A.34...D...32..4.F.67.G..E.F47...9.A.."],
  ],
  sudoku9x: [["With 18 clues", "....3........487...3.......5..82............8.1...6...4......6.9..3.1.2.2........"]],
  latin9: [["With 33 clues", "6...92...74.6..3..5.7.....116...........28..43.271.6...9.16..75.253...8..7.8..51."]],
  maze20: [["A long way", LONG_WAY]],
};

/** What stands above the board, as far as the family is served; one without a puzzle takes a new one of this difficulty. */
export const CHIPS = [
  { label: "Easy", task: "sudoku9", puzzle: BREAKFAST },
  { label: "Fiendish", task: "sudoku9", puzzle: MONSTER },
  { label: "World’s hardest", task: "sudoku9", puzzle: HARDEST },
  { label: "16×16", task: "sudoku16", puzzle: LARGE },
  { label: "A long maze", task: "maze20", puzzle: LONG_WAY },
  { label: "A new maze", kind: "maze", difficulty: "random" },
];
