"""XMP: what it says of a photograph, kept and completed, and the mark that a machine added the colour."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn
from xml.dom import minidom
from xml.dom.expatbuilder import ExpatBuilderNS
from xml.parsers.expat import ExpatError

LONGEST = 16 << 20
"""Bytes of a packet that is read."""
MOST_NODES, DEEPEST = 20_000, 100
"""Elements, attributes, comments and instructions of a packet that is read, and how deep they may be nested."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META = "adobe:ns:meta/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_NOTE = "http://ns.adobe.com/xmp/note/"
_XMLNS = "http://www.w3.org/2000/xmlns/"
_XML = "http://www.w3.org/XML/1998/namespace"
_SPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmp": _XMP,
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
}
NAMESPACE = "urn:tintype:mark:1.0:"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_HEAD = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_TAIL = b'\n<?xpacket end="w"?>'


@dataclass(frozen=True)
class Mark:
    """Who added the colour, how, and to which file.

    software: its name, and of a mark that was read the program that wrote the packet last; version: its version.
    model: the model's name, such as 'tintype.v2'. settings: all that the colours depend on beside it, such as
    'size=256; vividness=1'. origin: which file was coloured, by its length and digests of its bytes (see `origin`).
    """

    software: str = "tintype"
    version: str = ""
    model: str = ""
    settings: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Property:
    """One thing that XMP can say.

    name: with its usual prefix, such as 'dc:title'. values: one, or several for a list.
    form: 'text', 'alt' (a text that may be there in several languages), 'bag' or 'seq' (lists without and with order).
    """

    name: str
    values: tuple[str, ...]
    form: str = "text"


def marked(packet: bytes | None, mark: Mark) -> bytes:
    """An XMP packet that says everything `packet` said, and the mark.

    Of the old packet only what the result makes untrue is gone: the digital source type, the creator tool, an earlier
    mark, and thumbnails of the gray photograph. A packet that is broken is left out.
    """
    document = _parse(packet)
    if document is not None:
        _forget(document, _IPTC_EXT, "DigitalSourceType")
        _forget(document, _XMP, "CreatorTool")
        _forget(document, _XMP, "Thumbnails")
        _forget(document, NAMESPACE)
    return _with_mark(_or_empty(document), mark)


def completed(packet: bytes | None, properties: Iterable[Property]) -> tuple[bytes | None, list[str]]:
    """The packet with those of the properties of which it says nothing yet.

    Returns the packet, and the names of the properties of which it says something else.
    """
    document = _or_empty(_parse(packet))
    missing, contrary = [], []
    for one in properties:
        values = _said(document, one.name)
        if not values:
            missing.append(one)
        elif not values.issuperset(_letters(value).strip() for value in one.values):
            contrary.append(one.name)
    if not missing:
        return packet, contrary
    statement = _statement(document)
    for one in missing:
        uri, name = _resolved(one.name)
        _forget(document, uri, name)  # It is there and empty, as some cameras write it.
        element = _declared(document, statement, uri, one.name)
        if one.form == "text":
            element.appendChild(document.createTextNode(_letters(one.values[0])))
        else:
            several = document.createElementNS(_RDF, f"rdf:{one.form.title()}")
            for value in one.values:
                item = document.createElementNS(_RDF, "rdf:li")
                if one.form == "alt":
                    item.setAttribute("xml:lang", "x-default")
                item.appendChild(document.createTextNode(_letters(value)))
                several.appendChild(item)
            element.appendChild(several)
        statement.appendChild(element)
    return _serialise(document), contrary


def says(packet: bytes | None, name: str) -> bool:
    """Whether a packet says anything of a property, such as 'dc:title'."""
    document = _parse(packet)
    return document is not None and bool(_said(document, name))


def has_mark(packet: bytes | None) -> bool:
    """Whether an XMP packet holds a mark of tintype."""
    if packet is None or NAMESPACE.encode() not in packet:
        return False
    return re.search(rb":(?:software|model)\b", packet) is not None


def read_mark(packet: bytes | None) -> Mark | None:
    """The mark of tintype in an XMP packet, None where there is none. The packet need not be well-formed."""
    if packet is None or not has_mark(packet):
        return None

    text = packet
    prefix = re.search(rb"xmlns:([\w.-]{1,50})\s*=\s*[\"']" + re.escape(NAMESPACE.encode()), packet)
    own = re.escape(prefix[1]) if prefix else rb"\w+"

    def text_of(prefix: bytes, name: bytes) -> str:
        # Other programs write as an attribute what was an element.
        match = re.search(rb"\b%s:%s\s*(?:=\s*[\"']|>)([^<\"']{0,500})" % (prefix, name), text)
        return html.unescape(match[1].decode("utf-8", "replace")).strip() if match else ""

    tool = text_of(rb"\w+", b"CreatorTool")
    software = "tintype" if tool.startswith("tintype") else tool
    return Mark(software, *(text_of(own, name) for name in (b"version", b"model", b"settings", b"origin")))


def upright(packet: bytes) -> bytes:
    """The packet with its copy of the orientation tag, if any, set to 1."""
    return checked(packet, upright=True) or packet


