// OpenSSL 3 as Swift can import it: the library's headers, and functions for its macros.
#ifndef COPENSSL_H
#define COPENSSL_H

#include <stdint.h>

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
/// Keeps sessions out of OpenSSL's own cache. The callback for new ones is called when `is_on`; a
/// server's tickets are then names of sessions and not the sessions themselves, encrypted.
void COpenSSL_CTX_set_session_cache(SSL_CTX *context, int is_on);
int COpenSSL_error_reason(unsigned long error);
int COpenSSL_CTX_set1_groups_list(SSL_CTX *context, const char *list);
/// How many URI names the certificate's SAN extension holds; the first is copied to `buffer`,
/// with a final NUL, when it fits. -1: no SAN, or the URI holds a NUL or does not fit.
int COpenSSL_first_uri(X509 *certificate, char *buffer, size_t capacity);
/// A certificate's validity in seconds since 1970; 0 when it cannot be read.
int COpenSSL_validity(const X509 *certificate, int64_t *not_before, int64_t *not_after);
/// The time in which every certificate of a verified chain is valid; 0 when it cannot be read.
int COpenSSL_chain_validity(X509_STORE_CTX *store, int64_t *not_before, int64_t *not_after);

#endif
