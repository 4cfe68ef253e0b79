"""Files by name, kept in memory."""

files: dict[str, bytes] = {}


def keep(name: str, content: bytes) -> int:
    files[name] = content
    return len(content)
