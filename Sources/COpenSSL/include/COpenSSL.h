// OpenSSL 3 as Swift can import it: the library's headers, and functions for its macros.
#ifndef COPENSSL_H
#define COPENSSL_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

void COpenSSL_BIO_set_retry_read(BIO *bio);
void COpenSSL_BIO_set_retry_write(BIO *bio);
void COpenSSL_BIO_clear_retry_flags(BIO *bio);
int COpenSSL_CTX_set_tls13_only(SSL_CTX *context);
/// Partial writes, moving buffers, buffers given back when idle, reading ahead, and no
/// close_notify unless it is asked for.
void COpenSSL_CTX_set_modes(SSL_CTX *context);
void COpenSSL_CTX_disable_session_cache(SSL_CTX *context);
int COpenSSL_error_reason(unsigned long error);
int COpenSSL_CTX_set1_groups_list(SSL_CTX *context, const char *list);
/// How many URI names the certificate's SAN extension holds; the first is copied to `buffer`,
/// with a final NUL, when it fits. -1: no SAN, or the URI holds a NUL or does not fit.
int COpenSSL_first_uri(X509 *certificate, char *buffer, size_t capacity);

#endif
