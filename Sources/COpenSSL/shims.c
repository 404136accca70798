#define _GNU_SOURCE
#include "COpenSSL.h"
#include <string.h>
#include <time.h>

void COpenSSL_BIO_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
void COpenSSL_BIO_set_retry_write(BIO *bio) { BIO_set_retry_write(bio); }
void COpenSSL_BIO_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }

int COpenSSL_CTX_set_tls13_only(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
}

void COpenSSL_CTX_set_modes(SSL_CTX *context) {
    SSL_CTX_set_mode(
        context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
                     | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_quiet_shutdown(context, 1);
}

int COpenSSL_error_reason(unsigned long error) { return ERR_GET_REASON(error); }

int COpenSSL_CTX_set1_groups_list(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_groups_list(context, list);
}

int COpenSSL_first_uri(X509 *certificate, char *buffer, size_t capacity) {
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    if (names == NULL) return -1;
    int count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI) continue;
        const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
        size_t length = (size_t)ASN1_STRING_length(uri);
        const unsigned char *bytes = ASN1_STRING_get0_data(uri);
        if (count == 0) {
            if (length >= capacity || memchr(bytes, 0, length) != NULL) {
                GENERAL_NAMES_free(names);
                return -1;
            }
            memcpy(buffer, bytes, length);
            buffer[length] = 0;
        }
        count += 1;
    }
    GENERAL_NAMES_free(names);
    return count;
}

void COpenSSL_CTX_set_session_cache(SSL_CTX *context, int is_on) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(
        context,
        is_on ? SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
}

static int seconds_of(const ASN1_TIME *time, int64_t *seconds) {
    struct tm parts;
    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
    *seconds = (int64_t)timegm(&parts);
    return 1;
}

int COpenSSL_validity(const X509 *certificate, int64_t *not_before, int64_t *not_after) {
    return seconds_of(X509_get0_notBefore(certificate), not_before)
           && seconds_of(X509_get0_notAfter(certificate), not_after);
}

int COpenSSL_chain_validity(X509_STORE_CTX *store, int64_t *not_before, int64_t *not_after) {
    const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
    int count = chain == NULL ? 0 : sk_X509_num(chain);
    if (count == 0) return 0;
    *not_before = INT64_MIN;
    *not_after = INT64_MAX;
    for (int i = 0; i < count; i++) {
        int64_t first, last;
        if (!COpenSSL_validity(sk_X509_value(chain, i), &first, &last)) return 0;
        if (first > *not_before) *not_before = first;
        if (last < *not_after) *not_after = last;
    }
    return 1;
}
