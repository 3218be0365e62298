"""From an interface model: for each operation requests in which one constraint of one member is broken.

    for broken in violations(Model("api/iot.json"), "CreateThing"):
        broken.sentence      "thingName longer than 128"
        broken.member        "thingName": what a refusal has to name
        broken.request       Request: method, target, headers, body

Everything else in a request is as the model wants it. REST-JSON and the query protocol (api/iam.json, api/sts.json): in
the latter every value travels as text, so that what JSON could break by a wrong type is left out.
"""
import copy
import json
import pathlib
import re
import urllib.parse

API = pathlib.Path(__file__).resolve().parents[3] / "api"
ABSENT = object()

# Texts that fit the patterns which a run of "a" does not fit.
EXAMPLES = ("a", "0" * 64, "0" * 12, "arn:aws:iam::000000000001:role/x", "https://x.example", "a" * 36, "v1")
STRANGE = (" ", "é", "\u0001", "a b", "!", "<", "")


class Request:
    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body


class Violation:
    def __init__(self, sentence, member, request):
        self.sentence, self.member, self.request = sentence, member, request


class Model:
    def __init__(self, name):
        self.model = json.loads((API / name).read_text())
        self.operations, self.shapes = self.model["operations"], self.model["shapes"]
        self.service, self.is_query = self.model["service"], self.model["protocol"] == "query"

    def shape(self, name):
        """A shape by its name, also those that every model has without saying so."""
        return self.shapes.get(name) or {"type": name.lower()}


# Classes of Java's patterns, in Python's words; those that the models use.
CLASSES = {r"\p{Graph}": r"\x21-\x7e", r"\p{C}": r"\x00-\x1f\x7f-\x9f", r"\p{L}": "a-zA-ZÀ-ÿ", r"\p{N}": "0-9",
           r"\p{Z}": " ", r"\p{Upper}": "A-Z", r"\p{Digit}": "0-9"}


def matches(shape, text):
    pattern = shape.get("pattern", r"[\s\S]*")
    for java, python in CLASSES.items():
        pattern = pattern.replace(java, python)
    return re.fullmatch(pattern, text) is not None


def fits(shape, text):
    return matches(shape, text) and shape.get("min", 0) <= len(text) <= shape.get("max", len(text))


def good_text(shape, length=None):
    if "enum" in shape:
        return shape["enum"][0]
    tried = [one for one in EXAMPLES if length is None] + ["a" * (length or max(1, shape.get("min", 1)))]
    return next((one for one in tried if (matches if length else fits)(shape, one)), tried[-1])


def good(model, name, above=()):
    """A value that the shape takes; optional members are left out."""
    shape = model.shape(name)
    kind = shape["type"]
    if kind == "structure":
        return {member: good(model, shape["members"][member]["shape"], above + (name,))
                for member in shape.get("required", ())}
    if kind == "list":
        return [good(model, element(shape), above + (name,))] * max(1, shape.get("min", 1))
    if kind == "map":
        return {good(model, shape["key"]): good(model, part(shape["value"]))}
    if kind in ("integer", "long", "float", "double", "timestamp"):
        return max(1, shape.get("min", 1))
    if kind == "boolean":
        return True
    return good_text(shape)


def part(value):
    return value["shape"] if isinstance(value, dict) else value


def element(shape):
    return part(shape["member"])


# ---- one broken value: (sentence, value, path of the member named) ----

def broken_texts(shape):
    if "enum" in shape:
        yield "none of the values", "BOGUS"
    if shape.get("min", 0) > 0:
        yield f"shorter than {shape['min']}", good_text({}, shape["min"] - 1) if shape["min"] > 1 else ""
    if "max" in shape:
        yield f"longer than {shape['max']}", good_text(shape, shape["max"] + 1)
    strange = next((text for text in STRANGE if not matches(shape, text)), None)
    if strange is not None:
        room = max(1, shape.get("min", 1))
        yield "outside the pattern", (strange * room)[:max(room, len(strange))]


def broken_numbers(shape, in_body):
    if "min" in shape:
        yield f"below {shape['min']}", shape["min"] - 1
    if "max" in shape:
        yield f"above {shape['max']}", shape["max"] + 1
    yield "no whole number", 1.5 if shape["type"] in ("integer", "long") else "x"
    if not in_body:
        yield "beyond 64 bits", 10**20  # in a body it is no JSON that we read


TYPES = {"string": 7, "integer": "x", "long": "x", "double": "x", "boolean": "x", "structure": "x", "list": "x",
         "map": "x", "timestamp": []}


def broken_values(model, name, path, in_body, above=()):
    """(sentence, value, named) of every way to break this shape, at every depth."""
    shape = model.shape(name)
    kind = shape["type"]
    if name in above:
        return
    if in_body and kind in TYPES:
        yield f"{path} of another type", TYPES[kind], path
    elif kind in ("integer", "long", "boolean"):
        yield f"{path} of another type", "x", path
    if kind == "string":
        for sentence, value in broken_texts(shape):
            yield f"{path} {sentence}", value, path
    elif kind in ("integer", "long", "double"):
        for sentence, value in broken_numbers(shape, in_body):
            yield f"{path} {sentence}", value, path
    elif kind == "structure":
        yield from broken_members(model, shape, name, path, in_body, above)
    elif kind == "list":
        yield from broken_elements(model, shape, name, path, in_body, above)
    elif kind == "map":
        yield from broken_entries(model, shape, name, path, in_body, above)


