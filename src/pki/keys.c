/* keys.c - making key pairs, and reading private keys. */
#include "pki/internal.h"
#include <openssl/pem.h>
#include <openssl/rsa.h>

enum { RSA_BITS = 2048 };

/* An encrypted key must not make a server ask the terminal for a password. */
static int no_password(char *buffer, int size, int writing, void *arg)
{
    (void)buffer, (void)size, (void)writing, (void)arg;
    return -1;
}

EVP_PKEY *private_key_read(void *ctx, slice pem)
{
    pki_start();
    BIO *in = BIO_new_mem_buf(pem.at, (int)pem.length);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL);
    BIO_free(in);
    return EVP_PKEY_own(ctx, key);
}

/* RSA as PKCS#1, which clients of AWS expect (x509.md 3.2); EC as PKCS#8. */
static char *private_pem(void *ctx, EVP_PKEY *key)
{
    unsigned char *der = NULL;
    bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    PKCS8_PRIV_KEY_INFO *pkcs8 = rsa ? NULL : EVP_PKEY2PKCS8(key);
    int length = rsa ? i2d_PrivateKey(key, &der) : i2d_PKCS8_PRIV_KEY_INFO(pkcs8, &der);
    pki_must(length > 0, "encode a private key");
    char *pem = pem_encode(ctx, rsa ? "RSA PRIVATE KEY" : "PRIVATE KEY", slice_bytes(der, (size_t)length));
    OPENSSL_clear_free(der, (size_t)length);
    PKCS8_PRIV_KEY_INFO_free(pkcs8);
    return pem_keep_secret(pem);
}

struct pki_key_pair *pair_of(void *ctx, EVP_PKEY *key)
{
    struct pki_key_pair *pair = MAKE(ctx, struct pki_key_pair);
    unsigned char *der = NULL;
    int length = i2d_PUBKEY(key, &der);
    pki_must(length > 0, "encode a public key");
    pair->spki = slice_copy(pair, slice_bytes(der, (size_t)length));
    OPENSSL_free(der);
    pair->public_pem = pem_encode(pair, "PUBLIC KEY", pair->spki);
    pair->private_pem = private_pem(pair, key);
    return pair;
}

EVP_PKEY *generate_rsa(int (*stopped)(EVP_PKEY_CTX *), void *arg)
{
    EVP_PKEY *key = NULL;
    pki_start();
    EVP_PKEY_CTX *how = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    pki_must(EVP_PKEY_keygen_init(how) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(how, RSA_BITS) == 1, "make RSA keys");
    EVP_PKEY_CTX_set_app_data(how, arg);
    if (stopped != NULL)
        EVP_PKEY_CTX_set_cb(how, stopped);
    bool made = EVP_PKEY_generate(how, &key) == 1;
    pki_must(made || (stopped != NULL && stopped(how) == 0), "make an RSA key");
    EVP_PKEY_CTX_free(how);
    if (!made)
        talloc_free(openssl_error(NULL));
    return key;
}

EVP_PKEY *generate_ec(const char *curve)
{
    pki_start();
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
    pki_must(key != NULL, "make an EC key");
    return key;
}

struct pki_key_pair *pki_make_pair(void *ctx, enum pki_key_kind kind)
{
    static const char *const curves[] = { [PKI_P256] = "P-256", [PKI_P384] = "P-384", [PKI_P521] = "P-521" };
    EVP_PKEY *key = kind < PKI_P256 ? generate_rsa(NULL, NULL) : generate_ec(curves[kind]);
    struct pki_key_pair *pair = pair_of(ctx, key);
    EVP_PKEY_free(key);
    return pair;
}
