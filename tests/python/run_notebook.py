"""Executes the code cells of a notebook in order, in one namespace, without Jupyter.

Takes the notebook; exits with 1 and shows the cell when one fails. Plots go nowhere: the backend is
Agg.
"""

import json
import os
import sys
import traceback

os.environ["MPLBACKEND"] = "Agg"


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: run_notebook.py NOTEBOOK", file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as file:
        cells = json.load(file)["cells"]
    namespace = {"__name__": "__main__"}
    ran = 0
    for index, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        try:
            exec(compile(source, f"cell {index}", "exec"), namespace)
        except Exception:
            traceback.print_exc()
            print(f"cell {index} failed:\n{source}", file=sys.stderr)
            return 1
        ran += 1
    print(f"{ran} cells ran")
    # A notebook without code would pass as if it had been tried.
    return 0 if ran else 1


if __name__ == "__main__":
    sys.exit(main())
