"""`@http`: the task is a request to a web service."""

from pycompss._core.program_decorator import ProgramDecorator


class HTTP(ProgramDecorator):
    name = "@http"
    kind = "http"
    mandatory = ("service_name", "resource", "request")
    supported = ("payload", "payload_type", "produces", "updates")
    refused_outside = None


http = HTTP