def broken_members(model, shape, name, path, in_body, above):
    whole = good(model, name)
    for member, described in shape["members"].items():
        if member in shape.get("required", ()):
            yield f"{path}.{member} missing", {key: value for key, value in whole.items() if key != member}, member
        for sentence, value, named in broken_values(model, described["shape"], f"{path}.{member}", in_body,
                                                    above + (name,)):
            yield sentence, {**whole, member: value}, named.split(".")[-1]


def broken_elements(model, shape, name, path, in_body, above):
    fine = good(model, element(shape))
    if fine == {} and not in_body:  # nothing would travel
        fine = {member: good(model, part(inner)) for member, inner in model.shape(element(shape))["members"].items()}
    if "max" in shape:
        yield f"{path} with more than {shape['max']}", [fine] * (shape["max"] + 1), path.split(".")[-1]
    if shape.get("min", 0) > (0 if in_body else 1):
        yield f"{path} with fewer than {shape['min']}", [fine] * (shape["min"] - 1), path.split(".")[-1]
    if in_body:
        yield f"{path} with null in it", [None], path.split(".")[-1]
    for sentence, value, named in broken_values(model, element(shape), f"{path}[]", in_body, above + (name,)):
        yield sentence, [fine, value], named.split(".")[-1].replace("[]", "")


def broken_entries(model, shape, name, path, in_body, above):
    key, value = part(shape["key"]), part(shape["value"])
    fine_key, fine = good(model, key), good(model, value)
    for sentence, bad, _ in broken_values(model, key, f"{path} key", False, above + (name,)):
        yield sentence, {bad: fine}, path.split(".")[-1]
    for sentence, bad, _ in broken_values(model, value, f"{path} value", in_body, above + (name,)):
        yield sentence, {fine_key: bad}, path.split(".")[-1]
    if in_body:
        yield f"{path} value null", {fine_key: None}, path.split(".")[-1]


# ---- requests ----

def text_of(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def flatten(name, value):
    """Name.member.1.Field, as the query protocol writes it."""
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in flatten(f"{name}.{key}", inner)]
    if isinstance(value, list):
        return [pair for n, inner in enumerate(value, 1) for pair in flatten(f"{name}.member.{n}", inner)]
    return [(name, text_of(value))]


def query_request(model, name, values):
    pairs = [("Action", name), ("Version", model.model["apiVersion"])]
    pairs += [pair for member, value in values.items() for pair in flatten(member, value)]
    return Request("POST", "/", {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
                   urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote).encode())


def rest_request(model, name, values):
    operation, query, headers, body = model.operations[name], [], {}, {}
    target, shape = operation["uri"], model.shapes.get(operation.get("input"), {"members": {}})
    data = None
    for member, value in values.items():
        described = shape["members"][member]
        way, label = described.get("in"), described.get("as", member)
        if way == "path":
            quoted = urllib.parse.quote(text_of(value), safe="")
            target = target.replace("{%s}" % label, quoted).replace("{%s+}" % label, quoted)
        elif way == "query":
            query.append((label, text_of(value)))
        elif way == "header":
            headers[label] = text_of(value)
        elif shape.get("payload") == member:
            data = text_of(value).encode()
        else:
            body[member] = value
    if query:
        target += "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
    if data is None:
        data = json.dumps(body).encode() if body or operation["method"] not in ("GET", "DELETE") else b""
    return Request(operation["method"], target, headers, data)


def request(model, name, values=None):
    """The request in which each member travels where its model says; the required ones where none are given."""
    if values is None:
        operation = model.operations[name]
        values = good(model, operation["input"]) if "input" in operation else {}
    return query_request(model, name, values) if model.is_query else rest_request(model, name, values)


def can_travel(described, value):
    """A header carries no control characters and none outside ASCII, a path no empty label."""
    way = described.get("in")
    text = text_of(value)
    if way == "path":
        return text not in ("", ".", "..")
    return way != "header" or (text == text.strip() and text.isascii() and text.isprintable() and text != "")


def violations(model, name):
    operation = model.operations[name]
    if "input" not in operation:
        return
    shape = model.shapes[operation["input"]]
    whole = good(model, operation["input"])
    for member, described in shape["members"].items():
        if member in shape.get("required", ()) and described.get("in") != "path":
            rest = {key: value for key, value in whole.items() if key != member}
            yield Violation(f"{member} missing", member, request(model, name, rest))
        if shape.get("payload") == member:
            continue
        in_body = described.get("in") is None and not model.is_query
        for sentence, value, named in broken_values(model, described["shape"], member, in_body):
            if can_travel(described, value):
                values = {**copy.deepcopy(whole), member: value}
                yield Violation(sentence, named.split(".")[-1], request(model, name, values))
