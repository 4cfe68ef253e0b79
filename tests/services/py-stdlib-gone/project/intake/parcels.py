from cgi import parse_header
from telnetlib import IAC


def describe(content_type: str) -> dict:
    kind, options = parse_header(content_type)
    return {"kind": kind, "charset": options.get("charset", "none")}


def escape(line: bytes) -> bytes:
    """As telnet wants it."""
    return line.replace(IAC, IAC + IAC)