def checked(packet: bytes, upright: bool = False) -> bytes | None:
    """The packet as it is, or with its copy of the orientation tag set to 1; None for one that cannot be read.

    A packet is broken when it is not well-formed, has a document type, no RDF, or more bytes, nodes or levels than
    LONGEST, MOST_NODES and DEEPEST.
    """
    document = _parse(packet)
    if document is not None and packet.startswith(_UTF_16):
        packet = _serialise(document)
    if document is None or not upright or b"Orientation" not in packet:
        return None if document is None else packet
    for node in document.getElementsByTagName("*"):
        attribute = node.getAttributeNodeNS(_TIFF, "Orientation")
        if attribute is not None:
            attribute.value = "1"
        text = node.firstChild
        if node.namespaceURI == _TIFF and node.localName == "Orientation" and isinstance(text, minidom.CharacterData):
            text.data = "1"
    return _serialise(document)


def joined(packet: bytes, extension: bytes | None) -> bytes | None:
    """A packet and its extension, as long packets stand in JPEG files, as one packet that refers to none.

    A broken extension is left out; None for a broken packet.
    """
    document, other = _parse(packet), _parse(extension)
    if document is None:
        return None
    _forget(document, _NOTE, "HasExtendedXMP")
    document = _or_empty(document)
    rdf = document.getElementsByTagNameNS(_RDF, "RDF")[0]
    for statement in [] if other is None else _children(other.getElementsByTagNameNS(_RDF, "RDF")[0]):
        _keep_prefixes(statement)
        rdf.appendChild(document.importNode(statement, True))
    return _serialise(document)


def divided(packet: bytes, longest: int) -> tuple[bytes | None, bytes | None]:
    """A packet of at most `longest` bytes, and an extension that holds the longest of its properties.

    The extension is None for a packet that is short enough; both are None where it cannot be divided.
    """
    if len(packet) <= longest:
        return packet, None
    document = _parse(packet)
    if document is None:
        return None, None
    rdf = document.getElementsByTagNameNS(_RDF, "RDF")[0]
    extension = _empty()
    target = extension.getElementsByTagNameNS(_RDF, "RDF")[0]
    _forget(document, _NOTE, "HasExtendedXMP")
    nodes = [(statement, node) for statement in _children(rdf) for node in _children(statement)]
    sized = [(len(node.toxml("utf-8")), i) for i, (_, node) in enumerate(nodes) if node.namespaceURI != NAMESPACE]
    about = _about(document)
    length = len(_serialise(document)) + len(about.encode()) + 400  # with the note that refers to the extension
    for size, i in sorted(sized, reverse=True):
        if length <= longest:
            break
        statement, node = nodes[i]
        _keep_prefixes(node)
        statement.removeChild(node)
        moved = _statement(extension, about)
        moved.appendChild(extension.importNode(node, True))
        target.appendChild(moved)
        length -= size
    body = _serialise(extension, bare=True)
    note = _statement(document)
    element = _declared(document, note, _NOTE, "xmpNote:HasExtendedXMP")
    element.appendChild(document.createTextNode(name_of(body)))
    note.appendChild(element)
    main = _serialise(document)
    return (main, body) if len(main) <= longest else (None, None)


def name_of(extension: bytes) -> str:
    """The name by which a packet refers to its extension: 32 letters."""
    return hashlib.md5(extension, usedforsecurity=False).hexdigest().upper()


def extension_of(packet: bytes) -> str | None:
    """The name of the extension that a packet refers to."""
    match = re.search(rb"HasExtendedXMP\s*(?:=\s*[\"']|>)\s*([0-9A-Fa-f]{32})", packet)
    return match[1].decode() if match else None


def _with_mark(document: minidom.Document, mark: Mark) -> bytes:
    statement = _statement(document)
    statements = (
        ("Iptc4xmpExt", _IPTC_EXT, "DigitalSourceType", SOURCE_TYPE),
        ("xmp", _XMP, "CreatorTool", f"{mark.software} {mark.version}".strip()),
        ("tintype", NAMESPACE, "software", mark.software),
        ("tintype", NAMESPACE, "version", mark.version),
        ("tintype", NAMESPACE, "model", mark.model),
        ("tintype", NAMESPACE, "settings", mark.settings),
        ("tintype", NAMESPACE, "origin", mark.origin),
    )
    for prefix, uri, name, text in statements:
        if not text:
            continue
        element = _declared(document, statement, uri, f"{prefix}:{name}")
        element.appendChild(document.createTextNode(_letters(text)))
        statement.appendChild(element)
    return _serialise(document)


def _statement(document: minidom.Document, about: str | None = None) -> minidom.Element:
    """A new, empty statement at the end of a packet."""
    statement = document.createElementNS(_RDF, "rdf:Description")
    # The prefix is declared here again, for packets that use another one for RDF.
    statement.setAttribute("xmlns:rdf", _RDF)
    statement.setAttributeNS(_RDF, "rdf:about", _about(document) if about is None else about)
    document.getElementsByTagNameNS(_RDF, "RDF")[0].appendChild(statement)
    return statement


