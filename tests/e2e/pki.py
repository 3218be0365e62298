"""A customer's own PKI, made by openssl: authorities, what proves that one is owned, and devices' certificates."""
import itertools
import pathlib
import tempfile

from muster import Identity, run

KEYS = {
    "P-256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "P-384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "RSA": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "RSA-PSS": ("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
}
CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
DEVICE = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
NUMBERS = itertools.count(1)


def openssl(*arguments):
    done = run("openssl", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Authority:
    """A CA, self-signed or below another one. Files: `certificate_file`, `key_file`."""

    def __init__(self, folder, subject="/O=Lamps/CN=Lamps CA", *, key="P-256", above=None, extensions=CA, days=30,
                 same_key=None):
        self.folder = pathlib.Path(folder)
        self.key_file = same_key.key_file if same_key else self.make_key(key)
        signer = above or self
        self.certificate_file = self.sign(self.key_file, subject, extensions, days, above=signer if above else None)
        self.pem = self.certificate_file.read_text()

    def file(self, suffix):
        return self.folder / f"pki-{next(NUMBERS)}.{suffix}"

    def make_key(self, kind):
        file = self.file("key")
        openssl("genpkey", *KEYS[kind], "-out", file)
        return file

    def sign(self, key_file, subject, extensions, days=30, above=None, digest="sha256"):
        """By `above`, or else self-signed."""
        request, out, more = self.file("csr"), self.file("pem"), self.file("ext")
        more.write_text(extensions)
        openssl("req", "-new", "-key", key_file, "-subj", subject, "-out", request, "-sha256")
        signer = ("-CA", above.certificate_file, "-CAkey", above.key_file, "-CAcreateserial", "-CAserial",
                  self.file("srl")) if above else ("-signkey", key_file)
        openssl("x509", "-req", "-in", request, *signer, "-days", days, f"-{digest}", "-extfile", more, "-out", out)
        return out

    def proof(self, code):
        """A certificate for the registration code."""
        return self.sign(self.make_key("P-256"), f"/CN={code}", DEVICE, above=self).read_text()

    def device(self, name="device", *, key="P-256", subject=None, **more):
        key_file = self.make_key(key)
        certificate = self.sign(key_file, subject or f"/CN={name}", DEVICE, above=self, **more)
        return Identity(self.folder, fingerprint(certificate.read_text()), certificate.read_text(),
                        key_file.read_text())


def fingerprint(pem):
    """x509 4.1: what openssl says of it, without colons."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        told = openssl("x509", "-noout", "-fingerprint", "-sha256", "-in", file.name)
    return told.strip().split("=")[1].replace(":", "").lower()


def register(account, authority, *, active=True, automatic=False, mode="DEFAULT", **more):
    """The id of the CA in an account."""
    iot = account.boto("iot")
    if mode == "DEFAULT":
        more["verificationCertificate"] = authority.proof(iot.get_registration_code()["registrationCode"])
    return iot.register_ca_certificate(caCertificate=authority.pem, certificateMode=mode, setAsActive=active,
                                       allowAutoRegistration=automatic, **more)["certificateId"]
