"""What notebooks show: pictures and tables that also print as text."""

from html import escape
from typing import Any, List


class Picture:
    def __init__(self, svg: str, title: str) -> None:
        self.svg = svg
        self.title = title

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'<figure>{self.svg}<figcaption>{escape(self.title)}</figcaption></figure>'

    def __repr__(self) -> str:
        return f"<graph of {self.title}>"


class Table:
    def __init__(self, columns: List[str], rows: List[List[Any]]) -> None:
        self.columns = columns
        self.rows = rows

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def __repr__(self) -> str:
        rows = [self.columns, *([str(cell) for cell in row] for row in self.rows)]
        widths = [max(len(row[index]) for row in rows) for index in range(len(self.columns))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
