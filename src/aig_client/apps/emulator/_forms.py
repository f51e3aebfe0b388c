"""A multipart form: its fields and files."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

_MOST_PARTS = 100


@dataclass(frozen=True, slots=True)
class Form:
    """parts: name to bytes, the last one wins. fields: those without a file's name, as text. files: the others."""

    parts: dict[str, bytes] = field(repr=False)
    fields: dict[str, str] = field(repr=False)
    files: dict[str, bytes] = field(repr=False)


def read_form(content_type: str, body: bytes) -> Form | None:
    """The form in a body; `None` if it is none."""
    if not content_type.lower().startswith("multipart/form-data") or len(content_type) > 1000:
        return None
    head = content_type.encode("latin-1", "replace").replace(b"\r", b" ").replace(b"\n", b" ")
    # The old policy: the newer ones read headers with a grammar, and hostile headers can make that raise.
    message: Message = BytesParser(policy=compat32).parsebytes(b"Content-Type: " + head + b"\r\n\r\n" + body)
    parts = message.get_payload()
    if not isinstance(parts, list):
        return None
    form = Form({}, {}, {})
    for part in parts[:_MOST_PARTS]:
        if isinstance(part, Message):
            _add(form, part)
    return form


def _add(form: Form, part: Message) -> None:
    name = part.get_param("name", header="content-disposition")
    value = part.get_payload(decode=True)
    if not isinstance(name, str) or not isinstance(value, bytes):
        return
    form.parts[name] = value
    if part.get_param("filename", header="content-disposition") is None:
        form.fields[name] = value.decode("utf-8", "replace")
    else:
        form.files[name] = value