def _declared(document: minidom.Document, statement: minidom.Element, uri: str, name: str) -> minidom.Element:
    """A new element, whose prefix is declared by the statement."""
    statement.setAttribute(f"xmlns:{name.partition(':')[0]}", uri)
    return document.createElementNS(uri, name)


def _resolved(name: str) -> tuple[str, str]:
    prefix, _, local = name.partition(":")
    return _SPACES[prefix], local


def _said(document: minidom.Document, name: str) -> set[str]:
    """The texts of a property, and the attributes of a structure; empty where a packet says nothing of it."""
    uri, local = _resolved(name)
    texts = set()
    for statement in _children(document.getElementsByTagNameNS(_RDF, "RDF")[0]):
        texts.add(statement.getAttributeNS(uri, local))
        for node in _children(statement):
            if (node.namespaceURI, node.localName) == (uri, local):
                for part in (node, *node.getElementsByTagName("*")):
                    texts.add("".join(child.data for child in part.childNodes if child.nodeType == child.TEXT_NODE))
                    texts |= {one.value for one in part.attributes.values() if one.namespaceURI not in (_XMLNS, _XML)}
    return {text.strip() for text in texts if text.strip()}


def _letters(text: str) -> str:
    """The text without what XML cannot hold."""
    text = re.sub("\r\n?", "\n", text)
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def _children(node: minidom.Element) -> list[minidom.Element]:
    return [child for child in node.childNodes if child.nodeType == child.ELEMENT_NODE]


def _keep_prefixes(node: minidom.Element) -> None:
    """Repeats on an element the prefixes that its ancestors declare, so that it can be moved."""
    parent = node.parentNode
    while parent is not None and parent.nodeType == parent.ELEMENT_NODE:
        for attribute in list(parent.attributes.values()):
            if attribute.namespaceURI == _XMLNS and not node.hasAttribute(attribute.name):
                node.setAttributeNS(_XMLNS, attribute.name, attribute.value)
        parent = parent.parentNode


class _Refused(ValueError):
    """A packet that is larger than is read, or that would make the parser work."""


class _Builder(ExpatBuilderNS):
    """Builds a document of a packet, as long as it keeps within the limits."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes = self.depth = 0
        # Text comes in pieces of this many bytes, each of which is copied with all before it.
        self.getParser().buffer_size = 1 << 20

    def start_element_handler(self, name: str, attributes: list[str]) -> None:
        self._count(1 + len(attributes) // 2)
        self.depth += 1
        if self.depth > DEEPEST:
            raise _Refused
        super().start_element_handler(name, attributes)

    def end_element_handler(self, name: str) -> None:
        self.depth -= 1
        super().end_element_handler(name)

    def start_namespace_decl_handler(self, prefix: str | None, uri: str) -> None:
        self._count(1)
        super().start_namespace_decl_handler(prefix, uri)

    def comment_handler(self, data: str) -> None:
        self._count(1)
        super().comment_handler(data)

    def pi_handler(self, target: str, data: str) -> None:
        self._count(1)
        super().pi_handler(target, data)

    def start_cdata_section_handler(self) -> None:
        self._count(1)
        super().start_cdata_section_handler()

    def start_doctype_decl_handler(self, *declaration: object) -> NoReturn:
        # No packet of XMP has a document type; one that has is an attempt to make the parser work.
        raise _Refused

    def _count(self, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            raise _Refused


def _parse(packet: bytes | None) -> minidom.Document | None:
    if not packet or len(packet) > LONGEST:
        return None
    try:
        text = packet if packet.startswith(_UTF_16) else packet.strip(b"\0 \t\r\n")
        document = _Builder().parseString(text)
    except (ExpatError, ValueError, LookupError):
        return None
    return document if document.getElementsByTagNameNS(_RDF, "RDF") else None


def _or_empty(document: minidom.Document | None) -> minidom.Document:
    """The document, or an empty packet where it has no room for statements (any more)."""
    return document if document and document.getElementsByTagNameNS(_RDF, "RDF") else _empty()


def _empty() -> minidom.Document:
    return minidom.parseString(f'<x:xmpmeta xmlns:x="{_META}"><rdf:RDF xmlns:rdf="{_RDF}"></rdf:RDF></x:xmpmeta>')


def _about(document: minidom.Document) -> str:
    """All statements of a packet are about the same thing, by the same name."""
    for node in document.getElementsByTagNameNS(_RDF, "Description"):
        about = node.getAttributeNS(_RDF, "about")
        if about:
            return about
    return ""


def _forget(document: minidom.Document, uri: str, name: str | None = None) -> None:
    for node in list(document.getElementsByTagName("*")):
        if node.namespaceURI == uri and name in (None, node.localName):
            if node.parentNode is not None:
                node.parentNode.removeChild(node)
            continue
        for attribute in list(node.attributes.values()):
            if attribute.namespaceURI == uri and name in (None, attribute.localName):
                node.removeAttributeNode(attribute)


def _serialise(document: minidom.Document, bare: bool = False) -> bytes:
    body = b"\n".join(node.toxml("utf-8") for node in document.childNodes if node.nodeType == node.ELEMENT_NODE)
    return body if bare else _HEAD + body + _TAIL
