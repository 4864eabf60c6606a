"""A task graph as SVG: tasks in rows by their depth, a colour for each function."""

from html import escape
from typing import Any, Dict, List, Set, Tuple

_WIDTH, _HEIGHT, _RADIUS = 56, 64, 16
_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#9d755d", "#eeca3b")
_ENDED = ("completed", "failed", "cancelled")


def unfinished(graph: Dict[str, Any]) -> Dict[str, Any]:
    """The part of the graph whose tasks have not ended."""
    tasks = [task for task in graph["tasks"] if task["status"] not in _ENDED]
    names = {task["id"] for task in tasks}
    edges = [edge for edge in graph["edges"] if edge["from"] in names and edge["to"] in names]
    return {"tasks": tasks, "edges": edges}


def graph_svg(graph: Dict[str, Any]) -> str:
    tasks, edges = graph["tasks"], graph["edges"]
    signatures = sorted({task["signature"] for task in tasks})
    colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(signatures)}
    places = _places([task["id"] for task in tasks], [(edge["from"], edge["to"]) for edge in edges])
    columns = max((x for x, _ in places.values()), default=0) + 1
    rows = max((y for _, y in places.values()), default=0) + 1
    width = max(columns * _WIDTH, 220)
    height = rows * _HEIGHT + 20 * len(signatures) + 8
    parts = [_edge(places[edge["from"]], places[edge["to"]]) for edge in edges]
    parts += [_task(task, places[task["id"]], colours[task["signature"]]) for task in tasks]
    parts += [_legend(name, colours[name], rows * _HEIGHT + 20 * index) for index, name in enumerate(signatures)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    return head + "".join(parts) + "</svg>"


def _places(names: List[str], edges: List[Tuple[str, str]]) -> Dict[str, Tuple[int, int]]:
    """Column and row of each task; the row is the length of the longest way to it."""
    successors: Dict[str, List[str]] = {name: [] for name in names}
    missing: Dict[str, int] = dict.fromkeys(names, 0)
    for before, after in edges:
        successors[before].append(after)
        missing[after] += 1
    depth: Dict[str, int] = dict.fromkeys(names, 0)
    ready = [name for name in names if missing[name] == 0]
    seen: Set[str] = set()
    while ready:
        name = ready.pop()
        seen.add(name)
        for after in successors[name]:
            depth[after] = max(depth[after], depth[name] + 1)
            missing[after] -= 1
            if missing[after] == 0:
                ready.append(after)
    used: Dict[int, int] = {}
    places = {}
    for name in names:
        row = depth[name]
        places[name] = (used.get(row, 0), row)
        used[row] = places[name][0] + 1
    return places


def _centre(place: Tuple[int, int]) -> Tuple[float, float]:
    return (place[0] + 0.5) * _WIDTH, (place[1] + 0.5) * _HEIGHT


def _edge(before: Tuple[int, int], after: Tuple[int, int]) -> str:
    (x1, y1), (x2, y2) = _centre(before), _centre(after)
    return f'<line x1="{x1}" y1="{y1 + _RADIUS}" x2="{x2}" y2="{y2 - _RADIUS}" stroke="#888"/>'


def _task(task: Dict[str, Any], place: Tuple[int, int], colour: str) -> str:
    x, y = _centre(place)
    running = ' stroke="#000" stroke-width="2"' if task["status"] == "running" else ""
    hover = f'{task["id"]} {task["signature"]}: {task["status"]} {task.get("node") or ""}'
    return (
        f'<g><title>{escape(hover.strip())}</title><circle cx="{x}" cy="{y}" r="{_RADIUS}" fill="{colour}"{running}/>'
        f'<text x="{x}" y="{y + 4}" font-size="10" text-anchor="middle" fill="#fff">{escape(task["id"])}</text></g>'
    )


def _legend(name: str, colour: str, y: int) -> str:
    return (
        f'<rect x="4" y="{y}" width="12" height="12" fill="{colour}"/>'
        f'<text x="22" y="{y + 10}" font-size="11">{escape(name)}</text>'
    )
