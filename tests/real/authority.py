"""A certificate authority of the test's own, and certificates that it signs. Needs openssl."""
import base64
import hashlib
import pathlib
import ssl
import subprocess


class Authority:
    """Files in a folder: ca.pem, and NAME.pem (with its chain) and NAME.key for each certificate."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.ca, self.key = self.folder / "ca.pem", self.folder / "ca.key"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "90",
                     "-subj", "/CN=Test authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                     "-keyout", self.key, "-out", self.ca)

    def certificate(self, name, *hosts, rsa=False):
        """Signs one for these host names; its file and its key's."""
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        kind = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        names = ",".join(f"IP:{host}" if host[0].isdigit() else f"DNS:{host}" for host in hosts)
        self.openssl("req", "-x509", "-newkey", *kind, "-nodes", "-days", "90", "-subj", f"/CN={hosts[0]}",
                     "-CA", self.ca, "-CAkey", self.key, "-addext", f"subjectAltName={names}",
                     "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth",
                     "-addext", "keyUsage=critical,digitalSignature", "-keyout", key, "-out", cert)
        return cert, key

    def context(self):
        """For clients of Python that believe this authority and no other."""
        return ssl.create_default_context(cafile=str(self.ca))

    def pin(self, cert):
        """What Chromium calls a certificate's key: base64 of the SHA-256 of its SubjectPublicKeyInfo."""
        public = self.openssl("x509", "-in", cert, "-noout", "-pubkey")
        der = self.openssl("pkey", "-pubin", "-outform", "der", stdin=public)
        return base64.b64encode(hashlib.sha256(der).digest()).decode()

    @staticmethod
    def openssl(*words, stdin=b""):
        done = subprocess.run(["openssl", *map(str, words)], input=stdin, capture_output=True, timeout=30)
        if done.returncode:
            raise RuntimeError(f"openssl {words[0]}: {done.stderr.decode()}")
        return done.stdout
