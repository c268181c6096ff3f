"""The mark: an XMP statement that a machine added the colour, and with what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.dom import minidom
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import unescape

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META = "adobe:ns:meta/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
NAMESPACE = "urn:tintype:mark:1.0:"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

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


def marked(packet: bytes | None, mark: Mark, longest: int | None = None) -> bytes:
    """An XMP packet that says everything `packet` said, and the mark.

    Of the old packet only what the result makes untrue is gone: the digital source type, the creator tool, an earlier
    mark, and thumbnails of the gray photograph. A packet that is broken, or that would be longer than `longest` bytes
    with the mark in it, is left out.
    """
    document = _parse(packet)
    if document is not None:
        _forget(document, _IPTC_EXT, "DigitalSourceType")
        _forget(document, _XMP, "CreatorTool")
        _forget(document, _XMP, "Thumbnails")
        _forget(document, NAMESPACE)
    result = _with_mark(document or _empty(), mark)
    if longest is not None and len(result) > longest:
        result = _with_mark(_empty(), mark)
    return result


def has_mark(packet: bytes | None) -> bool:
    """Whether an XMP packet holds a mark of tintype."""
    return bool(packet) and NAMESPACE.encode() in packet and re.search(rb":model\b", packet) is not None


def read_mark(packet: bytes | None) -> Mark | None:
    """The mark of tintype in an XMP packet, None where there is none. The packet need not be well-formed."""
    if not has_mark(packet):
        return None

    prefix = re.search(rb"xmlns:([\w.-]{1,50})\s*=\s*[\"']" + re.escape(NAMESPACE.encode()), packet)
    own = re.escape(prefix[1]) if prefix else rb"\w+"

    def said(prefix: bytes, name: bytes) -> str:
        # Other programs write as an attribute what was an element.
        found = re.search(rb"\b%s:%s\s*(?:=\s*[\"']|>)([^<\"']{0,500})" % (prefix, name), packet)
        return unescape(found[1].decode("utf-8", "replace")).strip() if found else ""

    tool = said(rb"\w+", b"CreatorTool")
    software = "tintype" if tool.startswith("tintype") else tool
    return Mark(software, *(said(own, name) for name in (b"version", b"model", b"settings", b"origin")))


def upright(packet: bytes) -> bytes:
    """The packet with its copy of the orientation tag, if any, set to 1."""
    if b"Orientation" not in packet:
        return packet
    document = _parse(packet)
    if document is None:
        return packet
    for node in document.getElementsByTagName("*"):
        if node.hasAttributeNS(_TIFF, "Orientation"):
            attribute = node.getAttributeNodeNS(_TIFF, "Orientation")
            attribute.value = "1"
        if node.namespaceURI == _TIFF and node.localName == "Orientation" and node.firstChild is not None:
            node.firstChild.data = "1"
    return _serialise(document)


def _with_mark(document: minidom.Document, mark: Mark) -> bytes:
    rdf = document.getElementsByTagNameNS(_RDF, "RDF")[0]
    statement = document.createElementNS(_RDF, "rdf:Description")
    # The prefix is declared here again, for packets that use another one for RDF.
    statement.setAttribute("xmlns:rdf", _RDF)
    statement.setAttributeNS(_RDF, "rdf:about", _about(document))
    said = (
        ("Iptc4xmpExt", _IPTC_EXT, "DigitalSourceType", SOURCE_TYPE),
        ("xmp", _XMP, "CreatorTool", f"{mark.software} {mark.version}".strip()),
        ("tintype", NAMESPACE, "software", mark.software),
        ("tintype", NAMESPACE, "version", mark.version),
        ("tintype", NAMESPACE, "model", mark.model),
        ("tintype", NAMESPACE, "settings", mark.settings),
        ("tintype", NAMESPACE, "origin", mark.origin),
    )
    for prefix, uri, name, text in said:
        if not text:
            continue
        statement.setAttribute(f"xmlns:{prefix}", uri)
        element = document.createElementNS(uri, f"{prefix}:{name}")
        element.appendChild(document.createTextNode(text))
        statement.appendChild(element)
    rdf.appendChild(statement)
    return _serialise(document)


def _parse(packet: bytes | None) -> minidom.Document | None:
    # No packet of XMP has a document type; one that has is an attempt to make the parser work.
    if not packet or b"<!DOCTYPE" in packet:
        return None
    try:
        document = minidom.parseString(packet.strip(b"\0 \t\r\n"))
    except (ExpatError, ValueError, LookupError):
        return None
    return document if document.getElementsByTagNameNS(_RDF, "RDF") else None


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
            node.parentNode.removeChild(node)
            continue
        for attribute in list(node.attributes.values()):
            if attribute.namespaceURI == uri and name in (None, attribute.localName):
                node.removeAttributeNode(attribute)


def _serialise(document: minidom.Document) -> bytes:
    body = b"\n".join(node.toxml("utf-8") for node in document.childNodes if node.nodeType == node.ELEMENT_NODE)
    return _HEAD + body + _TAIL
