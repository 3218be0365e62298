"""An OpenID Connect issuer of our own, on loopback with a certificate authority of its own: what it publishes, what it
signs, and how often it was asked.

    issuer = Issuer(folder, path="/realms/plant")        https://localhost:PORT/realms/plant
    token = issuer.token(sub="ada", aud="app")            RS256 with its present key; any claim, any header
    issuer.rotate()                                       a new key, the old one is gone
    issuer.asked["/realms/plant/keys"]                    so often
"""
import base64
import collections
import datetime
import hashlib
import hmac
import http.server
import ipaddress
import json
import pathlib
import ssl
import threading
import time
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import NameOID


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length=None):
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


class SigningKey:
    """RSA-2048 (RS256...), or with a curve ES256, ES384, ES512."""
    CURVES = {"ES256": (ec.SECP256R1, "P-256", 32, hashes.SHA256), "ES384": (ec.SECP384R1, "P-384", 48, hashes.SHA384),
              "ES512": (ec.SECP521R1, "P-521", 66, hashes.SHA512)}
    DIGESTS = {"RS256": hashes.SHA256, "RS384": hashes.SHA384, "RS512": hashes.SHA512}

    def __init__(self, algorithm="RS256", kid=None):
        self.algorithm, self.kid = algorithm, kid or uuid.uuid4().hex
        if algorithm in self.CURVES:
            self.private = ec.generate_private_key(self.CURVES[algorithm][0]())
        else:
            self.private = rsa.generate_private_key(65537, 2048)

    @property
    def jwk(self):
        public = self.private.public_key().public_numbers()
        if self.algorithm in self.CURVES:
            _, name, size, _ = self.CURVES[self.algorithm]
            return {"kty": "EC", "crv": name, "kid": self.kid, "use": "sig", "x": number(public.x, size),
                    "y": number(public.y, size)}
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "n": number(public.n), "e": number(public.e)}

    @property
    def public_pem(self):
        return self.private.public_key().public_bytes(serialization.Encoding.PEM,
                                                      serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, text, algorithm=None):
        if self.algorithm in self.CURVES:
            _, _, size, digest = self.CURVES[self.algorithm]
            r, s = utils.decode_dss_signature(self.private.sign(text, ec.ECDSA(digest())))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        return self.private.sign(text, padding.PKCS1v15(), self.DIGESTS[algorithm or self.algorithm]())


def make_certificates(folder):
    """An authority and a server's certificate; (ca file, chain file, key file, SHA-1 of the authority)."""
    now = datetime.datetime.utcnow()

    def build(subject, issuer, key, signer, extensions):
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
                   .not_valid_after(now + datetime.timedelta(days=2)))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
    top_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    top = build(name("issuer's authority"), name("issuer's authority"), top_key, top_key,
                [(x509.BasicConstraints(ca=True, path_length=0), True)])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = build(name("localhost"), top.subject, key, top_key, [(names, False)])
    pem = serialization.Encoding.PEM
    paths = [pathlib.Path(folder) / file for file in ("issuer-ca.pem", "issuer-chain.pem", "issuer-key.pem")]
    paths[0].write_bytes(top.public_bytes(pem))
    paths[1].write_bytes(leaf.public_bytes(pem) + top.public_bytes(pem))
    paths[2].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return (*paths, top.fingerprint(hashes.SHA1()).hex())


class Issuer:
    def __init__(self, folder, path="/realms/plant", algorithm="RS256", tls=True):
        self.ca_file, chain, key, self.thumbprint = make_certificates(folder)
        self.path, self.algorithm = path, algorithm
        self.asked = collections.Counter()
        self.headers = {"Content-Type": "application/json"}
        self.pages = {}
        self.gate = threading.Event()  # clear: answers wait
        self.gate.set()
        self.keys = [SigningKey(algorithm)]
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 30

            def do_GET(self):
                outer.asked[self.path] += 1
                outer.gate.wait(30)
                page = outer.page(self.path)
                status, body, headers = (404, b"", {}) if page is None else page
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass  # clients that do not trust us hang up

        self.server = Quiet(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(chain, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.url = f"http{'s' if tls else ''}://localhost:{self.server.server_port}{path}"
        self.name = self.url.split("://")[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    # ---- what it publishes ----

    def page(self, path):
        """(status, body, headers) or None; self.pages overrides."""
        if path in self.pages:
            return self.pages[path]
        if path == f"{self.path}/.well-known/openid-configuration":
            return 200, json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}).encode(), self.headers
        if path == f"{self.path}/keys":
            return 200, json.dumps(self.jwks).encode(), self.headers
        return None

    @property
    def jwks(self):
        return {"keys": [key.jwk for key in self.keys]}

    @property
    def keys_asked(self):
        return self.asked[f"{self.path}/keys"]

    def rotate(self):
        self.keys = [SigningKey(self.algorithm)]

    # ---- what it signs ----

    def token(self, header=None, key=None, expires=3600, now=None, **claims):
        """Claims of None are left out."""
        key = key or self.keys[0]
        now = int(now or time.time())
        head = {"alg": key.algorithm, "typ": "JWT", "kid": key.kid, **(header or {})}
        body = {"iss": self.url, "sub": "ada", "aud": "app", "iat": now, "exp": now + expires, **claims}
        head, body = ({k: v for k, v in part.items() if v is not None} for part in (head, body))
        text = ".".join(b64(json.dumps(part).encode()) for part in (head, body)).encode()
        algorithm = head.get("alg")
        if algorithm == "none":
            signature = b""
        elif algorithm == "HS256":
            signature = hmac.new(key.public_pem, text, hashlib.sha256).digest()
        else:
            signature = key.sign(text, algorithm if algorithm in SigningKey.DIGESTS else None)
        return f"{text.decode()}.{b64(signature)}"


def create_provider(iam, url, **more):
    """Debian's boto3 still wants a list of thumbprints."""
    return iam.create_open_id_connect_provider(Url=url, **{"ThumbprintList": [], **more})
