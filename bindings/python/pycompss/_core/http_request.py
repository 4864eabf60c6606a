"""Tasks that are a request to a web service."""

import ast
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, List, Optional

from pycompss._core.declaration import Declaration
from pycompss._core.signature import BoundCall
from pycompss._core.spec import FILE
from pycompss._core.templates import PLACE, as_word, fill
from pycompss.util.exceptions import PyCOMPSsException

#: A JSON object or a file with one: base URLs by service name.
SERVICES_VARIABLE = "METAKERNEL_HTTP_SERVICES"
_UPDATE = re.compile(r"^\s*\{\{\s*(\w+)\s*\}\}\.([\w.]+)\s*=\s*\{\{\s*(\w+)\s*\}\}\s*$")
_TIME_OUT_SECONDS = 60.0


def base_url(service: str) -> str:
    """Where a service is: its name is an address itself, or the environment says."""
    if re.match(r"^https?://", service):
        return service
    one = os.environ.get(f"METAKERNEL_HTTP_{re.sub(r'[^A-Za-z0-9]', '_', service).upper()}")
    if one:
        return one
    listed = os.environ.get(SERVICES_VARIABLE, "")
    if listed:
        text = listed
        if not listed.lstrip().startswith("{"):
            with open(listed, encoding="utf-8") as file:
                text = file.read()
        services = json.loads(text)
        if service in services:
            return str(services[service])
    raise PyCOMPSsException(f"@http: no address is known for the service {service!r}: set {SERVICES_VARIABLE}")


def run_request(declaration: Declaration, bound: BoundCall, extra: Dict[str, Any]) -> Any:
    """`extra`: number of returns; address of the service as the program that calls knows it."""
    settings = declaration.parts.program.settings  # type: ignore[union-attr]
    count = int(extra.get("returns", 1))
    arguments = bound.arguments()
    body = _send(settings, declaration, arguments, extra.get("base_url"))
    produced = _produced(settings, body, count)
    _update(settings, arguments, produced)
    returns = [produced.get(f"return_{index}") for index in range(count)]
    if count == 1 and "return_0" not in produced:
        return _converted(declaration, body)
    return returns[0] if count == 1 else returns


def known_base_url(service: str) -> Optional[str]:
    """None when only the node that runs the task may know it."""
    try:
        return base_url(service)
    except PyCOMPSsException:
        return None


def _send(
    settings: Dict[str, Any], declaration: Declaration, arguments: Dict[str, Any], base: Optional[str]
) -> str:
    quoted = {name: urllib.parse.quote(as_word(value), safe="") for name, value in arguments.items()}
    url = (base or base_url(str(settings["service_name"]))).rstrip("/") + "/"
    url += fill(str(settings["resource"]), quoted).lstrip("/")
    method = str(settings["request"]).upper()
    data = _payload(settings, declaration, arguments)
    request = urllib.request.Request(url, data=data, method=method)
    if data is not None:
        request.add_header("Content-Type", str(settings.get("payload_type") or "application/json"))
    try:
        with urllib.request.urlopen(request, timeout=_TIME_OUT_SECONDS) as answer:
            return answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        raise PyCOMPSsException(f"@http {declaration.qualname}: {method} {url} was answered {error.code}") from error
    except urllib.error.URLError as error:
        raise PyCOMPSsException(f"@http {declaration.qualname}: {method} {url}: {error.reason}") from error


def _payload(settings: Dict[str, Any], declaration: Declaration, arguments: Dict[str, Any]) -> Optional[bytes]:
    template = settings.get("payload")
    if template is None:
        return None
    if not isinstance(template, str):
        template = json.dumps(template)
    alone = PLACE.fullmatch(template.strip())
    if alone is not None and declaration.spec_of(alone.group(1)).kind == FILE:
        with open(arguments[alone.group(1)], "rb") as file:
            return file.read()
    encoded = {name: value if isinstance(value, str) else _json(value) for name, value in arguments.items()}
    return fill(template, encoded).encode()


def _json(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return as_word(value)


def _produced(settings: Dict[str, Any], body: str, count: int) -> Dict[str, Any]:
    """Values by the names that `produces` gives to parts of the answer."""
    pattern = settings.get("produces")
    if pattern is None:
        return {}
    try:
        shape = ast.literal_eval(pattern) if isinstance(pattern, str) else pattern
        answer = json.loads(body)
    except (ValueError, SyntaxError) as error:
        raise PyCOMPSsException(f"@http: the answer does not fit produces={pattern!r}: {error}") from error
    found: Dict[str, Any] = {}
    _match(shape, answer, found)
    missing = [f"return_{index}" for index in range(count) if f"return_{index}" not in found]
    if missing and count > 1:
        raise PyCOMPSsException(f"@http: the answer has no {', '.join(missing)}")
    return found


def _match(shape: Any, answer: Any, found: Dict[str, Any]) -> None:
    if isinstance(shape, str):
        place = PLACE.fullmatch(shape.strip())
        if place is not None:
            found[place.group(1)] = answer
    elif isinstance(shape, dict) and isinstance(answer, dict):
        for key, inner in shape.items():
            if key in answer:
                _match(inner, answer[key], found)
    elif isinstance(shape, list) and isinstance(answer, list):
        for inner, value in zip(shape, answer):
            _match(inner, value, found)


def _update(settings: Dict[str, Any], arguments: Dict[str, Any], produced: Dict[str, Any]) -> None:
    given = settings.get("updates")
    lines: List[str] = [] if given is None else [given] if isinstance(given, str) else list(given)
    for line in lines:
        match = _UPDATE.match(line)
        if match is None:
            raise PyCOMPSsException(f"@http: updates={line!r} is not of the form {{{{param}}}}.key = {{{{name}}}}")
        parameter, path, name = match.groups()
        if name not in produced:
            raise PyCOMPSsException(f"@http: updates={line!r}: produces says nothing of {name}")
        target = arguments[parameter]
        *inner, last = path.split(".")
        for key in inner:
            target = target.setdefault(key, {})
        target[last] = produced[name]


def _converted(declaration: Declaration, body: str) -> Any:
    """The whole answer, as the class that the task says that it returns."""
    wanted = declaration.options.returns
    if wanted is str:
        return body
    if wanted in (int, float):
        return wanted(body.strip())
    try:
        return json.loads(body)
    except ValueError:
        return body
